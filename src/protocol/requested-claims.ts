// The `claims` parameter (OpenID Connect Core §5.5): single claims, for the ID token or for userinfo. Owns what of it counts: claims that we
// know, and of a scope that the client may ask for. A person is asked for the scope, and the grant holds the single claims. Refuses nothing that
// is only unknown: "the Authorization Server MUST NOT generate an error when Claims are not returned, whether they are Essential or Voluntary".

import { errors, type KoaContextWithOIDC } from 'oidc-provider'
import type { RegisteredClient } from '../clients/client.ts'
import { claimsByScope } from './claims.ts'

type Member = null | Record<string, unknown>
type Requested = Record<string, Member>

const targets = ['userinfo', 'id_token'] as const

/** About the sign-in and not about the person: nobody is asked. */
const ofSignIn = new Set(['sub', 'auth_time', 'acr', 'amr', 'iss', 'sid'])

const scopeOf = new Map(
  Object.entries(claimsByScope).flatMap(([scope, claims]) =>
    claims.filter(claim => !ofSignIn.has(claim)).map(claim => [claim, scope] as const)
  )
)

/** Values of one member at most; more are nobody's. */
const mostValues = 20

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** What counts of a parsed parameter. @throws InvalidRequest for members that are neither null nor objects */
export function narrowClaims(claims: Record<string, unknown>, client: RegisteredClient) {
  const allowed = client.metadata.scope?.split(' ')
  const mayAsk = (claim: string) => {
    if (ofSignIn.has(claim)) return true
    const scope = scopeOf.get(claim)
    return scope !== undefined && (allowed === undefined || allowed.includes(scope))
  }
  const narrowed: Partial<Record<(typeof targets)[number], Requested>> = {}
  for (const target of targets) {
    const asked = claims[target]
    if (!isObject(asked)) continue
    const kept: [string, Member][] = []
    for (const [claim, member] of Object.entries(asked)) {
      if (member !== null && !isObject(member)) {
        throw new errors.InvalidRequest(`claims.${target}.${claim} must be null or an object`)
      }
      if (mayAsk(claim)) kept.push([claim, memberOf(claim, member)])
    }
    narrowed[target] = Object.fromEntries(kept)
  }
  return narrowed
}

/** Core §5.5.1: which value is wanted matters of the subject and of how the person signed in, and of nothing else here. */
function memberOf(claim: string, member: Member): Member {
  if (member === null) return null
  const { essential, value, values } = member
  const chosen = claim === 'sub' || claim === 'acr'
  if (values !== undefined && chosen && (!Array.isArray(values) || values.length > mostValues)) {
    throw new errors.InvalidRequest(
      `claims: values of ${claim} must be a list of ${mostValues} at most`
    )
  }
  return {
    ...(essential === true ? { essential } : {}),
    ...(chosen && value !== undefined ? { value } : {}),
    ...(chosen && values !== undefined ? { values } : {})
  }
}

/** Puts what counts in the parameter's place, before anything else reads it. */
export function narrowParameter(
  ctx: KoaContextWithOIDC,
  claims: Record<string, unknown>,
  client: RegisteredClient
): void {
  const { params } = ctx.oidc
  if (params !== undefined) params['claims'] = JSON.stringify(narrowClaims(claims, client))
}

/** The claims of the person that a request asks for one by one; of userinfo alone, or of both. */
export function claimsAsked(parameter: unknown, of: readonly (typeof targets)[number][] = targets) {
  if (typeof parameter !== 'string') return []
  const parsed: unknown = JSON.parse(parameter)
  if (!isObject(parsed)) return []
  const names = of.flatMap(target => (isObject(parsed[target]) ? Object.keys(parsed[target]) : []))
  return [...new Set(names)].filter(name => scopeOf.has(name))
}

/** What a person is asked for instead of single claims. */
export function scopesOfClaims(claims: readonly string[]): string[] {
  return [...new Set(claims.flatMap(claim => scopeOf.get(claim) ?? []))]
}

/** Those that what was allowed covers. */
export function claimsWithin(claims: readonly string[], scopes: readonly string[]): string[] {
  return claims.filter(claim => scopes.includes(scopeOf.get(claim) ?? ''))
}
