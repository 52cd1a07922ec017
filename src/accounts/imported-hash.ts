// Password hashes that came from elsewhere: bcrypt, scrypt and PBKDF2, in the spellings of PHC, passlib, Django, Werkzeug and Keycloak. Owns
// reading them into the one form that is stored, and verifying that. Refuses what would cost a sign-in too much, and whatever it
// does not know letter by letter; nothing new is ever hashed like this.

import { pbkdf2, randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { createHashThreads, type ThreadAnswer, threadFile } from './hash-threads.ts'
import type { PasswordHasher } from './password-hash.ts'
import type { PreparedPassword } from './prepared-password.ts'

export type ImportedHashProblem = 'hash_unknown' | 'hash_too_costly' | 'hash_malformed'

export type ImportedHash =
  | { scheme: 'bcrypt'; text: string; cost: number }
  | { scheme: 'scrypt'; ln: number; r: number; p: number; salt: Buffer; hash: Buffer }
  | { scheme: 'pbkdf2'; digest: Digest; iterations: number; salt: Buffer; hash: Buffer }

type Digest = 'sha1' | 'sha256' | 'sha512'

export interface BcryptJob {
  password: Uint8Array
  hash: string
}
export type BcryptAnswer = ThreadAnswer<{ same: boolean }>

// About a second of one core and 128 MiB at most: OWASP's own parameters for each stay below.
const costliest = {
  bcrypt: 14,
  /** N·r, and N·r·p: 128 bytes of memory each, and the time */
  scrypt: { block: 2 ** 20, work: 2 ** 22 },
  /** times blocks of the digest's own length */
  pbkdf2: 3_000_000
} as const

const digestBytes: Readonly<Record<Digest, number>> = { sha1: 20, sha256: 32, sha512: 64 }
/** bcrypt reads so many bytes of a password and no more. */
const bcryptBytes = 72

const base64 = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '')
// passlib writes '.' for '+'
const fromBase64 = (text: string) => Buffer.from(text.replaceAll('.', '+'), 'base64')

type Read = (match: RegExpExecArray) => ImportedHash | undefined

function pbkdf2Of(name = '', iterations = '', salt: Buffer, hash: Buffer): ImportedHash {
  const digest = (name === '' ? 'sha1' : name) as Digest
  return { scheme: 'pbkdf2', digest, iterations: Number(iterations), salt, hash }
}

/** The spellings. */
const spellings: readonly (readonly [RegExp, Read])[] = [
  [
    /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/,
    ([text, cost]) => ({ scheme: 'bcrypt', text, cost: Number(cost) })
  ],
  [
    // PHC, passlib
    /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/.]{4,128}={0,2})\$([A-Za-z0-9+/.]{22,172}={0,2})$/,
    ([, ln, r, p, salt = '', hash = '']) => ({
      scheme: 'scrypt',
      ...{ ln: Number(ln), r: Number(r), p: Number(p) },
      ...{ salt: fromBase64(salt), hash: fromBase64(hash) }
    })
  ],
  [
    // Werkzeug: the salt is text, the hash hexadecimal
    /^scrypt:(\d{1,8}):(\d{1,2}):(\d{1,2})\$([A-Za-z0-9]{4,64})\$((?:[0-9a-f]{2}){16,128})$/,
    ([, n, r, p, salt = '', hash = '']) => ({
      scheme: 'scrypt',
      ...{ ln: Math.log2(Number(n)), r: Number(r), p: Number(p) },
      ...{ salt: Buffer.from(salt), hash: Buffer.from(hash, 'hex') }
    })
  ],
  [
    // PHC, passlib, and the form that is stored
    /^\$pbkdf2(?:-(sha1|sha256|sha512))?\$(?:i=)?(\d{1,8})(?:,l=\d{1,3})?\$([A-Za-z0-9+/.]{4,128}={0,2})\$([A-Za-z0-9+/.]{22,172}={0,2})$/,
    ([, name, iterations, salt = '', hash = '']) =>
      pbkdf2Of(name, iterations, fromBase64(salt), fromBase64(hash))
  ],
  [
    // Django: the salt is text
    /^pbkdf2_(sha1|sha256|sha512)\$(\d{1,8})\$([A-Za-z0-9]{1,64})\$([A-Za-z0-9+/]{22,172}={0,2})$/,
    ([, name, iterations, salt = '', hash = '']) =>
      pbkdf2Of(name, iterations, Buffer.from(salt), fromBase64(hash))
  ],
  [
    // Werkzeug
    /^pbkdf2:(sha1|sha256|sha512):(\d{1,8})\$([A-Za-z0-9]{4,64})\$((?:[0-9a-f]{2}){16,128})$/,
    ([, name, iterations, salt = '', hash = '']) =>
      pbkdf2Of(name, iterations, Buffer.from(salt), Buffer.from(hash, 'hex'))
  ],
  [
    // Django's own name for bcrypt; `bcrypt_sha256$` hashes something else and is not known here
    /^bcrypt\$(\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53})$/,
    ([, text = '', cost]) => ({ scheme: 'bcrypt', text, cost: Number(cost) })
  ]
]

