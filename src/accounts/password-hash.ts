// Password hashing: argon2id (RFC 9106) as PHC strings, by one of two implementations that verify each other's hashes. The native module
// is three times as fast (measured); node:crypto is there where it cannot be loaded. Both work off the event loop, on libuv's threads.
// Owns hash, verify and needsRehash; only prepared passwords come in, and always through the hash queue.

import * as crypto from 'node:crypto'
import { promisify } from 'node:util'
import { Fault } from '../lib/fault.ts'
import { type Argon2Hash, type Argon2Parameters, formatPhc, parsePhc } from './phc.ts'
import type { PreparedPassword } from './prepared-password.ts'

/** OWASP Password Storage Cheat Sheet, ASVS v5.0.0 appendix C: 19 MiB, two passes, one lane. */
export const defaultParameters: Argon2Parameters = { memory: 19_456, passes: 2, lanes: 1 }

const saltBytes = 16
const hashBytes = 32

/** The raw function: the tag of RFC 9106 §3 over password and salt. */
export type DeriveTag = (
  password: string,
  salt: Buffer,
  parameters: Argon2Parameters,
  tagBytes: number
) => Promise<Buffer>

export interface PasswordHasher {
  readonly implementation: 'native' | 'node'
  hash(password: PreparedPassword): Promise<string>
  /** False also for a string that is no argon2id PHC string, without work: ask `readable` first where that tells something. */
  verify(phc: string, password: PreparedPassword): Promise<boolean>
  /** True when the string was made with other parameters than new ones are. */
  needsRehash(phc: string): boolean
  readable(phc: string): boolean
  /** A well-formed hash that no password has: verifying against it is the same work as against a real one. */
  decoy(): string
}

/** Creates a hasher over one implementation of argon2id. */
export function createPasswordHasher(
  implementation: 'native' | 'node',
  derive: DeriveTag,
  parameters: Argon2Parameters = defaultParameters
): PasswordHasher {
  const withRandomSalt = (hash: Buffer, salt: Buffer): Argon2Hash => ({ ...parameters, salt, hash })
  return {
    implementation,

    async hash(password) {
      const salt = crypto.randomBytes(saltBytes)
      return formatPhc(withRandomSalt(await derive(password, salt, parameters, hashBytes), salt))
    },

    async verify(phc, password) {
      const stored = parsePhc(phc)
      if (stored === undefined) return false
      const tag = await derive(password, stored.salt, stored, stored.hash.length)
      return tag.length === stored.hash.length && crypto.timingSafeEqual(tag, stored.hash)
    },

    needsRehash(phc) {
      const stored = parsePhc(phc)
      return (
        stored === undefined ||
        stored.memory !== parameters.memory ||
        stored.passes !== parameters.passes ||
        stored.lanes !== parameters.lanes ||
        stored.hash.length !== hashBytes ||
        stored.salt.length < saltBytes
      )
    },

    readable: phc => parsePhc(phc) !== undefined,

    decoy: () =>
      formatPhc(withRandomSalt(crypto.randomBytes(hashBytes), crypto.randomBytes(saltBytes)))
  }
}

/** argon2id of OpenSSL; undefined before Node 24.7, or where OpenSSL lacks it. */
export function nodeDeriveTag(): DeriveTag | undefined {
  // a namespace import: the named one would not even load on an older Node
  const argon2 = crypto.argon2 as typeof crypto.argon2 | undefined
  if (argon2 === undefined) return undefined
  const derive = promisify(argon2)
  return (password, salt, { memory, passes, lanes }, tagLength) =>
    derive('argon2id', {
      message: Buffer.from(password),
      nonce: salt,
      memory,
      passes,
      parallelism: lanes,
      tagLength
    })
}

/** The members of `@node-rs/argon2` that are used. Its default algorithm is argon2id and its default version 19. */
export type NativeArgon2 = Pick<typeof import('@node-rs/argon2'), 'hashRaw'>

export function nativeDeriveTag({ hashRaw }: NativeArgon2): DeriveTag {
  return (password, salt, { memory, passes, lanes }, outputLen) =>
    hashRaw(Buffer.from(password), {
      salt,
      memoryCost: memory,
      timeCost: passes,
      parallelism: lanes,
      outputLen
    })
}

/**
 * The hasher of this process: the native module, else node:crypto.
 * @param loadNative where the native module comes from; a test makes it fail
 * @throws Fault `configuration_invalid` when neither is there
 */
export async function loadPasswordHasher(
  parameters: Argon2Parameters = defaultParameters,
  loadNative: () => Promise<NativeArgon2> = () => import('@node-rs/argon2')
): Promise<PasswordHasher> {
  try {
    return createPasswordHasher('native', nativeDeriveTag(await loadNative()), parameters)
  } catch (error) {
    const derive = nodeDeriveTag()
    if (derive !== undefined) return createPasswordHasher('node', derive, parameters)
    throw new Fault(
      'configuration_invalid',
      'No argon2id implementation: install @node-rs/argon2 for this platform, or run Node 24.7 or later.',
      error
    )
  }
}
