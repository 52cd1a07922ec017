// Rows that the tests of the store stand on, and the database's clock, which they turn.

import { randomUUID } from 'node:crypto'
import type { Database } from '../../src/store/database.ts'
import { createGrantStore } from '../../src/store/grants.ts'

let turns = 0

/** Turns the database's clock, in seconds from now; 0 sets it right. */
export async function turnClock(database: Database, seconds: number): Promise<void> {
  turns += 1
  await database.run(
    `test.turn_clock.${turns}`,
    `CREATE OR REPLACE FUNCTION clock_time() RETURNS timestamptz LANGUAGE sql STABLE
     AS 'SELECT now() + make_interval(secs => ${seconds})'`
  )
}

/** A person and an app. */
export async function addParties(database: Database) {
  const accountId = randomUUID()
  const clientId = `client-${accountId}`
  await database.run('test.account', 'INSERT INTO accounts (id, login) VALUES ($1, $2)', [
    accountId,
    accountId
  ])
  await database.run(
    'test.client',
    `INSERT INTO clients (client_id, type, owner, metadata) VALUES ($1, 'web', 'cli', '{}')`,
    [clientId]
  )
  return { accountId, clientId }
}

/** A grant of theirs. */
export async function addGrant(
  database: Database,
  given: { offline?: boolean; sessionUid?: string; lifetimeSeconds?: number } = {}
) {
  const parties = await addParties(database)
  const grant = {
    id: `grant-${randomUUID()}`,
    ...parties,
    sessionUid: given.sessionUid,
    offline: given.offline ?? true,
    payload: { openid: { scope: 'openid' } },
    lifetimeSeconds: given.lifetimeSeconds ?? 1000
  }
  await database.pipeline([createGrantStore({ sql: database }).saveStatement(grant)])
  return grant
}

/** How many rows a table has. */
export async function count(database: Database, table: string): Promise<number> {
  const { rows } = await database.run<{ count: number }>(
    `test.count.${table}`,
    `SELECT count(*)::int AS count FROM ${table}`
  )
  return rows[0]?.count ?? 0
}
