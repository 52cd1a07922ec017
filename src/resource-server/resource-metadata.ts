// What an API says of itself to clients that know nothing but its address: OAuth 2.0 Protected Resource Metadata (RFC 9728). A client that
// is refused with 401 reads here whom to ask for a token and which scopes there are; MCP clients find their way by nothing else.

import { proofAlgorithms } from './dpop.ts'

export interface ProtectedResource {
  /** the identifier of this API, its `audience`: an https URL, or http on loopback */
  audience: string
  issuer: string
  /** what a client needs for basic use; more is asked for where it is needed (`insufficient_scope`) */
  scopes?: readonly string[]
  /** for people */
  name?: string
  documentation?: string
  /** as the verifier has it: `accepted` tells clients which algorithms proofs may have, `required` that they need them. Default: `accepted` */
  dpop?: 'accepted' | 'required' | 'off'
  /** `accepted`: the API, or its proxy, asks for certificates, so that tokens may be bound to them (RFC 8705). Default: not said */
  certificates?: 'accepted'
}

/**
 * RFC 9728 §3.1: the well-known string is inserted between host and path of the resource identifier.
 * @throws TypeError for an identifier that has no such place
 */
export function resourceMetadataUrl(audience: string): string {
  const url = URL.parse(audience)
  // RFC 9728 §1.2: "a URL that uses the https scheme and has no fragment component"
  if (url === null || !/^https?:$/.test(url.protocol) || url.hash !== '') {
    throw new TypeError(`an API without a web address has no metadata: ${JSON.stringify(audience)}`)
  }
  const path = url.pathname.replace(/\/$/, '')
  return `${url.origin}/.well-known/oauth-protected-resource${path}${url.search}`
}

/** The metadata, as it is served. */
export function resourceMetadata(resource: ProtectedResource): Record<string, unknown> {
  const { audience, issuer, scopes, name, documentation, dpop = 'accepted' } = resource
  return {
    resource: audience,
    authorization_servers: [issuer],
    // never in a query or a body (RFC 9700 §4.3.2)
    bearer_methods_supported: ['header'],
    ...(scopes === undefined ? {} : { scopes_supported: [...scopes] }),
    ...(dpop === 'off' ? {} : { dpop_signing_alg_values_supported: [...proofAlgorithms] }),
    ...(dpop === 'required' ? { dpop_bound_access_tokens_required: true } : {}),
    ...(resource.certificates === undefined
      ? {}
      : { tls_client_certificate_bound_access_tokens: true }),
    ...(name === undefined ? {} : { resource_name: name }),
    ...(documentation === undefined ? {} : { resource_documentation: documentation })
  }
}
