// Where providers send people back: GET and POST /sign-in/upstream/:id/callback, an address of its own for each provider, so that no answer can
// pass for another's (RFC 9700 §4.4.2). A form that comes from the provider's site is right here, and nowhere else: what guards it is `state` and
// the cookie that belongs to it. Refuses parameters that are there twice.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { BackOutcome, UpstreamSignIn } from '../federation/sign-in.ts'
import type { Site } from '../views/layout.ts'
import { renderUpstreamProblem } from '../views/upstream.ts'
import { renderErrorPage } from './error-page.ts'
import { readFields } from './form-guard.ts'
import { pageHeaders } from './headers.ts'
import { frameOf, hintsOf } from './site.ts'
import type { UpstreamCookie } from './upstream-cookie.ts'

export interface UpstreamCallbackDependencies {
  upstreams: {
    /** undefined: no provider is configured, and there is no such address */
    finish: UpstreamSignIn['finish'] | undefined
    nameOf(id: string): string | undefined
    cookie: UpstreamCookie
    /** where an identity is linked, without base path */
    linkPath: string
  }
  site: Site
  issuer: string
}

const route = '/sign-in/upstream/:id/callback'
/** RFC 6749 §4.1.2, RFC 9207 §2, and `user` of Apple's form; whatever else comes along is no concern of ours. */
const known = ['state', 'code', 'error', 'iss', 'user'] as const

const statuses = {
  unsolicited: 400,
  declined: 200,
  unavailable: 503,
  not_trusted: 502,
  account_disabled: 403,
  no_account: 403,
  account_exists: 403,
  address_not_admitted: 403
} as const

/** Fastify plugin; wants the form parser of `pages.ts` around it. */
export function upstreamCallbackRoutes(
  app: FastifyInstance,
  deps: UpstreamCallbackDependencies,
  done: () => void
) {
  const { site, issuer } = deps
  const { finish, cookie } = deps.upstreams
  if (finish === undefined) return done()

  app.get(route, (request, reply) => comeBack(request, reply, request.query))
  app.post(route, (request, reply) => comeBack(request, reply, request.body))
  done()

  async function comeBack(request: FastifyRequest, reply: FastifyReply, given: unknown) {
    const fields = readFields(given ?? {}, known)
    if (fields === undefined || finish === undefined) {
      const page = { site, issuer, request, reply }
      return renderErrorPage(page, { status: 400, error: 'invalid_form' })
    }
    const { id } = request.params as { id: string }
    const parameters = new URLSearchParams(Object.entries(fields).filter(([, value]) => value))
    const asked = { address: request.ip, requestId: request.id }
    const outcome = await finish(id, cookie.read(request), parameters, asked)
    if (!outcome.ok) return showProblem(request, reply, id, outcome)
    return reply.headers(pageHeaders('onward', issuer)).redirect(outcome.to, 303)
  }

  function showProblem(
    request: FastifyRequest,
    reply: FastifyReply,
    id: string,
    { problem, address, offered }: Extract<BackOutcome, { ok: false }>
  ) {
    if (problem === 'unavailable') reply.header('retry-after', 5)
    const signIn = `${site.basePath}/sign-in`
    return reply
      .code(statuses[problem])
      .headers(pageHeaders('own', issuer))
      .type('text/html; charset=utf-8')
      .send(
        renderUpstreamProblem(frameOf(site, hintsOf(request.headers), address ?? signIn), {
          problem,
          name: deps.upstreams.nameOf(id),
          otherWays: address ?? signIn,
          link: offered ? site.basePath + deps.upstreams.linkPath : undefined
        })
      )
  }
}
