// A client ID metadata document as it was fetched (draft-ietf-oauth-client-id-metadata-document §4): judged by the same policy as every
// stranger's registration, and by what only a document must keep to. A document is written for many servers, so what this one does not
// offer is left out; what would be dangerous is refused. Its own host is all that is known of it: links lead there or are not shown.

import { createHash } from 'node:crypto'
import type { ClientMetadata, ClientType } from './client.ts'
import { checkClientMetadata, type MetadataContext } from './metadata.ts'
import { canonicalJson } from './stored.ts'
import { templates } from './templates.ts'
import { isLoopback } from './url.ts'

export type CheckedDocument =
  | { ok: true; type: 'web' | 'spa' | 'native'; metadata: ClientMetadata; digest: Buffer }
  | { ok: false; problem: string }

/** What the client is by itself not to say, or what means nothing at this server. */
const ignored = ['client_id', 'scope', 'application_type', 'contacts', 'software_statement']
const links = ['client_uri', 'policy_uri', 'tos_uri', 'logo_uri', 'initiate_login_uri'] as const

/**
 * @param clientId the URL that it was fetched from, checked
 */
export function checkClientDocument(
  clientId: string,
  body: Buffer,
  rules: Pick<MetadataContext, 'development' | 'resources' | 'detailTypes'>
): CheckedDocument {
  const document = parse(body)
  if (document === undefined) return refused('is not a JSON object')
  // §4: «a client_id property whose value MUST match the Client Identifier URL […]; comparisons MUST be made using simple string comparison»
  if (document['client_id'] !== clientId) return refused('client_id is not the URL of the document')
  // §4.1: «the client_secret and client_secret_expires_at properties MUST NOT be used»
  const secret = Object.keys(document).find(member => member.startsWith('client_secret'))
  if (secret !== undefined) return refused(`${secret} must not stand in a public document`)

  const url = new URL(clientId)
  const problem = firstProblem(document, url)
  if (problem !== undefined) return refused(problem)
  const type = typeOf(document)
  const checked = checkClientMetadata(narrowed(document, type, url, rules.detailTypes), {
    ...rules,
    type,
    source: 'registration',
    document: url
  })
  if (!checked.ok) {
    const [first] = checked.problems
    return refused(`${first?.member} ${first?.problem}`.trim())
  }
  // §8.8: a logo is another site's picture beside a stranger's words; the page shows a letter
  const { logo_uri: _, ...metadata } = checked.metadata
  return { ok: true, type, metadata, digest: documentDigest(metadata) }
}

/** What a person's consent was given to, besides the name on the page: where codes go, and who can redeem them. */
function documentDigest(metadata: ClientMetadata): Buffer {
  const { redirect_uris, jwks, jwks_uri, token_endpoint_auth_method } = metadata
  const parts = { redirect_uris: redirect_uris.toSorted(), jwks, jwks_uri }
  return createHash('sha256')
    .update(canonicalJson({ ...parts, token_endpoint_auth_method }))
    .digest()
}

function parse(body: Buffer): Record<string, unknown> | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body)
    const value: unknown = JSON.parse(text)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function refused(problem: string): CheckedDocument {
  return { ok: false, problem }
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter(entry => typeof entry === 'string') : []
}

/** What the policy, which also judges clients without a home, does not know to refuse. */
function firstProblem(document: Record<string, unknown>, url: URL): string | undefined {
  const method = document['token_endpoint_auth_method'] ?? 'none'
  // §4.1: no method «based around a shared symmetric secret»
  if (method !== 'none' && method !== 'private_key_jwt') {
    return 'token_endpoint_auth_method must be none or private_key_jwt: there is no secret to share'
  }
  // §8.1: «to restrict the redirect_uri to the same-origin as the Client ID Metadata Document»
  for (const member of ['redirect_uris', 'post_logout_redirect_uris']) {
    const foreign = strings(document[member]).findIndex(uri => !isAtHome(uri, url))
    if (foreign >= 0) {
      return `${member}[${foreign}] must have the origin of the client_id, ${url.origin}, or be http on loopback`
    }
  }
  const keys = document['jwks_uri']
  if (typeof keys === 'string' && URL.parse(keys)?.origin !== url.origin) {
    return `jwks_uri must have the origin of the client_id, ${url.origin}`
  }
  return undefined
}

function isAtHome(uri: string, home: URL): boolean {
  const target = URL.parse(uri)
  if (target === null) return false
  return target.origin === home.origin || (target.protocol === 'http:' && isLoopback(target))
}

/** Where its answers go says what the software is. */
function typeOf(document: Record<string, unknown>): Exclude<ClientType, 'machine'> {
  const onDevice = strings(document['redirect_uris']).some(uri => {
    const url = URL.parse(uri)
    return url !== null && url.protocol === 'http:' && isLoopback(url)
  })
  if (onDevice) return 'native'
  return document['token_endpoint_auth_method'] === 'private_key_jwt' ? 'web' : 'spa'
}

/** RFC 7591 §2: the server may «replace […] any of the client's requested metadata values». */
function narrowed(
  document: Record<string, unknown>,
  type: ClientType,
  url: URL,
  detailTypes: readonly string[] = []
) {
  const kept: Record<string, unknown> = { ...document }
  for (const member of ignored) delete kept[member]
  for (const member of [...links, 'backchannel_logout_uri']) {
    const target = typeof kept[member] === 'string' ? URL.parse(kept[member]) : null
    // whatever is not https stays, to be refused
    if (target?.protocol === 'https:' && target.host !== url.host) delete kept[member]
  }
  if (kept['backchannel_logout_uri'] === undefined) {
    delete kept['backchannel_logout_session_required']
  }
  const offered = {
    grant_types: templates[type].grantTypes.allowed,
    response_types: ['code'],
    authorization_details_types: detailTypes
  }
  for (const [member, values] of Object.entries(offered)) {
    if (!Array.isArray(kept[member])) continue
    kept[member] = kept[member].filter(value => values.includes(String(value)))
  }
  return { token_endpoint_auth_method: 'none', ...kept }
}
