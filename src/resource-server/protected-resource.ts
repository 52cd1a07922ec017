// What an API says of itself to clients that know nothing but its address: OAuth 2.0 Protected Resource Metadata (RFC 9728). A client that
// is refused with 401 reads here whom to ask for a token and which scopes there are; MCP clients find their way by nothing else.

import type { FastifyPluginAsync } from 'fastify'

export interface ProtectedResource {
  /** the identifier of this API, its `audience`: an https URL, or http on loopback */
  audience: string
  issuer: string
  /** what a client needs for basic use; more is asked for where it is needed (`insufficient_scope`) */
  scopes?: readonly string[]
  /** for people */
  name?: string
  documentation?: string
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
  const { audience, issuer, scopes, name, documentation } = resource
  return {
    resource: audience,
    authorization_servers: [issuer],
    // never in a query or a body (RFC 9700 §4.3.2)
    bearer_methods_supported: ['header'],
    ...(scopes === undefined ? {} : { scopes_supported: [...scopes] }),
    ...(name === undefined ? {} : { resource_name: name }),
    ...(documentation === undefined ? {} : { resource_documentation: documentation })
  }
}

/** A Fastify plugin that serves it, open to every origin: it is read before there is a token, by clients in browsers, too. */
export const protectedResource: FastifyPluginAsync<ProtectedResource> = async (app, resource) => {
  const { pathname } = new URL(resourceMetadataUrl(resource.audience))
  const document = resourceMetadata(resource)
  app.get(pathname, async (_request, reply) =>
    reply
      .header('access-control-allow-origin', '*')
      .header('cache-control', 'public, max-age=300')
      .send(document)
  )
}
