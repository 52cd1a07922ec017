// The page for answers to backchannel requests (OpenID Connect CIBA): GET and POST /approve, of the person who is signed in at this browser.
// Owns the way from a posted answer to the port and back. Refuses forms that are not of this session, and shows nobody another person's
// requests: whoever is not signed in signs in first.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Approvals, PersonSessions, SignedInPerson } from '../protocol/ports.ts'
import { renderApprovals } from '../views/approve.ts'
import type { ResourceView } from '../views/client.ts'
import type { Site } from '../views/layout.ts'
import { renderErrorPage } from './error-page.ts'
import { fromOurOwnPage, readFields } from './form-guard.ts'
import { pageHeaders } from './headers.ts'
import { toSignIn } from './sign-in.ts'
import { frameOf, hintsOf } from './site.ts'

export interface ApproveDependencies {
  /** undefined: no client may ask so, and there is no page */
  approvals: Approvals | undefined
  persons: PersonSessions
  accountName(accountId: string): Promise<string | undefined>
  site: Site
  issuer: string
  resources: readonly ResourceView[]
  now: () => Date
}

const route = '/approve'
const outcomes = ['approved', 'declined', 'over'] as const

/** Fastify plugin; wants the form parser of `pages.ts` around it. */
export function approveRoutes(app: FastifyInstance, deps: ApproveDependencies, done: () => void) {
  const { approvals, persons, site, issuer, now } = deps
  const path = site.basePath + route
  if (approvals === undefined) return done()

  app.get(route, async (request, reply) => {
    const person = await persons.find(request.raw, reply.raw)
    if (person === undefined) return toSignIn(reply, deps, route)
    return show(approvals, person, request, reply)
  })

  app.post(route, async (request, reply) => {
    if (!fromOurOwnPage(request.headers, issuer)) return refuse(request, reply)
    const fields = readFields(request.body, ['csrf', 'request', 'approve', 'decline'])
    // one answer, and no form that says both
    if (fields === undefined || (fields.approve === '') === (fields.decline === '')) {
      const page = { site, issuer, request, reply }
      return renderErrorPage(page, { status: 400, error: 'invalid_form' })
    }
    const person = await persons.find(request.raw, reply.raw)
    if (person === undefined) return toSignIn(reply, deps, route)
    if (!person.verifyCsrf(fields.csrf)) return refuse(request, reply)
    const decision = fields.approve === '' ? 'decline' : 'approve'
    const outcome = await approvals.decide(request.raw, person, fields.request, decision)
    if (outcome === 'too old' || outcome === 'too weak') return onward(reply, path)
    const answered = outcome === 'over' ? 'over' : decision === 'approve' ? 'approved' : 'declined'
    return onward(reply, `${path}?answered=${answered}`)
  })

  done()

  async function show(
    port: Approvals,
    person: SignedInPerson,
    request: FastifyRequest,
    reply: FastifyReply
  ) {
    const { answered } = request.query as Record<string, unknown>
    const accountName = (await deps.accountName(person.accountId)) ?? person.accountId
    const document = renderApprovals(frameOf(site, hintsOf(request.headers), path), {
      action: path,
      csrf: person.csrf,
      accountName,
      pending: await port.pending(request.raw, person),
      resources: deps.resources,
      answered: outcomes.find(outcome => outcome === answered),
      signInAgain: `${site.basePath}/sign-in?again=yes&return_to=${encodeURIComponent(path)}`,
      signInStronger: `${site.basePath}/sign-in?again=stronger&return_to=${encodeURIComponent(path)}`,
      signOut: `${site.basePath}/logout`,
      now: now()
    })
    return reply.headers(pageHeaders('own', issuer)).type('text/html; charset=utf-8').send(document)
  }

  function onward(reply: FastifyReply, to: string) {
    return reply.headers(pageHeaders('own', issuer)).redirect(to, 303)
  }

  function refuse(request: FastifyRequest, reply: FastifyReply) {
    request.log.warn({ reason: 'cross_site_or_csrf' }, 'form refused')
    const page = { site, issuer, request, reply }
    return renderErrorPage(page, { status: 403, error: 'form_expired', tryAgain: path })
  }
}
