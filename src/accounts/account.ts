// Accounts of people, as the CLI, the start-up and later the admin API manage them: create, list, disable, enable, set a password.
// Owns what belongs together in one transaction: a changed password or a disabled account ends sessions and grants and is audited.
// Refuses names and passwords that the policy refuses, as outcomes; a login is never renamed and an id never reused.

import { appendAuditEvent } from '../audit/record.ts'
import {
  type Account,
  type AccountProfile,
  type AccountStore,
  createAccountStore,
  isNameTaken
} from '../store/accounts.ts'
import type { Database, Queries } from '../store/database.ts'
import type { HashQueue } from './hash-queue.ts'
import { foldLogin, type LoginProblem, parseEmail } from './login-name.ts'
import type { CheckNewPassword, NewPasswordProblem } from './new-password.ts'
import type { PasswordHasher } from './password-hash.ts'
import type { PreparedPassword } from './prepared-password.ts'
import { removeFactors } from './remove-factors.ts'

export type { Account, AccountProfile, AccountStore } from '../store/accounts.ts'

/** Ends sessions, grants and refresh families of an account, in the transaction that `sql` stands for. */
export type EndAccount = (accountId: string, sql: Queries) => Promise<void>

/** The request by which somebody asked for it, as far as there was one. */
export interface Asked {
  requestId?: string | undefined
  address?: string | undefined
}

/** Who asked for a change, as the audit trail tells it. */
export type AccountActor = 'config' | 'cli' | 'admin' | 'self'

export type ProfileProblem = 'name_malformed' | 'email_malformed' | 'locale_malformed'

export interface NewAccount extends AccountProfile {
  login: string
  /** undefined: an account without a password, which cannot sign in with one */
  password?: string | undefined
}

export type CreateAccountOutcome =
  | { ok: true; account: Account }
  | {
      ok: false
      reason:
        | LoginProblem
        | NewPasswordProblem
        | 'login_taken'
        | 'email_taken'
        | ProfileProblem
        | 'busy'
    }

export type ChangeAccountOutcome =
  | { ok: true; account: Account; changed: boolean }
  | { ok: false; reason: 'not_found' }

export type SetPasswordOutcome =
  | { ok: true; account: Account }
  | { ok: false; reason: 'not_found' | NewPasswordProblem | 'busy' }

export interface AccountServiceOptions {
  database: Database
  hasher: Pick<PasswordHasher, 'hash'>
  queue: Pick<HashQueue, 'run'>
  endAccount: EndAccount
  checkNewPassword: CheckNewPassword
}

export interface AccountService {
  create(account: NewAccount, actor: AccountActor): Promise<CreateAccountOutcome>
  findById(id: string): Promise<Account | undefined>
  /** by what a person types: folded here */
  findByLogin(login: string): Promise<Account | undefined>
  list(page: { after?: string | undefined; limit: number }): Promise<Account[]>
  disable(id: string, actor: AccountActor): Promise<ChangeAccountOutcome>
  enable(id: string, actor: AccountActor): Promise<ChangeAccountOutcome>
  setPassword(id: string, password: string, actor: AccountActor): Promise<SetPasswordOutcome>
  /** Takes every second factor away and ends every session and grant; `changed` false: there was none. */
  removeFactors(id: string): Promise<ChangeAccountOutcome>
  /** Ends every session and grant: signs the person out everywhere. */
  signOut(id: string, by: 'account' | 'operator', asked?: Asked): Promise<ChangeAccountOutcome>
}

const nameLimit = 200

/** A name goes into pages, tokens, mails and terminals: no controls, no line breaks, no direction overrides. */
function nameIsWellFormed(name: string): boolean {
  return (
    name.length <= nameLimit &&
    name.isWellFormed() &&
    !/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u.test(name)
  )
}

/** Of two reasons, which a conflict had: the login itself may be somebody's, else it was the address. */
async function takenOf(store: AccountStore, login: string): Promise<'login_taken' | 'email_taken'> {
  return (await store.findByName(login)) === undefined ? 'email_taken' : 'login_taken'
}

function localeIsWellFormed(locale: string): boolean {
  try {
    return Intl.getCanonicalLocales(locale).length === 1
  } catch {
    return false
  }
}

