// Request objects that were encrypted to us (RFC 9101 §6.1), where anybody may send one: at the authorization endpoint. Judged by its header
// before a key is touched; what may not be opened is put out of the engine's sight, which would look at compression after it has decrypted.
// At the pushed request endpoint the client has authenticated by then, and the engine refuses what it inflates or derives.

import { decodeProtectedHeader } from 'jose'
import type { RegisteredClient } from '../clients/client.ts'
import { contentEncryptions, requestEncryptionAlgorithms } from '../clients/jose-members.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import { hasOneReading } from '../oauth/compact-jwt.ts'

/** RFC 7516 §4.1 and RFC 7518 §4.6.1, and nothing else: no `zip`, no `crit`, no counts, no keys from elsewhere. */
const members = new Set(['alg', 'enc', 'kid', 'epk', 'apu', 'apv', 'typ', 'cty'])

export interface EncryptedRequests {
  /** Whether the request object of a client may go on to the engine: one that is not encrypted, or that we are meant to open. */
  mayPass(request: string, clientId: unknown): Promise<boolean>
}

export function createEncryptedRequests(deps: {
  keys: Pick<KeyRing, 'byKid'>
  client(clientId: string): Promise<RegisteredClient | undefined>
}): EncryptedRequests {
  return {
    async mayPass(request, clientId) {
      if (request.split('.').length !== 5) return true
      if (!isForUs(request)) return false
      // who never said that it encrypts has no reason to make us work
      const client = typeof clientId === 'string' ? await deps.client(clientId) : undefined
      return client?.metadata.request_object_encryption_alg !== undefined
    }
  }

  function isForUs(jwe: string): boolean {
    if (!hasOneReading(jwe)) return false
    try {
      const header = decodeProtectedHeader(jwe)
      const { alg, enc, kid } = header
      const key = kid === undefined ? undefined : deps.keys.byKid(kid)
      return (
        Object.keys(header).every(member => members.has(member)) &&
        requestEncryptionAlgorithms.some(known => known === alg) &&
        contentEncryptions.some(known => known === enc) &&
        (kid === undefined || key?.purpose === 'encryption')
      )
    } catch {
      return false
    }
  }
}
