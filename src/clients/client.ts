// A registered client: its types, its wire members (RFC 7591 §2 and ours), and what the engine is told of it.
// Owns the vocabulary only. What may stand in the metadata is decided in metadata.ts; secrets are never part of it.

import type { AssertionGrant } from './assertion-grants.ts'
import type { AttestationMethod } from './attestation.ts'
import type { BackchannelMembers } from './backchannel-members.ts'
import type { JoseMembers } from './jose-members.ts'
import type { WorkloadIdentity } from './workload-identity.ts'

/** What kind of software the client is; it decides grant types, authentication and where redirects may lead. */
export type ClientType = 'web' | 'spa' | 'native' | 'machine'

/** Where the client is declared. Only that place may change it; `document`: at the URL that is its id. */
export type ClientOwner = 'config' | 'cli' | 'registration' | 'document'

/** A stricter set of rules that one client is held to (profile.ts). */
export type Profile = 'fapi2' | 'fapi2-message-signing'

export type ClientAuthMethod =
  | 'none'
  | 'client_secret_basic'
  | 'client_secret_post'
  | 'client_secret_jwt'
  | 'private_key_jwt'
  | 'tls_client_auth'
  | 'self_signed_tls_client_auth'
  | AttestationMethod

/** Public keys of a client (RFC 7517 §5). */
export interface ClientKeySet {
  readonly keys: readonly Readonly<Record<string, unknown>>[]
}

/** The metadata that passed the policy: wire members of RFC 7591 §2, OpenID Connect Registration §2, RFC 9126, RFC 9449, RFC 8705, CIBA Core §4, and ours. */
export interface ClientMetadata extends JoseMembers, BackchannelMembers {
  readonly client_name?: string
  /** `web` or `native`, derived from the type; the engine's rules about redirect URIs hang on it */
  readonly application_type: 'web' | 'native'
  /** empty for machine clients */
  readonly redirect_uris: readonly string[]
  readonly post_logout_redirect_uris: readonly string[]
  readonly grant_types: readonly string[]
  readonly response_types: readonly string[]
  readonly token_endpoint_auth_method: ClientAuthMethod
  readonly token_endpoint_auth_signing_alg?: string
  readonly jwks?: ClientKeySet
  readonly jwks_uri?: string
  /** ours: tokens of trusted issuers that stand for an assertion of the client's own (workload-identity.ts) */
  readonly workload_identity?: readonly WorkloadIdentity[]
  /** ours: the trusted issuer that attests for its instances (attestation.ts) */
  readonly attester?: string
  /** ours: for whom it may get tokens by assertions of trusted issuers (assertion-grants.ts) */
  readonly assertion_grants?: readonly AssertionGrant[]
  /** space-separated; what the client may ask for at most. Absent: whatever its resources allow */
  readonly scope?: string
  /** absent: `public` */
  readonly subject_type?: 'pairwise'
  readonly sector_identifier_uri?: string
  readonly client_uri?: string
  readonly logo_uri?: string
  readonly policy_uri?: string
  readonly tos_uri?: string
  readonly contacts?: readonly string[]
  readonly initiate_login_uri?: string
  readonly backchannel_logout_uri?: string
  readonly backchannel_logout_session_required?: boolean
  readonly default_max_age?: number
  readonly require_auth_time?: boolean
  readonly require_pushed_authorization_requests?: boolean
  readonly dpop_bound_access_tokens?: boolean
  readonly tls_client_certificate_bound_access_tokens?: boolean
  readonly tls_client_auth_subject_dn?: string
  readonly tls_client_auth_san_dns?: string
  readonly tls_client_auth_san_uri?: string
  readonly tls_client_auth_san_ip?: string
  readonly tls_client_auth_san_email?: string
  readonly software_id?: string
  readonly software_version?: string

  /** ours: the audience of tokens when a request names none; a configured resource */
  readonly default_resource?: string
  /** ours: run by the operator of this server, so that people are not asked for consent. Absent: no */
  readonly first_party?: true
  /** ours: people sign in for it with more than one factor. Absent: no */
  readonly require_second_factor?: true
  /** ours: how it takes part in a conformance run (conformance.ts). Absent: it is none's */
  readonly conformance?: 'relaxed' | 'strict'
  /** RFC 9396 §10; absent: those of its resources for a declared client of people, none for every other */
  readonly authorization_details_types?: readonly string[]
  /** ours: a stricter set of rules for it (profile.ts). Absent: the usual ones */
  readonly profile?: Profile
  /** ours: its proofs must carry a nonce (RFC 9449 §8). Absent: they may */
  readonly dpop_nonce?: 'required'
  /** ours: refresh tokens come with every authorization. Absent: only with the scope `offline_access` */
  readonly refresh_tokens?: 'always'
}

