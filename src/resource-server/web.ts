// Access tokens for servers that speak the Fetch API: a `Request` in, the token or a `Response` out (Hono, Next.js route handlers, Deno,
// Bun). Owns the mapping only; every check is the verifier's.

import { createJudge, type Demand } from './demand.ts'
import { bodyOf, headersOf } from './refusal.ts'
import type { ClientCertificate, Refusal, VerifiedAccessToken, Verifier } from './verifier.ts'

/** With `dpopNonce` the response should carry it as `DPoP-Nonce`. */
export type Authorized =
  | { ok: true; token: VerifiedAccessToken; dpopNonce?: string }
  | { ok: false; response: Response; refusal: Refusal }

/**
 * Makes the check of one operation: `const authorize = createRequestGuard(verifier, { scope: 'read:things' })`, then
 * `const result = await authorize(request); if (!result.ok) return result.response`.
 */
export function createRequestGuard(verifier: Verifier, demand: Demand = {}) {
  const judge = createJudge(verifier, demand)
  return async (
    request: Request,
    shown: { certificate?: ClientCertificate } = {}
  ): Promise<Authorized> => {
    const verification = await judge(request.headers.get('authorization') ?? undefined, {
      ...shown,
      dpop: request.headers.get('dpop') ?? undefined,
      method: request.method,
      url: request.url
    })
    return verification.ok
      ? verification
      : { ok: false, response: responseOf(verification), refusal: verification }
  }
}

/** A refusal, as it is sent. */
export function responseOf(refusal: Refusal): Response {
  return Response.json(bodyOf(refusal), { status: refusal.status, headers: headersOf(refusal) })
}
