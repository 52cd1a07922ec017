// What an API answers to a request that it does not serve: status, one public sentence, and the
// challenge of RFC 6750 §3. Refuses to put anything of the request into a header: every sentence
// here is ours.

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
    | 'insufficient_scope'
    | 'insufficient_user_authentication'
    | 'temporarily_unavailable'
  /** one sentence for the developer of the calling client; no part of the request is in it */
  readonly description: string
  /** value of `WWW-Authenticate`; undefined at 503, where another token would not help */
  readonly challenge: string | undefined
  /** value of `Retry-After` at 503 */
  readonly retryAfterSeconds?: number
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

/**
 * Builds refusals for one API, whose identifier is the realm of its challenges.
 * @param options.metadata where its metadata stands (RFC 9728 §5.1), if it has any
 */
export function createRefusals({ realm, metadata }: { realm: string; metadata?: string }) {
  const protectedSpace =
    `Bearer realm=${quoted(realm)}` +
    (metadata === undefined ? '' : `, resource_metadata=${quoted(metadata)}`)
  const wanted = (scope: string) => (scope === '' ? '' : `, scope=${quoted(scope)}`)

  return {
    /**
     * RFC 6750 §3.1: "If the request lacks any authentication information […], the resource server
     * SHOULD NOT include an error code or other error information."
     */
    missingToken(scope = ''): Refusal {
      return {
        ok: false,
        status: 401,
        error: 'missing_token',
        description: 'This API needs an access token: Authorization: Bearer <token>.',
        challenge: protectedSpace + wanted(scope)
      }
    },

    /**
     * RFC 6750 §3.1: "The access token provided is expired, revoked, malformed, or invalid for
     * other reasons."
     */
    invalidToken(description: string, scope = ''): Refusal {
      return {
        ok: false,
        status: 401,
        error: 'invalid_token',
        description,
        challenge:
          `${protectedSpace}, error="invalid_token", ` +
          `error_description=${quoted(description)}${wanted(scope)}`
      }
    },

    /**
     * RFC 6750 §3.1: "The request requires higher privileges than provided by the access token."
     */
    insufficientScope(scope: string): Refusal {
      const description = `The access token does not have the scope that this needs: ${scope}.`
      return {
        ok: false,
        status: 403,
        error: 'insufficient_scope',
        description,
        challenge:
          `${protectedSpace}, error="insufficient_scope", ` +
          `error_description=${quoted(description)}${wanted(scope)}`
      }
    },

    /**
     * RFC 9470 §3: "The authentication event associated with the access token presented with the request does not meet the
     * authentication requirements of the protected resource."
     */
    insufficientAuthentication({ acrValues, maxAgeSeconds }: AuthenticationDemand): Refusal {
      const description =
        'This needs a stronger or more recent sign-in: send the person to the issuer again, with what is said here.'
      const demands = [
        ...(acrValues === undefined ? [] : [`acr_values=${quoted(acrValues.join(' '))}`]),
        ...(maxAgeSeconds === undefined ? [] : [`max_age=${quoted(String(maxAgeSeconds))}`])
      ]
      return {
        ok: false,
        status: 401,
        error: 'insufficient_user_authentication',
        description,
        challenge: [
          `${protectedSpace}, error="insufficient_user_authentication"`,
          `error_description=${quoted(description)}`,
          ...demands
        ].join(', ')
      }
    },

    /** The issuer's keys, or its status list, are not at hand. Never 401: a client would throw a good token away. */
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
