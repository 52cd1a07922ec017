// What a client may not be with a profile (FAPI 2.0 Security Profile §5.3.2, §5.4.1; Message Signing §5.3): refused when its metadata is written,
// from the configuration and from the command line, each with a sentence. And what it is where it does not say.

import t from 'tap'
import { checkClientMetadata, type MetadataContext } from '../../src/clients/metadata.ts'

const key = {
  kty: 'OKP',
  crv: 'Ed25519',
  x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
  kid: 'a'
}
const web = {
  profile: 'fapi2',
  redirect_uris: ['https://app.example.com/callback'],
  jwks: { keys: [key] }
}
const context: MetadataContext = {
  type: 'web',
  resources: [],
  development: true,
  source: 'config',
  mutualTls: 'on',
  trustedIssuers: ['https://ci.example.com'],
  conformance: { responseTypes: ['id_token', 'code id_token'] }
}
const check = (metadata: object, changed: Partial<MetadataContext> = {}) =>
  checkClientMetadata(metadata, { ...context, ...changed })

t.test('with the profile alone, a client is all that the profile asks for', async t => {
  const plain = check(web)
  t.match(plain, {
    ok: true,
    metadata: {
      profile: 'fapi2',
      token_endpoint_auth_method: 'private_key_jwt',
      require_pushed_authorization_requests: true,
      dpop_bound_access_tokens: true,
      id_token_signed_response_alg: 'ES256',
      authorization_signed_response_alg: 'ES256',
      introspection_signed_response_alg: 'ES256'
    }
  })
  t.notOk(plain.ok && plain.metadata.require_signed_request_object)
  const signing = check({ ...web, profile: 'fapi2-message-signing' })
  t.match(signing, { ok: true, metadata: { require_signed_request_object: true } })
  const certified = check({
    ...web,
    jwks: undefined,
    token_endpoint_auth_method: 'tls_client_auth',
    tls_client_auth_san_dns: 'app.example.com',
    tls_client_certificate_bound_access_tokens: true
  })
  t.ok(certified.ok)
  t.notOk(certified.ok && certified.metadata.dpop_bound_access_tokens)
  const machine = check({ profile: 'fapi2', jwks: web.jwks }, { type: 'machine' })
  t.match(machine, { ok: true, metadata: { dpop_bound_access_tokens: true } })
  t.notOk(machine.ok && 'require_pushed_authorization_requests' in machine.metadata)
})

t.test(
  'what the profile refuses is refused when it is written, with a sentence (FAPI 2.0 §5.3.2, §5.4.1)',
  async t => {
    const refused: [string, object, string, Partial<MetadataContext>?][] = [
      [
        'a secret',
        { token_endpoint_auth_method: 'client_secret_basic' },
        'token_endpoint_auth_method'
      ],
      [
        'a secret that signs',
        { token_endpoint_auth_method: 'client_secret_jwt' },
        'token_endpoint_auth_method'
      ],
      ['a browser app', { token_endpoint_auth_method: 'none' }, 'profile', { type: 'spa' }],
      ['an app on a device', { token_endpoint_auth_method: 'none' }, 'profile', { type: 'native' }],
      ['bearer tokens', { dpop_bound_access_tokens: false }, 'dpop_bound_access_tokens'],
      ['http on loopback', { redirect_uris: ['http://127.0.0.1/cb'] }, 'redirect_uris[0]'],
      [
        'requests that are not pushed',
        { require_pushed_authorization_requests: false },
        'require_pushed_authorization_requests'
      ],
      [
        'an ID token at the front',
        { response_types: ['code', 'code id_token'], conformance: 'relaxed' },
        'response_types'
      ],
      [
        'RS256 of assertions',
        { token_endpoint_auth_signing_alg: 'RS256' },
        'token_endpoint_auth_signing_alg'
      ],
      ['RS256 of requests', { request_object_signing_alg: 'RS256' }, 'request_object_signing_alg'],
      [
        'RS256 of ID tokens',
        { id_token_signed_response_alg: 'RS256' },
        'id_token_signed_response_alg'
      ],
      [
        'RS256 of userinfo',
        { userinfo_signed_response_alg: 'RS256' },
        'userinfo_signed_response_alg'
      ],
      [
        'RS256 of answers',
        { authorization_signed_response_alg: 'RS256' },
        'authorization_signed_response_alg'
      ],
      [
        'RS256 of introspection',
        { introspection_signed_response_alg: 'RS256' },
        'introspection_signed_response_alg'
      ],
      [
        'keys of others',
        { workload_identity: [{ issuer: 'https://ci.example.com', subject: 'repo:a/b' }] },
        'workload_identity'
      ],
      [
        'unsigned requests',
        { profile: 'fapi2-message-signing', require_signed_request_object: false },
        'require_signed_request_object'
      ],
      [
        'a client of a conformance run that is held to less',
        { conformance: 'relaxed' },
        'conformance'
      ],
      ['a profile that there is not', { profile: 'fapi1' }, 'profile']
    ]
    for (const [what, changed, member, other = {}] of refused) {
      for (const source of ['config', 'cli'] as const) {
        const checked = check({ ...web, ...changed }, { ...other, source })
        const problems = checked.ok ? [] : checked.problems
        const found = problems.find(problem => problem.member === member)
        t.ok(found, `${what}, ${source}: ${JSON.stringify(problems)}`)
        t.match(found?.problem, /profile|must be fapi2/, what)
      }
    }
  }
)

t.test('without a profile nothing of it holds', async t => {
  const { profile: _, ...plain } = web
  const checked = check({
    ...plain,
    redirect_uris: ['http://127.0.0.1/cb'],
    token_endpoint_auth_method: 'client_secret_basic'
  })
  t.ok(checked.ok)
  t.notOk(checked.ok && 'require_pushed_authorization_requests' in checked.metadata)
})
