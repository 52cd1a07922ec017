// Verifies our access tokens in anybody's API (RFC 9068 §4, RFC 6750, RFC 9449 §7): issuer and audience are all it needs. Refuses every other
// kind of JWT of the same issuer, tokens for another API or without the proof of their key, what was revoked (where it is told to look),
// every algorithm that is not ours, and to start with the issuer itself as the audience. Opaque tokens only where it may ask the issuer.

import { errors, jwtVerify } from 'jose'
import {
  type ClaimProblem,
  missing,
  readAccessToken,
  readIntrospected,
  type VerifiedAccessToken
} from './access-token.ts'
import { createBindingCheck } from './binding.ts'
import type { ClientCertificate } from './certificate.ts'
import { createProofChecker, type ShownProof } from './dpop.ts'
import { createNonceSource } from './dpop-nonce.ts'
import { createReplayMemory } from './dpop-replay.ts'
import { createIntrospection } from './introspection.ts'
import { createKeySource, failureCoolDown, IssuerUnavailable } from './keys.ts'
import { assertOptions, type VerifierOptions } from './options.ts'
import { formOf, mediaTypeOf, type Presented, readPresented } from './presented.ts'
import { type AuthenticationDemand, createRefusals, type Refusal, type Scheme } from './refusal.ts'
import { resourceMetadataUrl } from './resource-metadata.ts'
import { createStatusSource, readStatusReference } from './status-list.ts'

export type { VerifiedAccessToken } from './access-token.ts'
export type { Binding } from './binding.ts'
export type { ClientCertificate } from './certificate.ts'
export type { ApiCredentials } from './client-authentication.ts'
export type { ReplayStore } from './dpop-replay.ts'
export type { IntrospectionOptions } from './introspection.ts'
export type { VerifierOptions } from './options.ts'
export type { AuthenticationDemand, Refusal } from './refusal.ts'

/**
 * Asymmetric only: with a symmetric one, whoever can verify could sign (RFC 8725 §3.1). EdDSA is
 * Ed25519.
 */
