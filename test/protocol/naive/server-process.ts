// A server process like test/support/server-process.ts, on a naive database. Reads what it is from its only argument, as JSON.

import { openStore } from '../../../src/ops/parts.ts'
import { createServer } from '../../../src/server.ts'
import { createLogger } from '../../../src/telemetry/logger.ts'
import { type Overrides, testConfig } from '../../support/configuration.ts'
import { endlessDatabase, forgetfulDatabase, type Impatience } from './impatient-database.ts'
import { type Naivety, naiveDatabase } from './naive-database.ts'

const given = JSON.parse(process.argv[2] ?? '{}') as {
  issuer: string
  port: number
  url: string
  masterKey: string
  naivety: Naivety | Impatience
  pool?: number
  overrides?: Overrides
}
const log = createLogger({ level: 'warn', stream: process.stderr })
const { pool = 10, naivety } = given
const opened = openStore({ url: given.url, directUrl: given.url, pool, log })

function naive() {
  if (naivety === 'forgetful') return forgetfulDatabase(opened.database, opened.connections)
  if (naivety === 'endless') return endlessDatabase(opened.database, given.url, pool)
  return naiveDatabase(opened.database, naivety)
}

const store = { ...opened, database: naive() }
await store.feed.ready()
const config = testConfig(given.issuer, given.overrides)
const masterKey = Buffer.from(given.masterKey, 'base64')
const server = await createServer({ config, masterKey, store, log })
await server.app.listen({ port: given.port, host: '127.0.0.1' })
process.stdout.write('ready\n')

process.on('SIGTERM', () => {
  void server
    .close()
    .then(() => store.end())
    .then(() => process.exit(0))
})
