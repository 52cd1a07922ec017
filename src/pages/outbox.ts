// /dev/outbox: the mails of development mode, which has no mail server. Refuses everybody but this machine, whatever a proxy says: links in these
// mails open accounts.

import type { FastifyInstance } from 'fastify'
import { isLoopback } from '../config/rules-mode.ts'
import type { Site } from '../views/layout.ts'
import { wordsOf } from '../views/layout.ts'
import { type OutboxMail, renderOutbox } from '../views/outbox.ts'
import { renderErrorPage } from './error-page.ts'
import { pageHeaders } from './headers.ts'
import { frameOf, hintsOf } from './site.ts'

export const outboxPath = '/dev/outbox'

export interface OutboxDependencies {
  site: Site
  issuer: string
  /** the newest first */
  list(): Promise<OutboxMail[]>
}

/** Fastify plugin. */
export function outboxRoutes(app: FastifyInstance, deps: OutboxDependencies, done: () => void) {
  const { site, issuer } = deps
  app.get(outboxPath, async (request, reply) => {
    const peer = request.raw.socket.remoteAddress?.replace(/^::ffff:/, '') ?? ''
    if (!isLoopback(peer)) {
      return renderErrorPage({ site, issuer, request, reply }, { status: 404, error: 'not_found' })
    }
    const frame = frameOf(site, hintsOf(request.headers), site.basePath + outboxPath)
    return reply
      .headers(pageHeaders('own', issuer))
      .type('text/html; charset=utf-8')
      .send(renderOutbox(frame, wordsOf(frame).selfService.outbox.title, await deps.list()))
  })
  done()
}
