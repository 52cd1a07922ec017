// Access tokens for `node:http`, and for what is built like it: a middleware for Express, Connect and Polka. Owns the mapping from a
// verification to a response; every check is the verifier's.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { TLSSocket } from 'node:tls'
import { createJudge, type Demand } from './demand.ts'
import { bodyOf, headersOf } from './refusal.ts'
import type { ClientCertificate, VerifiedAccessToken, Verifier } from './verifier.ts'

/** Whose certificate a request was sent with; undefined: nobody's. */
export type CertificateOf = (request: IncomingMessage) => ClientCertificate | undefined

const ofConnection: CertificateOf = ({ socket }) =>
  socket instanceof TLSSocket ? socket.getPeerCertificate() : undefined

/** A router that cuts a prefix off keeps the whole path here. */
type Request = IncomingMessage & { originalUrl?: string }

/**
 * Makes the middlewares of one API from its verifier. `certificateOf` is needed where a proxy ends TLS: read its header there, and only if
 * the request came from the proxy. `onOutage` gets the reason of a 503, for the API's log.
 */
export function createNodeGuard({
  verifier,
  certificateOf = ofConnection,
  onOutage = () => undefined
}: {
  verifier: Verifier
  certificateOf?: CertificateOf
  onOutage?: (cause: unknown) => void
}) {
  const tokens = new WeakMap<IncomingMessage, VerifiedAccessToken>()

  /** The token of a good request; undefined: it was answered here. */
  function createAuthorizer(demand: Demand) {
    const judge = createJudge(verifier, demand)
    return async (
      request: Request,
      response: ServerResponse
    ): Promise<VerifiedAccessToken | undefined> => {
      const verification = await judge(request.headers.authorization, {
        certificate: certificateOf(request),
        dpop: [request.headers['dpop']].flat().filter(Boolean).join(', ') || undefined,
        method: request.method,
        url: request.originalUrl ?? request.url
      })
      if (verification.ok) {
        if (verification.dpopNonce) response.setHeader('dpop-nonce', verification.dpopNonce)
        return verification.token
      }
      if (verification.cause) onOutage(verification.cause)
      response.writeHead(verification.status, {
        'content-type': 'application/json',
        ...headersOf(verification)
      })
      response.end(JSON.stringify(bodyOf(verification)))
      return undefined
    }
  }

  return {
    /** For a handler of `node:http`: `const token = await authorize(request, response); if (!token) return` */
    authorizer: createAuthorizer,

    /** A middleware: `app.get('/things', requireToken({ scope: 'read:things' }), (request, response) => …)` */
    requireToken(demand: Demand = {}) {
      const authorize = createAuthorizer(demand)
      return (request: Request, response: ServerResponse, next: (error?: unknown) => void) => {
        authorize(request, response).then(token => {
          if (!token) return
          tokens.set(request, token)
          next()
        }, next)
      }
    },

    /**
     * The token of a request that came through `requireToken`.
     * @throws Error when the route has no such middleware: a defect, not a caller's mistake
     */
    tokenOf(request: IncomingMessage): VerifiedAccessToken {
      const token = tokens.get(request)
      if (!token) throw new Error('no access token was required here: add requireToken')
      return token
    }
  }
}
