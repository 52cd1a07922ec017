// What an initial access token allows the clients that are registered with it (RFC 7591 §5: a server «can choose to … limit what can be
// registered»). Judged on the whole resulting metadata, at registration and at each update of the client's own (RFC 7592 §2.2), so that
// nothing can be reached by an update that a registration would have been refused. What is left out of a policy is not limited by it.

import type { ClientMetadata, ClientType, RegistrationPolicy } from './client.ts'
import type { MetadataProblem } from './metadata.ts'
import { isLoopback } from './url.ts'

/** Entry of `redirectHosts` that stands for every loopback address. */
export const loopbackHost = 'loopback'

export type Allowed =
  | { ok: true; metadata: ClientMetadata }
  | { ok: false; problems: MetadataProblem[] }

/** The metadata as the policy lets it be. */
export function applyRegistrationPolicy(
  { types, scopes, redirectHosts }: RegistrationPolicy,
  type: ClientType,
  metadata: ClientMetadata
): Allowed {
  const problems: MetadataProblem[] = []
  const report = (member: string, problem: string) => problems.push({ member, problem })
  if (types !== undefined && !types.includes(type)) {
    report('', `a client of type ${type} may not be registered with this token`)
  }
  const asked = metadata.scope?.split(' ') ?? []
  const beyond = asked.filter(scope => scopes !== undefined && !scopes.includes(scope))
  if (beyond.length > 0) report('scope', `must not have ${beyond.join(' ')} with this token`)
  for (const member of ['redirect_uris', 'post_logout_redirect_uris'] as const) {
    for (const [index, uri] of metadata[member].entries()) {
      if (redirectHosts === undefined || redirectHosts.includes(hostOf(uri))) continue
      report(`${member}[${index}]`, 'leads to a host that this token is not for')
    }
  }
  if (problems.length > 0) return { ok: false, problems }
  const granted = metadata.scope ?? (scopes === undefined ? undefined : scopesFor(type, scopes))
  return { ok: true, metadata: granted === undefined ? metadata : { ...metadata, scope: granted } }
}

/** Private-use schemes have no host, and are under nobody's name. */
function hostOf(uri: string): string {
  const url = new URL(uri)
  if (url.protocol === 'http:' && isLoopback(url)) return loopbackHost
  return url.protocol === 'https:' ? url.host : ''
}

/** A token that is for nothing gives a scope that opens nothing: an absent one would mean everything (client.ts). */
function scopesFor(type: ClientType, scopes: readonly string[]): string {
  if (scopes.length > 0) return scopes.join(' ')
  return type === 'machine' ? 'none' : 'openid'
}
