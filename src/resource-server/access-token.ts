// One access token, once the signature is known to be good: the claims that RFC 9068 §2.2 demands,
// in the types that it demands, and no others pass as a `VerifiedAccessToken`. Or what introspection
// (RFC 7662) says of it.

import type { JWTPayload } from 'jose'
import { type ActClaim, parseAct } from '../oauth/token-exchange.ts'
import { type Binding, bindingOf } from './binding.ts'

declare const verified: unique symbol

/**
 * An access token whose type, algorithm, signature, issuer, audience, lifetime and required claims
 * were checked (RFC 9068 §4), or of which the issuer said that it is active (RFC 7662), and whose
 * binding the request proved. Only a verifier makes one. What it does not say: that the token was
 * not revoked since. With `statusList: 'required'` what it stands on was not, a moment ago; of the
 * one token only introspection knows.
 */
export interface VerifiedAccessToken {
  readonly [verified]: true
  /** `sub`: the account, or the client itself for a machine token, also where introspection names no `sub` */
  readonly subject: string
  readonly clientId: string
  /**
   * who acts for the subject (`act`, RFC 8693 §4.1), and inside it who acted before; undefined:
   * nobody, or the issuer does not tell. Only the outermost one may decide about access
   */
  readonly actor: ActClaim | undefined
  /** granted for this API; empty when the token has no `scope` */
  readonly scopes: ReadonlySet<string>
  /** `jti`; of an opaque token that has none, its SHA-256 */
  readonly id: string
  /** what the request proved besides having the token */
  readonly binding: Binding
  readonly issuer: string
  readonly audience: string
  /** seconds since the epoch; of an opaque token of which the issuer does not tell, 0 */
  readonly issuedAt: number
  /** seconds since the epoch; of an opaque token of which the issuer does not tell, the time of the request */
  readonly expiresAt: number
  /**
   * every claim as it came, or every member of the issuer's answer, for what is not named here (`auth_time`, `acr`, `amr`, your own)
   */
  readonly claims: Readonly<JWTPayload>
}

/** What is wrong with the claims, as one sentence for the caller. */
export type ClaimProblem = { problem: string }

/** Reads the claims of a token whose signature, issuer, audience and lifetime jose has checked. */
export function readAccessToken(
  claims: JWTPayload,
  expected: { audience: string; latestIssue: number }
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

  return verifiedToken(claims, {
    subject: String(claims.sub),
    clientId: String(claims['client_id']),
    id: String(claims.jti),
    issuer: String(claims.iss),
    audience: expected.audience,
    issuedAt: Number(claims.iat),
    expiresAt: Number(claims.exp)
  })
}

/**
 * Reads what the issuer said of an active token (RFC 7662 §2.2), in which nearly everything is optional. The answer may come from memory:
 * its times are looked at each time.
 */
export function readIntrospected(
  claims: JWTPayload,
  expected: {
    issuer: string
    audience: string
    /** stands in for `jti` */
    digest: string
    /** seconds since the epoch */
    now: number
    toleranceSeconds: number
    withoutAudience: 'refuse' | 'accept'
  }
): VerifiedAccessToken | ClaimProblem {
  const { issuer, audience, now, toleranceSeconds } = expected
  if (claims.iss !== undefined && claims.iss !== issuer) {
    return { problem: 'The access token is of another issuer.' }
  }
  const audiences = [claims.aud ?? []].flat()
  // Who may ask about a token is not thereby meant by it. Where the issuer names no audience, the API's owner must know that it is
  const unsaid = claims.aud === undefined && expected.withoutAudience === 'accept'
  if (!unsaid && !audiences.includes(audience)) {
    return { problem: 'The access token is meant for another API.' }
  }
  for (const name of ['exp', 'iat', 'nbf'] as const) {
    if (claims[name] !== undefined && !Number.isFinite(claims[name])) return missing(name)
  }
  if (claims.exp !== undefined && claims.exp <= now - toleranceSeconds) {
    return { problem: 'The access token has expired.' }
  }
  if ((claims.nbf ?? 0) > now + toleranceSeconds) {
    return { problem: 'The access token is not valid yet: compare the clocks.' }
  }
  const clientId = claims['client_id']
  if (typeof clientId !== 'string' || clientId === '') return missing('client_id')
  const subject = claims.sub ?? clientId
  if (typeof subject !== 'string' || subject === '') return missing('sub')

  return verifiedToken(claims, {
    subject,
    clientId,
    id: typeof claims.jti === 'string' ? claims.jti : expected.digest,
    issuer,
    audience,
    issuedAt: claims.iat ?? 0,
    expiresAt: claims.exp ?? now
  })
}

type Named = Omit<VerifiedAccessToken, typeof verified | 'actor' | 'scopes' | 'claims' | 'binding'>

/** What both kinds have in common. */
function verifiedToken(claims: JWTPayload, named: Named): VerifiedAccessToken | ClaimProblem {
  const scope = claims['scope'] ?? ''
  if (typeof scope !== 'string') return missing('scope')

  // RFC 8693 §4.1: who is told to be acting must be told so that it can be understood
  const actor = parseAct(claims['act'])
  if (actor === 'malformed') return missing('act')

  // RFC 7800 §3.1; that the request proves it is the verifier's last check
  const binding = bindingOf(claims['cnf'])
  if (typeof binding !== 'string') return binding

  const token: Omit<VerifiedAccessToken, typeof verified> = {
    ...named,
    actor,
    scopes: new Set(scope.split(' ').filter(Boolean)),
    binding,
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
