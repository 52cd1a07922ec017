// JWTs that are none of ours, made from a genuine one: what every place that reads a JWT must refuse (RFC 8725). One that is found to be
// believed anywhere adds an entry here.

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

/** Everything that is not a token of ours, made from a genuine one and the public key that verifies it. */
export async function forgeries(
  genuine: string,
  publicJwk: JWK,
  sink: string
): Promise<[string, string][]> {
  const [head = '', payload = '', signature = ''] = genuine.split('.')
  const header = JSON.parse(Buffer.from(head, 'base64url').toString()) as JWTHeaderParameters
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const spki = await exportSPKI((await importJWK(publicJwk, 'ES256')) as Key)
  const signed = (more: Record<string, unknown>, key: Key | Uint8Array = privateKey) =>
    new SignJWT(claims).setProtectedHeader({ ...header, ...more } as JWTHeaderParameters).sign(key)
  const unsigned = (changed: Record<string, unknown>, tail = signature) =>
    `${b64({ ...header, ...changed })}.${payload}.${tail}`
  const attackersJwk = { kty: 'EC', crv: 'P-256', x: publicJwk.x, y: publicJwk.y, d: 'AAAA' }

  return [
    ['dots', '..'],
    ['an empty header', `.${payload}.${signature}`],
    ['an empty payload', `${head}..${signature}`],
    ['no signature', `${head}.${payload}.`],
    ['no third part', `${head}.${payload}`],
    ['a fourth part', `${genuine}.${signature}`],
    ['a line break at its end', `${genuine}%0a`],
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
    [
      'a JWE',
      `${b64({ alg: 'PBES2-HS256+A128KW', enc: 'A128GCM', p2c: 1e9, p2s: 'AA' })}.AA.AA.AA.AA`
    ],
    ['a JWE with zip', `${b64({ alg: 'RSA-OAEP', enc: 'A256GCM', zip: 'DEF' })}.AA.AA.AA.AA`],
    ['JSON serialization', JSON.stringify({ payload, protected: head, signature })],
    ['flattened JSON', JSON.stringify({ payload, signatures: [{ protected: head, signature }] })],
    ['a public key', JSON.stringify(publicJwk)],
    ['a header alone', head],
    ['10,000 parts', '.'.repeat(10_000)],
    [
      'the attacker\u2019s own',
      await new SignJWT({ ...claims, iss: sink })
        .setProtectedHeader({ ...header, jwk: publicKey && attackersJwk } as JWTHeaderParameters)
        .sign(privateKey)
    ]
  ]
}
