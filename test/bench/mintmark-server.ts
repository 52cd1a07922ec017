// The server of the bench: mintmark as it is, with the log of a production server. Its database has been prepared; its CPU profile can be
// asked for, as `node --cpu-prof` makes it, but without the start. Reads what it is from
// its only argument, as JSON.

import { Session } from 'node:inspector/promises'
import { openStore } from '../../src/ops/parts.ts'
import { createServer } from '../../src/server.ts'
import { createLogger } from '../../src/telemetry/logger.ts'
import { type Overrides, testConfig } from '../support/configuration.ts'
import { masterKey } from '../support/server.ts'
import { answerQuestions } from './usage.ts'

const given = JSON.parse(process.argv[2] ?? '{}') as {
  issuer: string
  port: number
  url: string
  overrides: Overrides
}
const log = createLogger({ level: 'info' })
let statements = 0
const store = openStore({
  url: given.url,
  directUrl: given.url,
  pool: 10,
  log,
  onRoundTrip: names => {
    statements += names.length
  }
})
await store.feed.ready()
const config = testConfig(given.issuer, given.overrides)
const server = await createServer({ config, masterKey, store, log })
await server.app.listen({ port: given.port, host: '127.0.0.1' })

const inspector = new Session()
answerQuestions(() => statements, {
  async startProfile() {
    inspector.connect()
    await inspector.post('Profiler.enable')
    await inspector.post('Profiler.setSamplingInterval', { interval: 250 })
    await inspector.post('Profiler.start')
  },
  stopProfile: async () => (await inspector.post('Profiler.stop')).profile
})
