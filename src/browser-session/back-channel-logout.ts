// Logout tokens (OpenID Connect Back-Channel Logout 1.0 §2.6): the issuer's word that a session, or all of a person's, ended. Refuses every
// other JWT of the same issuer, ID tokens above all.

import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { IssuerUnavailable } from './failure.ts'
import type { RelyingParty } from './relying-party.ts'

/** Which sessions ended; at least one of the two is there. */
export interface LogoutNotice {
  sub?: string
  sid?: string
  /** seconds since the epoch */
  iat: number
}

/** asymmetric only: our own table, and not the token's header */
const algorithms = ['ES256', 'RS256', 'PS256', 'EdDSA']
const event = 'http://schemas.openid.net/event/backchannel-logout'
const toleranceSeconds = 30
const longestAgeSeconds = 600

export function createLogoutReceiver(options: {
  issuer: string
  clientId: string
  relyingParty: Pick<RelyingParty, 'configuration'>
  fetch: typeof globalThis.fetch | undefined
  now: () => number
}) {
  const { issuer, clientId, relyingParty, fetch, now } = options
  let keys: JWTVerifyGetKey | undefined

  async function findKeys(): Promise<JWTVerifyGetKey> {
    const { jwks_uri: location } = (await relyingParty.configuration()).serverMetadata()
    if (location === undefined) throw new IssuerUnavailable(`${issuer} publishes no keys`)
    // caches, and asks again at most every 30 s for a key that it does not know
    keys ??= createRemoteJWKSet(
      new URL(location),
      fetch === undefined ? {} : { [customFetch]: fetch }
    )
    return keys
  }

  /**
   * A text says what is wrong with the token.
   * @throws IssuerUnavailable when the keys cannot be had
   */
  return async function read(token: unknown): Promise<LogoutNotice | string> {
    if (typeof token !== 'string') return 'logout_token is missing.'
    try {
      const { payload } = await jwtVerify(token, await findKeys(), {
        algorithms,
        // §2.4: so that no other JWT passes for one
        typ: 'logout+jwt',
        issuer,
        audience: clientId,
        requiredClaims: ['iat', 'exp', 'jti', 'events'],
        maxTokenAge: longestAgeSeconds,
        clockTolerance: toleranceSeconds,
        currentDate: new Date(now())
      })
      const { sub, sid, events, iat = 0 } = payload as Record<string, unknown> & { iat?: number }
      // §2.6: "Verify that the Logout Token contains a sub Claim, a sid Claim, or both."
      if (!isName(sub) || !isName(sid) || (sub === undefined && sid === undefined)) {
        return 'sub or sid must say who.'
      }
      // "Verify that the Logout Token contains an events Claim whose value is JSON object containing the member name […]"
      const meant = typeof events === 'object' && events !== null && Object.hasOwn(events, event)
      if (!meant) return 'events is not that of a logout.'
      // "Verify that the Logout Token does not contain a nonce Claim."
      if ('nonce' in payload) return 'A logout token has no nonce.'
      return {
        iat,
        ...(sub === undefined ? {} : { sub }),
        ...(sid === undefined ? {} : { sid })
      }
    } catch (error) {
      if (error instanceof IssuerUnavailable) throw error
      if (isOutage(error)) {
        throw new IssuerUnavailable(`the keys of ${issuer} are not available`, { cause: error })
      }
      if (error instanceof errors.JOSEError) return 'The logout token is not valid.'
      throw error
    }
  }
}

function isName(value: unknown): value is string | undefined {
  return value === undefined || (typeof value === 'string' && value !== '')
}

/** jose failed to get keys, which says nothing about the token. */
function isOutage(error: unknown): boolean {
  if (!(error instanceof errors.JOSEError)) return error instanceof TypeError
  return ['ERR_JOSE_GENERIC', 'ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID'].includes(error.code)
}
