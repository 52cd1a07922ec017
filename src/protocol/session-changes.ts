// Who uses this browser from now on: somebody who has just signed in, or one of its accounts that was put aside and is chosen again, without
// a password. Whoever was using it is put aside, and not signed out. Each change gives the session a new identifier and the browser a new
// secret, so whatever was known before opens nothing (CWE-384). Accounts never share a session: time, methods and clients stay with theirs.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Provider } from 'oidc-provider'
import type { Config } from '../config/schema.ts'
import { Refused } from '../store/database.ts'
import type { AccountHere, BrowserAccounts } from './browser-accounts.ts'
import { sessionCookie } from './cookies.ts'
import type { RequestFactsBook } from './request-facts.ts'
import type { SessionAdapter } from './session-adapter.ts'
import type { UnitOfWork, UnitOfWorkRunner } from './unit-of-work.ts'

export type EngineSession = InstanceType<Provider['Session']>

export interface SignedIn {
  accountId: string
  amr: string[]
  /** when, seconds since epoch, if that was earlier: a factor more makes a sign-in no younger */
  loginTs?: number | undefined
}

/** What else belongs to the same transaction; `session` is the one in use from now on. */
export type Besides = (unit: UnitOfWork, session: EngineSession) => Promise<void>

export interface SessionChanges {
  /** The engine's view of a request that is not one of its own. */
  contextOf(req: IncomingMessage, res: ServerResponse): ReturnType<Provider['createContext']>
  /** Everybody who is signed in at this browser, the newest sign-in first, and whose session is in use. */
  accountsAt(
    req: IncomingMessage,
    res: ServerResponse
  ): Promise<{ accounts: AccountHere[]; active: string | undefined }>
  signIn(req: IncomingMessage, res: ServerResponse, who: SignedIn, besides?: Besides): Promise<void>
  /** `gone`: not, or no longer, one of this browser's accounts; nothing has changed. */
  choose(
    req: IncomingMessage,
    res: ServerResponse,
    handle: unknown,
    besides?: Besides
  ): Promise<'chosen' | 'gone'>
}

export function createSessionChanges(deps: {
  /** the engine as it is now: it is swapped when keys rotate */
  provider(): Provider
  units: UnitOfWorkRunner
  requests: RequestFactsBook
  accounts: BrowserAccounts
  sessions: Pick<SessionAdapter, 'end'>
  lifetimes: Config['sessions']
  secure: boolean
  now: () => Date
}): SessionChanges {
  const { units, requests, accounts, secure } = deps

  function contextOf(req: IncomingMessage, res: ServerResponse) {
    const context = deps.provider().createContext(req, res)
    // a proxy has ended TLS: what we say never depends on the connection (provider.ts)
    context.cookies.secure = secure
    return context
  }

  /** Whose session the cookie names, and who else is here. */
  async function read(context: ReturnType<typeof contextOf>) {
    const session = await deps.provider().Session.get(context)
    const active = session.accountId === undefined ? undefined : session.uid
    return { session, active, here: await accounts.find(context, active) }
  }

  function ttlOf({ loginTs }: EngineSession): number {
    const { idleSeconds, absoluteSeconds } = deps.lifetimes
    const age = Math.floor(deps.now().getTime() / 1_000) - (loginTs ?? 0)
    return Math.max(1, Math.min(idleSeconds, absoluteSeconds - age))
  }

  function setCookies(
    context: ReturnType<typeof contextOf>,
    session: EngineSession,
    secret: string | undefined
  ) {
    context.cookies.set(deps.provider().cookieName('session'), session.jti, {
      ...sessionCookie(secure),
      expires: new Date(session.exp * 1_000)
    })
    if (secret !== undefined) accounts.setCookie(context, secret)
  }

  async function send(unit: UnitOfWork): Promise<'sent' | 'overtaken'> {
    try {
      await units.send(unit, 'with effects')
      return 'sent'
    } catch (error) {
      if (error instanceof Refused && error.what === 'browser_accounts') return 'overtaken'
      throw error
    }
  }

  /** The session that whoever signs in goes on with. */
  async function sessionFor(accountId: string, found: Awaited<ReturnType<typeof read>>) {
    const { Session } = deps.provider()
    const { session, active, here } = found
    const account = here.find(each => each.accountId === accountId)
    if (account !== undefined && account.uid === active) {
      return { session, next: { account, from: 'use' as const } }
    }
    const aside = account && (await Session.findByUid(account.uid))
    if (account !== undefined && aside !== undefined) {
      return { session: aside, next: { account, from: 'aside' as const } }
    }
    return { session: active === undefined ? session : new Session(), next: undefined }
  }

  return {
    contextOf,

    accountsAt: (req, res) =>
      units.run(requests.of(req), async () => {
        const { here, active } = await read(contextOf(req, res))
        return { accounts: here, active }
      }),

    async signIn(req, res, who, besides) {
      const context = contextOf(req, res)
      let orphan: string | undefined
      const attempt = (mode: 'beside the others' | 'alone') =>
        units.run(requests.of(req), async unit => {
          const found = await read(context)
          const alone = { ...found, here: [], session: new (deps.provider().Session)() }
          const from = mode === 'alone' ? alone : found
          const { session, next } = await sessionFor(who.accountId, from)
          const secret = accounts.putAside(unit, from.here, next)
          // an identifier from before the sign-in dies with it; one from aside is new already
          if (next?.from !== 'aside' && unit.sessionIds.has(session.uid)) session.resetIdentifier()
          session.loginAccount(who)
          await session.save(ttlOf(session))
          if (secret !== undefined && next === undefined) accounts.join(unit, session.uid, secret)
          await besides?.(unit, session)
          if (orphan !== undefined) deps.sessions.end(unit, orphan)
          const outcome = await send(unit)
          if (outcome === 'overtaken' && next === undefined) orphan = session.uid
          if (outcome === 'sent') setCookies(context, session, secret)
          return outcome
        })
      // another tab has signed in or chosen in the same moment: then the others are where that tab has put them
      if ((await attempt('beside the others')) === 'overtaken') await attempt('alone')
    },

    async choose(req, res, handle, besides) {
      const context = contextOf(req, res)
      return units.run(requests.of(req), async unit => {
        const { session: current, active, here } = await read(context)
        const account = accounts.byHandle(here, handle)
        if (account === undefined) return 'gone'
        if (account.uid === active) {
          await besides?.(unit, current)
          await units.send(unit, 'with effects')
          return 'chosen'
        }
        const session = await deps.provider().Session.findByUid(account.uid)
        if (session === undefined) return 'gone'
        const secret = accounts.putAside(unit, here, { account, from: 'aside' })
        await session.save(ttlOf(session))
        await besides?.(unit, session)
        if ((await send(unit)) === 'overtaken') return 'gone'
        setCookies(context, session, secret)
        return 'chosen'
      })
    }
  }
}
