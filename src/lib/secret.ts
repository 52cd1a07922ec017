// Random values, digests, MACs and comparisons: what is done to a secret before anything is stored
// or compared. Every hash here is over length-prefixed parts, so that no two lists of parts can
// meet in one input. It refuses short secrets: under 128 bits a digest can be searched, and such
// values (user codes, recovery codes) need `hmac` under a sealed key instead.

import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { Fault } from './fault.ts'

/** RFC 6749 §10.10: guessing must succeed at most once in 2^128, and SHOULD in 2^160. */
const leastBytes = 16

/**
 * A random value for a token, code, secret or id: base64url without padding.
 * @param bytes of randomness, 32 unless told, 16 at least
 * @throws Fault `internal` when fewer are asked for
 */
export function randomSecret(bytes = 32): string {
  if (!Number.isInteger(bytes) || bytes < leastBytes) {
    throw new Fault('internal', `A secret needs at least ${leastBytes} random bytes.`)
  }
  return randomBytes(bytes).toString('base64url')
}

/**
 * SHA-256 over length-prefixed parts (32 bytes): what stands in a column in place of the value.
 * Only for values of 128 bits and more.
 */
export function digest(...parts: string[]): Buffer {
  const hash = createHash('sha256')
  for (const part of parts) for (const piece of lengthPrefixed(part)) hash.update(piece)
  return hash.digest()
}

/**
 * HMAC-SHA-256 over length-prefixed parts (32 bytes). A string counts as its UTF-8 bytes.
 * @throws Fault `internal` for an empty key, which would make it a mere digest
 */
export function hmac(key: Buffer, ...parts: (string | Buffer)[]): Buffer {
  if (key.length === 0) throw new Fault('internal', 'An HMAC needs a key that is not empty.')
  const mac = createHmac('sha256', key)
  for (const part of parts) for (const piece of lengthPrefixed(part)) mac.update(piece)
  return mac.digest()
}

/** Compares without telling by time where the first difference is. Lengths are no secret. */
export function equalConstantTime(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}

/** A part with its length in bytes (32 bits, big-endian) before it: ('ab', 'c') is not ('a', 'bc'). */
export function lengthPrefixed(part: string | Buffer): [Buffer, Buffer] {
  const bytes = typeof part === 'string' ? Buffer.from(part, 'utf8') : part
  const length = Buffer.allocUnsafe(4)
  length.writeUInt32BE(bytes.length)
  return [length, bytes]
}
