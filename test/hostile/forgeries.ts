// JWTs that are none, made from a genuine one: what every place that reads a JWT must refuse (RFC 8725), in the manner of the vectors of
// Project Wycheproof: foreign, unsigned and confused ones; other spellings of the genuine one; and ones that the right key has signed, which say
// two things, or ask for what nobody here understands. One that is found to be believed anywhere adds an entry here.

import {
  exportSPKI,
  generateKeyPair,
  importJWK,
  type JWK,
  type JWTHeaderParameters,
  SignJWT
} from 'jose'

type Key = Awaited<ReturnType<typeof generateKeyPair>>['privateKey']

const b64 = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** Who makes genuine ones, to have signed what only the form is wrong of. */
export interface Rightful {
  header: Record<string, unknown>
  /** fresh with each call, where a JWT is good once */
  claims(): Record<string, unknown>
  sign(input: string): string
  /** keys of the same signer that are for something else: what, the header member that names it, its signature */
  otherKeys: readonly (readonly [string, string, (input: string) => string])[]
}

/** A JWT as the rightful signer makes it; texts go in as they are. */
export function signedBy(
  { header, claims, sign }: Rightful,
  changed: { header?: object | string | Buffer; payload?: object | string | Buffer } = {}
): string {
  const encode = (part: object | string | Buffer) =>
    Buffer.from(
      typeof part === 'string' || Buffer.isBuffer(part) ? part : JSON.stringify(part)
    ).toString('base64url')
  const { header: head = header, payload = claims() } = changed
  const input = `${encode(head)}.${encode(payload)}`
  return `${input}.${sign(input)}`
}

/** The genuine one in spellings that decode to the same bytes. */
export function otherSpellings(genuine: string): [string, string][] {
  const [head = '', payload = '', signature = ''] = genuine.split('.')
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const last = alphabet[alphabet.indexOf(signature.at(-1) ?? '') ^ 1]
  return [
    ['bits that encode nothing', `${genuine.slice(0, -1)}${last}`],
    ['a padded signature', `${genuine}==`],
    ['a line break behind it', `${genuine}\n`],
    ['a blank in its signature', `${head}.${payload}.${signature.replace(/^(.{9})/, '$1 ')}`],
    ['a tab before it', `\t${genuine}`],
    ['a NUL behind it', `${genuine}\u0000`]
  ]
}

/** Signed by the right key, and not to be believed. */
function signedAllTheSame(rightful: Rightful): [string, string][] {
  const { header, claims, sign, otherKeys } = rightful
  const text = () => JSON.stringify(claims())
  const headText = JSON.stringify(header)
  const padded = (one: string) => Buffer.from(one).toString('base64')
  const raw = (head: string, payload: string) => `${head}.${payload}.${sign(`${head}.${payload}`)}`
  const twice = (name: string) => text().replace('{', `{"${name}":"web",`)
  const [first = ''] = Object.keys(claims())
  const escaped = (name: string) =>
    `\\u${name.charCodeAt(0).toString(16).padStart(4, '0')}${name.slice(1)}`
  return [
    ...Object.keys(claims()).map((name): [string, string] => [
      `${name} twice`,
      signedBy(rightful, { payload: twice(name) })
    ]),
    ['a claim twice, once escaped', signedBy(rightful, { payload: twice(escaped(first)) })],
    [
      'a member inside a claim twice',
      signedBy(rightful, { payload: text().replace('{', '{"x":[{"a":1,"a":2}],') })
    ],
    ['alg twice', signedBy(rightful, { header: headText.replace('{', '{"alg":"none",') })],
    ['crit of a known claim', signedBy(rightful, { header: { ...header, crit: ['exp'], exp: 1 } })],
    ['crit without members', signedBy(rightful, { header: { ...header, crit: [] } })],
    ['crit b64 true', signedBy(rightful, { header: { ...header, crit: ['b64'], b64: true } })],
    ['crit b64 false', signedBy(rightful, { header: { ...header, crit: ['b64'], b64: false } })],
    ['a payload with a byte order mark', signedBy(rightful, { payload: `\ufeff${text()}` })],
    [
      'a payload that is no UTF-8',
      signedBy(rightful, {
        payload: Buffer.from(text().replace('{', '{"x":"\u00ff",'), 'latin1')
      })
    ],
    ['a signed list', signedBy(rightful, { payload: [claims()] })],
    ['a signed text', signedBy(rightful, { payload: '"text"' })],
    ['no claims', signedBy(rightful, { payload: {} })],
    ['exp long ago', signedBy(rightful, { payload: { ...claims(), exp: 1, iat: 1, nbf: 1 } })],
    [
      'exp as a text',
      signedBy(rightful, { payload: { ...claims(), exp: '9999999999', iat: 'x' } })
    ],
    ['nbf to come', signedBy(rightful, { payload: { ...claims(), nbf: 9_999_999_999, iat: 9e9 } })],
    [
      'a padded header',
      raw(padded(JSON.stringify({ ...header, x: '?' })).padEnd(4, '='), padded(text()))
    ],
    [
      'a blank in the header',
      raw(` ${Buffer.from(headText).toString('base64url')}`, padded(text()))
    ],
    ...otherKeys.map(([what, kid, other]): [string, string] => [
      `signed with ${what}`,
      signedBy({ ...rightful, header: { ...header, kid }, sign: other })
    ]),
    ...otherKeys.map(([what, , other]): [string, string] => [
      `signed with ${what} under the right kid`,
      signedBy({ ...rightful, sign: other })
    ])
  ]
}

