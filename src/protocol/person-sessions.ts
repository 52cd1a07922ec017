// Who is signed in at this browser, for pages of ours that no client leads to, and signing in without a client. It is the engine's own
// session, so whoever is signed in for an app is signed in here and the other way round. Each call is one unit of work. Refuses to keep
// an identifier from before a sign-in (CWE-384), and to sign anybody in over another person's session: that one ends.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Provider } from 'oidc-provider'
import type { Config } from '../config/schema.ts'
import { Fault } from '../lib/fault.ts'
import { equalConstantTime, hmac, randomSecret } from '../lib/secret.ts'
import type { SessionStore } from '../store/sessions.ts'
import { sessionCookie } from './cookies.ts'
import type { PersonSessions } from './ports.ts'
import type { RequestFactsBook } from './request-facts.ts'
import type { SessionAdapter } from './session-adapter.ts'
import { noteEvidence, type UnitOfWorkRunner } from './unit-of-work.ts'

export function createPersonSessions(deps: {
  /** the engine as it is now: it is swapped when keys rotate */
  provider(): Provider
  units: UnitOfWorkRunner
  requests: RequestFactsBook
  sessions: Pick<SessionAdapter, 'end'>
  sessionStore: Pick<SessionStore, 'noteSeen'>
  lifetimes: Config['sessions']
  /** the current key first; a form that was shown under another one is still taken */
  csrfKeys: () => Buffer[]
  issuer: string
}): PersonSessions {
  const { units, requests } = deps
  const secure = deps.issuer.startsWith('https:')
  const formCookie = `${secure ? '__Host-' : 'mintmark_'}sign_in`

  function token(...bound: string[]): string {
    const key = deps.csrfKeys()[0]
    if (key === undefined) throw new Fault('key_unavailable', 'No key for forms is in use.')
    return hmac(key, ...bound).toString('base64url')
  }

  function isToken(presented: unknown, ...bound: string[]): boolean {
    if (typeof presented !== 'string') return false
    const given = Buffer.from(presented, 'base64url')
    return deps.csrfKeys().some(key => equalConstantTime(hmac(key, ...bound), given))
  }

  /** The engine's view of a request that is not one of its own. */
  function contextOf(req: IncomingMessage, res: ServerResponse) {
    const context = deps.provider().createContext(req, res)
    // a proxy has ended TLS: what we say never depends on the connection (provider.ts)
    context.cookies.secure = secure
    return context
  }

  const cookieOf = (req: IncomingMessage, res: ServerResponse) => {
    const value = contextOf(req, res).cookies.get(formCookie, { signed: false })
    return value !== undefined && /^[A-Za-z0-9_-]{43}$/.test(value) ? value : undefined
  }

  return {
    find: (req, res) =>
      units.run(requests.of(req), async unit => {
        const session = await deps.provider().Session.get(contextOf(req, res))
        const { uid, accountId, loginTs, amr = [] } = session
        if (accountId === undefined || loginTs === undefined) return undefined
        if (unit.unseenSessions.has(uid)) {
          await deps.sessionStore.noteSeen(uid, unit.request.address)
        }
        return {
          accountId,
          signedInAt: new Date(loginTs * 1_000),
          session: { uid, amr },
          csrf: token('session', uid, accountId),
          verifyCsrf: presented => isToken(presented, 'session', uid, accountId)
        }
      }),

    signInForm(req, res) {
      const known = cookieOf(req, res)
      const value = known ?? randomSecret()
      if (known === undefined) {
        const cookie = {
          signed: false,
          httpOnly: true,
          sameSite: 'lax',
          secure,
          path: '/'
        } as const
        contextOf(req, res).cookies.set(formCookie, value, cookie)
      }
      return { csrf: token('sign-in', value), flow: value }
    },

    verifySignInForm(req, res, presented) {
      const value = cookieOf(req, res)
      return value !== undefined && isToken(presented, 'sign-in', value)
    },

    // the audit trail has it already: the authenticator wrote it down (accounts/authenticate.ts)
    signIn: (req, res, { accountId, amr }) =>
      units.run(requests.of(req), async unit => {
        const provider = deps.provider()
        const context = contextOf(req, res)
        let session = await provider.Session.get(context)
        if (session.accountId !== undefined && session.accountId !== accountId) {
          deps.sessions.end(unit, session.uid)
          const about = { accountId: session.accountId, data: { by: 'account' } } as const
          noteEvidence(unit, { type: 'sign_out', ...about })
          session = new provider.Session()
        }
        if (unit.sessionIds.has(session.uid)) session.resetIdentifier()
        session.loginAccount({ accountId, amr })
        const { idleSeconds, absoluteSeconds } = deps.lifetimes
        await session.save(Math.min(idleSeconds, absoluteSeconds))
        await units.send(unit, 'with effects')
        context.cookies.set(provider.cookieName('session'), session.jti, {
          ...sessionCookie(secure),
          expires: new Date(session.exp * 1_000)
        })
      })
  }
}
