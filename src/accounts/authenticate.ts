// Sign-in with a password. Owns the order in which it is checked and what it costs: cheap refusals, then the counters (sign-in-counters.ts),
// each claimed in the database before the hash that it guards, then the queue, then one hash, always one. So a flood is
// refused before it costs anything, and an unknown, disabled or passwordless account answers like a wrong password (CWE-204).
// No lock-out is for good: a window ends by itself, and browsers that the account knows have attempts of their own.

import type { AuditEvent, RecordAuditEvent } from '../audit/events.ts'
import type { Account, AccountStore, AccountWithPassword } from '../store/accounts.ts'
import { foldLogin } from './login-name.ts'
import type { PasswordCheck } from './password-check.ts'
import { preparePassword } from './prepared-password.ts'
import type { SignInCounters } from './sign-in-counters.ts'

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

export interface AuthenticationRequest extends PasswordAttempt {
  /** as typed */
  login: string
}

/** Of somebody who is signed in and shows the password once more. */
export interface ConfirmationRequest extends PasswordAttempt {
  accountId: string
}

interface PasswordAttempt {
  /** as typed */
  password: string
  /** the peer's address, as trusted proxies tell it */
  address: string
  /** what the browser keeps of known-devices.ts, or anything */
  device?: string | undefined
  /** fires when the caller has gone: a place in the queue is freed */
  signal?: AbortSignal | undefined
  /** for the audit trail */
  clientId?: string | undefined
  requestId?: string | undefined
}

export interface AuthenticatorOptions {
  accounts: Pick<AccountStore, 'findWithPassword' | 'findWithPasswordById'>
  counters: Pick<SignInCounters, 'claim'>
  passwords: PasswordCheck
  /** refusals must be kept even when the rest of the request is dropped */
  record: RecordAuditEvent
}

export type Authenticate = (request: AuthenticationRequest) => Promise<AuthenticationOutcome>

export interface Authenticator {
  authenticate: Authenticate
  /** The password of somebody who is signed in, once more: the same counters, at the same cost. */
  confirm(request: ConfirmationRequest): Promise<AuthenticationOutcome>
}

/** How long a client is told to wait when the queue is full: it empties in about a second. */
const busyRetrySeconds = 2

/** Creates the check. It throws Fault `store_unavailable`: without counters nobody signs in. */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { accounts, counters, passwords, record } = options

  async function attempt(
    request: PasswordAttempt,
    name: string,
    find: () => Promise<AccountWithPassword | undefined>
  ): Promise<AuthenticationOutcome> {
    const { address, clientId, requestId, device, signal } = request
    const refuse = (data: Extract<AuditEvent, { type: 'sign_in.refused' }>['data'], id?: string) =>
      record({ type: 'sign_in.refused', address, clientId, requestId, accountId: id, data })
    const prepared = preparePassword(request.password)
    if (!prepared.ok) return { ok: false, reason: 'password_mismatch' }

    const { isFull } = passwords
    const counted = await counters.claim({ name, find, address, device, isFull })
    if (counted === 'busy') {
      return { ok: false, reason: 'busy', retryAfterSeconds: busyRetrySeconds }
    }
    if ('ok' in counted) {
      const { counter, crossed, retryAfterSeconds } = counted
      if (crossed) await refuse({ reason: 'throttled', counter })
      return { ok: false, reason: 'throttled', retryAfterSeconds }
    }

    const { claimed, found } = counted
    const verified = await passwords.verify(name, found, prepared.password, signal, claimed.lane)
    if (verified.reason === 'busy') {
      // no guess was made, so none is counted: a flood must not use up the attempts of those whom it keeps waiting
      await claimed.giveBack()
      return { ok: false, reason: 'busy', retryAfterSeconds: busyRetrySeconds }
    }
    if (verified.reason !== 'matched') {
      const { reason } = verified
      await refuse({ reason }, 'accountId' in verified ? verified.accountId : undefined)
      return { ok: false, reason }
    }
    await claimed.succeeded()
    return { ok: true, account: verified.account, amr: ['pwd'] }
  }

  return {
    async authenticate(request) {
      // What cannot be a login is refused for its form alone: that tells nothing about any account.
      const folded = foldLogin(request.login)
      if (!folded.ok) return { ok: false, reason: 'unknown_account' }
      return attempt(request, folded.login, () => accounts.findWithPassword(folded.login))
    },

    confirm: request =>
      attempt(request, request.accountId, () => accounts.findWithPasswordById(request.accountId))
  }
}