function problemOf(read: ImportedHash): ImportedHashProblem | undefined {
  if (read.scheme === 'bcrypt') {
    if (read.cost < 4 || read.cost > 31) return 'hash_malformed'
    return read.cost > costliest.bcrypt ? 'hash_too_costly' : undefined
  }
  if (read.scheme === 'scrypt') {
    const { ln, r, p } = read
    // RFC 7914 §2: N "must be larger than 1, a power of 2"
    if (!Number.isInteger(ln) || ln < 1 || r < 1 || p < 1) return 'hash_malformed'
    const block = 2 ** ln * r
    const { scrypt: most } = costliest
    return block > most.block || block * p > most.work ? 'hash_too_costly' : undefined
  }
  if (read.iterations < 1 || read.hash.length < 16) return 'hash_malformed'
  const blocks = Math.ceil(read.hash.length / digestBytes[read.digest])
  return read.iterations * blocks > costliest.pbkdf2 ? 'hash_too_costly' : undefined
}

/** Reads a hash in any of the spellings. */
export function readImportedHash(
  text: string
): { ok: true; hash: ImportedHash } | { ok: false; reason: ImportedHashProblem } {
  for (const [pattern, read] of spellings) {
    const match = pattern.exec(text)
    const hash = match === null ? undefined : read(match)
    if (hash === undefined) continue
    const reason = problemOf(hash)
    return reason === undefined ? { ok: true, hash } : { ok: false, reason }
  }
  return { ok: false, reason: 'hash_unknown' }
}

/** The one form that is stored; what stands before salt and hash tells what it costs (decoys.ts). */
export function formatImportedHash(read: ImportedHash): string {
  if (read.scheme === 'bcrypt') return read.text
  const end = `${base64(read.salt)}$${base64(read.hash)}`
  if (read.scheme === 'scrypt') return `$scrypt$ln=${read.ln},r=${read.r},p=${read.p}$${end}`
  return `$pbkdf2-${read.digest}$i=${read.iterations},l=${read.hash.length}$${end}`
}

/** A hash of that kind which no password has; undefined where it could not be verified. */
export function importedDecoy(prefix: string): string | undefined {
  const length = Number(/,l=(\d+)\$$/.exec(prefix)?.[1] ?? 32)
  const text = prefix.startsWith('$2')
    ? prefix + randomBytes(40).toString('hex').slice(0, 53)
    : `${prefix}${base64(randomBytes(16))}$${base64(randomBytes(Math.min(length, 128)))}`
  return readImportedHash(text).ok ? text : undefined
}

const derivePbkdf2 = promisify(pbkdf2)
const deriveScrypt = promisify<
  string,
  Buffer,
  number,
  { N: number; r: number; p: number; maxmem: number },
  Buffer
>(scrypt)

/** A hasher that knows imported hashes as well: verified as what they are, and always due for a new one. */
export function withImportedHashes(hasher: PasswordHasher): PasswordHasher {
  const askBcrypt = createHashThreads<BcryptJob, { same: boolean }>(
    threadFile('wasm-bcrypt-thread', import.meta.url),
    'bcrypt'
  )

  async function verify(stored: ImportedHash, password: PreparedPassword): Promise<boolean> {
    if (stored.scheme === 'bcrypt') {
      const read = Buffer.from(password).subarray(0, bcryptBytes)
      return (await askBcrypt({ password: read, hash: stored.text })).same
    }
    const { salt, hash } = stored
    if (stored.scheme === 'scrypt') {
      const { ln, r, p } = stored
      const maxmem = 2 * 128 * 2 ** ln * r + 128 * r * p
      const tag = await deriveScrypt(password, salt, hash.length, { N: 2 ** ln, r, p, maxmem })
      return timingSafeEqual(tag, hash)
    }
    const { iterations, digest } = stored
    return timingSafeEqual(
      await derivePbkdf2(password, salt, iterations, hash.length, digest),
      hash
    )
  }

  return {
    ...hasher,
    async verify(phc, password) {
      const imported = readImportedHash(phc)
      return imported.ok ? verify(imported.hash, password) : hasher.verify(phc, password)
    },
    needsRehash: phc => readImportedHash(phc).ok || hasher.needsRehash(phc),
    readable: phc => hasher.readable(phc) || readImportedHash(phc).ok
  }
}
