// One access token, once the signature is known to be good: the claims that RFC 9068 §2.2 demands,
// in the types that it demands, and no others pass as a `VerifiedAccessToken`.

import type { JWTPayload } from 'jose'
import { type ActClaim, parseAct } from '../oauth/token-exchange.ts'
import { bindingProblem, type ClientCertificate } from './certificate.ts'

declare const verified: unique symbol

/**
 * An access token whose type, algorithm, signature, issuer, audience, lifetime and required claims
 * were checked (RFC 9068 §4). Only a verifier makes one. What it does not say: that the token was
 * not revoked since. With `statusList: 'required'` what it stands on was not, a moment ago; of the
 * one token only introspection (RFC 7662) knows.
 */
export interface VerifiedAccessToken {
  readonly [verified]: true
  /** `sub`: the account, or the client itself for a machine token */
  readonly subject: string
  readonly clientId: string
  /**
   * who acts for the subject (`act`, RFC 8693 §4.1), and inside it who acted before; undefined:
   * nobody, or the issuer does not tell. Only the outermost one may decide about access
   */
  readonly actor: ActClaim | undefined
  /** granted for this API; empty when the token has no `scope` */
  readonly scopes: ReadonlySet<string>
  /** `jti` */
  readonly id: string
  readonly issuer: string
  readonly audience: string
  /** seconds since the epoch */
  readonly issuedAt: number
  /** seconds since the epoch */
  readonly expiresAt: number
  /** every claim as it came, for what is not named here (`auth_time`, `acr`, `amr`, your own) */
  readonly claims: Readonly<JWTPayload>
}

/** What is wrong with the claims, as one sentence for the caller. */
export type ClaimProblem = { problem: string }

/** Reads the claims of a token whose signature, issuer, audience and lifetime jose has checked. */
export function readAccessToken(
  claims: JWTPayload,
  expected: {
    audience: string
    latestIssue: number
    certificate: ClientCertificate | undefined
  }
): VerifiedAccessToken | ClaimProblem {
  // RFC 9068 §2.2: iss, exp, aud, sub, client_id, iat and jti are REQUIRED.
  for (const name of ['iss', 'sub', 'client_id', 'jti'] as const) {
    if (typeof claims[name] !== 'string' || claims[name] === '') return missing(name)
  }
  for (const name of ['exp', 'iat'] as const) {
    if (!Number.isFinite(claims[name])) return missing(name)
  }
  if (Number(claims.iat) > expected.latestIssue) {
    return { problem: 'The access token was issued in the future: compare the clocks.' }
  }

  // A token that also opens another door could be replayed there by whoever receives it here; our
  // issuer makes no such token.
  const audiences = [claims.aud].flat()
  if (audiences.length !== 1 || audiences[0] !== expected.audience) {
    return { problem: 'The access token must be meant for this API alone.' }
  }

  // RFC 9449 §7.2, RFC 8705 §3: a token bound to a key is worth nothing without the proof of that
  // key
  const unproved = bindingProblem(claims['cnf'], expected.certificate)
  if (unproved !== undefined) return { problem: unproved }

  const scope = claims['scope'] ?? ''
  if (typeof scope !== 'string') return missing('scope')

  // RFC 8693 §4.1: who is told to be acting must be told so that it can be understood
  const actor = parseAct(claims['act'])
  if (actor === 'malformed') return missing('act')

  const token: Omit<VerifiedAccessToken, typeof verified> = {
    subject: String(claims.sub),
    clientId: String(claims['client_id']),
    actor,
    scopes: new Set(scope.split(' ').filter(Boolean)),
    id: String(claims.jti),
    issuer: String(claims.iss),
    audience: expected.audience,
    issuedAt: Number(claims.iat),
    expiresAt: Number(claims.exp),
    claims
  }
  // the only place that may say so
  return token as VerifiedAccessToken
}

/**
 * The sentence for a claim that is absent or has the wrong type. `name` is ours, never the token's.
 */
export function missing(name: string): ClaimProblem {
  return { problem: `The claim ${name} of the access token is missing or not valid.` }
}
