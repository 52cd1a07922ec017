// Access tokens as hooks of Fastify 5. Owns the mapping from a verification to a reply; every check
// is the verifier's. Uses no decorator: the token of a request is asked for with
// `tokenOf(request)`.

import { TLSSocket } from 'node:tls'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { VerifiedAccessToken } from './access-token.ts'
import type { ClientCertificate } from './certificate.ts'
import { createVerifier, type Refusal, type Verifier, type VerifierOptions } from './verifier.ts'

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
     * `scope` (separated by spaces), else it is answered here (RFC 6750 §3). The body is unread by
     * then.
     */
    requireToken({ scope = '' }: { scope?: string } = {}) {
      assertScope(scope)
      return async (request: FastifyRequest, reply: FastifyReply) => {
        const certificate = certificateOf(request)
        const verification = await verifier.verify(request.headers.authorization, { certificate })
        if (!verification.ok) return refuse(request, reply, verification)
        const refusal = verifier.requireScope(verification.token, scope)
        if (refusal) return refuse(request, reply, refusal)
        tokens.set(request, verification.token)
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
  if (refusal.challenge) reply.header('www-authenticate', refusal.challenge)
  if (refusal.retryAfterSeconds) reply.header('retry-after', refusal.retryAfterSeconds)
  return reply
    .code(refusal.status)
    .header('cache-control', 'no-store')
    .send({ error: refusal.error, error_description: refusal.description })
}

/** RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E ) */
function assertScope(scope: string): void {
  if (!/^[\x20\x21\x23-\x5b\x5d-\x7e]*$/.test(scope)) {
    throw new TypeError(
      `scope must be scope names separated by spaces, got ${JSON.stringify(scope)}`
    )
  }
}
