// Protected Resource Metadata (RFC 9728) as a Fastify plugin: serves what the API says of itself where clients look for it.
// Owns the route only; what is said is resource-metadata.ts's.

import type { FastifyPluginAsync } from 'fastify'
import {
  type ProtectedResource,
  resourceMetadata,
  resourceMetadataUrl
} from './resource-metadata.ts'

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
