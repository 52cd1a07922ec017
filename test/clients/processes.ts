// Two processes with one database: each has its own connections, memory and change feed.
// The feed, the clocks and what happens while a client is disabled are in the test's hand.

import type { Test } from 'tap'
import { type ClientFeed, createClientRegistry } from '../../src/clients/registry.ts'
import { createDatabase, type Queries } from '../../src/store/database.ts'
import { createTestDatabase } from '../support/postgres.ts'

export const api = 'https://api.example.com'
export const ci = 'https://ci.example.com'

/** A feed in the test's hand: it is confirmed or not, and tells what the test tells it. */
export function createFeed() {
  const listeners: ((clientId: string) => void)[] = []
  const gaps: (() => void)[] = []
  const feed: ClientFeed = {
    confirmed: () => hand.confirmed,
    on: (_table, listener) => listeners.push(listener),
    onGap: listener => gaps.push(listener)
  }
  const hand = {
    feed,
    confirmed: true,
    tell: (clientId: string) => listeners.forEach(listener => void listener(clientId)),
    gap: () => gaps.forEach(listener => void listener())
  }
  return hand
}

/** A registry as one process has it: its own connections, its own memory. */
function createProcess(url: string) {
  const statements: string[] = []
  const ended: string[] = []
  /** `ending` is awaited inside the transaction that disables a client */
  const hooks = { ending: async () => {} }
  const database = createDatabase({
    url,
    pool: 4,
    onRoundTrip: names => statements.push(...names),
    onError: () => {}
  })
  const hand = createFeed()
  let clock = Date.now()
  const registry = createClientRegistry({
    database,
    feed: hand.feed,
    now: () => clock,
    development: false,
    resources: [api],
    trustedIssuers: [ci],
    onDisabled: async (clientIds: readonly string[], sql: Queries) => {
      // in the transaction: what is written here is gone when the rest fails
      await sql.run('test.ended', 'SELECT clock_time()')
      ended.push(...clientIds)
      await hooks.ending()
    }
  })
  return {
    feed: hand,
    registry,
    statements,
    ended,
    hooks,
    database,
    pass: (milliseconds: number) => {
      clock += milliseconds
    }
  }
}

/** One database for the file; each call empties it and starts two processes anew. */
export async function createProcesses(t: Test) {
  const { url, database } = await createTestDatabase(t)
  let running: ReturnType<typeof createProcess>[] = []
  const stop = async () => {
    await Promise.all(running.map(process => process.database.end()))
    running = []
  }
  t.teardown(stop)
  return async () => {
    await stop()
    await database.run('test.empty.clients', 'TRUNCATE clients CASCADE')
    await database.run('test.empty.settings', 'TRUNCATE settings')
    await turnClock(database, '0 hours')
    const [first, second] = [createProcess(url), createProcess(url)]
    running = [first, second]
    return { url, first, second }
  }
}

/** Turns the database's clock, which everything stored is compared with. */
export async function turnClock(sql: Queries, ahead: string): Promise<void> {
  await sql.run(
    `test.turn ${ahead}`,
    `CREATE OR REPLACE FUNCTION clock_time() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT now() + interval ''${ahead}'''`
  )
}
