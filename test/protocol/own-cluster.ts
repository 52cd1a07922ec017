// A server on a PostgreSQL of its own, which the test may stop, freeze and start again. Everything else is as in test/support/server.ts.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { openStore } from '../../src/ops/parts.ts'
import { createServer } from '../../src/server.ts'
import { openEmbedded } from '../../src/store/embedded.ts'
import { migrate } from '../../src/store/migrate.ts'
import { createLogger } from '../../src/telemetry/logger.ts'
import { type Overrides, testConfig } from '../support/configuration.ts'
import { dataFolderIn, makeFolder, postmastersIn } from '../support/embedded-folder.ts'
import { freePort, masterKey, person, type TestServer } from '../support/server.ts'

const quiet = { info() {}, warn() {}, error() {} }

export interface OwnCluster {
  url: string
  /** Ends PostgreSQL, and waits until it is gone: `SIGINT` as an operator does, `SIGQUIT` without a good-bye. */
  stop(signal: 'SIGINT' | 'SIGQUIT'): Promise<void>
  start(): Promise<void>
}

/** A migrated cluster, gone with `t`. */
export async function startOwnCluster(t: Test): Promise<OwnCluster> {
  const root = makeFolder(t)
  const folder = dataFolderIn(root)
  let cluster = await openEmbedded({ ...folder, log: quiet })
  await migrate(cluster.url)
  return {
    url: cluster.url,
    async stop(signal) {
      for (const pid of postmastersIn(root)) process.kill(pid, signal)
      while (postmastersIn(root).length > 0) await sleep(20)
      await cluster.leave()
    },
    async start() {
      cluster = await openEmbedded({ ...folder, log: quiet })
    }
  }
}

/** A server on it, with clients, an API and one person. */
export async function startServerOn(
  t: Test,
  url: string,
  { pool, overrides = {} }: { pool: number; overrides?: Overrides }
): Promise<TestServer> {
  const port = await freePort()
  const issuer = `http://localhost:${port}`
  const config = testConfig(issuer, overrides)
  const log: Record<string, unknown>[] = []
  const stream = { write: (line: string) => void log.push(JSON.parse(line)) }
  const logger = createLogger({ level: 'info', stream })
  const store = openStore({
    url,
    directUrl: url,
    pool,
    preparedStatements: config.database.preparedStatements,
    log: logger
  })
  t.teardown(() => store.end())
  await store.feed.ready()
  const server = await createServer({ config, masterKey, store, log: logger })
  t.teardown(() => server.close())
  const reconciled = await server.clients.reconcile(config.clients, { from: 'key', value: 1 })
  if (!reconciled.ok) throw new Error(JSON.stringify(reconciled.problems))
  // the second server on a cluster finds the person there
  await server.accounts.service.create({ ...person, locale: 'en' }, 'cli')
  await server.app.listen({ port, host: '127.0.0.1' })
  return {
    issuer,
    server,
    store,
    databaseUrl: url,
    log,
    roundTrips: [],
    accountId: '',
    counted: async work => ({ result: await work(), roundTrips: [] })
  }
}
