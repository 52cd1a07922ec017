// Sealing: what must be readable again (private keys, symmetric secrets, TOTP seeds) lies in the
// database as AES-256-GCM under a key derived from the master key (RFC 5869 HKDF-SHA-256).
// A blob names its key and is bound to its table, column and row: moved elsewhere, cut, or changed
// in any bit, it does not open. It never falls back to another key than the one the blob names.
//
// blob = version (1) ‖ key id (4) ‖ nonce (12) ‖ ciphertext ‖ tag (16)

import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { Fault } from './fault.ts'
import { lengthPrefixed } from './secret.ts'

/** Where a sealed value lies. A blob that is moved to another place does not open there. */
export type SealContext = { table: string; column: string; key: string }

export interface Sealer {
  /** @throws Fault `internal` when a part of the context is empty */
  seal(plain: Buffer | string, context: SealContext): Buffer
  /** @throws Fault `seal_broken`: another master key, another place, or changed bytes */
  open(sealed: Buffer, context: SealContext): Buffer
}

/** A sealer that also tells which blobs still lie under a previous master key. */
export interface RotatingSealer extends Sealer {
  /** true: open it and seal it again. Looks at the key id only, so a damaged blob is not noticed. */
  needsReseal(sealed: Buffer): boolean
}

const version = 1
const algorithm = 'aes-256-gcm'
const masterKeyBytes = 32
const keyIdBytes = 4
// NIST SP 800-38D §8.2.2 and §8.3: random 96-bit nonces are good for 2^32 seals under one key. What
// is sealed is counted in keys and enrolments, never in requests.
const nonceBytes = 12
const tagBytes = 16
const headerBytes = 1 + keyIdBytes

interface DerivedKey {
  id: Buffer
  key: Buffer
}

/**
 * Makes a sealer from the master key. Only `masterKey` seals; the `previous` ones still open.
 * @throws Fault `configuration_invalid` when a key is not 32 bytes long
 */
export function createSealer(options: { masterKey: Buffer; previous?: Buffer[] }): RotatingSealer {
  const current = derive(options.masterKey, 'MINTMARK_MASTER_KEY')
  const previous = options.previous ?? []
  const known = [current, ...previous.map(key => derive(key, 'A previous master key'))]

  return {
    seal(plain, context) {
      const header = Buffer.concat([Buffer.of(version), current.id])
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv(algorithm, current.key, nonce, { authTagLength: tagBytes })
      cipher.setAAD(associatedData(header, context))
      const ciphertext = Buffer.concat([cipher.update(plain), cipher.final()])
      return Buffer.concat([header, nonce, ciphertext, cipher.getAuthTag()])
    },

    open(sealed, context) {
      if (sealed.length < headerBytes + nonceBytes + tagBytes || sealed[0] !== version) {
        throw broken(
          context,
          'is no value sealed by this version of mintmark. Restore it from a backup'
        )
      }
      const header = sealed.subarray(0, headerBytes)
      const named = known.filter(({ id }) => id.equals(header.subarray(1)))
      if (named.length === 0) {
        throw broken(
          context,
          'was sealed with another master key than MINTMARK_MASTER_KEY (in development, where that is unset, ' +
            'than master-key in the data folder). Start with the key that sealed it, or list that one in ' +
            'previousMasterKeys (MINTMARK_PREVIOUS_MASTER_KEYS). If it is lost, only an empty database begins anew'
        )
      }
      // key ids are short: two of our own master keys may share one, so each that it names is tried
      for (const { key } of named) {
        const plain = decrypt(key, sealed, associatedData(header, context))
        if (plain !== undefined) return plain
      }
      throw broken(
        context,
        'was changed, or moved here from another row or column. Restore it from a backup'
      )
    },

    needsReseal(sealed) {
      return sealed[0] !== version || !sealed.subarray(1, headerBytes).equals(current.id)
    }
  }
}

function derive(masterKey: Buffer, name: string): DerivedKey {
  if (masterKey.length !== masterKeyBytes) {
    throw new Fault(
      'configuration_invalid',
      `${name} has ${masterKey.length} bytes; it must be ${masterKeyBytes} random bytes ` +
        '(for example from: openssl rand -base64 32).'
    )
  }
  // RFC 5869 §3.2: `info` binds the derived key to its purpose; the id, which is written in the
  // open, is derived apart from the key and reveals nothing about it.
  return {
    id: expand(masterKey, 'mintmark seal key id v1', keyIdBytes),
    key: expand(masterKey, 'mintmark seal v1', masterKeyBytes)
  }
}

function expand(masterKey: Buffer, info: string, bytes: number): Buffer {
  return Buffer.from(hkdfSync('sha256', masterKey, Buffer.alloc(0), info, bytes))
}

function associatedData(header: Buffer, { table, column, key }: SealContext): Buffer {
  if (table === '' || column === '' || key === '') {
    throw new Fault('internal', 'A sealed value needs its table, column and primary key.')
  }
  return Buffer.concat([header, ...[table, column, key].flatMap(lengthPrefixed)])
}

function decrypt(key: Buffer, sealed: Buffer, associated: Buffer): Buffer | undefined {
  const nonce = sealed.subarray(headerBytes, headerBytes + nonceBytes)
  // the tag is always the last 16 bytes and never of the blob's own choice: GCM would take 4 as well
  const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength: tagBytes })
  decipher.setAAD(associated)
  decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes))
  const ciphertext = sealed.subarray(headerBytes + nonceBytes, sealed.length - tagBytes)
  try {
    return Buffer.concat([decipher.update(ciphertext), decipher.final()])
  } catch {
    return undefined
  }
}

function broken({ table, column, key }: SealContext, reason: string): Fault {
  return new Fault('seal_broken', `The sealed value ${table}.${column} of '${key}' ${reason}.`)
}
