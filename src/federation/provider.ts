// What every kind of provider is to the rest: somewhere to send a person, and a judge of what comes back. Owns the words for why nothing came
// of it, and what may be told of it to a log: codes, never a body of theirs.

import { OutboundError } from '../lib/outbound.ts'

/** What a provider says about somebody, verified, and still in their words. */
export interface Proof {
  issuer: string
  subject: string
  /** by the names of `ConfiguredUpstream.claims` */
  claims: Readonly<Record<string, unknown>>
}

/** Binds one request to one answer; every value is random, and none leaves for the browser but as the protocol has it. */
export interface Binding {
  redirectUri: string
  state: string
  nonce: string
  verifier: string
  /** `again`: whoever is signed in there is asked to sign in anew, where there is a way to ask */
  freshness: 'any' | 'again'
}

/**
 * `declined`: the person said no; `unavailable`: it did not answer, or says that it cannot; `not_trusted`: what came is not what we asked
 * for, or proves nothing.
 */
export type ProviderFailure = {
  ok: false
  reason: 'declined' | 'unavailable' | 'not_trusted'
  /** a code, for the log */
  detail: string
}

export interface Provider {
  begin(binding: Binding): Promise<{ ok: true; to: URL } | ProviderFailure>
  /** `parameters`: those of the answer that came to `redirectUri` */
  finish(
    binding: Binding,
    parameters: URLSearchParams
  ): Promise<{ ok: true; proof: Proof } | ProviderFailure>
}

// OpenID Connect Core §2: "It MUST NOT exceed 255 ASCII characters in length."
const subjectForm = /^[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?$/

/** A subject as it may stand in our table: a text, not a number that somebody wrote as one. */
export function isSubject(value: unknown): value is string {
  return typeof value === 'string' && subjectForm.test(value)
}

/** What an error of the answer means (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6). */
export function failureOfError(error: string): ProviderFailure {
  const declined = ['access_denied', 'consent_required', 'user_cancelled_authorize']
  const unavailable = ['server_error', 'temporarily_unavailable']
  return {
    ok: false,
    reason: declined.includes(error)
      ? 'declined'
      : unavailable.includes(error)
        ? 'unavailable'
        : 'not_trusted',
    detail: `error ${/^[a-z_]{1,60}$/.test(error) ? error : 'of another kind'}`
  }
}

/** What was thrown on the way, told without anything that the other side wrote. */
export function failureOf(thrown: unknown): ProviderFailure {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if (error instanceof OutboundError) {
      return { ok: false, reason: 'unavailable', detail: error.reason }
    }
    // a server of theirs that fails is not a forgery
    if (error.cause instanceof Response && error.cause.status >= 500) {
      return { ok: false, reason: 'unavailable', detail: `status ${error.cause.status}` }
    }
  }
  const { code, error } = (thrown instanceof Error ? thrown : {}) as Record<string, unknown>
  // of the token endpoint (RFC 6749 §5.2): `invalid_client` is ours to mend
  if (typeof error === 'string') return { ...failureOfError(error), reason: 'not_trusted' }
  return {
    ok: false,
    reason: 'not_trusted',
    detail: typeof code === 'string' ? code : thrown instanceof Error ? thrown.name : 'unknown'
  }
}
