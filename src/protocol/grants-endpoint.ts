// The Grant Management API (Grant Management for OAuth 2.0 §6): a client asks what a grant of its own holds, or gives it up. Refuses
// everybody but the client that the grant was given to, with the same 404 as for one that is not there; and tells no token and no person.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ManagedGrant, ManagedGrantStore } from '../store/managed-grants.ts'
import type { BoundTokens, TokenRefusal } from './bound-tokens.ts'
import { grantsAudience, grantsPath, queryScope, revokeScope } from './grant-scopes.ts'
import type { RequestFactsBook } from './request-facts.ts'
import type { RequestFacts, UnitOfWorkRunner } from './unit-of-work.ts'

export interface GrantsEndpointDependencies {
  issuer: string
  tokens: BoundTokens
  managed: Pick<ManagedGrantStore, 'find'>
  /** Ends it and all that hangs on it; false: there is no such grant of this client. */
  revoke(grant: { id: string; clientId: string }, request: RequestFacts): Promise<boolean>
  units: Pick<UnitOfWorkRunner, 'run'>
  requests: RequestFactsBook
}

/** Refusals a minute that one address gets an answer to: whoever has a token and a grant meets none. */
const refusalsPerMinute = 120

/** Fastify plugin: `await app.register(grantsEndpoint, deps)`. */
export async function grantsEndpoint(
  app: FastifyInstance,
  deps: GrantsEndpointDependencies
): Promise<void> {
  const { issuer, managed, tokens, units, requests } = deps
  const refusals = app.createRateLimit({ max: refusalsPerMinute, timeWindow: 60_000 })

  async function refuse(
    { request, reply }: { request: FastifyRequest; reply: FastifyReply },
    {
      status,
      error,
      description,
      challenges
    }: Omit<TokenRefusal, 'ok' | 'status'> & { status: number }
  ) {
    const counted = await refusals(request)
    if (!counted.isAllowed && counted.isExceeded) {
      throw Object.assign(
        new Error('too many refused requests; wait as long as Retry-After says'),
        {
          statusCode: 429,
          retryAfterSeconds: Math.max(1, counted.ttlInSeconds)
        }
      )
    }
    request.log.info({ refusal: error, reason: description }, 'refused: grant management')
    if (challenges.length > 0) reply.header('www-authenticate', challenges)
    return reply.code(status).send({ error, error_description: description })
  }

  const missing = {
    status: 404,
    error: 'not_found',
    description: 'this client has no such grant: it never was, expired, or was revoked',
    challenges: []
  }

  /** One request: the token, its scope, then `work`, which answers undefined for a grant that is not there. */
  async function serve(
    request: FastifyRequest,
    reply: FastifyReply,
    scope: string,
    work: (grant: { id: string; clientId: string }) => Promise<FastifyReply | undefined>
  ) {
    reply.header('cache-control', 'no-cache, no-store').header('pragma', 'no-cache')
    const { grantId: id } = request.params as { grantId: string }
    const address = `${grantsAudience(issuer)}/${encodeURIComponent(id)}`
    const verified = await units.run(requests.of(request.raw), unit =>
      tokens.verify(unit, { request, reply, address })
    )
    if (!verified.ok) return refuse({ request, reply }, verified)
    const { kind, audience, payload } = verified.token
    const scopes = String(payload['scope'] ?? '').split(' ')
    // §6.1: "an access token authorized for this API"; §6.6: "If the client is not authorized to perform a call […] 403"
    const own = kind === 'ClientCredentials' && audience === grantsAudience(issuer)
    if (!own || !scopes.includes(scope)) {
      return refuse({ request, reply }, tokens.insufficientScope(verified.scheme, scope))
    }
    const answered = await work({ id, clientId: String(payload['clientId']) })
    return answered ?? refuse({ request, reply }, missing)
  }

  app.get(`${grantsPath}/:grantId`, (request, reply) =>
    serve(request, reply, queryScope, async ({ id, clientId }) => {
      const grant = await managed.find(id, clientId)
      return grant && reply.send(describe(grant, issuer))
    })
  )

  app.delete(`${grantsPath}/:grantId`, (request, reply) =>
    serve(request, reply, revokeScope, async grant => {
      const gone = await deps.revoke(grant, requests.of(request.raw))
      return gone ? reply.code(204).send() : undefined
    })
  )
}

const epoch = (date: Date) => Math.floor(date.getTime() / 1000)

/** §6.4. The issuer's own audience is no API of anybody's: its scopes stand without a resource. */
function describe(grant: ManagedGrant, issuer: string): object {
  const { openid, resources = {}, rar } = grant.content
  const scopes = [
    ...(openid?.scope ? [{ scope: openid.scope }] : []),
    ...Object.entries(resources)
      .filter(([identifier]) => identifier !== issuer)
      .map(([identifier, scope]) => ({ scope, resource: [identifier] }))
  ]
  return {
    scopes,
    ...(openid?.claims?.length ? { claims: openid.claims } : {}),
    ...(rar?.length ? { authorization_details: rar } : {}),
    created_at: epoch(grant.createdAt),
    last_updated: epoch(grant.updatedAt),
    expires_at: epoch(grant.expiresAt),
    ...(grant.revision > 1 ? { updated_by: 'client' } : {})
  }
}
