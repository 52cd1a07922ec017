// The short form of a server that dies while codes and device codes are spent at two processes (`npm run faults` has the long one).

import t, { type Test } from 'tap'
import { createTestDatabase } from '../support/postgres.ts'
import { assertReport } from './assert-report.ts'
import { killWhileSpending, type SpendingOptions } from './spending-killed.ts'

// processes start, die and start again: on a busy machine that takes a while
t.setTimeout(400_000)

async function killWhile(t: Test, kind: SpendingOptions['kind']) {
  const { url } = await createTestDatabase(t)
  const options = { kind, clients: 12, rounds: 1, processes: 2, inFlight: 4 }
  await assertReport(t, report => killWhileSpending(report, t, url, options))
}

t.test('kill -9 while codes are spent: none twice, and everybody has tokens in the end', t =>
  killWhile(t, 'authorization_code')
)

t.test('kill -9 while device codes are spent: none twice, and everybody has tokens in the end', t =>
  killWhile(t, 'device_code')
)
