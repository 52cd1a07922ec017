// An access token that is presented to an API of our own, beside the engine's userinfo: verified like there, and good only with the key that
// it is bound to (RFC 9449 §7.1, RFC 8705 §3). Owns which refusal each failure is, with its challenge (RFC 6750 §3). Proofs are verified by
// the engine's own code, with its nonces, so that they count alike everywhere.

import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { errors, type KoaContextWithOIDC, type Provider } from 'oidc-provider'
import { validateDpop } from 'oidc-provider/lib/helpers/grants.js'
import { buildChallenge, parseAuthorization, type TokenScheme } from '../oauth/bearer.ts'
import type { ReplayStore } from '../store/replay.ts'
import type { AccessTokens, VerifiedAccessToken } from './access-tokens.ts'
import { epochOf } from './client-authentication.ts'
import type { ClientCertificates } from './client-certificates.ts'
import { replaySeconds } from './replay-detection.ts'
import { enabledAlgorithms } from './signed-messages.ts'
import type { UnitOfWork } from './unit-of-work.ts'

export interface TokenRefusal {
  ok: false
  status: 400 | 401 | 403
  error: string
  description: string
  /** values of WWW-Authenticate */
  challenges: string[]
}

export interface BoundTokens {
  /**
   * @param address the URL that is asked for, without a query (RFC 9449 §4.2 `htu`)
   * @throws Fault `store_unavailable`
   */
  verify(
    unit: UnitOfWork,
    exchange: { request: FastifyRequest; reply: FastifyReply; address: string }
  ): Promise<{ ok: true; token: VerifiedAccessToken; scheme: TokenScheme } | TokenRefusal>
  insufficientScope(scheme: TokenScheme, scope: string): TokenRefusal
}

export function createBoundTokens(deps: {
  issuer: string
  provider(): Provider
  accessTokens: AccessTokens
  clientCertificates: ClientCertificates
  replay: Pick<ReplayStore, 'claim'>
  /** when a backup of the database was restored; what was used before, it may have forgotten */
  restoredAt: Date | undefined
}): BoundTokens {
  const realm = deps.issuer
  const algs = enabledAlgorithms().dPoPSigningAlgValues

  function refuse(
    status: TokenRefusal['status'],
    error: string,
    description: string,
    { scheme, scope }: { scheme?: TokenScheme | undefined; scope?: string } = {}
  ): TokenRefusal {
    const told = { realm, error, description, scope: scope === undefined ? undefined : [scope] }
    const challenges = (['Bearer', 'DPoP'] as const)
      .filter(each => scheme === undefined || scheme === each)
      .map(each => buildChallenge({ ...told, scheme: each, ...(each === 'DPoP' ? { algs } : {}) }))
    return { ok: false, status, error, description, challenges }
  }

  /** RFC 6750 §3.1: without any authentication, the challenge has no error. */
  function absent(): TokenRefusal {
    const challenges = [
      buildChallenge({ scheme: 'Bearer', realm }),
      buildChallenge({ scheme: 'DPoP', realm, algs })
    ]
    const description = 'send an access token: Authorization: Bearer, or DPoP with its proof'
    return { ok: false, status: 401, error: 'invalid_token', description, challenges }
  }

  /** What the engine's verification looks at, without its request: method, proof, address, and whose nonces are asked for. */
  async function proofOf(
    { request, reply, address }: Parameters<BoundTokens['verify']>[1],
    token: string,
    clientId: string
  ) {
    const provider = deps.provider()
    const client = await provider.Client.find(clientId)
    const ctx = {
      method: request.method,
      get: (name: string) => String(request.headers[name.toLowerCase()] ?? ''),
      set: (name: string, value: string) => void reply.header(name, value),
      oidc: { provider, client, route: 'grant_management', urlFor: () => address }
    }
    return validateDpop(provider, ctx as unknown as KoaContextWithOIDC & { oidc: never }, token)
  }

  return {
    async verify(unit, exchange) {
      const { request } = exchange
      const presented = parseAuthorization(request.headers.authorization)
      if (!presented.ok) {
        if (presented.reason !== 'malformed') return absent()
        return refuse(400, 'invalid_request', 'the Authorization header holds no access token')
      }
      const { scheme } = presented
      const invalid = (description: string) => refuse(401, 'invalid_token', description, { scheme })
      const token = await deps.accessTokens.verify(unit, presented.token)
      if (token === undefined) {
        return invalid(
          'the access token is not valid: malformed, expired, revoked or not of this server'
        )
      }
      const { jkt, 'x5t#S256': thumbprint, clientId } = token.payload
      if (thumbprint !== undefined) {
        const certificate = deps.clientCertificates.of(request.raw)
        const shown = certificate.ok ? certificate.presented?.certificate.raw : undefined
        if (shown === undefined || digestOf(shown) !== thumbprint) {
          return invalid('the access token is bound to a certificate that was not shown')
        }
      }
      // RFC 9449 §7.2: a bound token "MUST NOT" be taken as a bearer token, and an unbound one has nothing to prove
      if ((jkt !== undefined) !== (scheme === 'DPoP')) {
        return refuse(
          401,
          'invalid_token',
          jkt === undefined
            ? 'the access token is not bound to a key: send it as Bearer'
            : 'the access token is bound to a key: send it as DPoP, with a proof',
          { scheme: jkt === undefined ? 'Bearer' : 'DPoP' }
        )
      }
      if (jkt === undefined) return { ok: true, token, scheme }
      try {
        const proof = await proofOf(exchange, presented.token, String(clientId))
        if (proof === undefined || proof.thumbprint !== jkt) {
          return refuse(401, 'invalid_dpop_proof', 'the proof is missing, or of another key', {
            scheme
          })
        }
        const old = proof.iat < epochOf(deps.restoredAt)
        const claim = () =>
          deps.replay.claim('DPoP proof', String(clientId), proof.jti, replaySeconds)
        if (old || (await claim()) === 'replayed') {
          return refuse(401, 'invalid_dpop_proof', 'the proof was used already; sign a new one', {
            scheme
          })
        }
      } catch (error) {
        if (error instanceof errors.UseDpopNonce) {
          const sentence = 'sign the proof with the nonce of the DPoP-Nonce header'
          return refuse(401, 'use_dpop_nonce', sentence, { scheme })
        }
        if (!(error instanceof errors.InvalidDpopProof)) throw error
        const sentence = error.error_description ?? 'the DPoP proof is not valid'
        return refuse(401, 'invalid_dpop_proof', sentence, { scheme })
      }
      return { ok: true, token, scheme }
    },

    insufficientScope: (scheme, scope) =>
      refuse(403, 'insufficient_scope', `the access token needs the scope ${scope}`, {
        scheme,
        scope
      })
  }
}

/** RFC 8705 §3.1: `x5t#S256` is "the SHA-256 hash of the DER encoding of the X.509 certificate", base64url. */
function digestOf(der: Buffer): string {
  return createHash('sha256').update(der).digest('base64url')
}
