// The kinds of JWT that somebody sends to this server, each with whoever may sign it, so that hostile ones can be made that the right key has
// signed: tokens of ours (with the keys of the server under test), and those of clients, issuers and publishers (with keys made here).

import {
  createHmac,
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  randomUUID,
  sign
} from 'node:crypto'
import type { JWK } from 'jose'
import { secretOf } from '../support/configuration.ts'
import { type Rightful, signedBy } from './forgeries.ts'

export interface Kind extends Rightful {
  /** what verifies it, for those who confuse it with a secret */
  publicJwk: JWK
}

/** A signature over the text, base64url. */
export function signer(alg: string, key: KeyObject): (input: string) => string {
  const digest = alg === 'EdDSA' ? null : 'sha256'
  return input =>
    sign(digest, Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')
}

export interface OwnKey {
  kid: string
  publicJwk: JWK
  sign: (input: string) => string
}

export function keyOf(kid: string, alg: string, privateJwk: JWK, publicJwk: JWK): OwnKey {
  const key = createPrivateKey({ key: privateJwk as never, format: 'jwk' })
  return { kid, publicJwk, sign: signer(alg, key) }
}

/** An ES256 key pair of somebody. */
export function madeKey(kid: string, more: JWK = { kty: 'EC', use: 'sig', alg: 'ES256' }): OwnKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const publicJwk = { ...publicKey.export({ format: 'jwk' }), ...more, kid } as JWK
  return { kid, publicJwk, sign: signer('ES256', privateKey) }
}

const part = (jwt: string, index: number): Record<string, unknown> =>
  JSON.parse(Buffer.from(jwt.split('.')[index] ?? '', 'base64url').toString())

/** A token of ours, as the server made it, and to be made again with the server's own keys. */
export function ours(
  jwt: string,
  keys: readonly { kid: string; alg: string; purpose: string; privateJwk: JWK; publicJwk: JWK }[]
): Kind {
  const header = part(jwt, 0)
  const signing = keys.filter(({ alg }) => alg !== 'ECDH-ES')
  const mine = signing.find(({ kid }) => kid === header['kid'])
  if (mine === undefined) throw new Error('a token of an unknown key')
  const others = signing.filter(({ purpose }) => purpose !== mine.purpose)
  const made = (key: typeof mine) => keyOf(key.kid, key.alg, key.privateJwk, key.publicJwk)
  return {
    header,
    claims: () => ({ ...part(jwt, 1) }),
    sign: made(mine).sign,
    publicJwk: mine.publicJwk,
    otherKeys: others.map(key => [`our ${key.purpose} key (${key.alg})`, key.kid, made(key).sign])
  }
}

const seconds = () => Math.floor(Date.now() / 1000)
const soon = () => ({ iat: seconds(), exp: seconds() + 120 })

/** RFC 7523 §3 */
export function assertionOf(clientId: string, issuer: string, key: OwnKey, forEncryption: OwnKey) {
  return {
    header: { alg: 'ES256', kid: key.kid },
    claims: () => ({ iss: clientId, sub: clientId, aud: issuer, jti: randomUUID(), ...soon() }),
    sign: key.sign,
    publicJwk: key.publicJwk,
    otherKeys: [['its key for encryption', forEncryption.kid, forEncryption.sign]]
  } satisfies Kind
}

/** OpenID Connect Core §9: the same with the client's secret. */
export function macOf(clientId: string, issuer: string): Kind {
  const mac = (secret: string) => (input: string) =>
    createHmac('sha256', secret).update(input).digest('base64url')
  return {
    header: { alg: 'HS256' },
    claims: () => ({ iss: clientId, sub: clientId, aud: issuer, jti: randomUUID(), ...soon() }),
    sign: mac(secretOf(clientId)),
    publicJwk: madeKey('none').publicJwk,
    otherKeys: [['another secret', 'x', mac('another secret')]]
  }
}

/** A token of an issuer that the operator trusts: a workload's, or an assertion about a person. */
export function foreign(issuer: string, audience: string, subject: string, key: OwnKey): Kind {
  return {
    header: { alg: 'ES256', kid: key.kid },
    claims: () => ({ iss: issuer, sub: subject, aud: audience, jti: randomUUID(), ...soon() }),
    sign: key.sign,
    publicJwk: key.publicJwk,
    otherKeys: []
  }
}

/** draft-ietf-oauth-attestation-based-client-auth-12 §5.1 */
export function attestationOf(issuer: string, clientId: string, key: OwnKey, instance: OwnKey) {
  const { kty, crv, x, y } = instance.publicJwk
  return {
    header: { alg: 'ES256', kid: key.kid, typ: 'oauth-client-attestation+jwt' },
    claims: () => ({ iss: issuer, sub: clientId, cnf: { jwk: { kty, crv, x, y } }, ...soon() }),
    sign: key.sign,
    publicJwk: key.publicJwk,
    otherKeys: []
  } satisfies Kind
}

/** §5.2 */
export function attestedProofOf(audience: string, challenge: string, instance: OwnKey) {
  return {
    header: { alg: 'ES256', typ: 'oauth-client-attestation-pop+jwt' },
    claims: () => ({ aud: audience, jti: randomUUID(), iat: seconds(), challenge }),
    sign: instance.sign,
    publicJwk: instance.publicJwk,
    otherKeys: []
  } satisfies Kind
}

/** RFC 9449 §4.2 */
export function proofFor(url: string, key: OwnKey): Kind {
  const { kty, crv, x, y } = key.publicJwk
  return {
    header: { typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } },
    claims: () => ({ jti: randomUUID(), htm: 'POST', htu: url, iat: seconds() }),
    sign: key.sign,
    publicJwk: key.publicJwk,
    otherKeys: []
  }
}

/** RFC 9101 §4 */
export function requestOf(
  parameters: Record<string, string>,
  issuer: string,
  key: OwnKey,
  forEncryption: OwnKey
): Kind {
  return {
    header: { alg: 'ES256', kid: key.kid, typ: 'oauth-authz-req+jwt' },
    claims: () => ({ iss: parameters['client_id'], aud: issuer, ...parameters, ...soon() }),
    sign: key.sign,
    publicJwk: key.publicJwk,
    otherKeys: [['its key for encryption', forEncryption.kid, forEncryption.sign]]
  }
}

/** RFC 7591 §2.3 */
export function statementOf(publisher: string, key: OwnKey): Kind {
  return {
    header: { alg: 'ES256', kid: key.kid },
    claims: () => ({
      iss: publisher,
      client_name: 'Certified app',
      redirect_uris: ['https://certified.example.com/cb'],
      ...soon()
    }),
    sign: key.sign,
    publicJwk: key.publicJwk,
    otherKeys: []
  }
}

export const genuine = (kind: Rightful): string => signedBy(kind)

/** SPIFFE names its issuer by `sub`. */
export function svid(kind: Kind): Kind {
  return {
    ...kind,
    claims() {
      const { iss: _, ...claims } = kind.claims()
      return claims
    }
  }
}

/** The published set does not tell what a key is for: to an API, the type of a token does (RFC 9068 §4). */
export function purposes({ otherKeys }: Kind): Record<string, string> {
  return Object.fromEntries(
    otherKeys.map(([what]) => [`signed with ${what}`, 'one of our keys, and the right type'])
  )
}
