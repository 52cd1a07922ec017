// Error pages of our own routes, and the boundary where a fault becomes a page: logged once, here, and answered with a request number and
// nothing private. Refuses to turn an outage into a refusal: what cannot be reached is 503 with Retry-After.

import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Fault } from '../lib/fault.ts'
import { type ErrorView, renderError } from '../views/error.ts'
import type { Site } from '../views/layout.ts'
import { pageHeaders } from './headers.ts'
import { frameOf, hintsOf } from './site.ts'

/** Where an error page goes. */
export interface PageContext {
  site: Site
  issuer: string
  request: FastifyRequest
  reply: FastifyReply
  uiLocales?: string | undefined
}

/** Seconds after which a person may well find us back. */
const retryAfterSeconds = 5

/** Sends an error page. */
export function renderErrorPage(
  page: PageContext,
  error: Pick<ErrorView, 'status' | 'error' | 'description' | 'tryAgain'>
): FastifyReply {
  const { request, reply } = page
  const frame = frameOf(page.site, hintsOf(request.headers, page.uiLocales))
  if (error.status === 503) reply.header('retry-after', retryAfterSeconds)
  return reply
    .code(error.status)
    .headers(pageHeaders('own', page.issuer))
    .type('text/html; charset=utf-8')
    .send(renderError(frame, { ...error, requestId: request.id, now: new Date() }))
}

/** Fastify error handler for pages: Fault `store_unavailable` and `busy` 503, refused requests their own status, the rest 500. */
export function createPageErrorHandler({ site, issuer }: { site: Site; issuer: string }) {
  return (error: FastifyError | Fault, request: FastifyRequest, reply: FastifyReply) => {
    const page = { site, issuer, request, reply }
    if (error instanceof Fault && (error.code === 'store_unavailable' || error.code === 'busy')) {
      request.log.error({ err: error }, 'page not served: a part of the service cannot be reached')
      return renderErrorPage(page, { status: 503, error: 'temporarily_unavailable' })
    }
    const status = error instanceof Fault ? 500 : (error.statusCode ?? 500)
    if (status === 429) {
      const { retryAfterSeconds: seconds } = error as { retryAfterSeconds?: number }
      reply.header('retry-after', seconds ?? retryAfterSeconds)
      request.log.info({ reason: error.message }, 'page request refused: too many')
      return renderErrorPage(page, { status, error: 'temporarily_unavailable' })
    }
    // Fastify's own refusals: too large, not a form, malformed. Nothing is broken here.
    if (status >= 400 && status < 500) {
      request.log.info({ err: error }, 'page request refused')
      return renderErrorPage(page, { status, error: 'invalid_form' })
    }
    request.log.error({ err: error }, 'page not served')
    return renderErrorPage(page, { status: 500, error: 'server_error' })
  }
}

/** Sets the page for addresses that do not exist, within the given Fastify context. */
export function setPageNotFound(app: FastifyInstance, given: { site: Site; issuer: string }): void {
  app.setNotFoundHandler((request, reply) =>
    renderErrorPage({ ...given, request, reply }, { status: 404, error: 'not_found' })
  )
}
