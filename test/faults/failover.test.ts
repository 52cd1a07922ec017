// The short form of a failover to a synchronous standby (`npm run faults` has the long one), and its control with an asynchronous one.

import t from 'tap'
import { assertReport } from './assert-report.ts'
import { promoteLateStandby, promoteStandby } from './failover.ts'
import { noReplication } from './replicated-postgres.ts'

// processes start, die and start again: on a busy machine that takes a while
t.setTimeout(400_000)

const skip = noReplication ?? false

t.test('a primary killed, its synchronous standby promoted: no token is lost', { skip }, async t =>
  assertReport(t, report => promoteStandby(report, t, { clients: 8, failovers: 1 }))
)

t.test('the control: an asynchronous standby loses tokens', { skip }, async t =>
  assertReport(t, report => promoteLateStandby(report, t, { clients: 8, failovers: 1 }))
)
