// What metadata may say about certificates (RFC 8705 §2, §3), by what of mutual TLS is on.

import t from 'tap'
import { checkClientMetadata, type MetadataContext } from '../../src/clients/metadata.ts'
import { selfSigned } from '../support/certificates.ts'

const machine: MetadataContext = {
  type: 'machine',
  resources: [],
  development: false,
  source: 'cli',
  mutualTls: 'on'
}
const own = await selfSigned()
const other = await selfSigned()

function problems(metadata: object, context: MetadataContext = machine): string {
  const checked = checkClientMetadata(metadata, context)
  return checked.ok
    ? ''
    : checked.problems.map(({ member, problem }) => `${member} ${problem}`).join('\n')
}

const certified = { token_endpoint_auth_method: 'tls_client_auth' }
const registered = { token_endpoint_auth_method: 'self_signed_tls_client_auth' }
const bound = { tls_client_certificate_bound_access_tokens: true }
const name = { tls_client_auth_san_dns: 'a.example.com' }

t.test(
  'whoever is known by exactly one name, or has registered a certificate, is let in',
  async t => {
    t.equal(problems({ ...certified, ...name, ...bound }), '')
    t.equal(problems({ ...registered, jwks: { keys: [own.jwk] } }), '')
    t.equal(problems({ ...registered, jwks_uri: 'https://a.example.com/jwks' }), '')
    for (const type of ['web', 'spa', 'native'] as const) {
      const redirect_uris = ['https://a.example.com/callback']
      t.equal(problems({ ...bound, redirect_uris }, { ...machine, type }), '', type)
    }
  }
)

t.test(
  'metadata that no certificate could satisfy is refused, with a sentence (RFC 8705 §2.1.2, §2.2.2)',
  async t => {
    const { x5c: _, ...bare } = own.jwk
    const cases: [object, RegExp][] = [
      [certified, /tls_client_auth_subject_dn tls_client_auth needs exactly one of/],
      [{ ...certified, ...name, tls_client_auth_san_ip: '192.0.2.7' }, /needs exactly one of/],
      [
        { ...certified, tls_client_auth_subject_dn: 'billing' },
        /must be a name as RFC 4514 has it/
      ],
      [{ ...certified, tls_client_auth_san_ip: 7 }, /must be a string/],
      [name, /is for tls_client_auth only/],
      [registered, /jwks or jwks_uri is needed for self_signed_tls_client_auth/],
      [{ ...registered, jwks: { keys: [bare] } }, /no key with an x5c/],
      [
        { ...registered, jwks: { keys: [{ ...own.jwk, x5c: other.jwk['x5c'] }] } },
        /"x5c" of another key/
      ],
      [{ ...registered, jwks: { keys: [{ ...own.jwk, x5c: ['AAAA'] }] } }, /not a certificate/],
      [{ ...registered, jwks: { keys: [{ ...own.jwk, x5c: [] }] } }, /empty "x5c"/],
      [{ ...bound, dpop_bound_access_tokens: true }, /exclude each other/],
      [{ tls_client_certificate_bound_access_tokens: 'yes' }, /must be true or false/]
    ]
    for (const [metadata, says] of cases)
      t.match(problems(metadata), says, JSON.stringify(metadata))
  }
)

t.test('where certificates cannot arrive, nothing that needs one is registered', async t => {
  const off = /certificates do not reach this server: its clientCertificates.from is not set/
  for (const mutualTls of ['off', undefined] as const) {
    const { mutualTls: _, ...rest } = machine
    const context = mutualTls === undefined ? rest : { ...rest, mutualTls }
    t.match(problems({ ...certified, ...name }, context), off)
    t.match(problems({ ...registered, jwks: { keys: [own.jwk] } }, context), off)
    t.match(problems(bound, context), off)
    t.equal(problems({ tls_client_certificate_bound_access_tokens: false }, context), '')
  }
  const selfSignedOnly: MetadataContext = { ...machine, mutualTls: 'self-signed' }
  t.match(problems({ ...certified, ...name }, selfSignedOnly), /knows no authorities of clients/)
  t.equal(problems({ ...registered, jwks: { keys: [own.jwk] } }, selfSignedOnly), '')
  t.equal(problems(bound, selfSignedOnly), '')
})
