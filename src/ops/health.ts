// /livez and /readyz: for load balancers and containers, under any Host, since they ask by address. Live: this process answers. Ready: it
// can also do its work, which takes a database that answers and a clock that agrees with the database's, and will still be there in a
// moment: a server that stops is not ready first, and then goes.

import type { FastifyInstance, FastifyReply } from 'fastify'
import type { SettingsStore } from '../store/settings.ts'

/** A larger difference makes tokens look expired, or not yet valid, to somebody. */
export const longestSkewSeconds = 5

/** Paths that answer whatever Host is asked for. */
export const healthPaths: ReadonlySet<string> = new Set(['/livez', '/readyz'])

const retryAfterSeconds = 2

function refuse(reply: FastifyReply, status: string) {
  return reply.code(503).header('retry-after', retryAfterSeconds).send({ status })
}

/** Fastify plugin: `await app.register(health, deps)`. */
export async function health(
  app: FastifyInstance,
  deps: { settings: Pick<SettingsStore, 'serverFacts'>; state(): 'serving' | 'leaving' }
): Promise<void> {
  app.get('/livez', { logLevel: 'warn' }, async (_request, reply) =>
    reply.header('cache-control', 'no-store').send({ status: 'live' })
  )

  app.get('/readyz', { logLevel: 'warn' }, async (_request, reply) => {
    reply.header('cache-control', 'no-store')
    if (deps.state() === 'leaving') return reply.code(503).send({ status: 'stopping' })
    try {
      const { skewSeconds } = await deps.settings.serverFacts()
      if (Math.abs(skewSeconds) <= longestSkewSeconds) return reply.send({ status: 'ready' })
      return refuse(reply, 'clock differs from the database')
    } catch {
      return refuse(reply, 'database does not answer')
    }
  })
}