/** Everything that is not a token of ours, made from a genuine one and the public key that verifies it. */
export async function forgeries(
  genuine: string,
  publicJwk: JWK,
  sink: string,
  rightful?: Rightful
): Promise<[string, string][]> {
  const [head = '', payload = '', signature = ''] = genuine.split('.')
  const header = JSON.parse(Buffer.from(head, 'base64url').toString()) as JWTHeaderParameters
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>
  // a MAC cannot be forged by another key pair: whoever tries says that it is a signature
  const alg = String(header.alg).startsWith('HS') ? 'ES256' : String(header.alg)
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  const spki = await exportSPKI((await importJWK(publicJwk, publicJwk.alg ?? alg)) as Key)
  const signed = (more: Record<string, unknown>, key: Key | Uint8Array = privateKey) =>
    new SignJWT(claims)
      .setProtectedHeader({ ...header, alg, ...more } as JWTHeaderParameters)
      .sign(key)
  const unsigned = (changed: Record<string, unknown>, tail = signature) =>
    `${b64({ ...header, ...changed })}.${payload}.${tail}`
  const attackersJwk = { ...publicJwk, d: 'AAAA' }

  return [
    ['dots', '..'],
    ['an empty header', `.${payload}.${signature}`],
    ['an empty payload', `${head}..${signature}`],
    ['no signature', `${head}.${payload}.`],
    ['no third part', `${head}.${payload}`],
    ['a fourth part', `${genuine}.${signature}`],
    ['an escape at its end', `${genuine}%0a`],
    ...otherSpellings(genuine),
    ...(rightful === undefined ? [] : signedAllTheSame(rightful)),
    ['a swapped payload', `${head}.${b64({ ...claims, sub: 'somebody else' })}.${signature}`],
    ['a cut signature', genuine.slice(0, -2)],
    ['a payload that is no object', `${head}.${b64('null')}.${signature}`],
    ['a header that is no object', `${b64('null')}.${payload}.${signature}`],
    ['a header that is a list', `${b64([])}.${payload}.${signature}`],
    ['a header that is no JSON', `${b64('{"alg"')}.${payload}.${signature}`],
    ['a header of 30 KB', `${b64({ ...header, x: 'x'.repeat(20_000) })}.${payload}.${signature}`],
    ['alg none', unsigned({ alg: 'none' }, '')],
    ['alg nOnE', unsigned({ alg: 'nOnE' })],
    ['no alg', unsigned({ alg: undefined })],
    ['alg __proto__', unsigned({ alg: '__proto__' })],
    ['alg as a number', unsigned({ alg: 1 })],
    [
      'HS256 with the public JWK',
      await signed({ alg: 'HS256' }, Buffer.from(JSON.stringify(publicJwk)))
    ],
    ['HS256 with the public PEM', await signed({ alg: 'HS256' }, Buffer.from(spki))],
    ['HS256 with an empty key', unsigned({ alg: 'HS256' })],
    ['another key under our kid', await signed({})],
    ['no kid', await signed({ kid: undefined })],
    ['a kid that is a path', await signed({ kid: '../../../../../../dev/null' })],
    ['a kid that is SQL', await signed({ kid: "' OR 1=1 --" })],
    ['a kid that is a URL', await signed({ kid: `${sink}/kid` })],
    ['a kid with a NUL', await signed({ kid: 'a\u0000b' })],
    ['a kid that is an object', unsigned({ kid: { a: 1 } })],
    ['jku', await signed({ jku: `${sink}/jku` })],
    ['x5u', await signed({ x5u: `${sink}/x5u` })],
    ['jwk', await signed({ jwk: { ...publicJwk, ...attackersJwk } })],
    ['x5c', await signed({ x5c: ['MIIB'] })],
    ['crit', unsigned({ crit: ['exp'], exp: 1 })],
    ['b64 false', unsigned({ crit: ['b64'], b64: false })],
    ['zip', unsigned({ zip: 'DEF' })],
    ['typ JWT', unsigned({ typ: 'JWT' })],
    ['JWS in a JWS', `${head}.${b64(genuine)}.${signature}`],
    [
      'a JWE with the token inside',
      `${b64({ alg: 'dir', enc: 'A128GCM', cty: 'JWT' })}..AA.${b64(genuine)}.AA`
    ],
    [
      'a JWE',
      `${b64({ alg: 'PBES2-HS256+A128KW', enc: 'A128GCM', p2c: 1e9, p2s: 'AA' })}.AA.AA.AA.AA`
    ],
    ['a JWE with zip', `${b64({ alg: 'RSA-OAEP', enc: 'A256GCM', zip: 'DEF' })}.AA.AA.AA.AA`],
    ['JSON serialization', JSON.stringify({ payload, protected: head, signature })],
    [
      'JSON with a header of its own',
      JSON.stringify({ payload, protected: head, header: { alg: 'none' }, signature })
    ],
    ['flattened JSON', JSON.stringify({ payload, signatures: [{ protected: head, signature }] })],
    ['a public key', JSON.stringify(publicJwk)],
    ['a header alone', head],
    ['10,000 parts', '.'.repeat(10_000)],
    [
      'the attacker\u2019s own',
      await new SignJWT({ ...claims, iss: sink })
        .setProtectedHeader({
          ...{ ...header, alg },
          jwk: publicKey && attackersJwk
        } as JWTHeaderParameters)
        .sign(privateKey)
    ]
  ]
}
