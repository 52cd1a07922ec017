// Public keys that a client registers (RFC 7591 §2 `jwks`, RFC 7517 §5).
// Refuses private and symmetric members, keys that do not load, and sets in which two keys cannot be told apart.

import { createPublicKey, type JsonWebKey, type KeyObject, X509Certificate } from 'node:crypto'
import type { ClientKeySet } from './client.ts'

const mostKeys = 10
const leastRsaBits = 2048
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']

type Kinds = Readonly<Record<string, (key: Record<string, unknown>) => boolean>>
const registeredKeys: Kinds = {
  EC: key => key['crv'] === 'P-256',
  // X25519 (RFC 8037 §3.2) is for encryption only
  OKP: key => key['crv'] === 'Ed25519' || (key['crv'] === 'X25519' && key['use'] === 'enc'),
  RSA: () => true
}
/** What others publish has more purposes; which algorithms are taken is decided where a signature is verified. */
const fetchedKeys: Kinds = {
  EC: key => ['P-256', 'P-384', 'P-521'].includes(String(key['crv'])),
  OKP: key => ['Ed25519', 'X25519'].includes(String(key['crv'])),
  RSA: () => true
}

/** Keys of one set that are looked at, when it is fetched. */
const mostFetched = 100
/** Members that are kept of a fetched key; nobody decides how much we remember. */
const keptMembers = ['kty', 'crv', 'x', 'y', 'n', 'e', 'kid', 'alg', 'use', 'key_ops']
/** RSA with 8192 bits, in base64url. */
const longestMember = 1400

export type CheckedKeySet =
  | { ok: true; keySet: ClientKeySet }
  | { ok: false; problems: { at?: string; problem: string }[] }

/** Checks a key set; every problem of every key is reported, `at` its place inside the set. */
export function checkKeySet(value: unknown): CheckedKeySet {
  const keys = isObject(value) ? value['keys'] : undefined
  if (!Array.isArray(keys)) {
    return { ok: false, problems: [{ problem: 'must be an object with an array "keys"' }] }
  }
  if (keys.length === 0 || keys.length > mostKeys) {
    return { ok: false, problems: [{ problem: `must have 1 to ${mostKeys} keys` }] }
  }
  const problems: { at?: string; problem: string }[] = []
  keys.forEach((key: unknown, index) => {
    const problem = keyProblem(key)
    if (problem !== undefined) problems.push({ at: `keys[${index}]`, problem })
  })
  if (problems.length > 0) return { ok: false, problems }
  const known = keys as Record<string, unknown>[]
  const ids = known.map(key => key['kid']).filter(kid => kid !== undefined)
  // RFC 7517 §4.5: «When "kid" values are used within a JWK Set, different keys within the JWK Set SHOULD use distinct "kid" values.»
  if (new Set(ids).size < ids.length) problems.push({ problem: 'has two keys with one "kid"' })
  if (known.length > 1 && ids.length < known.length) {
    problems.push({ problem: 'has several keys, so each needs a "kid"' })
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, keySet: { keys: known } }
}

/**
 * Those keys of a fetched set that can be used. What cannot be is passed over: others publish for others, too (RFC 7517 §5).
 * Answers `undefined` for what is no key set.
 */
export function publicKeysOf(
  value: Record<string, unknown>
): readonly (Record<string, unknown> & { kty: string })[] | undefined {
  const { keys } = value
  if (!Array.isArray(keys)) return undefined
  return keys.slice(0, mostFetched).flatMap((key: unknown) => {
    if (!isObject(key) || keyProblem(key, fetchedKeys) !== undefined) return []
    const { kty, x5c } = key
    const kept = keptMembers.flatMap(member =>
      key[member] === undefined ? [] : [[member, key[member]] as const]
    )
    const short = kept.every(([, member]) => JSON.stringify(member).length <= longestMember)
    if (typeof kty !== 'string' || !short) return []
    // of a chain only the key's own certificate says something (RFC 8705 §2.2.2)
    const certificate = Array.isArray(x5c) ? { x5c: x5c.slice(0, 1) } : {}
    return [{ ...Object.fromEntries(kept), ...certificate, kty }]
  })
}

function keyProblem(key: unknown, usableKeys = registeredKeys): string | undefined {
  if (!isObject(key)) return 'must be an object'
  // the member is named, its value never: it may be a private key
  const secret = privateMembers.find(member => Object.hasOwn(key, member))
  if (secret !== undefined) {
    return `must be a public key: "${secret}" is private. Treat this key as known to others and make a new one`
  }
  const { kty } = key
  const usable = typeof kty === 'string' && Object.hasOwn(usableKeys, kty) && usableKeys[kty]?.(key)
  if (!usable)
    return 'must be an EC key on P-256, an OKP key on Ed25519, an RSA key, or for encryption one on X25519'
  for (const member of ['kid', 'alg', 'use']) {
    const value = key[member]
    if (value !== undefined && (typeof value !== 'string' || value === '' || value.length > 255)) {
      return `has a "${member}" that is not a string of 1 to 255 characters`
    }
  }
  const { x5c } = key
  if (
    x5c !== undefined &&
    !(Array.isArray(x5c) && x5c.every(entry => typeof entry === 'string' && entry !== ''))
  ) {
    return 'has an "x5c" that is not an array of strings'
  }
  return materialProblem(key)
}

/** Loads the key: only that tells whether its point is on the curve and its numbers are numbers. */
function materialProblem(key: Record<string, unknown>): string | undefined {
  try {
    const loaded = createPublicKey({ key: key as JsonWebKey, format: 'jwk' })
    const bits = loaded.asymmetricKeyDetails?.modulusLength
    if (bits !== undefined && bits < leastRsaBits) return `must have at least ${leastRsaBits} bits`
    return certificateProblem(key['x5c'], loaded)
  } catch {
    return 'is not a key: its members do not fit together'
  }
}

/** RFC 7517 §4.7: "The key in the first certificate MUST match the public key represented by other members of the JWK." */
function certificateProblem(x5c: unknown, key: KeyObject): string | undefined {
  const first: unknown = Array.isArray(x5c) ? x5c[0] : undefined
  if (first === undefined) return x5c === undefined ? undefined : 'has an empty "x5c"'
  try {
    const certificate = new X509Certificate(Buffer.from(String(first), 'base64'))
    return certificate.publicKey.equals(key) ? undefined : 'has an "x5c" of another key'
  } catch {
    return 'has an "x5c" whose first entry is not a certificate (DER, base64)'
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
