// Client identifiers that are URLs (draft-ietf-oauth-client-id-metadata-document §3): what may be one, and which host it belongs to.
// Refuses everything that two readers could take for different addresses, and what a token's audience or subject could be mistaken for.

import { isLoopback, parseStrictUrl } from './url.ts'

/** It is shown to people, stands in tokens, and is a key of the database. */
const longest = 512

export interface DocumentUrlRules {
  development: boolean
  issuer: string
  /** identifiers of the configured resources */
  resources: readonly string[]
  /** hosts that are accepted; empty: all */
  hosts: readonly string[]
}

/** Whether a client_id could be a document's at all; every other client is registered here, and its id is no URI (client-id.ts). */
export function looksLikeDocumentUrl(clientId: string): boolean {
  return /^https?:\/\//i.test(clientId)
}

/** Where the client comes from, as people know places on the web: host, and port where it is not the usual one. */
export function documentHost(clientId: string): string {
  return new URL(clientId).host
}

/** Why a client_id is no address of a metadata document, as a sentence; undefined when it may be one. */
export function documentUrlProblem(clientId: string, rules: DocumentUrlRules): string | undefined {
  if (clientId.length > longest) return `must not be longer than ${longest} characters`
  // §3: «MUST NOT contain a userinfo component», «MUST NOT contain single-dot or double-dot path components», «MUST NOT contain a fragment
  // component»; and it is compared as a string, so it has one spelling
  const checked = parseStrictUrl(clientId)
  if (!checked.ok) return checked.problem
  const { url } = checked
  // §3: «MUST use the "https" URL scheme»; a developer's document is on the developer's machine
  const developers = rules.development && url.protocol === 'http:' && isLoopback(url)
  if (url.protocol !== 'https:' && !developers) return 'must be an https URL'
  // §3: «MUST contain a path component»; a bare «/» is a site's front page, NOT RECOMMENDED
  if (url.pathname === '/') return 'must have a path'
  // §3: «SHOULD NOT contain a query component»: documents made from a query are anybody's
  if (clientId.includes('?')) return 'must not have a query'
  if (rules.resources.includes(clientId)) return 'is the identifier of a resource'
  if (url.origin === new URL(rules.issuer).origin) return 'is an address of this server'
  if (rules.hosts.length > 0 && !rules.hosts.includes(url.host)) {
    return 'is at a host that this server does not accept clients from'
  }
  return undefined
}
