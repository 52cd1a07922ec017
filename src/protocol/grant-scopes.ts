// Where the Grant Management API is (Grant Management for OAuth 2.0 §6.1, §6.2, §7.1), which scopes open it, and what the metadata says of
// it. Owns the words only: who gets a token for it is features.ts, what it answers grants-endpoint.ts.

import { grantActions } from './grant-change.ts'

/** Under the issuer; a grant's address is this, a slash, and its `grant_id` (§6.3). */
export const grantsPath = '/oauth/grants'

export const queryScope = 'grant_management_query'
export const revokeScope = 'grant_management_revoke'
export const grantScopes = [queryScope, revokeScope] as const

/** The audience of tokens for the API: its address. */
export function grantsAudience(issuer: string): string {
  return `${issuer}${grantsPath}`
}

/** True when all that is asked for is this API. */
export function asksForGrants(scopes: ReadonlySet<string>): boolean {
  return scopes.size > 0 && [...scopes].every(scope => grantScopes.some(each => each === scope))
}

/** §7.1: "If omitted, the AS does not support any grant management actions." */
export function grantManagementMetadata(
  issuer: string,
  { enabled, actionRequired }: { enabled: boolean; actionRequired: boolean }
): object {
  if (!enabled) return {}
  return {
    grant_management_actions_supported: ['query', 'revoke', ...grantActions],
    grant_management_endpoint: grantsAudience(issuer),
    ...(actionRequired ? { grant_management_action_required: true } : {})
  }
}
