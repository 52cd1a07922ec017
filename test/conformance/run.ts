// A conformance run without the suite: this server, started with the configuration that `conformance-config --server` prints, on a database of
// its own, by the same steps as `mintmark start`.

import type { Test } from 'tap'
import type { Place } from '../../src/cli/conformance/clients.ts'
import {
  serverConfiguration,
  suiteConfiguration
} from '../../src/cli/conformance/configurations.ts'
import { type Credentials, createCredentials } from '../../src/cli/conformance/credentials.ts'
import { type Plan, plans } from '../../src/cli/conformance/plans.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { Config } from '../../src/config/schema.ts'
import { settle } from '../../src/config/settle.ts'
import { checkRun } from '../../src/ops/conformance.ts'
import { declare } from '../../src/ops/declare.ts'
import { openStore, type Store } from '../../src/ops/parts.ts'
import { createServer, type Server } from '../../src/server.ts'
import { createLogger } from '../../src/telemetry/logger.ts'
import { createTestDatabase } from '../support/postgres.ts'
import { freePort, masterKey } from '../support/server.ts'

export interface Run {
  place: Place
  credentials: Credentials
  server: Server
  store: Store
  /** what is printed for the suite */
  suite(plan: Plan): ReturnType<typeof suiteConfiguration>
}

export function planNamed(name: string): Plan {
  const plan = plans.find(each => each.name === name)
  if (plan === undefined) throw new Error(`there is no plan ${name}`)
  return plan
}

/** The configuration file with this content, as a server in development reads it. */
export function configurationOf(content: object): Config & { issuer: string } {
  const config = loadConfig({
    env: { MINTMARK_CONFIG: '/run.json' },
    cwd: '/',
    readFile: () => JSON.stringify(content)
  })
  const { issuer = '', resources } = config
  return settle({ ...config, file: undefined } as Config, { issuer, resources })
}

/** A test is one address, and asks more than the suite does. */
const limits = Object.fromEntries(
  ['authorize', 'pushedRequests', 'pages', 'signIn', 'registration'].map(name => [
    name,
    { perAddress: 1_000_000 }
  ])
)

/** Starts a server with this configuration file; it ends with `t`. */
export async function startWith(t: Test, content: object, now?: () => Date) {
  const { url } = await createTestDatabase(t)
  const config = configurationOf({ ...content, clientsRevision: 1, limits })
  const log = createLogger({ level: 'silent' })
  const store = openStore({ url, directUrl: url, pool: 10, log })
  t.teardown(() => store.end())
  await store.feed.ready()
  await checkRun(store.database, config)
  const server = await createServer({ config, masterKey, store, log, ...(now && { now }) })
  t.teardown(() => server.close())
  const refuse = (problems: readonly object[]) => {
    throw new Error(JSON.stringify(problems))
  }
  await declare(server, store, { config, folder: undefined, refuse }, log)
  await server.app.listen({ port: Number(new URL(config.issuer).port), host: '127.0.0.1' })
  return { server, store }
}

/** Starts a server for these plans; it ends with `t`. `suite`: where the suite is, an origin. */
export async function startRun(
  t: Test,
  chosen: readonly Plan[],
  suite: string,
  now?: () => Date
): Promise<Run> {
  const place = { issuer: `http://localhost:${await freePort()}`, suite, alias: 'mintmark' }
  const credentials = createCredentials({}, () => new Date())
  const started = await startWith(t, serverConfiguration(chosen, place, credentials), now)
  return {
    place,
    credentials,
    ...started,
    suite: plan => suiteConfiguration(plan, place, credentials)
  }
}
