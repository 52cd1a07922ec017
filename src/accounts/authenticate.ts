// Sign-in with a password. Owns the order in which it is checked and what it costs: cheap refusals, then the address's counter, then
// the login's, each claimed in the database before the hash that it guards, then the queue, then one hash, always one. So a flood is
// refused before it costs anything, and an unknown, disabled or passwordless account answers like a wrong password (CWE-204).
// No lock-out is for good: a window ends by itself. Who keeps mistyping for somebody else can still delay them while it lasts.

import type { AuditEvent, RecordAuditEvent } from '../audit/events.ts'
import { hmac } from '../lib/secret.ts'
import type { Account, AccountStore } from '../store/accounts.ts'
import type { AttemptLimit, AttemptStore } from '../store/attempts.ts'
import { countedAddress } from './address.ts'
import type { HashQueue } from './hash-queue.ts'
import { foldLogin } from './login-name.ts'
import type { PasswordHasher } from './password-hash.ts'
import { type PreparedPassword, preparePassword } from './prepared-password.ts'

/** Why a sign-in failed. A page shows one sentence for the first four. */
export type AuthenticationRefusal =
  | 'unknown_account'
  | 'password_mismatch'
  | 'disabled'
  | 'no_password'
  | 'throttled'
  | 'busy'

export type AuthenticationOutcome =
  | { ok: true; account: Account; amr: ['pwd'] }
  | { ok: false; reason: AuthenticationRefusal; retryAfterSeconds?: number }

export interface AuthenticationRequest {
  /** as typed */
  login: string
  /** as typed */
  password: string
  /** the peer's address, as trusted proxies tell it */
  address: string
  /** fires when the caller has gone: a place in the queue is freed */
  signal?: AbortSignal | undefined
  /** for the audit trail */
  clientId?: string | undefined
  requestId?: string | undefined
}

export interface AuthenticationLimits {
  /** per folded login, existing or not */
  account: AttemptLimit
  /** per IPv4 address or IPv6 /64 */
  address: AttemptLimit
}

/**
 * Ten tries in a quarter of an hour are more than a person needs who mistypes, and 960 guesses a day at most: nothing against a
 * password that the blocklist lets pass. An address has ten times that, because households and offices share one, and gets back what
 * succeeds.
 */
export const defaultLimits: AuthenticationLimits = {
  account: { limit: 10, windowSeconds: 900 },
  address: { limit: 100, windowSeconds: 900 }
}

export interface AuthenticatorOptions {
  accounts: Pick<AccountStore, 'findWithPassword' | 'findUnchanged' | 'replaceHash'>
  attempts: Pick<AttemptStore, 'claim' | 'giveBack' | 'release'>
  hasher: PasswordHasher
  queue: Pick<HashQueue, 'run'>
  /** refusals must be kept even when the rest of the request is dropped */
  record: RecordAuditEvent
  /**
   * Keys the counters' digests, 32 bytes, the same in every process: what is typed as a login may be guessed, and now and then is a
   * password, so its plain hash would give it away in a copy of the database.
   */
  counterKey: Buffer
  limits?: AuthenticationLimits
}

export type Authenticate = (request: AuthenticationRequest) => Promise<AuthenticationOutcome>

/** How long a client is told to wait when the queue is full: it empties in about a second. */
const busyRetrySeconds = 2

