// One process of a test with several that all want to do the background work: nothing but the job, on the database of its only argument.
// Prints a line for each round that it did, so that the test sees who leads.

import { startBackground } from '../../src/ops/background.ts'
import { openStore } from '../../src/ops/parts.ts'
import { createLogger } from '../../src/telemetry/logger.ts'
import { createMetrics } from '../../src/telemetry/metrics.ts'
import { testConfig } from '../support/configuration.ts'

const [url = ''] = process.argv.slice(2)
const log = createLogger({ level: 'warn', stream: process.stderr })
const store = openStore({ url, directUrl: url, pool: 2, log })
const config = testConfig('http://localhost:1')
const background = startBackground({
  config,
  database: store.database,
  partitions: store.partitions(config),
  metrics: createMetrics(),
  log,
  tasks: [{ name: 'tell', run: async () => Number(process.stdout.write('round\n')) }],
  everySeconds: 0.05,
  leaseSeconds: 1
})
process.stdout.write('ready\n')
process.on('SIGTERM', async () => {
  await background.end()
  await store.end()
  process.exit(0)
})