/** Checks what a person is called; answers the profile with the address in its one form. */
export function checkProfile(
  profile: AccountProfile
): { ok: true; profile: AccountProfile } | { ok: false; reason: ProfileProblem } {
  const { name, email, locale } = profile
  if (name !== undefined && !nameIsWellFormed(name)) return { ok: false, reason: 'name_malformed' }
  if (locale !== undefined && !localeIsWellFormed(locale)) {
    return { ok: false, reason: 'locale_malformed' }
  }
  if (email === undefined) return { ok: true, profile: { ...profile, emailVerified: false } }
  const parsed = parseEmail(email)
  if (!parsed.ok) return { ok: false, reason: 'email_malformed' }
  const folded = foldLogin(email)
  const verifiedEmail = profile.emailVerified && folded.ok ? folded.login : undefined
  return { ok: true, profile: { ...profile, email: parsed.email, verifiedEmail } }
}

/**
 * Creates the service. Methods throw Fault `store_unavailable`; everything that a person can cause is an outcome.
 */
export function createAccountService(options: AccountServiceOptions): AccountService {
  const { database, hasher, queue, endAccount, checkNewPassword } = options
  const accounts = createAccountStore({ sql: database })

  async function hashOf(password: PreparedPassword): Promise<string | undefined> {
    const hashed = await queue.run(() => hasher.hash(password))
    return hashed.ok ? hashed.value : undefined
  }

  /** One change of a row with what follows from it, all or nothing. */
  async function change(
    id: string,
    write: (store: AccountStore, sql: Queries) => Promise<Account | undefined>
  ): Promise<ChangeAccountOutcome> {
    const before = await accounts.findById(id)
    if (before === undefined) return { ok: false, reason: 'not_found' }
    const after = await database.transaction(tx => write(createAccountStore({ sql: tx }), tx))
    return { ok: true, account: after ?? before, changed: after !== undefined }
  }

  return {
    async create(account, actor) {
      const folded = foldLogin(account.login)
      if (!folded.ok) return folded
      const checked = checkProfile(account)
      if (!checked.ok) return checked
      let hash: string | undefined
      if (account.password !== undefined) {
        const whose = { ...checked.profile, login: folded.login }
        const prepared = await checkNewPassword(account.password, whose)
        if (!prepared.ok) return prepared
        hash = await hashOf(prepared.password)
        if (hash === undefined) return { ok: false, reason: 'busy' }
      }
      const making = database.transaction(async tx => {
        const created = await createAccountStore({ sql: tx }).create(
          folded.login,
          hash,
          checked.profile,
          'made'
        )
        if (created !== undefined) {
          await appendAuditEvent(tx, {
            type: 'account.created',
            accountId: created.id,
            data: { via: actor }
          })
        }
        return created
      })
      const made = await making.catch(async (error: unknown) => {
        if (isNameTaken(error)) return takenOf(accounts, folded.login)
        throw error
      })
      if (typeof made === 'string') return { ok: false, reason: made }
      return made === undefined ? { ok: false, reason: 'login_taken' } : { ok: true, account: made }
    },

    findById: id => accounts.findById(id),

    async findByLogin(login) {
      const folded = foldLogin(login)
      return folded.ok ? accounts.findByLogin(folded.login) : undefined
    },

    list: page => accounts.list(page),

    disable: (id, actor) =>
      change(id, async (store, tx) => {
        const disabled = await store.disable(id)
        if (disabled === undefined) return undefined
        await endAccount(id, tx)
        await appendAuditEvent(tx, {
          type: 'account.disabled',
          accountId: id,
          data: { via: actor }
        })
        return disabled
      }),

    enable: (id, actor) =>
      change(id, async (store, tx) => {
        const enabled = await store.enable(id)
        if (enabled === undefined) return undefined
        await appendAuditEvent(tx, { type: 'account.enabled', accountId: id, data: { via: actor } })
        return enabled
      }),

    removeFactors: id => change(id, (store, tx) => removeFactors(store, tx, id, endAccount)),

    signOut: (id, by, asked = {}) =>
      change(id, async (store, tx) => {
        const signedOut = await store.refuseEarlier(id)
        if (signedOut === undefined) return undefined
        await endAccount(id, tx)
        await appendAuditEvent(tx, { type: 'sign_out', accountId: id, ...asked, data: { by } })
        return signedOut
      }),

    async setPassword(id, password, actor) {
      const account = await accounts.findById(id)
      if (account === undefined) return { ok: false, reason: 'not_found' }
      const prepared = await checkNewPassword(password, account)
      if (!prepared.ok) return prepared
      const hash = await hashOf(prepared.password)
      if (hash === undefined) return { ok: false, reason: 'busy' }
      const changed = await change(id, async (store, tx) => {
        const updated = await store.setPassword(id, hash)
        if (updated === undefined) return undefined
        await endAccount(id, tx)
        await appendAuditEvent(tx, {
          type: 'account.password_changed',
          accountId: id,
          data: { via: actor }
        })
        return updated
      })
      return changed.ok ? { ok: true, account: changed.account } : changed
    }
  }
}
