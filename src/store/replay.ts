// Single-use identifiers: the `jti` of client assertions and DPoP proofs (RFC 7523 §3, RFC 9449 §11.1), challenges of passkeys.
// Owns one answer: was this id seen before? The insert is the check, so two processes cannot both be first.

import { digest } from '../lib/secret.ts'
import type { Queries } from './database.ts'

/** Whose `jti` it is: a client may number its assertions and its proofs alike. */
export type ReplayKind =
  | 'client assertion'
  | 'DPoP proof'
  | 'grant assertion'
  | 'backchannel request'
  | 'attestation proof'
  | 'passkey challenge'

export interface ReplayStore {
  /**
   * Claims an identifier for `seconds` from now. The caller has bounded them: a stranger must not decide how long we keep a row,
   * and no row may leave before what it stands for expires.
   * Answers `first` to exactly one caller, over all processes; `replayed` to every other.
   * @throws Fault `store_unavailable`
   */
  claim(
    kind: ReplayKind,
    issuer: string,
    jti: string,
    seconds: number
  ): Promise<'first' | 'replayed'>
}

export function createReplayStore({ sql }: { sql: Queries }): ReplayStore {
  return {
    async claim(kind, issuer, jti, seconds) {
      const { rowCount } = await sql.run(
        'replay.claim',
        `INSERT INTO replay_records (id, expires_at)
         VALUES ($1, clock_time() + make_interval(secs => $2))
         ON CONFLICT (id) DO NOTHING`,
        [digest('replay', kind, issuer, jti), seconds]
      )
      return rowCount === 1 ? 'first' : 'replayed'
    }
  }
}
