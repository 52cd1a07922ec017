// Verifies our access tokens in anybody's API (RFC 9068 §4, RFC 6750): issuer and audience are all
// it needs. Refuses every other kind of JWT of the same issuer, tokens for another API, what was
// revoked (where it is told to look), every algorithm that is not ours, and to start with the issuer
// itself as the audience. Never reads a token from a query or a body (RFC 9700 §4.3.2).

import { decodeProtectedHeader, errors, jwtVerify } from 'jose'
import { hasOneReading } from '../oauth/compact-jwt.ts'
import { missing, readAccessToken, type VerifiedAccessToken } from './access-token.ts'
import type { ClientCertificate } from './certificate.ts'
import { createKeySource, failureCoolDown, IssuerUnavailable } from './keys.ts'
import { metadataLocations } from './metadata.ts'
import { resourceMetadataUrl } from './protected-resource.ts'
import { type AuthenticationDemand, createRefusals, type Refusal } from './refusal.ts'
import { createStatusSource, readStatusReference } from './status-list.ts'

export type { VerifiedAccessToken } from './access-token.ts'
export type { ClientCertificate } from './certificate.ts'
export type { AuthenticationDemand, Refusal } from './refusal.ts'

/**
 * Asymmetric only: with a symmetric one, whoever can verify could sign (RFC 8725 §3.1). EdDSA is
 * Ed25519.
 */
const algorithms = ['ES256', 'RS256', 'EdDSA']
const longestToken = 16 * 1024

export interface VerifierOptions {
  /** the issuer identifier, byte for byte as the tokens say it; https, or http on loopback */
  issuer: string
  /** the identifier of this API: what clients send as `resource` */
  audience: string
  /**
   * `JWT` also accepts tokens with that type, for an API whose tokens are issued that way because
   * another library in front of it refuses `at+jwt`. Default: `at+jwt` only.
   */
  typ?: 'at+jwt' | 'JWT'
  /**
   * `required`: refuses tokens whose grant or client was revoked, by the list that they name; the
   * resource must be configured with `statusList`. When the list is too old and cannot be had, every
   * token is refused with 503. Default: `off`.
   */
  statusList?: 'required' | 'off'
  /**
   * `published`: challenges name the API's metadata (RFC 9728 §5.1), which it serves
   * (protected-resource.ts); MCP clients need it. Default: `none`.
   */
  resourceMetadata?: 'published' | 'none'
  /** how far the clocks of issuer and API may differ, 0 to 300; default 5 */
  clockToleranceSeconds?: number
  fetch?: typeof globalThis.fetch
  /** milliseconds since the epoch */
  now?: () => number
}

/** What else a request shows. */
export interface Shown {
  /**
   * the client's certificate, from the TLS connection or from a proxy that you trust; with it
   * tokens that are bound to it are accepted (RFC 8705 §3), and without it none
   */
  certificate?: ClientCertificate | undefined
  /** what the request will need: told in the challenge (RFC 6750 §3), and not checked here */
  scope?: string
}

export interface Verifier {
  /**
   * Judges one request by its `Authorization` header (or a bare token). Rejects only on a defect:
   * everything that a caller or an outage can cause is a `Refusal`, ready to be sent.
   */
  verify(authorization: string | undefined, shown?: Shown): Promise<Verification>
  /**
   * undefined: the token has every scope of the list (separated by spaces); else the refusal to
   * send.
   */
  requireScope(token: VerifiedAccessToken, scope: string): Refusal | undefined
  /**
   * undefined: the person signed in as strongly and as lately as this needs; else the challenge to
   * send (RFC 9470): the client asks the issuer again, with its `acr_values` and `max_age`.
   */
  requireAuthentication(
    token: VerifiedAccessToken,
    demand: AuthenticationDemand
  ): Refusal | undefined
}

export type Verification = { ok: true; token: VerifiedAccessToken } | Refusal

/**
 * Makes the verifier of one API. Nothing is fetched until the first token comes, so an API starts
 * while its issuer is down; once the keys are cached it serves on through an outage of the issuer,
 * for up to a day.
 * @throws TypeError when the options cannot be meant: see the message
 */
