// The short form of a server that dies while codes and device codes are spent at two processes (`npm run faults` has the long one).

import t from 'tap'
import { createTestDatabase } from '../support/postgres.ts'
import { assertReport } from './assert-report.ts'
import { killWhileSpending } from './spending-killed.ts'

// processes start, die and start again: on a busy machine that takes a while
t.setTimeout(400_000)

for (const kind of ['authorization_code', 'device_code'] as const) {
  t.test(
    `kill -9 while each client spends its ${kind}: never twice, and all get tokens`,
    async t => {
      const { url } = await createTestDatabase(t)
      await assertReport(t, report =>
        killWhileSpending(report, t, url, {
          kind,
          clients: 12,
          rounds: 2,
          processes: 2,
          inFlight: 4
        })
      )
    }
  )
}
