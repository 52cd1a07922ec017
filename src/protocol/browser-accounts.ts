// The accounts that are signed in at one browser: which they are, by a cookie of our own beside the session's. The cookie holds one random
// value and nothing else, the database its digest at each of their sessions; so no handle of another browser counts, and what was signed
// out, has expired or was ended elsewhere is simply not there. Refuses a cookie that came twice (a sibling domain can toss one).

import type { IncomingMessage } from 'node:http'
import { Fault } from '../lib/fault.ts'
import { digest, equalConstantTime, hmac, randomSecret } from '../lib/secret.ts'
import type { AccountHere, BrowserAccountStore } from '../store/browser-accounts.ts'
import { accountsCookie, sessionCookie } from './cookies.ts'
import type { SessionAdapter } from './session-adapter.ts'
import { noteEvidence, type UnitOfWork } from './unit-of-work.ts'

export type { AccountHere } from '../store/browser-accounts.ts'

/** One request, as far as its cookies go. */
export interface CookieJar {
  req: IncomingMessage
  cookies: {
    get(name: string, options: { signed: boolean }): string | undefined
    set(name: string, value: string | null, options: object): unknown
  }
}

export interface BrowserAccounts {
  /** Newest sign-in first. Without the cookie only `active`, and then without a question where nobody is signed in. */
  find(jar: CookieJar, active: string | undefined, clientId?: string): Promise<AccountHere[]>
  /** Whether the browser has the cookie: everybody else has one account at most. */
  hasSeveral(jar: CookieJar): boolean
  /** What stands in a form for one of them. */
  handleOf(account: Pick<AccountHere, 'uid'>): string
  byHandle(accounts: readonly AccountHere[], handle: unknown): AccountHere | undefined
  /**
   * Puts aside whoever is signed in but the account that comes `next`: the one in use, one from aside, or a new one (undefined). Those for whom
   * there is no room any more are signed out. Answers the browser's new secret, for its cookie; undefined: there is nobody else.
   */
  putAside(
    unit: UnitOfWork,
    accounts: readonly AccountHere[],
    next: { account: AccountHere; from: 'use' | 'aside' } | undefined
  ): string | undefined
  /** The session is one of the browser with that secret. */
  join(unit: UnitOfWork, uid: string, secret: string): void
  setCookie(jar: CookieJar, secret: string): void
  dropCookie(jar: CookieJar): void
}

/** More than a person tells apart in a list, and a bound on what one browser keeps alive. */
const mostAccounts = 5

export function createBrowserAccounts(deps: {
  store: BrowserAccountStore
  sessions: Pick<SessionAdapter, 'end'>
  /** the current key first; a form that was shown under another one is still taken */
  formKeys: () => Buffer[]
  secure: boolean
  lifetimeSeconds: number
  now: () => Date
}): BrowserAccounts {
  const { store, secure } = deps
  const cookie = accountsCookie(secure)
  const digestOf = (secret: string) => digest('browser', secret)

  function secretIn({ req, cookies }: CookieJar): string | undefined {
    const names = (req.headers.cookie ?? '').split(';').map(pair => pair.split('=', 1)[0]?.trim())
    const once = (name: string) => names.filter(one => one === name).length === 1
    if (!once(cookie) || !once(`${cookie}.sig`)) return undefined
    const value = cookies.get(cookie, { signed: true })
    return value !== undefined && /^[A-Za-z0-9_-]{43}$/.test(value) ? value : undefined
  }

  function handle(uid: string, key = deps.formKeys()[0]): Buffer {
    if (key === undefined) throw new Fault('key_unavailable', 'No key for forms is in use.')
    return hmac(key, 'account at a browser', uid)
  }

  return {
    async find(jar, active, clientId) {
      const secret = secretIn(jar)
      if (secret === undefined && active === undefined) return []
      const browser = secret === undefined ? undefined : digestOf(secret)
      const found = await store.find({ browser, active, clientId })
      // two tabs can have signed in to one account at once: the one in use counts, else the newer
      const rank = ({ uid }: AccountHere) => (uid === active ? 0 : 1)
      const seen = new Set<string>()
      return [...found]
        .sort((one, other) => rank(one) - rank(other))
        .filter(({ accountId }) => !seen.has(accountId) && seen.add(accountId))
    },

    hasSeveral: jar => secretIn(jar) !== undefined,

    handleOf: ({ uid }) => handle(uid).toString('base64url'),

    byHandle(accounts, presented) {
      if (typeof presented !== 'string') return undefined
      const given = Buffer.from(presented, 'base64url')
      const keys = deps.formKeys()
      return accounts.find(({ uid }) =>
        keys.some(key => equalConstantTime(handle(uid, key), given))
      )
    },

    putAside(unit, accounts, next) {
      const others = accounts.filter(account => account !== next?.account)
      if (others.length === 0 && next?.from !== 'aside') return undefined
      const newest = [...others].sort((one, other) => other.signedInAt - one.signedInAt)
      for (const { uid, accountId } of newest.slice(mostAccounts - 1)) {
        deps.sessions.end(unit, uid)
        const data = { reason: `more than ${mostAccounts} accounts at one browser` }
        noteEvidence(unit, { type: 'session.ended', accountId, data })
      }
      const secret = randomSecret()
      const kept = newest.slice(0, mostAccounts - 1)
      const uid = next?.account.uid
      // whoever comes from aside has an id that nobody knows: for the write that follows, it gets one that we know
      const id = next?.from === 'aside' ? digest('session', randomSecret()) : undefined
      if (uid !== undefined && id !== undefined) unit.sessionIds.set(uid, id)
      unit.effects.push(
        store.putAsideStatement({
          accounts: next === undefined ? kept : [next.account, ...kept],
          browser: digestOf(secret),
          next: uid === undefined ? undefined : { uid, id }
        })
      )
      return secret
    },

    join: (unit, uid, secret) => unit.effects.push(store.joinStatement(uid, digestOf(secret))),

    setCookie: ({ cookies }, secret) =>
      void cookies.set(cookie, secret, {
        ...sessionCookie(secure),
        expires: new Date(deps.now().getTime() + deps.lifetimeSeconds * 1_000)
      }),

    dropCookie: ({ cookies }) => void cookies.set(cookie, null, sessionCookie(secure))
  }
}
