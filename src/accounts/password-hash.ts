// Password hashing: argon2id (RFC 9106) as PHC strings, by one of three implementations that verify each other's hashes. The native module
// is several times as fast as the others (measured); where it is not installed there is node:crypto (from Node 24.7), else WebAssembly. All
// work off the event loop: the second on libuv's threads, the others on threads of their own (native-argon2.ts, wasm-argon2.ts).
// Owns hash, verify and needsRehash; only prepared passwords come in, and always through the hash queue.

import * as crypto from 'node:crypto'
import { promisify } from 'node:util'
import { Fault } from '../lib/fault.ts'
import { threadedDeriveTag } from './native-argon2.ts'
import {
  type Argon2Hash,
  type Argon2Parameters,
  type DeriveTag,
  formatPhc,
  parsePhc
} from './phc.ts'
import type { PreparedPassword } from './prepared-password.ts'
import { wasmDeriveTag } from './wasm-argon2.ts'

/** OWASP Password Storage Cheat Sheet, ASVS v5.0.0 appendix C: 19 MiB, two passes, one lane. */
export const defaultParameters: Argon2Parameters = { memory: 19_456, passes: 2, lanes: 1 }

const saltBytes = 16
const hashBytes = 32

export type Argon2Implementation = 'native' | 'node' | 'wasm'

export interface PasswordHasher {
  readonly implementation: Argon2Implementation
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
  implementation: Argon2Implementation,
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

/** Where the implementations come from; a test leaves some out. */
export interface Argon2Sources {
  /** rejects where the module is not installed */
  native(): Promise<DeriveTag>
  /** undefined: this Node has none */
  node(): DeriveTag | undefined
  wasm(): DeriveTag
}

const installed: Argon2Sources = {
  native: threadedDeriveTag,
  node: nodeDeriveTag,
  wasm: wasmDeriveTag
}

/**
 * The hasher of this process: the native module, else node:crypto, else WebAssembly, which is tried once: only that tells whether it runs.
 * @throws Fault `configuration_invalid` when none of them runs
 */
export async function loadPasswordHasher(
  parameters: Argon2Parameters = defaultParameters,
  sources: Partial<Argon2Sources> = {}
): Promise<PasswordHasher> {
  const { native, node, wasm } = { ...installed, ...sources }
  const ofModule = await native().catch(() => undefined)
  if (ofModule !== undefined) return createPasswordHasher('native', ofModule, parameters)
  const ofNode = node()
  if (ofNode !== undefined) return createPasswordHasher('node', ofNode, parameters)
  try {
    const derive = wasm()
    await derive('try', Buffer.alloc(saltBytes), { memory: 8, passes: 1, lanes: 1 }, hashBytes)
    return createPasswordHasher('wasm', derive, parameters)
  } catch (error) {
    throw new Fault(
      'configuration_invalid',
      'No argon2id for passwords runs here: neither the native module of @node-rs/argon2, which --omit=optional leaves out, nor WebAssembly (hash-wasm). Run npm ci without it, or use Node 24.7 or later, which has its own.',
      error
    )
  }
}
