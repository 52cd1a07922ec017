// Access tokens of our own, presented to us (RFC 9068 §4): at userinfo, introspection and revocation. The engine only knows opaque tokens
// there, so a JWT that verifies is made to look like one. Purpose, signature, `typ`, issuer, audience, expiry and state are checked
// here; the account comes from the grant's row, never from `sub`, which may be pairwise.

import { decodeProtectedHeader, jwtVerify } from 'jose'
import type { KeyRing } from '../keys/key-ring.ts'
import { hasOneReading } from '../oauth/compact-jwt.ts'
import { type ActClaim, longestChain, parseAct } from '../oauth/token-exchange.ts'
import type { GrantStore, Payload } from '../store/grants.ts'
import type { ResourceCatalogue } from './resources.ts'
import type { UnitOfWork } from './unit-of-work.ts'

// Facts of the engine (9.13.3) that this depends on, each held by test/protocol/engine-facts.test.ts:
// - userinfo hands the token to AccessToken.find and refuses one that has `aud` (actions/userinfo.js), so `aud` is dropped there, after
//   it was checked here;
// - introspection and revocation refuse anything of JWT shape before they look (shared/reject_structured_tokens.js): mount.ts puts a
//   handle in its place, which only this request can resolve;
// - introspection asks AccessToken, ClientCredentials and RefreshToken at once: a machine token belongs to ClientCredentials.

/** Seconds that a token is accepted past `exp`; the deny-list must outlive it. */
export const clockToleranceSeconds = 15

/** Everything was checked: purpose, signature, type, issuer, audience, expiry, and that it was not taken back. */
export interface VerifiedAccessToken {
  kind: 'AccessToken' | 'ClientCredentials'
  payload: Payload
  audience: string
  /** how the person signed in (RFC 9470 §6.2) */
  authentication?: Payload
  /** who acts for the subject (RFC 8693 §4.1) */
  act: ActClaim | undefined
  /** the claim `may_act` as it came (RFC 8693 §4.4) */
  mayAct: unknown
  /** clients that the token came through by exchange (token-exchange.ts); the first one has the grant */
  via: readonly string[]
}

export interface AccessTokens {
  /**
   * Undefined for whatever is not a live access token of ours.
   * @throws Fault `store_unavailable`
   */
  verify(unit: UnitOfWork, jwt: string): Promise<VerifiedAccessToken | undefined>
}

