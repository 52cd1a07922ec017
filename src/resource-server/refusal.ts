// What an API answers to a request that it does not serve: status, one public sentence, and the
// challenge of RFC 6750 §3, or of RFC 9449 §7.1 where a proof is needed. Refuses to put anything of
// the request into a header: every sentence here is ours.

import { proofAlgorithms } from './dpop.ts'

/** A request that is not served, and why. Made to be sent as it is. */
export interface Refusal {
  readonly ok: false
  /**
   * 401: no token, or not a valid one. 403: valid, but not for this. 503: the token could not be
   * judged.
   */
  readonly status: 401 | 403 | 503
  /**
   * `missing_token` is ours and never on the wire: RFC 6750 §3.1 has no code for a request without
   * a token
   */
  readonly error:
    | 'missing_token'
    | 'invalid_token'
    | 'invalid_dpop_proof'
    | 'use_dpop_nonce'
    | 'insufficient_scope'
    | 'insufficient_user_authentication'
    | 'temporarily_unavailable'
  /** one sentence for the developer of the calling client; no part of the request is in it */
  readonly description: string
  /** value of `WWW-Authenticate`; undefined at 503, where another token would not help */
  readonly challenge: string | undefined
  /** value of `Retry-After` at 503 */
  readonly retryAfterSeconds?: number
  /** value of `DPoP-Nonce`: what the next proof must have (RFC 9449 §9) */
  readonly dpopNonce?: string
  /** why the token could not be judged (503 only): for the API's own log, not for the caller */
  readonly cause?: unknown
}

/** How a person must have signed in (RFC 9470 §3). */
export interface AuthenticationDemand {
  /** `acr` must be one of these */
  acrValues?: readonly string[]
  /** the sign-in must not be longer ago */
  maxAgeSeconds?: number
}

/** The headers that go with a refusal, in lower case. */
export function headersOf(refusal: Refusal): Record<string, string> {
  const { challenge, retryAfterSeconds, dpopNonce } = refusal
  return {
    'cache-control': 'no-store',
    ...(challenge === undefined ? {} : { 'www-authenticate': challenge }),
    ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
    ...(dpopNonce === undefined ? {} : { 'dpop-nonce': dpopNonce })
  }
}

/** The JSON that goes with a refusal. */
export function bodyOf({ error, description }: Refusal) {
  return { error, error_description: description }
}

/** The scheme of a challenge: how the token came, or must come. */
export type Scheme = 'bearer' | 'dpop'

type Attributes = [name: string, value: string][]

/**
 * Builds refusals for one API, whose identifier is the realm of its challenges.
 * @param options.metadata where its metadata stands (RFC 9728 §5.1), if it has any
 */
export function createRefusals({ realm, metadata }: { realm: string; metadata?: string }) {
  function challenge(scheme: Scheme, attributes: Attributes): string {
    const all: Attributes = [
      ['realm', realm],
      ...(metadata === undefined ? [] : ([['resource_metadata', metadata]] as Attributes)),
      ...attributes,
      // RFC 9449 §7.1: `algs` tells which algorithms a proof may be signed with
      ...(scheme === 'dpop' ? ([['algs', proofAlgorithms.join(' ')]] as Attributes) : [])
    ]
    const said = all.map(([name, value]) => `${name}=${quoted(value)}`).join(', ')
    return `${scheme === 'dpop' ? 'DPoP' : 'Bearer'} ${said}`
  }
  const wanted = (scope: string): Attributes => (scope === '' ? [] : [['scope', scope]])

  function refused(
    status: 401 | 403,
    error: Exclude<Refusal['error'], 'missing_token' | 'temporarily_unavailable'>,
    description: string,
    { scheme, more }: { scheme: Scheme; more: Attributes }
  ): Refusal {
    const said: Attributes = [
      ['error', error],
      ['error_description', description]
    ]
    const attributes = [...said, ...more]
    return { ok: false, status, error, description, challenge: challenge(scheme, attributes) }
  }

  return {
    /**
     * RFC 6750 §3.1: "If the request lacks any authentication information […], the resource server
     * SHOULD NOT include an error code or other error information."
     */
    missingToken(scheme: Scheme, scope = ''): Refusal {
      return {
        ok: false,
        status: 401,
        error: 'missing_token',
        description:
          scheme === 'dpop'
            ? 'This API needs an access token and its proof: Authorization: DPoP <token>.'
            : 'This API needs an access token: Authorization: Bearer <token>.',
        challenge: challenge(scheme, wanted(scope))
      }
    },

    /**
     * RFC 6750 §3.1: "The access token provided is expired, revoked, malformed, or invalid for
     * other reasons."
     */
    invalidToken(scheme: Scheme, description: string, scope = ''): Refusal {
      return refused(401, 'invalid_token', description, { scheme, more: wanted(scope) })
    },

    /** The token may be good; the proof with it is not (RFC 9449 §4.3, §7.1). */
    invalidProof(description: string, scope = ''): Refusal {
      const more = wanted(scope)
      return refused(401, 'invalid_dpop_proof', description, { scheme: 'dpop', more })
    },

    /**
     * RFC 9449 §9: a 401 with the error `use_dpop_nonce`, and the nonce in `DPoP-Nonce`.
     */
    useNonce(dpopNonce: string, description: string): Refusal {
      const refusal = refused(401, 'use_dpop_nonce', description, { scheme: 'dpop', more: [] })
      return { ...refusal, dpopNonce }
    },

    /**
     * RFC 6750 §3.1: "The request requires higher privileges than provided by the access token."
     */
    insufficientScope(scheme: Scheme, scope: string): Refusal {
      const description = `The access token does not have the scope that this needs: ${scope}.`
      return refused(403, 'insufficient_scope', description, { scheme, more: wanted(scope) })
    },

    /**
     * RFC 9470 §3: "The authentication event associated with the access token presented with the request does not meet the
     * authentication requirements of the protected resource."
     */
    insufficientAuthentication(
      scheme: Scheme,
      { acrValues, maxAgeSeconds }: AuthenticationDemand
    ): Refusal {
      const description =
        'This needs a stronger or more recent sign-in: send the person to the issuer again, with what is said here.'
      const more: Attributes = [
        ...(acrValues === undefined ? [] : ([['acr_values', acrValues.join(' ')]] as Attributes)),
        ...(maxAgeSeconds === undefined ? [] : ([['max_age', String(maxAgeSeconds)]] as Attributes))
      ]
      return refused(401, 'insufficient_user_authentication', description, { scheme, more })
    },

    /** The issuer's keys, its status list or its word on the token are not at hand. Never 401: a client would throw a good token away. */
    unavailable(retryAfterSeconds: number, cause: unknown): Refusal {
      return {
        ok: false,
        status: 503,
        error: 'temporarily_unavailable',
        description: 'The access token cannot be checked right now. Try again in a moment.',
        challenge: undefined,
        retryAfterSeconds,
        cause
      }
    }
  }
}

/** RFC 9110 §5.6.4 quoted-string, over the characters that RFC 6750 §3 allows in its attributes. */
function quoted(text: string): string {
  return `"${text.replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, '_')}"`
}
