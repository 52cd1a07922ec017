// Sign-in for pages of ours that no client leads to: GET and POST /sign-in, and the way there. Owns where it leads back to, which is a path
// of our own or nowhere. Refuses forms that are not ours, so that nobody is signed in to somebody else's account from another site.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { PersonSessions } from '../protocol/ports.ts'
import type { Site } from '../views/layout.ts'
import { type LoginProblem, renderLogin } from '../views/login.ts'
import { renderSignedIn } from '../views/signed-in.ts'
import { renderErrorPage } from './error-page.ts'
import { fromOurOwnPage, readFields } from './form-guard.ts'
import { pageHeaders } from './headers.ts'
import { type Authenticate, checkPassword, markProblem } from './password-check.ts'
import { safeReturnTo } from './return-to.ts'
import { frameOf, hintsOf } from './site.ts'

export interface SignInDependencies {
  persons: PersonSessions
  authenticate: Authenticate
  /** how a person knows their account: e-mail, login or name */
  accountName(accountId: string): Promise<string | undefined>
  site: Site
  issuer: string
}

type Exchange = { request: FastifyRequest; reply: FastifyReply }

/** Sends whoever is not signed in to the sign-in page, which leads back to `path` (of our own, without base path). */
export function toSignIn(
  reply: FastifyReply,
  { site, issuer }: { site: Site; issuer: string },
  path: string
) {
  const to = `${site.basePath}/sign-in?return_to=${encodeURIComponent(site.basePath + path)}`
  return reply.headers(pageHeaders('own', issuer)).redirect(to, 303)
}

/** Fastify plugin; wants the form parser of `pages.ts` around it. */
export function signInRoutes(app: FastifyInstance, deps: SignInDependencies, done: () => void) {
  const { persons, site, issuer } = deps
  const path = `${site.basePath}/sign-in`

  app.get('/sign-in', async (request, reply) => {
    const { return_to, again } = request.query as Record<string, unknown>
    const returnTo = safeReturnTo(return_to, '')
    // `again=yes`: also whoever is signed in, where that was too long ago
    const person = again === 'yes' ? undefined : await persons.find(request.raw, reply.raw)
    if (person === undefined) return show({ request, reply }, returnTo)
    if (returnTo !== '') return onward(reply, returnTo)
    const accountName = (await deps.accountName(person.accountId)) ?? person.accountId
    return send(
      reply,
      renderSignedIn(frameOf(site, hintsOf(request.headers), path), {
        accountName,
        signOut: `${site.basePath}/logout`
      })
    )
  })

  app.post('/sign-in', async (request, reply) => {
    if (!fromOurOwnPage(request.headers, issuer)) return refuse({ request, reply })
    const fields = readFields(request.body, ['csrf', 'return_to', 'login', 'password'])
    if (fields === undefined) {
      const page = { site, issuer, request, reply }
      return renderErrorPage(page, { status: 400, error: 'invalid_form' })
    }
    const returnTo = safeReturnTo(fields.return_to, '')
    if (!persons.verifySignInForm(request.raw, reply.raw, fields.csrf)) {
      return refuse({ request, reply }, returnTo)
    }
    const checked = await checkPassword(deps.authenticate, { request, reply }, fields)
    if (!checked.ok) return show({ request, reply }, returnTo, fields.login, checked.problem)
    await persons.signIn(request.raw, reply.raw, checked)
    return onward(reply, returnTo === '' ? path : returnTo)
  })

  done()

  function addressOf(returnTo: string) {
    return returnTo === '' ? path : `${path}?return_to=${encodeURIComponent(returnTo)}`
  }

  function show(
    { request, reply }: Exchange,
    returnTo: string,
    login?: string,
    problem?: LoginProblem
  ) {
    markProblem(reply, problem)
    return send(
      reply,
      renderLogin(frameOf(site, hintsOf(request.headers), addressOf(returnTo)), {
        action: path,
        csrf: persons.signInForm(request.raw, reply.raw),
        clientName: undefined,
        carried: { return_to: returnTo },
        login,
        problem
      })
    )
  }

  function send(reply: FastifyReply, document: string) {
    return reply.headers(pageHeaders('own', issuer)).type('text/html; charset=utf-8').send(document)
  }

  // 303: a browser must not post the password on
  function onward(reply: FastifyReply, to: string) {
    return reply.headers(pageHeaders('own', issuer)).redirect(to, 303)
  }

  function refuse({ request, reply }: Exchange, returnTo = '') {
    request.log.warn({ reason: 'cross_site_or_csrf' }, 'form refused')
    return renderErrorPage(
      { site, issuer, request, reply },
      { status: 403, error: 'form_expired', tryAgain: addressOf(returnTo) }
    )
  }
}