export function createAccessTokens(deps: {
  issuer: string
  keys: Pick<KeyRing, 'find'>
  resources: Pick<ResourceCatalogue, 'isAudience' | 'typOf'>
  grants: Pick<GrantStore, 'accessTokenState'>
  now: () => Date
}): AccessTokens {
  const { issuer, keys, resources, grants, now } = deps

  return {
    async verify(unit, jwt) {
      const claims = await verifySignature(jwt)
      if (claims === undefined) return undefined
      const { jti, iat, exp, sub, aud, scope, client_id: clientId, gid, cgn, cnf } = claims
      const act = parseAct(claims['act'])
      const via = viaOf(claims['via'])
      const { auth_time, acr, authorization_details: details } = claims
      if (
        !isName(jti) ||
        typeof iat !== 'number' ||
        typeof exp !== 'number' ||
        typeof sub !== 'string' ||
        typeof aud !== 'string' ||
        !isName(clientId) ||
        act === 'malformed' ||
        via === undefined ||
        (gid !== undefined && !isName(gid)) ||
        (cgn !== undefined && !isName(cgn))
      ) {
        return undefined
      }
      const asked = { jti, handle: gid, clientId, issuedAt: iat, generation: cgn, via }
      const state = await grants.accessTokenState(asked)
      if (state.denied || !state.clientAlive) return undefined

      const common = {
        jti,
        iat,
        exp,
        clientId,
        aud,
        ...(typeof scope === 'string' ? { scope } : {}),
        // RFC 8693 §4.1, §7.2: introspection tells it
        ...(act === undefined ? {} : { extra: { act } }),
        // RFC 9396 §9.2: introspection tells them
        ...(Array.isArray(details) ? { rar: details } : {}),
        ...confirmation(cnf)
      }
      const exchange = { act, via, mayAct: claims['may_act'] }
      if (gid === undefined) {
        // RFC 9068 §2.2: a token without a resource owner is the client's own
        if (sub !== clientId || via.length > 0) return undefined
        const payload = { ...common, kind: 'ClientCredentials' }
        return { kind: 'ClientCredentials', payload, audience: aud, ...exchange }
      }
      const { grant } = state
      if (grant === undefined) return undefined
      // The engine compares the grant's client with the token's (actions/introspection.js); an exchanged token has another one, which is
      // allowed by what the token says it came through, and was compared in the query.
      const payloadSeen = via.length > 0 ? { ...grant.payload, clientId } : grant.payload
      unit.grants.set(grant.id, { ...grant, payload: payloadSeen })
      const payload = {
        ...common,
        kind: 'AccessToken',
        accountId: grant.accountId,
        grantId: grant.id,
        ...userinfoClaims(grant.payload['userinfo']),
        ...(grant.sessionUid === undefined ? {} : { sessionUid: grant.sessionUid })
      }
      const authentication = { auth_time, acr }
      return { kind: 'AccessToken', payload, audience: aud, authentication, ...exchange }
    }
  }

  async function verifySignature(jwt: string) {
    // a token has one spelling: what was judged by one is not shown in another
    const header = hasOneReading(jwt) ? headerOf(jwt) : undefined
    if (header?.kid === undefined) return undefined
    const key = await keys.find(header.kid)
    try {
      const { typ } = header
      // An ID token, a logout token, a status list: signed by us, with a key of another purpose.
      if (key === undefined || key.purpose !== 'access_token' || typ === undefined) return undefined
      // RFC 8725 §3.1: the algorithm comes from our key, not from the header.
      const { payload } = await jwtVerify(jwt, key.publicJwk, {
        algorithms: [key.alg],
        issuer,
        typ,
        clockTolerance: clockToleranceSeconds,
        currentDate: now()
      })
      const audience = payload.aud
      if (typeof audience !== 'string' || !resources.isAudience(audience)) return undefined
      // RFC 9068 §2.1, unless the resource was given plain `JWT` on purpose.
      if (typ !== resources.typOf(audience)) return undefined
      return payload
    } catch {
      return undefined
    }
  }
}

function headerOf(jwt: string): ReturnType<typeof decodeProtectedHeader> | undefined {
  try {
    return decodeProtectedHeader(jwt)
  } catch {
    return undefined
  }
}

/** Claims that were asked of userinfo one by one, as the engine wants them (OpenID Connect Core §5.5). */
function userinfoClaims(names: unknown): Payload {
  if (!Array.isArray(names)) return {}
  return { claims: { userinfo: Object.fromEntries(names.map(name => [name, null])) } }
}

/** The claim `via`; empty for a token that was not exchanged, undefined for what we never write. */
function viaOf(claim: unknown): string[] | undefined {
  if (claim === undefined) return []
  if (!Array.isArray(claim) || claim.length === 0 || claim.length > longestChain) return undefined
  return claim.every(isName) ? claim : undefined
}

/** Visible ASCII, as all of our identifiers are: what the database looks up has no NUL. */
function isName(value: unknown): value is string {
  return typeof value === 'string' && /^[!-~]+$/.test(value)
}

function confirmation(cnf: unknown): Payload {
  if (typeof cnf !== 'object' || cnf === null) return {}
  const members = cnf as Record<string, unknown>
  return {
    ...(typeof members['jkt'] === 'string' ? { jkt: members['jkt'] } : {}),
    ...(typeof members['x5t#S256'] === 'string' ? { 'x5t#S256': members['x5t#S256'] } : {})
  }
}

/** What the engine would refuse as a JWT before it looks: whatever begins with a header. Everything else is looked up as an opaque value. */
export function looksLikeJwt(value: string): boolean {
  return headerOf(value) !== undefined
}
