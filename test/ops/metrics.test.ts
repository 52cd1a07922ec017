// Metrics: on a listener of their own and nowhere else, with growth, pool and request times; labels are ours, never a stranger's.

import t from 'tap'
import { createMetricsPage, serveMetrics } from '../../src/ops/metrics-server.ts'
import { planPartitions } from '../../src/ops/parts.ts'
import { readGrowth } from '../../src/store/growth.ts'
import { createRequests } from '../protocol/requests.ts'
import { turnClock } from '../store/rows.ts'
import { testConfig } from '../support/configuration.ts'
import { startTestServer } from '../support/server.ts'

const main = await startTestServer(t)
const requests = createRequests(main)
const { server, issuer, store } = main

t.test('the public port has no metrics (ASVS 13.4.5)', async t => {
  for (const path of ['/metrics', '/metrics/', '/Metrics']) {
    t.equal((await fetch(`${issuer}${path}`)).status, 404)
  }
})

t.test('a listener of its own answers GET /metrics and nothing else', async t => {
  const listener = await serveMetrics(server.metricsPage, { host: '127.0.0.1', port: 0 })
  t.teardown(() => listener.end())
  const base = `http://127.0.0.1:${listener.port}`
  for (const path of ['/', '/metrics?x', '/metrics/..', '/livez']) {
    t.equal((await fetch(base + path)).status, 404, path)
  }
  t.equal((await fetch(`${base}/metrics`, { method: 'POST' })).status, 404)

  await requests.machine('billing')
  await requests.get('/no/such/page/4711')
  const answer = await fetch(`${base}/metrics`)
  t.match(answer.headers.get('content-type'), 'text/plain; version=0.0.4')
  const text = await answer.text()
  const name = 'mintmark_http_request_duration_seconds_count'
  t.match(text, `${name}{method="POST",route="/oauth/token",status="200"} 1`)
  t.match(text, `${name}{method="GET",route="none",status="404"}`)
  t.notMatch(text, '4711', 'what a stranger writes is no label')
  t.match(text, /^mintmark_table_bytes\{table="refresh_families"\} [1-9]\d+$/m)
  t.match(text, /^mintmark_table_overdue_partitions\{table="artifacts"\} 0$/m)
  t.match(text, /^mintmark_table_next_drop_seconds\{table="artifacts"\} \d+$/m)
  t.match(text, /^mintmark_pool_connections\{state="idle"\} \d+$/m)
  t.match(text, /^mintmark_pool_waiting 0$/m)
})

t.test('what should have left shows: rows and partitions', async t => {
  const growth = () => readGrowth(store.database, planPartitions(testConfig(issuer)))
  await requests.tokens({ scope: 'openid offline_access', extra: { prompt: 'login consent' } })
  const find = (all: Awaited<ReturnType<typeof growth>>, table: string) =>
    all.tables.find(candidate => candidate.table === table)
  t.match(find(await growth(), 'artifacts'), { overduePartitions: 0, overdueRows: 0 })
  t.match(find(await growth(), 'sessions'), { overdueRows: 0, partitions: 0 })
  t.teardown(() => turnClock(store.database, 0))
  await turnClock(store.database, 20 * 86_400)
  const late = await growth()
  t.ok((find(late, 'artifacts')?.overduePartitions ?? 0) >= 7)
  t.ok((find(late, 'sessions')?.overdueRows ?? 0) >= 1)
  t.equal(find(late, 'refresh_families')?.nextDropSeconds, 0)
})

t.test('a database that does not answer leaves the other metrics', async t => {
  const warned: unknown[] = []
  const page = createMetricsPage({
    metrics: server.metrics,
    growth: () => Promise.reject(new Error('away')),
    connections: () => ({ total: 3, idle: 1, waiting: 7 }),
    log: { warn: data => void warned.push(data) }
  })
  const text = await page()
  t.match(text, /^mintmark_pool_waiting 7$/m)
  t.match(text, /^mintmark_pool_connections\{state="busy"\} 2$/m)
  t.equal(warned.length, 1)
})
