// A change of a grant that a client manages (Grant Management for OAuth 2.0 §5.2): its kinds, what a merged grant holds, and what a person
// allowed of it. Owns no request and no answer; those are grant-management.ts.

import type { Provider } from 'oidc-provider'
import { type AuthorizationDetail, equalValues } from '../oauth/authorization-details.ts'
import type { ConsentedScopes } from '../store/consents.ts'
import type { Payload } from '../store/grants.ts'
import type { GrantContent, ManagedGrant } from '../store/managed-grants.ts'

export const grantActions = ['create', 'merge', 'replace'] as const
export type GrantAction = (typeof grantActions)[number]

/** What this authorization does to a managed grant. */
export type GrantChange =
  | { action: 'create'; id: string; base?: undefined }
  | { action: 'merge' | 'replace'; id: string; base: ManagedGrant }

type Grant = InstanceType<Provider['Grant']>

/** What a person allowed on the consent page of this very request; somebody else's answer does not count. */
export function allowedHere(result: unknown, accountId: string): ConsentedScopes | undefined {
  const { consent } = (result ?? {}) as { consent?: { accountId?: unknown; granted?: unknown } }
  if (consent?.accountId !== accountId || typeof consent.granted !== 'object') return undefined
  return consent.granted as ConsentedScopes
}

/** Authorization details that a managed grant holds (RFC 9396). */
export function detailsOf(managed: ManagedGrant | undefined): AuthorizationDetail[] {
  return (managed?.content.rar ?? []) as AuthorizationDetail[]
}

/** §5.2 merge: "with those which already exist within the grant", of details as far as the client may still ask for their types. */
export function addExisting(
  grant: Grant,
  managed: ManagedGrant,
  detailTypes: readonly string[]
): void {
  const { content } = managed
  const { openid, resources = {} } = content
  if (openid?.scope) grant.addOIDCScope(openid.scope)
  if (openid?.claims?.length) grant.addOIDCClaims(openid.claims)
  for (const [identifier, scope] of Object.entries(resources)) {
    grant.addResourceScope(identifier, scope)
  }
  for (const detail of detailsOf(managed)) {
    const there = grant.rar?.some(one => equalValues(one, detail)) ?? false
    if (!there && detailTypes.includes(detail.type)) grant.addRar({ ...detail })
  }
}

const words = (scope: string | undefined) => (scope ?? '').split(' ').filter(Boolean)

/** What a managed grant holds, as consent is counted. */
export function scopesOf({ content }: ManagedGrant): ConsentedScopes {
  const resources = Object.entries(content.resources ?? {})
  return {
    openid: words(content.openid?.scope),
    resources: Object.fromEntries(resources.map(([name, scope]) => [name, words(scope)]))
  }
}

/**
 * A code of a merged grant stands for all of it: the refresh tokens of before end, and the new one must be able to do what they did (§3.4).
 * What was asked for now comes first.
 */
export function widened(payload: Payload, change: GrantChange | undefined): Payload {
  if (change?.action !== 'merge') return payload
  const { openid, resources } = scopesOf(change.base)
  const before = [...openid, ...Object.values(resources).flat()]
  const scope = new Set([...words(payload['scope'] as string | undefined), ...before])
  const asked = [payload['resource'] ?? []].flat() as string[]
  const all = [...new Set([...asked, ...Object.keys(resources)])]
  return {
    ...payload,
    scope: [...scope].join(' '),
    ...(all.length === 0 ? {} : { resource: all.length === 1 ? all[0] : all })
  }
}

/** What was allowed once, and the client may have no longer, does not come back with a merge. */
export function narrowedTo(
  content: GrantContent,
  available: (identifier: string | undefined) => ReadonlySet<string>
): GrantContent {
  const { openid, resources = {} } = content
  const kept = (scope: string | undefined, identifier?: string) => {
    const still = available(identifier)
    return words(scope)
      .filter(name => still.has(name))
      .join(' ')
  }
  const byResource = Object.entries(resources)
    .map(([identifier, scope]) => [identifier, kept(scope, identifier)] as const)
    .filter(([, scope]) => scope !== '')
  return {
    ...content,
    ...(openid === undefined ? {} : { openid: { ...openid, scope: kept(openid.scope) } }),
    resources: Object.fromEntries(byResource)
  }
}
