// The refresh token as a value: its form, its successor, and what a presented one is worth. Nothing here touches the database.
// The MAC makes an old generation provably ours, however late it comes, so that reuse is told from noise without a row per token. The
// successor's secret is HMAC(rotation key, epoch ‖ salt ‖ presented token): every process computes the same one (RFC 9700 §4.14.2); the
// row alone reveals nothing, the key alone reveals nothing either.

import { randomBytes } from 'node:crypto'
import { Fault } from '../lib/fault.ts'
import { digest, equalConstantTime, hmac } from '../lib/secret.ts'
import type { FamilyId, FamilyRow } from '../store/refresh-families.ts'

// token = base64url( form ‖ MAC key version ‖ bucket ‖ family ‖ generation ‖ secret ‖ MAC )
const form = 1
const secretLength = 32
const macLength = 16
const macOffset = 1 + 1 + 2 + 16 + 4 + secretLength
const tokenLength = macOffset + macLength
/** 72 bytes make exactly 96 characters, without padding. */
const encodedLength = (tokenLength / 3) * 4

/** A token that this server made: its MAC was checked. What it is worth is another question. */
export interface AuthenticRefreshToken extends FamilyId {
  value: string
  generation: number
  /** of the MAC; a family keeps it, so that its successors are spelled alike whatever key is current */
  macKeyVersion: number
}

/** Keys by version; versions fit into a byte. */
export interface VersionedKeys {
  current(): { version: number; key: Buffer }
  byVersion(version: number): Buffer | undefined
}

/** What a presented token is worth now. */
export type Verdict =
  /** unspent */
  | 'current'
  /** spent a moment ago: a retry or a parallel tab; the same successor again */
  | 'leeway'
  /** older, but it cannot be told from a slow tab: refused, the family lives */
  | 'stale'
  /** spent long ago: somebody else holds it too */
  | 'reuse'
  /** handed out after what the row tells: the database was set back, and cannot know what became of the family since */
  | 'ahead'

export function refreshTokenHash(value: string): Buffer {
  return digest('refresh token', value)
}

function encode(
  token: FamilyId & { generation: number; secret: Buffer },
  { version, key }: { version: number; key: Buffer }
): string {
  const bytes = Buffer.alloc(tokenLength)
  bytes.writeUInt8(form, 0)
  bytes.writeUInt8(version, 1)
  bytes.writeUInt16BE(token.bucket, 2)
  Buffer.from(token.id.replaceAll('-', ''), 'hex').copy(bytes, 4)
  bytes.writeUInt32BE(token.generation, 20)
  token.secret.copy(bytes, 24)
  hmac(key, bytes.subarray(0, macOffset)).copy(bytes, macOffset, 0, macLength)
  return bytes.toString('base64url')
}

/** A new family's first token. */
export function issueRefreshToken(family: FamilyId, macKeys: VersionedKeys): string {
  return encode({ ...family, generation: 1, secret: randomBytes(secretLength) }, macKeys.current())
}

/** The version of the key that would verify it; undefined for what has not the form of a refresh token. */
export function macKeyVersionOf(value: string): number | undefined {
  const bytes = Buffer.from(value.length === encodedLength ? value : '', 'base64url')
  return bytes.length === tokenLength && bytes[0] === form ? bytes[1] : undefined
}

/** Undefined for whatever this server did not make, without a look at the database. */
export function parseRefreshToken(
  value: string,
  macKeys: VersionedKeys
): AuthenticRefreshToken | undefined {
  if (value.length !== encodedLength) return undefined
  const bytes = Buffer.from(value, 'base64url')
  // one spelling a token: a decoder is generous, a hash is not
  if (bytes.length !== tokenLength || bytes.toString('base64url') !== value) return undefined
  if (bytes.readUInt8(0) !== form) return undefined
  const macKeyVersion = bytes.readUInt8(1)
  const key = macKeys.byVersion(macKeyVersion)
  if (key === undefined) return undefined
  const expected = hmac(key, bytes.subarray(0, macOffset)).subarray(0, macLength)
  if (!equalConstantTime(expected, bytes.subarray(macOffset))) return undefined
  const hex = bytes.toString('hex', 4, 20)
  return {
    value,
    bucket: bytes.readUInt16BE(2),
    id: hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
    generation: bytes.readUInt32BE(20),
    macKeyVersion
  }
}

/** What the secret of a successor is derived from, besides the token that it follows. */
export interface Derivation {
  rotationKey: Buffer
  salt: Buffer
  /** Raised when a backup is restored: what a row hands out then is nothing that it has handed out before. */
  restoreEpoch: number
}

/**
 * The one successor of a token: the same in every process, and at every retry.
 * @throws Fault `key_unavailable`
 */
export function successorOf(
  token: AuthenticRefreshToken,
  { rotationKey, salt, restoreEpoch }: Derivation,
  macKeys: VersionedKeys
): string {
  const secret = hmac(rotationKey, String(restoreEpoch), salt, token.value)
  const key = macKeys.byVersion(token.macKeyVersion)
  if (key === undefined) {
    throw new Fault('key_unavailable', 'The MAC key of a refresh token family is not there.')
  }
  const mac = { version: token.macKeyVersion, key }
  return encode({ ...token, generation: token.generation + 1, secret }, mac)
}

/**
 * Judges an authentic token against its family's row. Reuse is told before any look at expiry: an old token that comes a year later is
 * still proof that somebody copied it.
 */
export function judgeRefreshToken(
  token: AuthenticRefreshToken,
  row: FamilyRow,
  leewaySeconds: number
): Verdict {
  const hash = refreshTokenHash(token.value)
  if (equalConstantTime(hash, row.currentHash)) return 'current'
  // A token leaves after its rotation was committed, so an authentic one that the row does not know yet was handed out by a row that is
  // gone: of a backup that was restored, or of a standby that had not heard of it.
  if (token.generation >= row.generation) return 'ahead'
  const isPrevious = row.previousHash !== undefined && equalConstantTime(hash, row.previousHash)
  if (isPrevious) return within(row.sinceRotation, leewaySeconds) ? 'leeway' : 'reuse'
  return within(row.sincePreviousRotation, leewaySeconds) ? 'stale' : 'reuse'
}

function within(elapsed: number | undefined, leewaySeconds: number): boolean {
  return elapsed !== undefined && elapsed < leewaySeconds
}
