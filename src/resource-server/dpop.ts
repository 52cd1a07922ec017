// Proofs of possession (RFC 9449 §4.3): the twelve checks of one `DPoP` header, against the token that it comes with and the address that
// the API has for its clients. Refuses a proof for another address, method or token, one that is old, and one that was seen before.

import { createHash } from 'node:crypto'
import { calculateJwkThumbprint, EmbeddedJWK, errors, type JWK, jwtVerify } from 'jose'
import { hasOneReading } from '../oauth/compact-jwt.ts'
import type { NonceSource } from './dpop-nonce.ts'
import type { ReplayStore } from './dpop-replay.ts'
import { IssuerUnavailable } from './keys.ts'

/** Asymmetric ones only; told in challenges and metadata (RFC 9449 §7.1, RFC 9728 §2). */
export const proofAlgorithms: readonly string[] = ['ES256', 'RS256', 'PS256', 'EdDSA']

/** how old a proof may be: it is made for one request, and sent at once */
const longestAgeSeconds = 60
const longestProof = 8 * 1024

/** What a request shows of its proof. */
export interface ShownProof {
  /** value of the header `DPoP`; several ones joined by a comma are none */
  dpop?: string | undefined
  method?: string | undefined
  /** path and query of the request, or its whole URL, of which only the path is looked at */
  url?: string | undefined
}

/**
 * `proved`, and the nonce to use from now on, if it is another; `nonce` and `proof` are what a client can mend, `binding` is another key
 * than the token's.
 */
export type ProofVerdict =
  | { kind: 'proved'; nonce?: string }
  | { kind: 'nonce'; nonce: string; problem: string }
  | { kind: 'proof' | 'binding'; problem: string }

/**
 * @param options.publicUrl where clients reach the API: proofs name it (`htu`). It is never read from the request, whose Host whoever sends
 * it may choose
 */
export function createProofChecker(options: {
  publicUrl: string
  replays: ReplayStore
  nonces: NonceSource | undefined
  now: () => number
  clockToleranceSeconds: number
}) {
  const { replays, nonces, now, clockToleranceSeconds } = options
  const base = options.publicUrl.replace(/\/$/, '')

  /** undefined: the request has no address that a proof could name */
  function addressOf(url: string | undefined): string | undefined {
    const path = /^https?:\/\//i.test(url ?? '') ? URL.parse(url ?? '')?.pathname : url
    return path?.startsWith('/') ? plainAddress(base + path) : undefined
  }

  return {
    /** @throws IssuerUnavailable when the store of seen proofs does not answer */
    async check(token: string, jkt: unknown, shown: ShownProof): Promise<ProofVerdict> {
      const { dpop: proof, method, url } = shown
      if (proof === undefined || proof === '') return refused('The request has no DPoP proof.')
      if (proof.length > longestProof || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(proof)) {
        return refused('There must be one DPoP header, with one JWT.')
      }
      const read = await readProof(proof, now())
      if ('problem' in read) return refused(read.problem)
      const { claims, key } = read

      // §4.3: "The htm claim matches the HTTP method of the current request."
      if (method === undefined || claims.htm !== method) {
        return refused('The DPoP proof is for another method: htm.')
      }
      // §4.3: "The htu claim matches the HTTP URI value for the HTTP request in which the JWT was received, ignoring any query and fragment
      // parts."
      const address = addressOf(url)
      if (address === undefined || plainAddress(claims.htu) !== address) {
        return refused('The DPoP proof is for another address than this API has: htu.')
      }
      const age = now() / 1000 - claims.iat
      if (age > longestAgeSeconds + clockToleranceSeconds || age < -clockToleranceSeconds) {
        return refused('The DPoP proof is too old, or from the future: compare the clocks (iat).')
      }
      // §4.3: "If presented to a protected resource in conjunction with an access token: ensure that the value of the ath claim equals the
      // hash of that access token,"
      if (claims.ath !== createHash('sha256').update(token).digest('base64url')) {
        return refused('The DPoP proof is for another access token: ath.')
      }
      // "and confirm that the public key to which the access token is bound matches the public key from the DPoP proof."
      const thumbprint = await calculateJwkThumbprint(key)
      if (thumbprint !== jkt) {
        return { kind: 'binding', problem: 'The access token is bound to another key.' }
      }
      const nonce = nonces?.judge(claims.nonce)
      if (nonces && nonce === 'unknown') {
        const problem = 'The DPoP proof must have the nonce of the header DPoP-Nonce.'
        return { kind: 'nonce', nonce: nonces.current(), problem }
      }

      const id = createHash('sha256').update(`${thumbprint} ${claims.jti}`).digest('base64url')
      const until = Math.ceil(claims.iat + longestAgeSeconds + clockToleranceSeconds)
      const claimed = await replays.claim(id, until).catch((cause: unknown) => {
        throw new IssuerUnavailable('the store of seen DPoP proofs is not available', { cause })
      })
      if (claimed === 'replayed') return refused('The DPoP proof was used already: make a new one.')
      return nonces && nonce === 'previous'
        ? { kind: 'proved', nonce: nonces.current() }
        : { kind: 'proved' }
    }
  }
}

interface ProofClaims {
  jti: string
  htm: string
  htu: string
  iat: number
  ath: string
  nonce?: unknown
}

const malformed = 'The DPoP proof is malformed, or its signature is not valid.'

async function readProof(
  proof: string,
  now: number
): Promise<{ claims: ProofClaims; key: JWK } | { problem: string }> {
  // RFC 8725 §3.3: what says two things says nothing
  if (!hasOneReading(proof)) return { problem: malformed }
  try {
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
      algorithms: [...proofAlgorithms],
      typ: 'dpop+jwt',
      requiredClaims: ['jti', 'htm', 'htu', 'iat', 'ath'],
      currentDate: new Date(now)
    })
    const { jti, htm, htu, iat, ath } = payload
    const texts = [jti, htm, htu, ath]
    if (!texts.every(one => typeof one === 'string' && one !== '') || !Number.isFinite(iat)) {
      return { problem: 'A claim of the DPoP proof has the wrong type.' }
    }
    return { claims: payload as unknown as ProofClaims, key: protectedHeader.jwk as JWK }
  } catch (error) {
    if (error instanceof errors.JWTClaimValidationFailed) {
      return { problem: `The DPoP proof needs ${claimName(error.claim)}.` }
    }
    if (error instanceof errors.JOSEAlgNotAllowed) {
      return { problem: 'The DPoP proof is signed with an algorithm that is not accepted.' }
    }
    // a key of no known form is a TypeError or a DOMException: the caller's in any case
    return { problem: malformed }
  }
}

/** Names of ours only: nothing of the request goes into a header. */
function claimName(claim: string): string {
  if (claim === 'typ') return 'the type dpop+jwt'
  const known = ['jti', 'htm', 'htu', 'iat', 'ath'].includes(claim)
  return known ? `the claim ${claim}` : 'other claims'
}

/** RFC 9449 §4.3: normalised (RFC 3986 §6.2.2, §6.2.3), without query and fragment. */
function plainAddress(url: string): string | undefined {
  const parsed = URL.parse(url)
  if (parsed === null || `${parsed.username}${parsed.password}` !== '') return undefined
  return `${parsed.origin}${parsed.pathname}`
}

function refused(problem: string): ProofVerdict {
  return { kind: 'proof', problem }
}
