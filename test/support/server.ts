// A real server for a test: real PostgreSQL, real HTTP on loopback, captured log lines and round trips. Nothing that a user would have is
// mocked. For several processes on one database see processes.ts.

import { randomInt } from 'node:crypto'
import { createServer as createNetServer } from 'node:net'
import type { Test } from 'tap'
import { openStore, type Store } from '../../src/ops/parts.ts'
import { createServer, type Server, type ServerOptions } from '../../src/server.ts'
import { createLogger } from '../../src/telemetry/logger.ts'
import { type Overrides, testConfig } from './configuration.ts'
import { createTestDatabase } from './postgres.ts'

export const masterKey = Buffer.alloc(32, 7)

/** One person with an account in every test. */
export const person = { login: 'ada@example.com', password: 'correct horse battery staple' }

export interface TestServer {
  issuer: string
  server: Server
  store: Store
  databaseUrl: string
  /** the log, a JSON object a line */
  log: Record<string, unknown>[]
  /** every round trip to the database: the names of its statements */
  roundTrips: (readonly string[])[]
  /** the round trips of `work` alone */
  counted<T>(work: () => Promise<T>): Promise<{ result: T; roundTrips: (readonly string[])[] }>
  accountId: string
}

/**
 * A port that nobody listens on. Not one that the system gives by itself to whoever connects somewhere (RFC 6335 §6: from 49152 on; Linux:
 * from 32768 on): a server that is killed and started again must find it free.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(12_000, 32_000)
    const probe = createNetServer()
    const free = await new Promise<boolean>(resolve => {
      probe.once('error', () => resolve(false))
      probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
    })
    if (free) return port
  }
}

/** Starts a server for `t`, with clients, an API and one person; all of it ends with `t`. */
export async function startTestServer(
  t: Test,
  overrides: Overrides = {},
  options: Pick<ServerOptions, 'now'> & {
    /** changes what was checked already, as no file could */
    settled?: (config: ServerOptions['config']) => ServerOptions['config']
  } = {}
): Promise<TestServer> {
  const { url } = await createTestDatabase(t)
  const port = await freePort()
  const issuer = `http://localhost:${port}`
  const { settled = same => same, ...rest } = options
  const config = settled(testConfig(issuer, overrides))

  const log: Record<string, unknown>[] = []
  const stream = { write: (line: string) => void log.push(JSON.parse(line)) }
  const logger = createLogger({ level: 'info', stream })
  const roundTrips: (readonly string[])[] = []
  const store = openStore({
    url,
    directUrl: url,
    pool: 10,
    log: logger,
    onRoundTrip: statements => void roundTrips.push(statements)
  })
  t.teardown(() => store.end())
  await store.feed.ready()
  const server = await createServer({ config, masterKey, store, log: logger, ...rest })
  t.teardown(() => server.close())

  const reconciled = await server.clients.reconcile(config.clients, { from: 'key', value: 1 })
  if (!reconciled.ok) throw new Error(JSON.stringify(reconciled.problems))
  const created = await server.accounts.service.create(
    {
      ...person,
      name: 'Ada Lovelace',
      email: 'ada@example.com',
      emailVerified: true,
      locale: 'en'
    },
    'cli'
  )
  if (!created.ok) throw new Error(created.reason)
  await server.app.listen({ port, host: '127.0.0.1' })

  return {
    issuer,
    server,
    store,
    databaseUrl: url,
    log,
    roundTrips,
    accountId: created.account.id,
    async counted(work) {
      const before = roundTrips.length
      const result = await work()
      // a mail leaves a moment after it was queued, in nobody's request (ops/notice-delivery.ts)
      const own = roundTrips
        .slice(before)
        .filter(([name]) => !/^(outbox_)?mails\./.test(name ?? ''))
      return { result, roundTrips: own }
    }
  }
}
