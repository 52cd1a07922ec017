// A process that uses an embedded PostgreSQL, for tests that kill it: says what it got as one line of JSON, ends in good order on SIGTERM.

import { openEmbedded, startEmbedded } from '../../src/store/embedded.ts'

const [how, options] = process.argv.slice(2)
const write = (message: string) => process.stderr.write(`${message}\n`)
const log = { info: write, warn: write, error: write }
const open = how === 'open' ? openEmbedded : startEmbedded

const { url, adopted, created, version, stop } = await open({ ...JSON.parse(options ?? ''), log })
process.once('SIGTERM', () => stop())
process.stdout.write(`${JSON.stringify({ url, adopted, created, version })}\n`)