const algorithms = ['ES256', 'RS256', 'EdDSA']
/** What else a request shows. */
export interface Shown extends ShownProof {
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

/** With `dpopNonce` the answer should carry `DPoP-Nonce`: what the next proof must have (RFC 9449 §8.2). */
export type Verification = { ok: true; token: VerifiedAccessToken; dpopNonce?: string } | Refusal

/**
 * Makes the verifier of one API. Nothing is fetched until the first token comes, so an API starts
 * while its issuer is down; once the keys are cached it serves on through an outage of the issuer,
 * for up to a day.
 * @throws TypeError when the options cannot be meant: see the message
 */
export function createVerifier(options: VerifierOptions): Verifier {
  const { issuer, audience, typ = 'at+jwt', clockToleranceSeconds = 5 } = options
  const { statusList = 'off', dpop = 'accepted', introspection } = options
  const { fetch = globalThis.fetch, now = Date.now } = options
  const { publicUrl } = assertOptions(options)
  const acceptedTypes = typ === 'JWT' ? ['at+jwt', 'jwt'] : ['at+jwt']
  const common = { issuer, algorithms, fetch, now, clockToleranceSeconds }
  const keys = createKeySource({ issuer, fetch, now })
  const refusals = createRefusals({
    realm: audience,
    ...(options.resourceMetadata === 'published' ? { metadata: resourceMetadataUrl(audience) } : {})
  })
  const statuses = createStatusSource({ ...common, findKey: keys.find })
  const asked =
    introspection && createIntrospection({ ...common, introspection, findKey: keys.find })
  const checkBinding = createBindingCheck({
    proofs:
      publicUrl === undefined
        ? undefined
        : createProofChecker({
            publicUrl,
            replays: options.replays ?? createReplayMemory({ now }),
            nonces:
              options.dpopNonce === 'required'
                ? createNonceSource({ now, ...keyOf(options.dpopNonceKey) })
                : undefined,
            now,
            clockToleranceSeconds
          }),
    demand: dpop === 'required' ? 'dpop' : 'any'
  })
  const usualScheme: Scheme = dpop === 'required' ? 'dpop' : 'bearer'

  /** What the token itself says, in whichever form it came. */
  async function read(text: string): Promise<VerifiedAccessToken | ClaimProblem> {
    const form = formOf(text)
    if (form === 'opaque' && asked) return readAnswer(text)
    if (form !== 'jwt') return { problem: malformed }

    // RFC 9068 §4: "The resource server MUST verify that the "typ" header value is "at+jwt" or
    // "application/at+jwt" and reject tokens carrying any other "typ" value." Before the keys
    // are asked for: an ID token costs no request.
    if (!acceptedTypes.includes(mediaTypeOf(text))) {
      return { problem: 'This is not an access token: typ is not at+jwt.' }
    }
    const { payload } = await jwtVerify(text, keys.find, {
      algorithms,
      issuer,
      audience,
      clockTolerance: clockToleranceSeconds,
      currentDate: new Date(now())
    })
    const latestIssue = now() / 1000 + clockToleranceSeconds
    const token = readAccessToken(payload, { audience, latestIssue })
    if ('problem' in token || !asked || introspection?.tokens !== 'always') return token
    // what was verified here stays what it is; the issuer adds whether it still counts
    const answer = await asked.ask(text)
    return answer === undefined ? { problem: notActive } : token
  }

  async function readAnswer(text: string): Promise<VerifiedAccessToken | ClaimProblem> {
    const answer = await asked?.ask(text)
    if (answer === undefined) return { problem: notActive }
    return readIntrospected(answer.claims, {
      ...{ issuer, audience, digest: answer.digest, now: now() / 1000 },
      toleranceSeconds: clockToleranceSeconds,
      withoutAudience: introspection?.withoutAudience ?? 'refuse'
    })
  }

  /** Of a token that is good otherwise; undefined: nothing is against it. */
  async function statusProblem(token: VerifiedAccessToken, text: string) {
    // the issuer was asked about an opaque one a moment ago
    if (statusList === 'off' || formOf(text) !== 'jwt') return undefined
    const reference = readStatusReference(token.claims, issuer)
    if (typeof reference === 'string') return reference
    const status = await statuses.statusOf(reference)
    return status === 'valid' ? undefined : statusSentences[status]
  }

  async function judge(presented: Presented, shown: Shown): Promise<Verification> {
    const { scheme } = presented
    const { scope = '' } = shown
    const invalid = (problem: string, as: Scheme = scheme) =>
      refusals.invalidToken(as, problem, scope)

    const token = await read(presented.token)
    if ('problem' in token) return invalid(token.problem)
    const problem = await statusProblem(token, presented.token)
    if (problem !== undefined) return invalid(problem)

    // last, since a proof that was looked at counts as used
    const verdict = await checkBinding(token.claims['cnf'], presented, shown)
    switch (verdict.kind) {
      case 'proved':
        return {
          ok: true,
          token,
          ...(verdict.nonce === undefined ? {} : { dpopNonce: verdict.nonce })
        }
      case 'nonce':
        return refusals.useNonce(verdict.nonce, verdict.problem)
      case 'proof':
        return refusals.invalidProof(verdict.problem, scope)
      case 'binding':
        return invalid(verdict.problem, usualScheme === 'dpop' ? 'dpop' : scheme)
    }
  }

  return {
    async verify(authorization, shown = {}) {
      const presented = readPresented(authorization)
      if (presented === undefined) return refusals.missingToken(usualScheme, shown.scope)
      try {
        return await judge(presented, shown)
      } catch (error) {
        if (error instanceof IssuerUnavailable) {
          return refusals.unavailable(failureCoolDown / 1000, error)
        }
        if (error instanceof errors.JOSEError) {
          return refusals.invalidToken(presented.scheme, sentence(error), shown.scope)
        }
        throw error
      }
    },

    requireScope(token, scope) {
      const needed = scope.split(' ').filter(Boolean)
      return needed.every(one => token.scopes.has(one))
        ? undefined
        : refusals.insufficientScope(schemeOf(token), needed.join(' '))
    },

    requireAuthentication(token, demand) {
      const { acrValues, maxAgeSeconds } = demand
      const { acr, auth_time: time } = token.claims
      // RFC 9470 §5: what the token does not say, was not so
      const strong = acrValues === undefined || (typeof acr === 'string' && acrValues.includes(acr))
      const latest = now() / 1000 - (maxAgeSeconds ?? 0) - clockToleranceSeconds
      const recent = maxAgeSeconds === undefined || (typeof time === 'number' && time >= latest)
      return strong && recent
        ? undefined
        : refusals.insufficientAuthentication(schemeOf(token), demand)
    }
  }
}

function keyOf(key: Uint8Array | undefined): { key?: Uint8Array } {
  return key === undefined ? {} : { key }
}

function schemeOf({ binding }: VerifiedAccessToken): Scheme {
  return binding === 'dpop' ? 'dpop' : 'bearer'
}

const statusSentences = {
  ended: 'The access token was revoked.',
  'no such entry': 'The access token names an entry that its status list does not have.'
}
const malformed = 'The access token is malformed.'
const notActive = 'The access token is not active: it expired, was revoked, or is for another API.'

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