/** What an initial access token allows; what is left out is not limited by it (registration-policy.ts). */
export interface RegistrationPolicy {
  readonly types?: readonly ClientType[]
  /** what a client may have in `scope`; one that names none gets all of these */
  readonly scopes?: readonly string[]
  /** hosts of redirect URIs, with the port where it is not the usual one; `loopback` for apps on a device */
  readonly redirectHosts?: readonly string[]
}

/** One live secret. Ours are 256 random bits, so a plain SHA-256 says nothing about them. */
export interface ClientSecret {
  readonly digest: Buffer
  /** undefined: does not expire */
  readonly expiresAt: Date | undefined
  /** the secret itself (sealed-secrets.ts); there for clients that sign with it, and for no others */
  readonly sealed?: Buffer | undefined
}

/** A client as it is stored. */
export interface RegisteredClient {
  readonly clientId: string
  readonly type: ClientType
  readonly owner: ClientOwner
  readonly metadata: ClientMetadata
  readonly secrets: readonly ClientSecret[]
  readonly disabledAt: Date | undefined
  /** machine tokens issued before this are refused */
  readonly tokensNotBefore: Date | undefined
  /** where the status of its machine tokens stands; absent until a resource asks for it (Token Status List) */
  readonly status?: { readonly list: number; readonly idx: number } | undefined
  /** made by a development start; a production start disables it */
  readonly seeded: boolean
  /** raised by every change of the metadata */
  readonly revision: number
  /** what its own updates must keep to (registration-policy.ts) */
  readonly registrationPolicy?: RegistrationPolicy | undefined
  /** RFC 7591 §2.3, as it came; verified then */
  readonly softwareStatement?: string | undefined
  /** of a client that is a metadata document: what was granted to it counts for this digest, and how long it is believed */
  readonly document?:
    | { readonly digest: Buffer; readonly freshUntil: Date; readonly usableUntil: Date }
    | undefined
}

/** True when the client authenticates with a secret that we issued. */
export function needsSecret(metadata: ClientMetadata): boolean {
  const method = metadata.token_endpoint_auth_method
  return /^client_secret_(basic|post|jwt)$/.test(method)
}

/** True when it signs with the secret (HMAC), so that a digest of it would verify nothing. */
export function signsWithSecret(metadata: ClientMetadata): boolean {
  return metadata.token_endpoint_auth_method === 'client_secret_jwt'
}

/** Members that are ours: the engine only knows them as `extraClientMetadata`. */
const ownMembers: ReadonlySet<string> = new Set([
  'default_resource',
  'first_party',
  'require_second_factor',
  'refresh_tokens',
  'dpop_nonce',
  'conformance',
  'profile',
  'workload_identity',
  'assertion_grants',
  'attester'
])

/**
 * The metadata as the engine may see it: its own members only. `client_secret`, which the engine demands of clients that have one,
 * and `extraClientMetadata` are the caller's.
 * @param serverScopes the engine's configured `scopes`. It refuses a client whose `scope` names another one, and restricts nothing
 * else by it: scopes of resources are to be judged against `metadata.scope` where the resource is looked up
 */
export function describeForEngine(
  client: Pick<RegisteredClient, 'clientId' | 'metadata'>,
  serverScopes: ReadonlySet<string>
): Record<string, unknown> {
  const { scope, ...members } = client.metadata
  const described = Object.entries(members).filter(([member]) => !ownMembers.has(member))
  return {
    client_id: client.clientId,
    ...structuredClone(Object.fromEntries(described)),
    ...(scope === undefined ? {} : { scope: engineScope(scope, serverScopes) })
  }
}

/** An empty `scope` would mean «everything» to the engine; `offline_access` alone opens nothing. */
function engineScope(scope: string, serverScopes: ReadonlySet<string>): string {
  const known = scope.split(' ').filter(token => serverScopes.has(token))
  return known.length > 0 ? known.join(' ') : 'offline_access'
}
