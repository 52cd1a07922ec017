// Scope: a list of case-sensitive names, separated by one space (RFC 6749 §3.3). Owns its syntax and
// its set arithmetic; which scopes exist, and who may have them, is configuration and policy.

/** A parsed scope: names without duplicates, in the order in which they were written. */
export type ParsedScope = { ok: true; scopes: string[] } | { ok: false; reason: 'malformed' }

// RFC 6749 §3.3: scope = scope-token *( SP scope-token )
//                scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
const scopeToken = /^[\x21\x23-\x5b\x5d-\x7e]+$/

/** True for one name of a scope. */
export function isScopeToken(value: string): boolean {
  return scopeToken.test(value)
}

/**
 * Parses the value of a `scope` parameter. An empty value, a space too many and any other white
 * space are malformed: a parameter that was left out is not asked here.
 */
export function parseScope(value: string): ParsedScope {
  const names = value.split(' ')
  if (!names.every(isScopeToken)) return { ok: false, reason: 'malformed' }
  return { ok: true, scopes: [...new Set(names)] }
}

/** Writes scopes as the value of a parameter or claim; the empty list gives ''. */
export function formatScope(scopes: Iterable<string>): string {
  return [...new Set(scopes)].join(' ')
}

/** One scope of the account, or of an API, as a single text: neither has a space in it. */
export function scopeAt(scope: string, resource?: string): string {
  return resource === undefined ? scope : `${scope} ${resource}`
}

/** Those of `scopes` that are not in `granted`, in their order. None: `scopes` is a subset. */
export function missingScopes(scopes: Iterable<string>, granted: Iterable<string>): string[] {
  const had = new Set(granted)
  return [...new Set(scopes)].filter(scope => !had.has(scope))
}

/** RFC 6749 §6: a refresh "MUST NOT include any scope not originally granted". */
export function isScopeSubset(scopes: Iterable<string>, granted: Iterable<string>): boolean {
  return missingScopes(scopes, granted).length === 0
}

/** Those of `scopes` that are in `granted`, too, in their order. */
export function commonScopes(scopes: Iterable<string>, granted: Iterable<string>): string[] {
  const had = new Set(granted)
  return [...new Set(scopes)].filter(scope => had.has(scope))
}

/**
 * The scopes of OpenID Connect itself (Core §3.1.2.1, §5.4 and §11). They ask for claims of the
 * account or for its session, and never belong to a resource.
 */
export const openidScopes = [
  'openid',
  'profile',
  'email',
  'address',
  'phone',
  'offline_access'
] as const

export type OpenidScope = (typeof openidScopes)[number]

const openidScopeNames: ReadonlySet<string> = new Set(openidScopes)

export function isOpenidScope(scope: string): scope is OpenidScope {
  return openidScopeNames.has(scope)
}
