// Access tokens as hooks of Fastify 5. Owns the mapping from a verification to a reply; every check
// is the verifier's. Uses no decorator: the token of a request is asked for with
// `tokenOf(request)`.

import { TLSSocket } from 'node:tls'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { createJudge, type Demand } from './demand.ts'
import { bodyOf, headersOf } from './refusal.ts'
import {
  type ClientCertificate,
  createVerifier,
  type Refusal,
  type VerifiedAccessToken,
  type Verifier,
  type VerifierOptions
} from './verifier.ts'

/** Whose certificate a request was sent with; undefined: nobody's. */
export type CertificateOf = (request: FastifyRequest) => ClientCertificate | undefined

/** Of the connection, where the API itself speaks TLS and asks for certificates. */
const ofConnection: CertificateOf = ({ raw: { socket } }) =>
  socket instanceof TLSSocket ? socket.getPeerCertificate() : undefined

/**
 * Makes the hooks of one API from its verifier. `certificateOf` is needed where a proxy ends TLS:
 * read its header there, and only if the request came from the proxy.
 */
export function createTokenGuard({
  verifier,
  certificateOf = ofConnection
}: {
  verifier: Verifier
  certificateOf?: CertificateOf
}) {
  const tokens = new WeakMap<FastifyRequest, VerifiedAccessToken>()

  return {
    /**
     * An `onRequest` hook: the request goes on with a valid access token that has every scope of
     * `scope` (separated by spaces) and comes from a sign-in that is strong and recent enough
     * (RFC 9470), else it is answered here (RFC 6750 §3). The body is unread by then.
     */
    requireToken(demand: Demand = {}) {
      const judge = createJudge(verifier, demand)
      return async (request: FastifyRequest, reply: FastifyReply) => {
        const verification = await judge(request.headers.authorization, {
          certificate: certificateOf(request),
          dpop: headerOf(request, 'dpop'),
          method: request.method,
          url: request.originalUrl
        })
        if (!verification.ok) return refuse(request, reply, verification)
        tokens.set(request, verification.token)
        if (verification.dpopNonce) reply.header('dpop-nonce', verification.dpopNonce)
      }
    },

    /**
     * The token of a request that came through `requireToken`.
     * @throws Error when the route has no such hook: a defect, not a caller's mistake
     */
    tokenOf(request: FastifyRequest): VerifiedAccessToken {
      const token = tokens.get(request)
      if (!token) throw new Error('no access token was required here: add the requireToken hook')
      return token
    }
  }
}

const guardScope: FastifyPluginAsync<
  VerifierOptions & { scope?: string; certificateOf?: CertificateOf }
> = async (app, { scope, certificateOf = ofConnection, ...options }) => {
  const guard = createTokenGuard({ verifier: createVerifier(options), certificateOf })
  app.addHook('onRequest', guard.requireToken(scope === undefined ? {} : { scope }))
}

/**
 * Guards every route that is registered in the same scope, after it: `app.register(async api => {
 * await api.register(resourceServer, { issuer, audience }); api.get('/things', …) })`
 */
export const resourceServer: typeof guardScope = Object.assign(guardScope, {
  // Fastify's mark for a plugin whose hooks belong to the scope that registers it
  [Symbol.for('skip-override')]: true
})

async function refuse(request: FastifyRequest, reply: FastifyReply, refusal: Refusal) {
  if (refusal.cause)
    request.log.error({ err: refusal.cause }, 'an access token could not be checked')
  return reply.code(refusal.status).headers(headersOf(refusal)).send(bodyOf(refusal))
}

/** Several of one name are joined, and then no proof (RFC 9449 §4.3). */
function headerOf({ headers }: FastifyRequest, name: string): string | undefined {
  return [headers[name]].flat().filter(Boolean).join(', ') || undefined
}
