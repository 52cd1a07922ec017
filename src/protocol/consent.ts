// Consent: what a person allowed a client is one row per account and client; every authorization gets a fresh grant of its own that copies
// it, narrowed to what this request asks for. So one stale phone never signs out the others.

import type { KoaContextWithOIDC } from 'oidc-provider'
import type { RegisteredClient } from '../clients/client.ts'
import type { ConsentedScopes, GrantStore } from '../store/grants.ts'
import { addExisting, allowedHere, scopesOf as managedScopes } from './grant-change.ts'
import type { GrantManagement } from './grant-management.ts'
import { claimsAsked, claimsWithin, scopesOfClaims } from './requested-claims.ts'
import type { UnitOfWork } from './unit-of-work.ts'

type Engine = KoaContextWithOIDC['oidc']

/** What the request asks for, as far as its resources allow. */
export function requestedScopes(oidc: Engine): ConsentedScopes {
  const resources: Record<string, string[]> = {}
  for (const [identifier, server] of Object.entries(oidc.resourceServers ?? {})) {
    resources[identifier] = [...oidc.requestParamScopes].filter(scope => server.scopes.has(scope))
  }
  return { openid: [...oidc.requestParamOIDCScopes], resources }
}

/** What of the request was consented to. */
function narrowed(requested: ConsentedScopes, consented: ConsentedScopes): ConsentedScopes {
  const resources: Record<string, string[]> = {}
  for (const [identifier, scopes] of Object.entries(requested.resources)) {
    const allowed = consented.resources[identifier] ?? []
    resources[identifier] = scopes.filter(scope => allowed.includes(scope))
  }
  return { openid: requested.openid.filter(scope => consented.openid.includes(scope)), resources }
}

/**
 * The grant of this authorization, saved as an effect: it is written only if the request ends with a code.
 * Undefined: nothing was consented to, so the engine asks.
 */
export async function grantForRequest(
  ctx: KoaContextWithOIDC,
  deps: {
    issuer: string
    grants: Pick<GrantStore, 'findConsent'>
    management: Pick<GrantManagement, 'changeOf'>
    unit: UnitOfWork | undefined
    client: RegisteredClient
  }
) {
  const { oidc } = ctx
  const accountId = oidc.account?.accountId
  const clientId = oidc.client?.clientId
  if (accountId === undefined || clientId === undefined) return undefined

  const requested = requestedScopes(oidc)
  const claims = claimsAsked(oidc.params?.['claims'])
  const change = await deps.management.changeOf(oidc, accountId)
  if (deps.unit !== undefined) deps.unit.grantChange = change
  // A client that the operator runs is not asked about, unless its redirect leads where nobody can check who listens.
  const consented = isTrusted(deps.client, oidc.params?.['redirect_uri'])
    ? { ...requested, openid: [...requested.openid, ...scopesOfClaims(claims)] }
    : change === undefined
      ? await deps.grants.findConsent(accountId, clientId)
      : // a grant that the client manages is asked for each time, and what other grants hold does not count
        allowedHere(oidc.result, accountId)
  const merged = change?.action === 'merge' ? change.base : undefined
  if (consented === undefined && merged === undefined) return undefined

  const granted = narrowed(requested, consented ?? { openid: [], resources: {} })
  const grant = new oidc.provider.Grant({ accountId, clientId })
  if (granted.openid.length > 0) grant.addOIDCScope(granted.openid.join(' '))
  const before = merged === undefined ? [] : managedScopes(merged).openid
  const allowed = claimsWithin(claims, [...(consented?.openid ?? []), ...before])
  if (allowed.length > 0) grant.addOIDCClaims(allowed)
  for (const [identifier, scopes] of Object.entries(granted.resources)) {
    if (scopes.length > 0) grant.addResourceScope(identifier, scopes.join(' '))
  }
  if (merged !== undefined) addExisting(grant, merged)
  await grant.save()
  return grant
}

function isTrusted(client: RegisteredClient, redirectUri: unknown): boolean {
  if (client.metadata.first_party !== true) return false
  return typeof redirectUri === 'string' && URL.parse(redirectUri)?.protocol === 'https:'
}
