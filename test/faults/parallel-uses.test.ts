// The short form of parallel uses over two processes: every one-time value, few rounds, and the control.

import t from 'tap'
import { createTestDatabase } from '../support/postgres.ts'
import { assertReport } from './assert-report.ts'
import { useAtOnce, useAtOnceNaively } from './parallel-uses.ts'

// processes start, die and start again: on a busy machine that takes a while
t.setTimeout(400_000)

t.test('every one-time value is good for one use, over two processes', async t => {
  const { url } = await createTestDatabase(t)
  await assertReport(t, report => useAtOnce(report, t, url, { rounds: 1, widths: [2, 32] }))
})

t.test('the control: where nobody asks whether a code was spent, several redeem it', async t => {
  const { url } = await createTestDatabase(t)
  await assertReport(t, report => useAtOnceNaively(report, t, url, { rounds: 4, widths: [8, 32] }))
})
