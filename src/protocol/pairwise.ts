// Pairwise subjects (OpenID Connect Core §8.1): what a person is called at the clients of one sector, and nowhere else. Computed and never
// stored; the account behind it is always taken from the grant. Its key never changes, or every `sub` would.

import type { Client } from 'oidc-provider'
import { hmac } from '../lib/secret.ts'

/**
 * OpenID Connect Core §8.1: «The Subject Identifier value MUST NOT be reversible by any party other than the OpenID Provider». A UUID
 * (RFC 9562 §5.8), like every other `sub`: no client may be named like one, so no machine can pass for a person (RFC 9068 §5).
 */
export function pairwiseSubject(key: Buffer, sector: string, accountId: string): string {
  const bytes = hmac(key, 'pairwise subject', sector, accountId).subarray(0, 16)
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

/** The engine asks once for each place where a `sub` leaves us. */
export function pairwiseIdentifiers(key: () => Buffer) {
  return async (_ctx: unknown, accountId: string, client: Client): Promise<string> => {
    const sector: unknown = client.sectorIdentifier
    // the metadata policy sees to it (clients/sector.ts); an empty one would be everybody's
    if (typeof sector !== 'string' || sector === '')
      throw new Error(`the client ${client.clientId} has no sector`)
    return pairwiseSubject(key(), sector, accountId)
  }
}
