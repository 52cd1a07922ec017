// Accounts that a development configuration declares: created, or brought back to what the file says. Owns only accounts that it made
// (`seeded`); one of that login that was made otherwise is left alone and reported. A production start disables what is left of them.
// The password policy is not asked: these exist on loopback only, and the file is their owner.

import { appendAuditEvent } from '../audit/record.ts'
import { Fault } from '../lib/fault.ts'
import { type Account, createAccountStore, isNameTaken } from '../store/accounts.ts'
import type { Database } from '../store/database.ts'
import { checkProfile, type EndAccount } from './account.ts'
import { foldLogin } from './login-name.ts'
import type { PasswordHasher } from './password-hash.ts'
import { type PreparedPassword, preparePassword } from './prepared-password.ts'

/** As the configuration has it: wire names of OpenID Connect Core §5.1. */
export interface ConfiguredAccount {
  login: string
  password: string
  name?: string | undefined
  email?: string | undefined
  email_verified?: boolean | undefined
  locale?: string | undefined
  /** more of them */
  claims?: Record<string, unknown> | undefined
}

export interface ReconciledAccount {
  login: string
  outcome: 'created' | 'updated' | 'unchanged' | 'made_elsewhere' | 'disabled'
}

export interface ReconcilerOptions {
  database: Database
  hasher: Pick<PasswordHasher, 'hash' | 'verify'>
  endAccount: EndAccount
}

export interface AccountReconciler {
  /**
   * Brings the seeded accounts to what is declared; those no longer declared are disabled, never deleted.
   * @throws Fault `configuration_invalid` naming the account whose login, password, e-mail or locale is malformed
   */
  reconcileConfigured(declared: readonly ConfiguredAccount[]): Promise<ReconciledAccount[]>
  /** Disables every seeded account and ends what it has; answers their logins. */
  disableSeeded(): Promise<string[]>
}

function checked(declared: ConfiguredAccount) {
  const folded = foldLogin(declared.login)
  const prepared = preparePassword(declared.password)
  const profile = checkProfile({
    name: declared.name,
    email: declared.email,
    emailVerified: declared.email_verified,
    locale: declared.locale,
    claims: declared.claims
  })
  for (const outcome of [folded, prepared, profile]) {
    if (outcome.ok) continue
    throw new Fault(
      'configuration_invalid',
      `accounts: "${declared.login}" cannot be declared: ${outcome.reason.replaceAll('_', ' ')}. Correct it in the configuration file.`
    )
  }
  if (!folded.ok || !prepared.ok || !profile.ok) throw new Fault('internal', 'unreachable')
  return { login: folded.login, password: prepared.password, profile: profile.profile }
}

/** Creates the reconciler; the hashing is done one after the other, at start, before anybody signs in. */
export function createAccountReconciler(options: ReconcilerOptions): AccountReconciler {
  const { database, hasher, endAccount } = options
  const accounts = createAccountStore({ sql: database })

  async function disable(account: Account): Promise<void> {
    await database.transaction(async tx => {
      if ((await createAccountStore({ sql: tx }).disable(account.id)) === undefined) return
      await endAccount(account.id, tx)
      await appendAuditEvent(tx, {
        type: 'account.disabled',
        accountId: account.id,
        data: { via: 'config' }
      })
    })
  }

  async function changePassword(account: Account, password: PreparedPassword): Promise<void> {
    const hash = await hasher.hash(password)
    await database.transaction(async tx => {
      await createAccountStore({ sql: tx }).setPassword(account.id, hash)
      await endAccount(account.id, tx)
      await appendAuditEvent(tx, {
        type: 'account.password_changed',
        accountId: account.id,
        data: { via: 'config' }
      })
    })
  }

  async function create(item: ReturnType<typeof checked>): Promise<boolean> {
    const hash = await hasher.hash(item.password)
    const creating = database.transaction(async tx => {
      const made = await createAccountStore({ sql: tx }).create(
        item.login,
        hash,
        item.profile,
        'seeded'
      )
      if (made === undefined) return false
      await appendAuditEvent(tx, {
        type: 'account.created',
        accountId: made.id,
        data: { via: 'config' }
      })
      return true
    })
    return creating.catch((error: unknown) => {
      if (isNameTaken(error)) return false
      throw error
    })
  }

  async function update(
    item: ReturnType<typeof checked>
  ): Promise<'updated' | 'unchanged' | 'made_elsewhere'> {
    const found = await accounts.findWithPassword(item.login)
    // somebody whose verified address it is may be found in its place
    if (found?.account.login !== item.login || !found.account.seeded) return 'made_elsewhere'
    const { account, password } = found
    const same = password !== undefined && (await hasher.verify(password, item.password))
    if (!same) await changePassword(account, item.password)
    const declared = await database.transaction(async tx => {
      const changed = await createAccountStore({ sql: tx }).declare(account.id, item.profile)
      if (changed !== undefined) {
        await appendAuditEvent(tx, {
          type: 'account.updated',
          accountId: account.id,
          data: { via: 'config' }
        })
      }
      return changed
    })
    return same && declared === undefined ? 'unchanged' : 'updated'
  }

  return {
    async reconcileConfigured(declared) {
      const items = declared.map(checked)
      const done: ReconciledAccount[] = []
      for (const item of items) {
        const existing = await accounts.findByLogin(item.login)
        const created = existing === undefined && (await create(item))
        done.push({ login: item.login, outcome: created ? 'created' : await update(item) })
      }
      for (const left of await accounts.listSeeded(items.map(item => item.login))) {
        await disable(left)
        done.push({ login: left.login, outcome: 'disabled' })
      }
      return done
    },

    async disableSeeded() {
      const seeded = await accounts.listSeeded([])
      for (const account of seeded) await disable(account)
      return seeded.map(account => account.login)
    }
  }
}
