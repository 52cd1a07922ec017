// Consent: what a person allowed a client is one row per account and client; every authorization gets a fresh grant of its own that copies
// it, narrowed to what this request asks for. So one stale phone never signs out the others.

import type { KoaContextWithOIDC } from 'oidc-provider'
import type { RegisteredClient } from '../clients/client.ts'
import { uncoveredDetails } from '../oauth/authorization-details.ts'
import { commonScopes, missingScopes } from '../oauth/scope.ts'
import type { Consent, ConsentedScopes } from '../store/consents.ts'
import type { GrantStore } from '../store/grants.ts'
import type { DetailCatalogue } from './authorization-details.ts'
import { declinedAt, knownAs, optionalOf } from './consent-choice.ts'
import { addExisting, allowedHere, scopesOf as managedScopes } from './grant-change.ts'
import type { GrantManagement } from './grant-management.ts'
import { claimsAsked, claimsWithin, scopesOfClaims } from './requested-claims.ts'
import type { ResourceCatalogue } from './resources.ts'
import type { UnitOfWork } from './unit-of-work.ts'

type Engine = KoaContextWithOIDC['oidc']

const nothing: ConsentedScopes = { openid: [], resources: {} }

/** What the request asks for, as far as its resources allow. */
export function requestedScopes(oidc: Engine): ConsentedScopes {
  const resources: Record<string, string[]> = {}
  for (const [identifier, server] of Object.entries(oidc.resourceServers ?? {})) {
    resources[identifier] = [...oidc.requestParamScopes].filter(scope => server.scopes.has(scope))
  }
  return { openid: [...oidc.requestParamOIDCScopes], resources }
}

/** What of the request was consented to, and not declined since. */
function narrowed(
  requested: ConsentedScopes,
  consented: ConsentedScopes,
  declined: ConsentedScopes
): ConsentedScopes {
  const pick = (asked: string[], allowed: string[] = [], left: string[] = []) =>
    missingScopes(commonScopes(asked, allowed), left)
  const resources: Record<string, string[]> = {}
  for (const [identifier, scopes] of Object.entries(requested.resources)) {
    const left = declined.resources[identifier]
    resources[identifier] = pick(scopes, consented.resources[identifier], left)
  }
  return { openid: pick(requested.openid, consented.openid, declined.openid), resources }
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
    resources: Pick<ResourceCatalogue, 'optionalScopesOf'>
    details: Pick<DetailCatalogue, 'asked' | 'isRemembered' | 'typesFor'>
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
  const details = deps.details.asked(oidc.params)
  const consented: Partial<Consent> | undefined = isTrusted(
    deps.client,
    oidc.params?.['redirect_uri']
  )
    ? { ...requested, openid: [...requested.openid, ...scopesOfClaims(claims)], details }
    : change === undefined
      ? await rememberedConsent(ctx, deps)
      : // a grant that the client manages is asked for each time, and what other grants hold does not count
        allowedHere(oidc.result, accountId)
  const merged = change?.action === 'merge' ? change.base : undefined
  if (consented === undefined && merged === undefined) return undefined

  const allowedScopes = { ...nothing, ...consented }
  const declined = declinedAt(consented?.declined ?? nothing, requested.resources)
  const granted = narrowed(requested, allowedScopes, declined)
  const grant = new oidc.provider.Grant({ accountId, clientId })
  if (granted.openid.length > 0) grant.addOIDCScope(granted.openid.join(' '))
  const held = merged === undefined ? nothing : managedScopes(merged)
  const allowed = claimsWithin(claims, [...allowedScopes.openid, ...held.openid])
  if (allowed.length > 0) grant.addOIDCClaims(allowed)
  for (const [identifier, scopes] of Object.entries(granted.resources)) {
    if (scopes.length > 0) grant.addResourceScope(identifier, scopes.join(' '))
  }
  // What is asked each time is allowed by the answer that this request has just come back with, and by nothing else.
  const answer = oidc.result?.['consent'] as { accountId?: unknown } | undefined
  const answered = answer?.accountId === accountId
  const remembered = details.filter(deps.details.isRemembered)
  const refused = new Set([
    ...uncoveredDetails(remembered, consented?.details ?? []),
    ...(answered ? [] : details.filter(detail => !remembered.includes(detail)))
  ])
  for (const detail of details) if (!refused.has(detail)) grant.addRar({ ...detail })
  reject(grant, declined, held, claims)
  // the end that the person chose is the end of all that comes of it
  if (deps.unit !== undefined) deps.unit.grantSeconds = consented?.remainingSeconds
  if (merged !== undefined) addExisting(grant, merged, deps.details.typesFor(deps.client))
  await grant.save()
  return grant
}

/** What the person allowed this client before, as what they know it by now. */
async function rememberedConsent(
  { oidc }: KoaContextWithOIDC,
  deps: {
    grants: Pick<GrantStore, 'findConsent'>
    resources: Pick<ResourceCatalogue, 'optionalScopesOf'>
    client: RegisteredClient
  }
) {
  const { grants, client } = deps
  const consent = await grants.findConsent(oidc.account?.accountId ?? '', client.clientId)
  const known = knownAs(client, oidc.params?.['redirect_uri'])
  if (consent === undefined) return undefined
  if (known !== undefined && !consent.knownAs.includes(known)) return undefined
  // what the operator made required since then is asked for again
  return { ...consent, declined: optionalOf(consent.declined, client, deps.resources) }
}

/** What was declined stays so: the engine neither asks for it again nor gives it. What a merged grant holds already is not taken away by it. */
function reject(
  grant: InstanceType<KoaContextWithOIDC['oidc']['provider']['Grant']>,
  declined: ConsentedScopes,
  held: ConsentedScopes,
  claims: readonly string[]
): void {
  const openid = missingScopes(declined.openid, held.openid)
  if (openid.length > 0) grant.rejectOIDCScope(openid.join(' '))
  const single = claimsWithin(claims, openid)
  if (single.length > 0) grant.rejectOIDCClaims(single)
  for (const [identifier, scopes] of Object.entries(declined.resources)) {
    const rejected = missingScopes(scopes, held.resources[identifier] ?? [])
    if (rejected.length > 0) grant.rejectResourceScope(identifier, rejected.join(' '))
  }
}

function isTrusted(client: RegisteredClient, redirectUri: unknown): boolean {
  if (client.metadata.first_party !== true) return false
  return typeof redirectUri === 'string' && URL.parse(redirectUri)?.protocol === 'https:'
}
