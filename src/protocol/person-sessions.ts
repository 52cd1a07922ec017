// Who is signed in at this browser, for pages of ours that no client leads to, and signing in without a client. It is the engine's own
// session, so whoever is signed in for an app is signed in here and the other way round. Each call is one unit of work. What a sign-in and a
// choice do to the sessions of this browser is session-changes.ts.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Provider } from 'oidc-provider'
import { Fault } from '../lib/fault.ts'
import { equalConstantTime, hmac, randomSecret } from '../lib/secret.ts'
import type { SessionStore } from '../store/sessions.ts'
import type { BrowserAccounts } from './browser-accounts.ts'
import type { PersonSessions } from './ports.ts'
import type { RequestFactsBook } from './request-facts.ts'
import type { SessionChanges } from './session-changes.ts'
import type { UnitOfWorkRunner } from './unit-of-work.ts'

export function createPersonSessions(deps: {
  /** the engine as it is now: it is swapped when keys rotate */
  provider(): Provider
  units: UnitOfWorkRunner
  requests: RequestFactsBook
  sessionStore: Pick<SessionStore, 'noteSeen'>
  changes: SessionChanges
  browserAccounts: Pick<BrowserAccounts, 'handleOf'>
  /** the current key first; a form that was shown under another one is still taken */
  csrfKeys: () => Buffer[]
  issuer: string
}): PersonSessions {
  const { units, requests, changes } = deps
  const { contextOf } = changes
  const secure = deps.issuer.startsWith('https:')
  // one page may have several forms: they share the cookie that its answer sets
  const begun = new WeakMap<IncomingMessage, string>()
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
      const known = cookieOf(req, res) ?? begun.get(req)
      const value = known ?? randomSecret()
      if (known === undefined) {
        begun.set(req, value)
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

    async accounts(req, res) {
      const { accounts, active } = await changes.accountsAt(req, res)
      return accounts.map(account => ({
        accountId: account.accountId,
        handle: deps.browserAccounts.handleOf(account),
        inUse: account.uid === active
      }))
    },

    choose: (req, res, handle) => changes.choose(req, res, handle),

    // the audit trail has it already: it was told before (pages/sign-in-flow.ts)
    signIn: (req, res, { accountId, amr }) => changes.signIn(req, res, { accountId, amr })
  }
}
