// What pages have in common that anybody may open: signing up, a forgotten password, a link from a mail. A GET changes nothing, whoever follows the
// link, mail scanners included. Refuses forms that are not of this browser. The secret of a link stands in its query, which no log line
// has (telemetry/serializers.ts) and no referrer tells (headers.ts), and travels on in the form.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Messages } from '../i18n/messages.ts'
import type { PersonSessions } from '../protocol/ports.ts'
import { type Frame, type Site, wordsOf } from '../views/layout.ts'
import { renderNotice } from '../views/plain-pages.ts'
import { renderErrorPage } from './error-page.ts'
import { fromOurOwnPage, readFields } from './form-guard.ts'
import { pageHeaders } from './headers.ts'
import { safeReturnTo } from './return-to.ts'
import { frameOf, hintsOf } from './site.ts'

export interface OpenPageDependencies {
  persons: Pick<PersonSessions, 'signInForm' | 'verifySignInForm'>
  site: Site
  issuer: string
}

/** Somebody at one page. */
export interface OpenVisit {
  request: FastifyRequest
  reply: FastifyReply
  frame: Frame
  /** path that forms are posted to */
  action: string
  /** what travels in the form: `csrf`, and what stood in the query */
  hidden: Record<string, string>
  /** of a link; empty where none was given */
  token: string
  /** a path of ours, or empty */
  returnTo: string
  locale: Frame['locale']
}

export type OpenOutcome = { to: string } | { document: string; status: number }

export interface OpenPage<Name extends string> {
  /** without base path */
  path: string
  /** of its form, besides what travels along */
  fields: readonly Name[]
  show(visit: OpenVisit): Promise<OpenOutcome>
  /** left out: nothing is posted here */
  act?(visit: OpenVisit, fields: Readonly<Record<Name, string>>): Promise<OpenOutcome>
}

const tokenForm = /^[A-Za-z0-9_-]{43}$/

/** `path?query` with what is not empty. */
export function pathWith(path: string, query: Record<string, string>): string {
  const given = Object.entries(query).filter(([, value]) => value !== '')
  const text = given.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')
  return text === '' ? path : `${path}?${text}`
}

/** Adds the routes of one page; wants the form parser of `pages.ts` around it. */
export function openPage<Name extends string>(
  app: FastifyInstance,
  deps: OpenPageDependencies,
  page: OpenPage<Name>
): void {
  const { persons, site, issuer } = deps
  const action = site.basePath + page.path

  function visitOf(
    { request, reply }: { request: FastifyRequest; reply: FastifyReply },
    given: Record<string, unknown>
  ): OpenVisit {
    const token = String(given['token'] ?? '')
    const travels = {
      token: tokenForm.test(token) ? token : '',
      return_to: safeReturnTo(given['return_to'], '')
    }
    const frame = frameOf(site, hintsOf(request.headers), pathWith(action, travels))
    const csrf = page.act === undefined ? '' : persons.signInForm(request.raw, reply.raw).csrf
    return {
      ...{ request, reply, frame, action },
      hidden: { csrf, ...travels },
      token: travels.token,
      returnTo: travels.return_to,
      locale: frame.locale
    }
  }

  function send(reply: FastifyReply, outcome: OpenOutcome) {
    const headers = pageHeaders('own', issuer)
    if ('to' in outcome) return reply.headers(headers).redirect(outcome.to, 303)
    return reply
      .code(outcome.status)
      .headers(headers)
      .type('text/html; charset=utf-8')
      .send(outcome.document)
  }

  app.get(page.path, async (request, reply) =>
    send(
      reply,
      await page.show(visitOf({ request, reply }, request.query as Record<string, unknown>))
    )
  )

  const { act } = page
  if (act === undefined) return
  app.post(page.path, async (request, reply) => {
    if (!fromOurOwnPage(request.headers, issuer)) return refuse(request, reply)
    const fields = readFields(request.body, ['csrf', 'token', 'return_to', ...page.fields])
    if (fields === undefined) {
      const error = { site, issuer, request, reply }
      return renderErrorPage(error, { status: 400, error: 'invalid_form' })
    }
    if (!persons.verifySignInForm(request.raw, reply.raw, fields['csrf' as Name])) {
      return refuse(request, reply)
    }
    return send(
      reply,
      await act(visitOf({ request, reply }, fields), fields as Record<Name, string>)
    )
  })

  function refuse(request: FastifyRequest, reply: FastifyReply) {
    request.log.warn({ reason: 'cross_site_or_csrf' }, 'form refused')
    return renderErrorPage(
      { site, issuer, request, reply },
      { status: 403, error: 'form_expired', tryAgain: action }
    )
  }
}

/** The page at the end of what a link from a mail began: it leads to where that came from, or to the sign-in. */
export function donePage(
  app: FastifyInstance,
  deps: OpenPageDependencies,
  path: string,
  wordsFrom: (words: Messages['selfService']) => { doneTitle: string; done: string }
): void {
  openPage(app, deps, {
    path,
    fields: [],
    async show({ frame, returnTo }) {
      const words = wordsOf(frame).selfService
      const { doneTitle, done } = wordsFrom(words)
      const view = {
        title: doneTitle,
        paragraphs: [done, ...(returnTo === '' ? [] : [words.signUp.elsewhere])],
        link: { to: returnTo || `${deps.site.basePath}/sign-in`, text: words.toSignIn }
      }
      return { document: renderNotice(frame, view), status: 200 }
    }
  })
}