/** Creates the check. It throws Fault `store_unavailable`: without counters nobody signs in. */
export function createAuthenticator(options: AuthenticatorOptions): Authenticate {
  const { accounts, attempts, hasher, queue, record, counterKey } = options
  const limits = options.limits ?? defaultLimits
  const decoy = hasher.decoy()

  function counter(kind: 'account' | 'address', value: string) {
    const name = `sign_in.${kind}`
    const key = hmac(counterKey, name, value)
    return {
      claim: () => attempts.claim(name, key, limits[kind]),
      giveBack: () => attempts.giveBack(name, key, limits[kind]),
      release: () => attempts.release(name, key)
    }
  }

  /** One verification, whoever asks: against the account's password, or against one that nobody has. */
  async function verify(
    login: string,
    password: PreparedPassword,
    signal: AbortSignal | undefined
  ): Promise<
    | { reason: 'busy' }
    | { reason: 'unknown_account' }
    | { reason: 'password_mismatch' | 'disabled' | 'no_password'; accountId: string }
    | { reason: 'matched'; account: Account; phc: string }
  > {
    const found = await accounts.findWithPassword(login)
    const phc = found?.password
    const usable = phc !== undefined && hasher.readable(phc)
    const enabled = found !== undefined && found.account.disabledAt === undefined
    const against = enabled && usable ? phc : decoy
    const hashed = await queue.run(() => hasher.verify(against, password), signal)
    if (!hashed.ok) return { reason: 'busy' }
    if (found === undefined) return { reason: 'unknown_account' }
    const accountId = found.account.id
    if (!enabled) return { reason: 'disabled', accountId }
    if (!usable) return { reason: 'no_password', accountId }
    if (!hashed.value) return { reason: 'password_mismatch', accountId }
    // The wait may have been long: a password that was changed meanwhile, or an account disabled, does not sign in.
    const account = await accounts.findUnchanged(found.account)
    if (account === undefined) return { reason: 'password_mismatch', accountId }
    return { reason: 'matched', account, phc }
  }

  /** New parameters reach an account when its password is known: now. Not worth a refusal, so a full queue leaves it for next time. */
  async function upgrade(accountId: string, phc: string, password: PreparedPassword) {
    if (!hasher.needsRehash(phc)) return
    const hashed = await queue.run(() => hasher.hash(password))
    if (hashed.ok) await accounts.replaceHash(accountId, phc, hashed.value)
  }

  return async function authenticate(request) {
    const { address, clientId, requestId, signal } = request
    const context = { address, clientId, requestId }
    const refuse = (data: Extract<AuditEvent, { type: 'sign_in.refused' }>['data'], id?: string) =>
      record({ type: 'sign_in.refused', ...context, accountId: id, data })

    // What cannot be a login or a password is refused for its form alone: that tells nothing about any account.
    const folded = foldLogin(request.login)
    if (!folded.ok) return { ok: false, reason: 'unknown_account' }
    const prepared = preparePassword(request.password)
    if (!prepared.ok) return { ok: false, reason: 'password_mismatch' }

    const byAddress = counter('address', countedAddress(address))
    const byAccount = counter('account', folded.login)
    for (const [name, claimed] of [
      ['address', byAddress],
      ['account', byAccount]
    ] as const) {
      const claim = await claimed.claim()
      if (claim.ok) continue
      // once per window: a flood must not fill the audit trail either
      if (claim.crossed) await refuse({ reason: 'throttled', counter: name })
      return { ok: false, reason: 'throttled', retryAfterSeconds: claim.retryAfterSeconds }
    }

    const verified = await verify(folded.login, prepared.password, signal)
    if (verified.reason === 'busy') {
      // no guess was made, so none is counted: a flood must not use up the attempts of those whom it keeps waiting
      await byAccount.giveBack()
      await byAddress.giveBack()
      return { ok: false, reason: 'busy', retryAfterSeconds: busyRetrySeconds }
    }
    if (verified.reason !== 'matched') {
      await refuse(
        { reason: verified.reason },
        'accountId' in verified ? verified.accountId : undefined
      )
      return { ok: false, reason: verified.reason }
    }

    const { account, phc } = verified
    await upgrade(account.id, phc, prepared.password)
    await byAccount.release()
    // not released: whoever has one password must not reset the counter of the address that tries others
    await byAddress.giveBack()
    const amr: ['pwd'] = ['pwd']
    await record({ type: 'sign_in.succeeded', ...context, accountId: account.id, data: { amr } })
    return { ok: true, account, amr }
  }
}
