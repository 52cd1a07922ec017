// Identifiers that count once: the `jti` of client assertions and of DPoP proofs (RFC 7523 §3, RFC 9449 §11.1). The engine looks and then
// saves; one insert decides instead, over all processes.

import { decodeJwt } from 'jose'
import { errors, Provider } from 'oidc-provider'
import type { ReplayKind } from '../store/replay.ts'
import { epochOf } from './client-authentication.ts'
import type { UnitOfWork } from './unit-of-work.ts'

/** Seconds that a replay record is kept: the longest assertion, or twice the DPoP window, plus tolerance. */
export const replaySeconds = 660

export function installReplayDetection(
  provider: Provider,
  deps: {
    unit(): UnitOfWork | undefined
    claim(kind: ReplayKind, owner: string, jti: string): Promise<'first' | 'replayed'>
    /** when a backup of the database was restored; what was used before, it may have forgotten */
    restoredAt: Date | undefined
  }
): void {
  Object.assign(provider.ReplayDetection, {
    unique: async (owner: string, jti: string) => {
      const kind = replayKind(deps.unit())
      if (kind === 'DPoP proof' && proofTime() < epochOf(deps.restoredAt)) {
        throw new errors.InvalidDpopProof('DPoP proof is too old; sign a new one')
      }
      const first = (await deps.claim(kind, owner, jti)) === 'first'
      if (!first && kind === 'DPoP proof') {
        // never invalid_grant, which makes clients throw their refresh token away
        throw new errors.InvalidDpopProof('DPoP proof was used already; sign a new one')
      }
      return first
    }
  })
}

/** `iat` of the request's proof, which the engine has verified. */
function proofTime(): number {
  return decodeJwt(Provider.ctx?.get('dpop') ?? '').iat ?? 0
}

/** A client authenticates once in a request, and before anything else of it is looked at (engine: shared/jwt_client_auth.js). */
function replayKind(unit: UnitOfWork | undefined): ReplayKind {
  const ctx = Provider.ctx
  if (ctx?.headers['oauth-client-attestation-pop'] !== undefined) {
    if (unit?.written.has('attestation proof') !== false) return 'DPoP proof'
    unit.written.set('attestation proof', true)
    return 'attestation proof'
  }
  const asserted = ctx?.oidc?.params?.['client_assertion'] !== undefined
  if (!asserted || unit === undefined || unit.written.has('client assertion')) return 'DPoP proof'
  unit.written.set('client assertion', true)
  return 'client assertion'
}
