// What of mutual TLS (RFC 8705) is on, and what a client's metadata may say about it then. Refuses metadata that would promise what cannot
// be: a client whose certificate never arrives, or one that is known by two things.

import type { Config } from '../config/schema.ts'
import { isSubjectMember, subjectMembers } from './certificate-subject.ts'
import type { ClientAuthMethod, ClientMetadata } from './client.ts'

/** `self-signed`: certificates arrive, and no authority is named whose certificates would count. */
export type MutualTls = 'off' | 'self-signed' | 'on'

export function mutualTlsOf({ from, authorities }: Config['clientCertificates']): MutualTls {
  if (from === undefined) return 'off'
  return authorities === undefined ? 'self-signed' : 'on'
}

const noCertificates =
  'clients’ certificates do not reach this server: its clientCertificates.from is not set'
const noAuthorities =
  'this server knows no authorities of clients: its clientCertificates.authorities is not set'

/** Why clients cannot authenticate like this now. */
export function methodProblem(method: unknown, mutualTls: MutualTls): string | undefined {
  const isCertified = method === 'tls_client_auth'
  if (!isCertified && method !== 'self_signed_tls_client_auth') return undefined
  if (mutualTls === 'off') return noCertificates
  return isCertified && mutualTls === 'self-signed' ? noAuthorities : undefined
}

/** Why tokens cannot be bound to certificates now. */
export function bindingProblem(mutualTls: MutualTls): string | undefined {
  return mutualTls === 'off' ? noCertificates : undefined
}

/** Methods that can be used now. */
export function usableMethods(
  methods: readonly ClientAuthMethod[],
  mutualTls: MutualTls
): ClientAuthMethod[] {
  return methods.filter(method => methodProblem(method, mutualTls) === undefined)
}

/** Why a client that was let in once cannot be served now: without its certificate it would be another, weaker one. */
export function unservedReason(metadata: ClientMetadata, mutualTls: MutualTls): string | undefined {
  const bound = metadata.tls_client_certificate_bound_access_tokens === true
  return (
    methodProblem(metadata.token_endpoint_auth_method, mutualTls) ??
    (bound ? bindingProblem(mutualTls) : undefined)
  )
}

/** Rules about members together. */
export function checkMutualTls(
  metadata: ClientMetadata,
  report: (member: string, problem: string) => void
): void {
  const method = metadata.token_endpoint_auth_method
  const given = Object.keys(metadata).filter(isSubjectMember)
  if (method === 'tls_client_auth' && given.length !== 1) {
    // RFC 8705 §2.1.2: "A client using the "tls_client_auth" authentication method MUST use exactly one of the below metadata parameters"
    const names = subjectMembers.join(', ')
    report(given[1] ?? subjectMembers[0], `tls_client_auth needs exactly one of ${names}`)
  }
  if (method !== 'tls_client_auth') {
    for (const member of given) report(member, 'is for tls_client_auth only')
  }
  if (method === 'self_signed_tls_client_auth') checkRegisteredCertificates(metadata, report)
  if (metadata.dpop_bound_access_tokens && metadata.tls_client_certificate_bound_access_tokens) {
    report(
      'dpop_bound_access_tokens',
      'and tls_client_certificate_bound_access_tokens exclude each other'
    )
  }
}

/** RFC 8705 §2.2.2: the certificates are in the `x5c` of the client's keys. */
function checkRegisteredCertificates(
  { jwks, jwks_uri }: ClientMetadata,
  report: (member: string, problem: string) => void
): void {
  if (jwks === undefined && jwks_uri === undefined) {
    report('jwks', 'or jwks_uri is needed for self_signed_tls_client_auth, with an x5c in each key')
  }
  if (jwks !== undefined && !jwks.keys.some(({ x5c }) => x5c !== undefined)) {
    report('jwks', 'has no key with an x5c, so no certificate is registered')
  }
}
