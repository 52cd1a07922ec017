// What all pages of an account have in common: who is not signed in is sent to sign in first, and comes back; who wants to change something
// that matters has signed in a moment ago. Refuses forms that are not of this session and this person, so that no other site
// can change anything.

import type { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { PersonSessions, SignedInPerson } from '../protocol/ports.ts'
import type { AccountFrame } from '../views/account-layout.ts'
import type { Frame, Site } from '../views/layout.ts'
import type { Chooser } from './chooser.ts'
import { renderErrorPage } from './error-page.ts'
import { fromOurOwnPage, readFields } from './form-guard.ts'
import { type PageKind, pageHeaders } from './headers.ts'
import { toSignIn } from './sign-in.ts'
import { frameOf, hintsOf } from './site.ts'

export interface AccountPageDependencies {
  persons: Pick<PersonSessions, 'find' | 'signInForm'>
  chooser: Chooser
  /** how a person knows their account: e-mail, login or name */
  accountName(accountId: string): Promise<string | undefined>
  /** Whether a sign-in by these methods would not be complete today: a factor was set up, or demanded, since. */
  wantsMore(accountId: string, amr: readonly string[]): Promise<boolean>
  site: Site
  issuer: string
  now: () => Date
}

/** One signed-in person at one page. */
export interface Visit {
  request: FastifyRequest
  reply: FastifyReply
  person: SignedInPerson
  frame: Frame
  account: AccountFrame
  /** path that the page's forms post to, base path included */
  action: string
}

/**
 * What became of a form: the browser goes on (to a path of ours, without base path; or to a whole address), the page comes back, or a file is
 * downloaded.
 */
export type ActOutcome =
  | { to: string }
  | { elsewhere: string }
  | { document: string; status: number }
  | { file: { name: string; type: string; content: Readable } }

export interface AccountPage<Name extends string> {
  /** without base path */
  path: string
  /** of its forms, besides `csrf` */
  fields: readonly Name[]
  /**
   * `recent sign-in`: neither shown nor acted on for somebody who signed in longer ago than `recentSeconds`, or by less than is asked now;
   * `… to act`: shown
   */
  guard: 'signed in' | 'recent sign-in' | 'recent sign-in to act'
  /** left out: `own` */
  headers?: PageKind
  show(visit: Visit): Promise<string>
  /** left out: nothing is posted here */
  act?(visit: Visit, fields: Readonly<Record<Name, string>>): Promise<ActOutcome>
}

/** How long a sign-in counts as recent (`pages.md` §2.8, ASVS v5.0.0 §7.5.1). */
export const recentSeconds = 300

/** Adds the routes of one page; wants the form parser of `pages.ts` around it. */
export function accountPage<Name extends string>(
  app: FastifyInstance,
  deps: AccountPageDependencies,
  page: AccountPage<Name>
): void {
  const { persons, site, issuer } = deps
  const action = site.basePath + page.path
  const headers = pageHeaders(page.headers ?? 'own', issuer)

  async function isRecent({ accountId, signedInAt, session }: SignedInPerson) {
    const age = deps.now().getTime() - signedInAt.getTime()
    if (age > recentSeconds * 1_000) return false
    return !(await deps.wantsMore(accountId, session.amr))
  }

  /** Undefined: the answer is sent already. */
  async function visitOf(
    request: FastifyRequest,
    reply: FastifyReply,
    what: 'show' | 'act'
  ): Promise<Visit | undefined> {
    const person = await persons.find(request.raw, reply.raw)
    if (person === undefined) {
      toSignIn(reply, deps, page.path)
      return undefined
    }
    const mustBeRecent =
      page.guard === 'recent sign-in' || (what === 'act' && page.guard !== 'signed in')
    if (mustBeRecent && !(await isRecent(person))) {
      toSignIn(reply, deps, page.path, 'again')
      return undefined
    }
    const accountName = (await deps.accountName(person.accountId)) ?? person.accountId
    return {
      request,
      reply,
      person,
      frame: frameOf(site, hintsOf(request.headers), action),
      account: {
        accountName,
        signOut: `${site.basePath}/logout`,
        switching: await switching(request, reply)
      },
      action
    }
  }

  /** The other accounts of this browser; who chooses one comes back to this page as that person. */
  function switching(request: FastifyRequest, reply: FastifyReply) {
    return deps.chooser.switching(request, reply, {
      action: `${site.basePath}/sign-in`,
      csrf: persons.signInForm(request.raw, reply.raw).csrf,
      carried: { return_to: action },
      another: `${site.basePath}/sign-in?again=yes&return_to=${encodeURIComponent(action)}`
    })
  }

  function send(reply: FastifyReply, document: string) {
    return reply.headers(headers).type('text/html; charset=utf-8').send(document)
  }

  app.get(page.path, async (request, reply) => {
    const visit = await visitOf(request, reply, 'show')
    return visit === undefined ? reply : send(reply, await page.show(visit))
  })

  const { act } = page
  if (act === undefined) return
  app.post(page.path, async (request, reply) => {
    if (!fromOurOwnPage(request.headers, issuer)) return refuse(request, reply)
    const fields = readFields(request.body, ['csrf', ...page.fields])
    if (fields === undefined) {
      const error = { site, issuer, request, reply }
      return renderErrorPage(error, { status: 400, error: 'invalid_form' })
    }
    const visit = await visitOf(request, reply, 'act')
    if (visit === undefined) return reply
    if (!visit.person.verifyCsrf(fields['csrf' as Name])) return refuse(request, reply)
    const outcome = await act(visit, fields as Record<Name, string>)
    if ('file' in outcome) {
      const { name, type, content } = outcome.file
      return reply
        .headers(pageHeaders('own', issuer))
        .header('content-disposition', `attachment; filename="${name}"`)
        .type(type)
        .send(content)
    }
    if ('document' in outcome) return send(reply.code(outcome.status), outcome.document)
    const to = 'to' in outcome ? site.basePath + outcome.to : outcome.elsewhere
    return reply.headers(headers).redirect(to, 303)
  })

  function refuse(request: FastifyRequest, reply: FastifyReply) {
    request.log.warn({ reason: 'cross_site_or_csrf' }, 'form refused')
    return renderErrorPage(
      { site, issuer, request, reply },
      { status: 403, error: 'form_expired', tryAgain: action }
    )
  }
}
