// One signing key: making it, and sealing and opening its row. The sealed text holds the private JWK
// with its algorithm and purpose, so a row whose visible columns were changed is refused, and the
// public part is never stored: it is taken from the opened private key (RFC 7517, RFC 7638).

import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose'
import { Fault } from '../lib/fault.ts'
import type { SealContext, Sealer } from '../lib/seal.ts'
import type { SigningKeyRow } from '../store/signing-keys.ts'
import { isLiveKeyState, type LiveKeyState } from './key-state.ts'

/** What a key may sign; `encryption` signs nothing. Keys of two purposes are never the same key. */
export type KeyPurpose = 'access_token' | 'identity' | 'status_list' | 'encryption'

export type SigningAlgorithm = 'ES256' | 'RS256' | 'EdDSA'

/** `ECDH-ES` is for encryption, and that for nothing else (RFC 7518 §4.6). */
export type KeyAlgorithm = SigningAlgorithm | 'ECDH-ES'

export interface SigningKey {
  /** RFC 7638 thumbprint (SHA-256) of the public key */
  kid: string
  purpose: KeyPurpose
  alg: KeyAlgorithm
  state: LiveKeyState
  /** all members, with `kid`, `alg` and `use` */
  privateJwk: JWK
  /** kty, kid, alg, `use` and the public members of its type, nothing else */
  publicJwk: JWK
}

interface AlgorithmRules {
  kty: string
  /** public members of the key type; RFC 7518 §6.2.1, §6.3.1, RFC 8037 §2 */
  members: readonly (keyof JWK)[]
  modulusLength?: number
}

// `EdDSA` (RFC 8037), not its successor name `Ed25519` (RFC 9864): jose 6 and oidc-provider 9.13 know
// both, but a JWK that says one of them is used for that one alone (initialize_keystore.js), and
// verifiers in the field know `EdDSA`.
//
// RSA has 2048 bits: RFC 7518 §3.3 asks for no less, every verifier accepts it, it is made in about
// 100 ms at first start, and 3072 bits would triple the cost of each ID token. Keys are replaced
// long before 2048 bits are too few.
export const signingAlgorithms: Readonly<Record<KeyAlgorithm, AlgorithmRules>> = {
  ES256: { kty: 'EC', members: ['crv', 'x', 'y'] },
  RS256: { kty: 'RSA', members: ['n', 'e'], modulusLength: 2048 },
  EdDSA: { kty: 'OKP', members: ['crv', 'x'] },
  // on P-256, as jose makes it: what every client library knows
  'ECDH-ES': { kty: 'EC', members: ['crv', 'x', 'y'] }
}

/** RFC 7517 §4.2 */
const useOf = (alg: KeyAlgorithm) => (alg === 'ECDH-ES' ? 'enc' : 'sig')

const keyPurposes: readonly string[] = [
  'access_token',
  'identity',
  'status_list',
  'encryption'
] satisfies KeyPurpose[]

/**
 * Makes a private key of an algorithm, as JWK without `kid`, `alg` and `use`. Its thumbprint does not begin with a hyphen, as one in 64
 * does: `mintmark keys burn <kid>` would take it for an option.
 */
export async function generatePrivateJwk(alg: KeyAlgorithm): Promise<JWK> {
  const { modulusLength } = signingAlgorithms[alg]
  for (;;) {
    const { privateKey } = await generateKeyPair(alg, {
      extractable: true,
      ...(modulusLength === undefined ? {} : { modulusLength })
    })
    const generated = await exportJWK(privateKey)
    if (!(await calculateJwkThumbprint(generated, 'sha256')).startsWith('-')) return generated
  }
}

/** Names a fresh private key, and seals it for its row. */
export async function sealSigningKey(
  seal: Sealer,
  purpose: KeyPurpose,
  alg: KeyAlgorithm,
  generated: JWK
): Promise<{ kid: string; sealed: Buffer }> {
  const kid = await calculateJwkThumbprint(generated, 'sha256')
  const privateJwk = { ...generated, kid, alg, use: useOf(alg) }
  return { kid, sealed: seal.seal(JSON.stringify({ purpose, privateJwk }), context(kid)) }
}

/**
 * Opens a row. Every visible column must agree with what is sealed.
 * @throws Fault `seal_broken` when it does not open, or says something else than its row
 */
export async function openSigningKey(seal: Sealer, row: SigningKeyRow): Promise<SigningKey> {
  const { kid, purpose, alg, state } = row
  if (!isSigningAlgorithm(alg) || !isKeyPurpose(purpose) || !isLiveKeyState(state)) {
    throw altered(kid, 'has a purpose, algorithm or state that this version does not know')
  }
  const opened = parse(kid, seal.open(row.sealed, context(kid)))
  const { privateJwk } = opened
  if (opened.purpose !== purpose) throw altered(kid, 'was sealed for another purpose')
  if (privateJwk.alg !== alg || privateJwk.kty !== signingAlgorithms[alg].kty) {
    throw altered(kid, 'was sealed for another algorithm')
  }
  if ((alg === 'ECDH-ES') !== (purpose === 'encryption')) {
    throw altered(kid, 'has an algorithm that is not of its purpose')
  }
  const publicJwk = publicPart(privateJwk, kid, alg)
  if ((await calculateJwkThumbprint(publicJwk, 'sha256')) !== kid) {
    throw altered(kid, 'is not the key that its name says')
  }
  return Object.freeze({
    kid,
    purpose,
    alg,
    state,
    privateJwk: Object.freeze(privateJwk),
    publicJwk
  })
}

// an allow-list: a private member that nobody thought of is not published (RFC 7517 §9.2)
function publicPart(privateJwk: JWK, kid: string, alg: KeyAlgorithm): JWK {
  const { kty, members } = signingAlgorithms[alg]
  const picked = members.map(member => [member, privateJwk[member]])
  return Object.freeze({ kty, kid, alg, use: useOf(alg), ...Object.fromEntries(picked) })
}

function context(kid: string): SealContext {
  return { table: 'signing_keys', column: 'sealed', key: kid }
}

function parse(kid: string, plain: Buffer): { purpose: unknown; privateJwk: JWK } {
  try {
    const { purpose, privateJwk } = JSON.parse(plain.toString('utf8'))
    if (typeof privateJwk === 'object' && privateJwk !== null) return { purpose, privateJwk }
  } catch {
    // falls through: the parser's message could quote the private key, so it is not passed on
  }
  throw altered(kid, 'holds no private key')
}

function altered(kid: string, what: string): Fault {
  return new Fault(
    'seal_broken',
    `The signing key ${kid} ${what}: its row in signing_keys was changed by something other than ` +
      'mintmark. Restore the table from a backup, or delete the row to have a new key made.'
  )
}

export function isSigningAlgorithm(alg: string): alg is KeyAlgorithm {
  return Object.hasOwn(signingAlgorithms, alg)
}

export function isKeyPurpose(purpose: string): purpose is KeyPurpose {
  return keyPurposes.includes(purpose)
}
