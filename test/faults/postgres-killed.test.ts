// The short form of PostgreSQL's death under load (`npm run faults` has the long one), on a durable cluster of the test's own.

import t from 'tap'
import { assertReport } from './assert-report.ts'
import { startDurableCluster } from './durable-cluster.ts'
import { killForgetfulPostgres, killPostgres } from './postgres-killed.ts'

// processes start, die and start again: on a busy machine that takes a while
t.setTimeout(400_000)

const cluster = await startDurableCluster(t)

t.test('kill -9 of PostgreSQL: what was answered is known, and the server stays', async t => {
  const url = await cluster.createDatabase()
  await assertReport(t, report => killPostgres(report, t, cluster, url, { clients: 8, kills: 2 }))
})

t.test('the control: without synchronous_commit, tokens are lost', async t => {
  const url = await cluster.createDatabase()
  await assertReport(t, report =>
    killForgetfulPostgres(report, t, cluster, url, { clients: 8, kills: 1 })
  )
})