export function createVerifier(options: VerifierOptions): Verifier {
  const { issuer, audience, typ = 'at+jwt', clockToleranceSeconds = 5 } = options
  const { statusList = 'off' } = options
  const { fetch = globalThis.fetch, now = Date.now } = options
  assertOptions(issuer, audience, clockToleranceSeconds)
  const acceptedTypes = typ === 'JWT' ? ['at+jwt', 'jwt'] : ['at+jwt']
  const keys = createKeySource({ issuer, fetch, now })
  const refusals = createRefusals({
    realm: audience,
    ...(options.resourceMetadata === 'published' ? { metadata: resourceMetadataUrl(audience) } : {})
  })
  const statuses = createStatusSource({
    ...{ issuer, algorithms, fetch, now, clockToleranceSeconds },
    findKey: keys.find
  })

  /** The last check, of a token that is good otherwise. undefined: nothing is against it. */
  async function refusedByStatus(token: VerifiedAccessToken): Promise<Refusal | undefined> {
    if (statusList === 'off') return undefined
    const reference = readStatusReference(token.claims, issuer)
    if (typeof reference === 'string') return refusals.invalidToken(reference)
    const status = await statuses.statusOf(reference)
    return status === 'valid' ? undefined : refusals.invalidToken(statusSentences[status])
  }

  return {
    async verify(authorization, { certificate, scope = '' } = {}) {
      const presented = readBearer(authorization)
      const invalid = (description: string) => refusals.invalidToken(description, scope)
      if (presented === undefined) return refusals.missingToken(scope)
      if (!isPlausible(presented)) return invalid(malformed)

      try {
        // RFC 9068 §4: "The resource server MUST verify that the "typ" header value is "at+jwt" or
        // "application/at+jwt" and reject tokens carrying any other "typ" value." Before the keys
        // are asked for: an ID token costs no request.
        if (!acceptedTypes.includes(mediaType(presented))) {
          return invalid('This is not an access token: typ is not at+jwt.')
        }
        const { payload } = await jwtVerify(presented, keys.find, {
          algorithms,
          issuer,
          audience,
          clockTolerance: clockToleranceSeconds,
          currentDate: new Date(now())
        })
        const latestIssue = now() / 1000 + clockToleranceSeconds
        const token = readAccessToken(payload, { audience, latestIssue, certificate })
        if ('problem' in token) return invalid(token.problem)
        return (await refusedByStatus(token)) ?? { ok: true, token }
      } catch (error) {
        if (error instanceof IssuerUnavailable) {
          return refusals.unavailable(failureCoolDown / 1000, error)
        }
        if (error instanceof errors.JOSEError) return invalid(sentence(error))
        throw error
      }
    },

    requireScope(token, scope) {
      const needed = scope.split(' ').filter(Boolean)
      return needed.every(one => token.scopes.has(one))
        ? undefined
        : refusals.insufficientScope(needed.join(' '))
    },

    requireAuthentication(token, demand) {
      const { acrValues, maxAgeSeconds } = demand
      const { acr, auth_time: time } = token.claims
      // RFC 9470 §5: what the token does not say, was not so
      const strong = acrValues === undefined || (typeof acr === 'string' && acrValues.includes(acr))
      const latest = now() / 1000 - (maxAgeSeconds ?? 0) - clockToleranceSeconds
      const recent = maxAgeSeconds === undefined || (typeof time === 'number' && time >= latest)
      return strong && recent ? undefined : refusals.insufficientAuthentication(demand)
    }
  }
}

function assertOptions(issuer: string, audience: string, clockToleranceSeconds: number): void {
  metadataLocations(issuer)
  const resource = URL.parse(audience)
  // RFC 8707 §2: "Its value MUST be an absolute URI […]. The URI MUST NOT include a fragment
  // component."
  if (!resource || audience.includes('#')) {
    throw new TypeError(
      `audience must be the absolute URI of this API, got ${JSON.stringify(audience)}`
    )
  }
  // A token for the issuer opens its userinfo. An API that took such tokens could replay its
  // callers' tokens there, and theirs would open every other API that did the same.
  if (resource.href === new URL(issuer).href) {
    throw new TypeError(
      'audience must not be the issuer: give the API an identifier of its own, ' +
        'and have clients send it as resource'
    )
  }
  if (!(clockToleranceSeconds >= 0 && clockToleranceSeconds <= 300)) {
    throw new TypeError(`clockToleranceSeconds must be 0 to 300, got ${clockToleranceSeconds}`)
  }
}

/**
 * The token of an Authorization header, or a bare token. undefined: there is none, or another
 * scheme.
 */
function readBearer(authorization: string | undefined): string | undefined {
  const value = authorization?.trim() ?? ''
  // RFC 9110 §11.1: the scheme is case-insensitive
  const [, token] = /^bearer(?: +(.*))?$/is.exec(value) ?? []
  return token ?? (value === '' || /\s/.test(value) || /^bearer$/i.test(value) ? undefined : value)
}

/**
 * Three base64url parts of bearable length that say one thing: whatever else it is, no work is spent
 * on it.
 */
function isPlausible(token: string): boolean {
  return (
    token.length <= longestToken && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token) && hasOneReading(token)
  )
}

/**
 * The `typ` of the token's header; empty when there is none, or no header. RFC 7515 §4.1.9:
 * "application/" may be left out; media types are case-insensitive (RFC 2045 §5.1).
 */
function mediaType(token: string): string {
  try {
    const { typ } = decodeProtectedHeader(token)
    return typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : ''
  } catch {
    return ''
  }
}

const statusSentences = {
  ended: 'The access token was revoked.',
  'no such entry': 'The access token names an entry that its status list does not have.'
}
const malformed = 'The access token is malformed.'

function sentence(error: errors.JOSEError): string {
  if (error instanceof errors.JWTExpired) return 'The access token has expired.'
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'aud') return 'The access token is meant for another API.'
    if (error.claim === 'iss') return 'The access token is of another issuer.'
    if (error.claim === 'nbf') return 'The access token is not valid yet: compare the clocks.'
    return missing(error.claim).problem
  }
  if (error instanceof errors.JOSEAlgNotAllowed) {
    return 'The access token is signed with an algorithm that is not accepted.'
  }
  if (error instanceof errors.JWKSNoMatchingKey) {
    return 'The access token is signed with a key that the issuer does not publish.'
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return 'The signature of the access token is not valid.'
  }
  return malformed
}
