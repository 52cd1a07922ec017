// What is known and said of every HTTP request: who asked, for the parts that see no request; one line in the log, by our own hook, since
// Fastify's two would say everything twice; and one observation in the metrics. Health checks are not logged.

import type { IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'
import type { Metrics } from '../telemetry/metrics.ts'
import { healthPaths } from './health.ts'

interface RequestBook {
  note(
    request: IncomingMessage,
    facts: { requestId: string; address: string | undefined; userAgent: string | undefined }
  ): void
}

export function watchRequests(
  app: FastifyInstance,
  { requests, metrics }: { requests: RequestBook; metrics: Metrics }
): void {
  app.addHook('onRequest', async request => {
    const userAgent = request.headers['user-agent']
    requests.note(request.raw, { requestId: request.id, address: request.ip, userAgent })
  })
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none'
    const labels = { method: request.method, route, status: String(reply.raw.statusCode) }
    metrics.requestSeconds.observe(labels, reply.elapsedTime / 1_000)
    if (healthPaths.has(request.url)) return
    request.log.info({ req: request, res: reply, ms: Math.round(reply.elapsedTime) }, 'request')
  })
}
