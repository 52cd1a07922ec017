// Metrics for Prometheus, on a listener of its own: never on the public port, on loopback unless the configuration says otherwise. Growth and
// pool are read when somebody asks, at most once in some seconds. Answers nothing but GET /metrics.

import { createServer } from 'node:http'
import type { Growth } from '../store/growth.ts'
import type { Metrics } from '../telemetry/metrics.ts'

const freshMillis = 10_000

export interface MetricsSources {
  metrics: Metrics
  growth(): Promise<Growth>
  connections(): { total: number; idle: number; waiting: number }
  log: { warn(data: object, message: string): void }
}

/** Fills in what is read on demand, and prints all of it. A database that does not answer leaves what was known. */
export function createMetricsPage(sources: MetricsSources): () => Promise<string> {
  const { metrics, growth, connections, log } = sources
  let readAt = Number.NEGATIVE_INFINITY

  async function readDatabase(): Promise<void> {
    if (performance.now() - readAt < freshMillis) return
    readAt = performance.now()
    const gauges = ['tableRows', 'tableBytes', 'overdueRows', 'partitions'] as const
    const { tables } = await growth()
    for (const name of [...gauges, 'overduePartitions', 'nextDrop'] as const) metrics[name].reset()
    for (const { table, ...known } of tables) {
      metrics.tableRows.set({ table }, known.rows)
      metrics.tableBytes.set({ table }, known.bytes)
      metrics.overdueRows.set({ table }, known.overdueRows)
      metrics.partitions.set({ table }, known.partitions)
      metrics.overduePartitions.set({ table }, known.overduePartitions)
      if (known.nextDropSeconds !== undefined)
        metrics.nextDrop.set({ table }, known.nextDropSeconds)
    }
  }

  return async () => {
    await readDatabase().catch(error => log.warn({ err: error }, 'growth could not be read'))
    const { total, idle, waiting } = connections()
    metrics.poolConnections.set({ state: 'idle' }, idle)
    metrics.poolConnections.set({ state: 'busy' }, total - idle)
    metrics.poolWaiting.set(waiting)
    return metrics.registry.metrics()
  }
}

export interface MetricsServer {
  port: number
  end(): Promise<void>
}

/** Listens; rejects when it cannot. */
export async function serveMetrics(
  page: () => Promise<string>,
  where: { host: string; port: number }
): Promise<MetricsServer> {
  const server = createServer(
    { requestTimeout: 5_000, headersTimeout: 5_000, connectionsCheckingInterval: 1_000 },
    (request, response) => {
      const found = request.method === 'GET' && request.url === '/metrics'
      response.setHeader('x-content-type-options', 'nosniff')
      if (!found) {
        response.writeHead(404).end()
        return
      }
      void page().then(
        text => {
          response.setHeader('content-type', 'text/plain; version=0.0.4; charset=utf-8')
          response.end(text)
        },
        () => response.writeHead(500).end()
      )
    }
  )
  server.maxConnections = 20
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(where.port, where.host, () => resolve())
  })
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : where.port,
    async end() {
      server.closeAllConnections()
      await new Promise<void>(resolve => server.close(() => resolve()))
    }
  }
}
