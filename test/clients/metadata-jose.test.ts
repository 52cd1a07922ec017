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
