// One server process of a test with several: the same issuer and database as its siblings, a port of its own. Prints `ready` once it
// answers. Reads what it is from its only argument, as JSON.

import { openStore } from '../../src/ops/parts.ts'
import { createServer } from '../../src/server.ts'
import { createLogger } from '../../src/telemetry/logger.ts'
import { type Overrides, testConfig } from './configuration.ts'

const given = JSON.parse(process.argv[2] ?? '{}') as {
  issuer: string
  port: number
  url: string
  masterKey: string
  overrides: Overrides
  pool?: number
}
const log = createLogger({ level: 'warn', stream: process.stderr })
const config = testConfig(given.issuer, given.overrides)
const { preparedStatements } = config.database
const { pool = 10 } = given
const store = openStore({ url: given.url, directUrl: given.url, pool, preparedStatements, log })
await store.feed.ready()
const masterKey = Buffer.from(given.masterKey, 'base64')
const server = await createServer({ config, masterKey, store, log })
await server.app.listen({ port: given.port, host: '127.0.0.1' })
process.stdout.write('ready\n')

process.on('SIGTERM', async () => {
  await server.close()
  await store.end()
  process.exit(0)
})
