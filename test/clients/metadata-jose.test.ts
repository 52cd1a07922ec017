// The policy for client metadata, where it is about keys and subjects: who signs and encrypts what, and which sector a client is of.

import { generateKeyPairSync } from 'node:crypto'
import t from 'tap'
import { checkClientMetadata, type MetadataContext } from '../../src/clients/metadata.ts'

const base = { resources: [], development: false, source: 'cli' } as const
const web: MetadataContext = { ...base, type: 'web' }
const native: MetadataContext = { ...base, type: 'native' }
const machine: MetadataContext = { ...base, type: 'machine' }
const registration: MetadataContext = { ...web, source: 'registration' }
const redirects = { redirect_uris: ['https://app.example.com/callback'] }

function problems(input: unknown, context: MetadataContext): string[] {
  const checked = checkClientMetadata(input, context)
  return checked.ok ? [] : checked.problems.map(({ member, problem }) => `${member} ${problem}`)
}

t.test('pairwise subjects have exactly one sector (Core §8.1)', t => {
  const pairwise = (redirect_uris: string[], more: object = {}) =>
    problems({ subject_type: 'pairwise', redirect_uris, ...more }, { ...web, development: true })
  const https = 'https://app.example.com/callback'
  const sector_identifier_uri = 'https://group.example.com/sector.json'
  t.strictSame(pairwise([https, 'https://app.example.com/other']), [])
  for (const uris of [
    [https, 'https://other.example.com/callback'],
    [https, 'http://localhost:3000/callback']
  ]) {
    t.match(pairwise(uris), [/is needed for pairwise subjects/])
    t.strictSame(pairwise(uris, { sector_identifier_uri }), [])
  }
  const custom = { subject_type: 'pairwise', redirect_uris: ['com.example.app:/callback'] }
  t.match(problems(custom, native), [/is needed/], 'a scheme has no host: all would share it')
  const grant_types = ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code']
  t.match(problems({ ...custom, grant_types, sector_identifier_uri }, native), [/device grant/])
  t.match(problems({ subject_type: 'pairwise' }, machine), [/not for clients of type machine/])
  for (const uri of ['http://group.example.com/s', 'https://user@group.example.com/s', 'x']) {
    t.ok(pairwise([https], { sector_identifier_uri: uri }).length > 0, uri)
  }
  for (const uri of ['https://localhost/s', 'https://10.1.2.3/s', 'https://group.internal/s']) {
    const asked = { subject_type: 'pairwise', redirect_uris: [https], sector_identifier_uri: uri }
    t.match(problems(asked, registration), [/public host name/], uri)
  }
  t.end()
})

t.test('signed requests need public keys, and a person (RFC 9101 §10.5)', t => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwks = { keys: [publicKey.export({ format: 'jwk' })] }
  for (const members of [
    { request_object_signing_alg: 'ES256' },
    { require_signed_request_object: true }
  ]) {
    t.match(problems({ ...redirects, ...members }, web), [/needs jwks_uri or jwks/])
    t.strictSame(problems({ ...redirects, ...members, jwks }, web), [])
    t.match(problems({ ...members, jwks }, machine), [/not for clients of type machine/])
  }
  t.strictSame(problems({ introspection_signed_response_alg: 'ES256' }, machine), [])
  t.end()
})

t.test(
  'encryption needs a key for it, and a signature inside (RFC 7517 §4.2, Core §16.14)',
  async t => {
    const jwk = (type: 'ec' | 'rsa', more: object) => {
      const { publicKey } =
        type === 'ec'
          ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
          : generateKeyPairSync('rsa', { modulusLength: 2048 })
      return { ...publicKey.export({ format: 'jwk' }), ...more }
    }
    const x25519 = generateKeyPairSync('x25519').publicKey.export({ format: 'jwk' })
    const with_ = (alg: string, ...keys: object[]) =>
      problems({ ...redirects, id_token_encrypted_response_alg: alg, jwks: { keys } }, web)
    t.strictSame(with_('ECDH-ES', jwk('ec', { use: 'enc' })), [])
    t.strictSame(with_('ECDH-ES+A256KW', { ...x25519, use: 'enc' }), [])
    t.strictSame(with_('RSA-OAEP-256', jwk('rsa', { use: 'enc', alg: 'RSA-OAEP-256' })), [])
    for (const [what, found] of Object.entries({
      'no use': with_('ECDH-ES', jwk('ec', {})),
      'for signatures': with_('ECDH-ES', jwk('ec', { use: 'sig' })),
      'another type': with_('ECDH-ES', jwk('rsa', { use: 'enc' })),
      'another algorithm': with_('RSA-OAEP', jwk('rsa', { use: 'enc', alg: 'RSA-OAEP-256' }))
    })) {
      t.match(found, [/needs jwks_uri or jwks, with a key for .* whose "use" is "enc"/], what)
    }
    for (const alg of ['RSA1_5', 'dir', 'A256KW', 'PBES2-HS256+A128KW', 'none']) {
      t.match(
        with_(alg, jwk('ec', { use: 'enc' })),
        [/RSA1_5 and symmetric keys are not offered/],
        alg
      )
    }
    const jwks_uri = 'https://app.example.com/jwks.json'
    const remote = (members: object) => problems({ ...redirects, jwks_uri, ...members }, web)
    t.strictSame(remote({ id_token_encrypted_response_alg: 'ECDH-ES' }), [])
    t.match(remote({ userinfo_encrypted_response_alg: 'ECDH-ES' }), [/signed first/])
    t.match(remote({ id_token_encrypted_response_enc: 'A256GCM' }), [/needs id_token_encrypted/])
    t.match(
      remote({ id_token_encrypted_response_alg: 'ECDH-ES', id_token_encrypted_response_enc: 'A1' }),
      [/A128CBC-HS256 or A128GCM or A256GCM/]
    )
    const forApi = { introspection_encrypted_response_alg: 'ECDH-ES', jwks_uri }
    t.strictSame(problems(forApi, machine), [], 'an API has no person')
    t.match(problems({ id_token_encrypted_response_alg: 'ECDH-ES', jwks_uri }, machine), [
      /not for clients of type machine/
    ])
    const asserts = { token_endpoint_auth_method: 'private_key_jwt' }
    t.match(
      problems({ ...redirects, ...asserts, jwks: { keys: [jwk('ec', { use: 'enc' })] } }, web),
      [/all are for encryption/]
    )
  }
)
