// Which of the accounts at this browser a request of a client is about (OpenID Connect Core §3.1.2.1, RP-Initiated Logout §2). The request says
// so by `id_token_hint`, `sub` or `login_hint`; else the client gets the account that it got last at this browser, so that single sign-on
// stays silent once somebody has chosen. Where neither tells, the person is asked. A request that needs nobody's answer never changes who
// uses the browser: it takes the other session for itself, and sets no cookie. So it disturbs no other tab.

import { type KoaContextWithOIDC, Provider } from 'oidc-provider'
import { foldLogin } from '../accounts/login-name.ts'
import type { AccountHere, BrowserAccounts } from './browser-accounts.ts'
import { sessionCookie } from './cookies.ts'
import type { Subjects } from './hints.ts'
import type { SessionAdapter } from './session-adapter.ts'
import type { EngineSession } from './session-changes.ts'
import { noteEvidence, type UnitOfWork } from './unit-of-work.ts'

// Facts of the engine (9.13.3), held by test/protocol/several-accounts.test.ts: the session is read before the parameters are complete (PAR, request
// objects), `extraParams` are looked at after them and before the account is loaded; resume reads `ctx.oidc.session` after its interaction.

/** What the page of a sign-out tells of the accounts at this browser. */
export interface SignOutAccounts {
  /** whose session it is about */
  current: string
  others: string[]
  /** what goes to the form's address where that session is not the one in use */
  query: string
}

export interface SessionChoice {
  /** Once the parameters of an authorization request are complete: goes on with the session of the account that they are about. */
  pick(ctx: KoaContextWithOIDC): Promise<void>
  /** Several accounts, and nothing tells which: the person is asked. */
  isOpen(ctx: KoaContextWithOIDC): Promise<boolean>
  /** undefined: there is one account, and it is in use */
  signOutAccounts(ctx: KoaContextWithOIDC): SignOutAccounts | undefined
  /** Names of those who are signed in here. */
  namesAt(ctx: KoaContextWithOIDC): Promise<string[]>
  install(provider: Provider): void
  /** After the engine, before the commit: the cookie of a session that was only taken for this request is not set. */
  finish(ctx: KoaContextWithOIDC, unit: UnitOfWork): void
}

interface Choice {
  here: AccountHere[]
  /** uid of the session that the cookie names, if somebody is signed in by it */
  active: string | undefined
  taken: string | undefined
  open: boolean
}

/** How a person knows the account, as on every page. */
const nameOf = ({ email, login }: AccountHere) => email ?? login

function payloadOf(jwt: unknown): Record<string, unknown> {
  try {
    const [, payload = ''] = String(jwt).split('.')
    const parsed: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {}
  } catch {
    return {}
  }
}

