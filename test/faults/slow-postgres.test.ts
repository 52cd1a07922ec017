// The short form of a slow, locked or unreachable PostgreSQL (`npm run faults` has the long one): longer than the server's own patience,
// so that it has to give up, and short enough for a test. The control of locks and holes waits for longer than any client does: it is
// `slow-naive` there.

import t from 'tap'
import { createTestDatabase } from '../support/postgres.ts'
import { assertReport } from './assert-report.ts'
import { crowdAtForgetfulServer, crowdAtNarrowPool, slowPostgres } from './slow-postgres.ts'

// processes start, die and start again: on a busy machine that takes a while
t.setTimeout(400_000)

const options = {
  clients: 8,
  crowd: 48,
  seconds: { crowd: 2, lock: 4, delay: 2, hole: 7, after: 1 },
  delayMillis: 300
}

t.test('a pool of two and a crowd: everybody is served, nobody hangs', async t => {
  const { url } = await createTestDatabase(t)
  await assertReport(t, report => crowdAtNarrowPool(report, t, url, options))
})

t.test('a locked table, late answers, a black hole: 503 and never invalid_grant', async t => {
  const { url } = await createTestDatabase(t)
  await assertReport(t, report => slowPostgres(report, t, url, options))
})

t.test('the control: a server that takes "no connection" for "no such token"', async t => {
  const { url } = await createTestDatabase(t)
  await assertReport(t, report => crowdAtForgetfulServer(report, t, url, options))
})
