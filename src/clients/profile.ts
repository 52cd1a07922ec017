// Profiles: a stricter set of rules that one client is held to, by the member `profile`. `fapi2` is the FAPI 2.0 Security Profile,
// `fapi2-message-signing` adds FAPI 2.0 Message Signing. Owns what a profile's metadata is by default, and what it must not be; what is judged
// in a request is protocol/profile.ts. Refuses at writing time what the profile refuses at any time.

import type { ClientMetadata, ClientType, Profile } from './client.ts'
import { messages } from './jose-members.ts'

export const profiles: readonly Profile[] = ['fapi2', 'fapi2-message-signing']

/** FAPI 2.0 Security Profile §5.4.1: JWTs "shall use `PS256`, `ES256`, or `EdDSA` (using the `Ed25519` variant) algorithms". */
export const profileAlgorithms: readonly string[] = ['PS256', 'ES256', 'EdDSA']

/** Of those we sign with these two. */
const usualAlgorithm = 'ES256'

/** FAPI 2.0 Security Profile §5.3.2.1: client authentication is mTLS or `private_key_jwt`. */
const methods: readonly string[] = [
  'private_key_jwt',
  'tls_client_auth',
  'self_signed_tls_client_auth'
]

const signedMembers = messages.map(message => `${message}_signed_response_alg` as const)

/** What a client of the profile is where it does not say. */
export function profileDefaults(
  kept: Readonly<Record<string, unknown>>,
  type: ClientType
): Partial<ClientMetadata> {
  const profile = kept['profile']
  if (profile === undefined) return {}
  const certificate = kept['tls_client_certificate_bound_access_tokens'] === true
  return {
    token_endpoint_auth_method: 'private_key_jwt',
    introspection_signed_response_alg: usualAlgorithm,
    ...(certificate ? {} : { dpop_bound_access_tokens: true }),
    ...(type === 'machine'
      ? {}
      : {
          require_pushed_authorization_requests: true,
          id_token_signed_response_alg: usualAlgorithm,
          authorization_signed_response_alg: usualAlgorithm,
          ...(profile === 'fapi2-message-signing' ? { require_signed_request_object: true } : {})
        })
  }
}

/** What the profile of the metadata refuses in it. */
export function profileProblems(
  metadata: ClientMetadata,
  type: ClientType
): { member: string; problem: string }[] {
  const { profile } = metadata
  if (profile === undefined) return []
  const problems: { member: string; problem: string }[] = []
  const refuse = (member: string, problem: string) =>
    problems.push({ member, problem: `${problem} with the profile ${profile}` })

  // §5.3.2.1: "shall only support confidential clients as defined in [RFC6749]"
  if (type !== 'web' && type !== 'machine') {
    refuse('profile', 'is for clients of type web and machine: no client is public')
  }
  const method = metadata.token_endpoint_auth_method
  if (!methods.includes(method)) {
    refuse('token_endpoint_auth_method', `must be ${methods.join(' or ')}`)
  }
  if (metadata.conformance === 'relaxed') refuse('conformance', 'must not be relaxed')
  // the key that proves the client is the client's own
  if (metadata.workload_identity !== undefined) refuse('workload_identity', 'must not be there')
  // §5.3.2.1: "shall only issue sender-constrained access tokens"
  if (!metadata.dpop_bound_access_tokens && !metadata.tls_client_certificate_bound_access_tokens) {
    refuse('dpop_bound_access_tokens', 'or tls_client_certificate_bound_access_tokens must be true')
  }
  // §5.3.2.2: "shall require the value of response_type […] to be code"
  const types = metadata.response_types.filter(each => each !== 'code')
  if (types.length > 0) refuse('response_types', 'must have nothing but code')
  for (const grant of metadata.grant_types.filter(each => /implicit|device_code/.test(each))) {
    refuse('grant_types', `must not have ${grant}`)
  }
  for (const [index, uri] of metadata.redirect_uris.entries()) {
    // §5.3.2.2: "shall not transmit authorization responses over unencrypted network connections"
    if (!uri.startsWith('https://')) refuse(`redirect_uris[${index}]`, 'must be an https URL')
  }
  if (type !== 'machine' && metadata.require_pushed_authorization_requests !== true) {
    // §5.3.2.2: "shall reject authorization requests sent without [RFC9126]"
    refuse('require_pushed_authorization_requests', 'must be true')
  }
  if (profile === 'fapi2-message-signing' && type !== 'machine') {
    // Message Signing §5.3.1: the server requires signed request objects at the PAR endpoint
    if (metadata.require_signed_request_object !== true) {
      refuse('require_signed_request_object', 'must be true')
    }
  }
  const chosen = ['token_endpoint_auth_signing_alg', 'request_object_signing_alg', ...signedMembers]
  for (const member of chosen as (keyof ClientMetadata)[]) {
    const algorithm = metadata[member]
    if (algorithm !== undefined && !profileAlgorithms.includes(String(algorithm))) {
      refuse(member, `must not be ${algorithm}`)
    }
  }
  return problems
}