export function createSessionChoice(deps: {
  accounts: BrowserAccounts
  subjects: Subjects
  sessions: Pick<SessionAdapter, 'end'>
  unit(): UnitOfWork | undefined
  /** a client that the operator runs */
  isFirstParty(ctx: KoaContextWithOIDC): boolean
  guarded<T>(work: () => Promise<T>): Promise<T>
  secure: boolean
}): SessionChoice {
  const { accounts, guarded } = deps
  const choices = new WeakMap<object, Choice>()
  const jarOf = ({ req, oidc }: KoaContextWithOIDC) => ({ req, cookies: oidc.cookies })

  /** Undefined: there is one account at most, as at nearly every browser. */
  async function read(
    ctx: KoaContextWithOIDC,
    session: EngineSession | undefined,
    clientId: string | undefined
  ): Promise<Choice | undefined> {
    if (!accounts.hasSeveral(jarOf(ctx))) return undefined
    const active = session?.accountId === undefined ? undefined : session.uid
    const here = await guarded(() => accounts.find(jarOf(ctx), active, clientId))
    const choice: Choice = { here, active, taken: undefined, open: false }
    choices.set(ctx, choice)
    return choice
  }

  /** The session of an account that was put aside, for this request; undefined: it has ended meanwhile. */
  async function take(ctx: KoaContextWithOIDC, choice: Choice, uid: string) {
    const session = await ctx.oidc.provider.Session.findByUid(uid)
    const unit = deps.unit()
    if (session === undefined || unit === undefined) return undefined
    choice.taken = uid
    unit.takenSessions.add(uid)
    ctx.oidc.entity('Session', session)
    return session
  }

  const lastUsed = (here: readonly AccountHere[]) =>
    here
      .filter(account => account.lastUsedAt !== undefined)
      .sort((one, other) => (other.lastUsedAt ?? 0) - (one.lastUsedAt ?? 0))[0]

  /** A hint is an account that is signed in here, or nothing: whether there is such an account is not told. */
  function hinted(ctx: KoaContextWithOIDC, { here }: Choice, hint: string) {
    const folded = foldLogin(hint)
    const wanted = folded.ok ? folded.login : undefined
    const named = here.find(({ login, email }) => {
      const mail = email === undefined ? undefined : foldLogin(email)
      return login === wanted || (mail?.ok === true && mail.login === wanted)
    })
    // Without a page, a client could ask for one address after another who is signed in here: it learns that only of its own people.
    const silent = ctx.oidc.prompts.has('none')
    const known = named?.allowed || named?.sid !== undefined || deps.isFirstParty(ctx)
    return silent && !known ? undefined : named
  }

  async function find(
    ctx: KoaContextWithOIDC,
    choice: Choice
  ): Promise<AccountHere | 'open' | 'nobody'> {
    const { here } = choice
    const { client, params } = ctx.oidc
    const subjects = await deps.subjects.expected(ctx)
    if (subjects.length > 0 && client !== undefined) {
      for (const account of here) {
        const own = await deps.subjects.of(ctx, account.accountId, client)
        if (subjects.every(subject => subject === own)) return account
      }
      // the check of the subject asks for a sign-in, or refuses (hints.ts)
      return 'nobody'
    }
    const [only] = here
    if (here.length < 2) return only ?? 'nobody'
    const hint = params?.['login_hint']
    if (typeof hint === 'string' && hint !== '') return hinted(ctx, choice, hint) ?? 'open'
    return lastUsed(here) ?? 'open'
  }

  /** Whose session a sign-out is about: the one that the hint is from, else the client's last, else the one in use. */
  async function forSignOut(ctx: KoaContextWithOIDC, own: EngineSession) {
    const { id_token_hint: hint, client_id: asked, account: handle } = ctx.query
    const { aud, sid, sub } = payloadOf(hint)
    const clientId = [aud, asked].find(value => typeof value === 'string')
    const choice = await read(ctx, own, clientId as string | undefined)
    if (choice === undefined) return own
    const { here, active } = choice
    const named =
      ctx.oidc.route === 'end_session_confirm'
        ? accounts.byHandle(here, handle)
        : (here.find(account => sid !== undefined && account.sid === sid) ??
          here.find(account => account.accountId === sub) ??
          (clientId === undefined ? undefined : lastUsed(here)) ??
          (active === undefined ? here[0] : undefined))
    if (named === undefined || named.uid === active) return own
    return (await take(ctx, choice, named.uid)) ?? own
  }

  async function atResume(ctx: KoaContextWithOIDC, origin: string | undefined) {
    const { session } = ctx.oidc
    if (origin === undefined || session === undefined || origin === session.uid) return
    const choice = await read(ctx, session, undefined)
    if (!choice?.here.some(({ uid }) => uid === origin)) return
    const taken = await take(ctx, choice, origin)
    if (taken !== undefined) Object.assign(ctx.oidc, { session: taken })
  }

  return {
    async pick(ctx) {
      const { route, session, client } = ctx.oidc
      if (route !== 'authorization') return
      const choice = await read(ctx, session, client?.clientId)
      if (choice === undefined) return
      const found = await find(ctx, choice)
      choice.open = found === 'open'
      if (typeof found === 'string' || found.uid === choice.active) return
      const taken = await take(ctx, choice, found.uid)
      if (taken !== undefined) Object.assign(ctx.oidc, { session: taken })
    },

    async isOpen(ctx) {
      const { oidc } = ctx
      // whoever signs in has chosen by that
      if (oidc.prompts.has('login')) return false
      if (oidc.route === 'authorization') return choices.get(ctx)?.open === true
      if (oidc.route !== 'code_verification') return false
      const choice = await read(ctx, oidc.session, oidc.client?.clientId)
      return choice !== undefined && choice.here.length > (choice.active === undefined ? 0 : 1)
    },

    signOutAccounts(ctx) {
      const choice = choices.get(ctx)
      const about = choice?.here.find(({ uid }) => uid === ctx.oidc.session?.uid)
      if (choice === undefined || about === undefined) return undefined
      return {
        current: nameOf(about),
        others: choice.here.filter(account => account !== about).map(nameOf),
        query:
          choice.taken === undefined
            ? ''
            : `?${new URLSearchParams({ account: accounts.handleOf(about) })}`
      }
    },

    async namesAt(ctx) {
      if (!accounts.hasSeveral(jarOf(ctx))) return []
      return (await guarded(() => accounts.find(jarOf(ctx), undefined))).map(nameOf)
    },

    install(provider) {
      const { Session, Interaction } = provider
      const { get } = Session
      const { find: findInteraction } = Interaction
      Object.assign(Session, {
        async get(ctx: Parameters<typeof get>[0]) {
          const own = await get.call(Session, ctx)
          const { oidc } = ctx as Partial<KoaContextWithOIDC>
          if (oidc?.route !== 'end_session' && oidc?.route !== 'end_session_confirm') return own
          return forSignOut(ctx as KoaContextWithOIDC, own)
        }
      })
      Object.assign(Interaction, {
        async find(value: string, options?: { ignoreExpiration?: boolean }) {
          const interaction = await findInteraction.call(Interaction, value, options)
          const { ctx } = Provider
          if (interaction && ctx?.oidc.route.endsWith('resume')) {
            const { session } = interaction as InstanceType<typeof Interaction>
            await atResume(ctx, session?.uid)
          }
          return interaction
        }
      })
    },

    finish(ctx, unit) {
      const choice = choices.get(ctx)
      if (choice === undefined) return
      const { session, params, provider, route } = ctx.oidc
      const name = provider.cookieName('session')
      if (choice.taken !== undefined) {
        const lines = [ctx.response.get('set-cookie') ?? []].flat().filter(line => line !== '')
        const kept = lines.filter(line => ![name, `${name}.sig`].includes(line.split('=')[0] ?? ''))
        if (kept.length > 0) ctx.set('set-cookie', kept)
        else ctx.remove('set-cookie')
      }
      const { destroyed } = (session ?? {}) as { destroyed?: boolean }
      if (route !== 'end_session_confirm' || destroyed !== true) return
      const others = choice.here.filter(({ uid }) => uid !== session?.uid)
      if (params?.['logout'] !== 'all' && others.length > 0) return
      for (const { uid, accountId } of others) {
        deps.sessions.end(unit, uid)
        noteEvidence(unit, { type: 'sign_out', accountId, data: { by: 'account' } })
      }
      ctx.oidc.cookies.set(name, null, sessionCookie(deps.secure))
      accounts.dropCookie(jarOf(ctx))
    }
  }
}
