// Sign-in for pages of ours that no client leads to: GET and POST /sign-in, and the way there. Owns where it leads back to, which is a path
// of our own or nowhere. Refuses forms that are not ours, so that nobody is signed in to somebody else's account from another site.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { PersonSessions } from '../protocol/ports.ts'
import type { Site } from '../views/layout.ts'
import { renderSignedIn } from '../views/signed-in.ts'
import { type ChoicePlace, type Chooser, choosePrompt } from './chooser.ts'
import { renderErrorPage } from './error-page.ts'
import { fromOurOwnPage, readFields } from './form-guard.ts'
import { type PageKind, pageHeaders } from './headers.ts'
import { safeReturnTo } from './return-to.ts'
import type { SignInFlow, SignInPlace } from './sign-in-flow.ts'
import { frameOf, hintsOf } from './site.ts'

export interface SignInDependencies {
  persons: PersonSessions
  signIn: SignInFlow
  chooser: Chooser
  /** how a person knows their account: e-mail, login or name */
  accountName(accountId: string): Promise<string | undefined>
  site: Site
  issuer: string
  /** `onward`: a button on the page leads to another provider */
  signInHeaders?: PageKind
}

type Exchange = { request: FastifyRequest; reply: FastifyReply }

/** `again`: also whoever is signed in, where that was too long ago; `stronger`: the same, with more than one factor. */
export type SignInMode = 'if needed' | 'again' | 'stronger'

const modes: Readonly<Record<string, SignInMode>> = { yes: 'again', stronger: 'stronger' }
const modeOf = (again: unknown): SignInMode => modes[String(again)] ?? 'if needed'
/** What stands in an address and a form for it. */
const againFor = { 'if needed': '', again: 'yes', stronger: 'stronger' } as const

/** Sends whoever is not signed in to the sign-in page, which leads back to `path` (of our own, without base path). */
export function toSignIn(
  reply: FastifyReply,
  { site, issuer }: { site: Site; issuer: string },
  path: string,
  mode: SignInMode = 'if needed'
) {
  const to = encodeURIComponent(site.basePath + path)
  const query = `${mode === 'if needed' ? '' : `again=${againFor[mode]}&`}return_to=${to}`
  return reply
    .headers(pageHeaders('own', issuer))
    .redirect(`${site.basePath}/sign-in?${query}`, 303)
}

/** Fastify plugin; wants the form parser of `pages.ts` around it. */
export function signInRoutes(app: FastifyInstance, deps: SignInDependencies, done: () => void) {
  const { persons, signIn, chooser, site, issuer } = deps
  const path = `${site.basePath}/sign-in`

  app.get('/sign-in', async (request, reply) => {
    const exchange = { request, reply }
    const { return_to, again, with: screen } = request.query as Record<string, unknown>
    const returnTo = safeReturnTo(return_to, '')
    const mode = modeOf(again)
    const person = mode === 'if needed' ? await persons.find(request.raw, reply.raw) : undefined
    if (screen === choosePrompt || (person === undefined && mode === 'if needed')) {
      const document = await chooser.page(choiceOf(exchange, returnTo))
      if (document !== undefined) return show(exchange, document)
    }
    if (person === undefined) return signIn.show(placeOf(exchange, returnTo, mode))
    if (returnTo !== '') {
      return reply.headers(pageHeaders('own', issuer)).redirect(returnTo, 303)
    }
    const accountName = (await deps.accountName(person.accountId)) ?? person.accountId
    return show(
      exchange,
      renderSignedIn(frameOf(site, hintsOf(request.headers), path), {
        accountName,
        signOut: `${site.basePath}/logout`,
        switching: await chooser.switching(request, reply, choiceOf(exchange, returnTo))
      })
    )
  })

  app.post('/sign-in', async (request, reply) => {
    if (!fromOurOwnPage(request.headers, issuer)) return refuse({ request, reply })
    const fields = readFields(request.body, [
      ...['csrf', 'return_to', 'again', 'account'],
      ...signIn.fields
    ])
    if (fields === undefined) {
      const page = { site, issuer, request, reply }
      return renderErrorPage(page, { status: 400, error: 'invalid_form' })
    }
    const returnTo = safeReturnTo(fields['return_to'], '')
    if (!persons.verifySignInForm(request.raw, reply.raw, fields['csrf'])) {
      return refuse({ request, reply }, returnTo)
    }
    if (fields['prompt'] === choosePrompt) {
      return choose({ request, reply }, returnTo, fields['account'] ?? '')
    }
    const mode = modeOf(fields['again'])
    return signIn.answer(placeOf({ request, reply }, returnTo, mode), fields)
  })

  done()

  function addressOf(returnTo: string, mode: SignInMode = 'if needed') {
    const query = [
      ...(mode === 'if needed' ? [] : [`again=${againFor[mode]}`]),
      ...(returnTo === '' ? [] : [`return_to=${encodeURIComponent(returnTo)}`])
    ]
    return query.length === 0 ? path : `${path}?${query.join('&')}`
  }

  function placeOf({ request, reply }: Exchange, returnTo: string, mode: SignInMode): SignInPlace {
    const { flow, csrf } = persons.signInForm(request.raw, reply.raw)
    const address = addressOf(returnTo, mode)
    return {
      request,
      reply,
      frame: frameOf(site, hintsOf(request.headers), address),
      flow,
      client: undefined,
      action: path,
      address,
      csrf,
      carried: {
        return_to: returnTo,
        ...(mode === 'if needed' ? {} : { again: againFor[mode] })
      },
      loginHint: undefined,
      freshness: mode === 'if needed' ? 'any' : 'again',
      demand: mode === 'stronger' ? { secondFactor: 'required' } : {},
      headers: deps.signInHeaders ?? 'own',
      async finish(proved) {
        await persons.signIn(request.raw, reply.raw, proved)
        return returnTo === '' ? path : returnTo
      }
    }
  }

  function choiceOf({ request, reply }: Exchange, returnTo: string): ChoicePlace {
    const { csrf } = persons.signInForm(request.raw, reply.raw)
    const frame = frameOf(site, hintsOf(request.headers), addressOf(returnTo))
    return {
      ...{ request, reply, frame, csrf },
      client: undefined,
      action: path,
      carried: { return_to: returnTo },
      another: addressOf(returnTo, 'again')
    }
  }

  async function choose(exchange: Exchange, returnTo: string, account: string) {
    const { request, reply } = exchange
    const outcome = await persons.choose(request.raw, reply.raw, account)
    if (outcome === 'gone') {
      const document = await chooser.page(choiceOf(exchange, returnTo), 'gone')
      if (document !== undefined) return show({ request, reply: reply.code(409) }, document)
    }
    const to = outcome === 'chosen' && returnTo !== '' ? returnTo : addressOf(returnTo)
    return reply.headers(pageHeaders('own', issuer)).redirect(to, 303)
  }

  function show({ reply }: Exchange, document: string) {
    return reply.headers(pageHeaders('own', issuer)).type('text/html; charset=utf-8').send(document)
  }

  function refuse({ request, reply }: Exchange, returnTo = '') {
    request.log.warn({ reason: 'cross_site_or_csrf' }, 'form refused')
    return renderErrorPage(
      { site, issuer, request, reply },
      { status: 403, error: 'form_expired', tryAgain: addressOf(returnTo) }
    )
  }
}
