// Every client that passes our policy also passes the engine's own checks, which it makes only at the client's first use; and it keeps
// every member as we gave it (the engine leaves out what it does not know, in silence).

import { generateKeyPairSync } from 'node:crypto'
import Provider, { type AdapterPayload } from 'oidc-provider'
import t from 'tap'
import {
  type ClientType,
  describeForEngine,
  needsSecret,
  type RegisteredClient
} from '../../src/clients/client.ts'
import { checkClientMetadata } from '../../src/clients/metadata.ts'

const scopes = ['openid', 'offline_access', 'profile', 'email']
const stored = new Map<string, AdapterPayload>()
const adapter = class {
  async find(id: string) {
    return stored.get(id)
  }
  async upsert() {}
  async findByUserCode() {
    return undefined
  }
  async findByUid() {
    return undefined
  }
  async consume() {}
  async destroy() {}
  async revokeByGrantId() {}
}

const provider = new Provider('https://id.example.com', {
  adapter,
  scopes,
  responseTypes: ['code'],
  clientAuthMethods: [
    'none',
    'client_secret_basic',
    'client_secret_post',
    'client_secret_jwt',
    'private_key_jwt'
  ],
  enabledJWA: {
    idTokenSigningAlgValues: ['RS256', 'ES256', 'EdDSA'],
    clientAuthSigningAlgValues: ['RS256', 'PS256', 'ES256', 'EdDSA', 'HS256']
  },
  features: {
    devInteractions: { enabled: false },
    backchannelLogout: { enabled: true },
    clientCredentials: { enabled: true },
    deviceFlow: { enabled: true },
    dPoP: { enabled: true },
    pushedAuthorizationRequests: { enabled: true },
    resourceIndicators: { enabled: true }
  },
  jwks: {
    keys: [
      generateKeyPairSync('rsa', { modulusLength: 2048 }),
      generateKeyPairSync('ec', { namedCurve: 'P-256' }),
      generateKeyPairSync('ed25519')
    ].map(({ privateKey }) => privateKey.export({ format: 'jwk' }))
  }
})

const device = 'urn:ietf:params:oauth:grant-type:device_code'
const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })
const jwks = { keys: [key] }
const jwks_uri = 'https://app.example.com/jwks.json'
const https = 'https://app.example.com/callback'
const hmac = {
  token_endpoint_auth_method: 'client_secret_jwt',
  token_endpoint_auth_signing_alg: 'HS256'
}
const workload = { issuer: 'https://ci.example.com', subject: 'repo:example/shop:*' }
const signed = { token_endpoint_auth_method: 'private_key_jwt' }

/** Members that any interactive client may have. */
const interactive: object[] = [
  {},
  { scope: 'openid email read:things' },
  { scope: 'read:things' },
  { grant_types: ['authorization_code'] },
  {
    client_name: '예시 👩‍💻',
    contacts: ['ops+1@example.com'],
    client_uri: 'https://app.example.com'
  },
  {
    logo_uri: 'https://app.example.com/l.png',
    policy_uri: 'https://app.example.com/p',
    tos_uri: 'https://app.example.com/t'
  },
  {
    initiate_login_uri: 'https://app.example.com/login',
    default_max_age: 60,
    require_auth_time: true
  },
  {
    backchannel_logout_uri: 'https://app.example.com/logout',
    backchannel_logout_session_required: true
  },
  { id_token_signed_response_alg: 'ES256' },
  { id_token_signed_response_alg: 'EdDSA' },
  { require_pushed_authorization_requests: true, dpop_bound_access_tokens: true },
  { jwks },
  { first_party: true, refresh_tokens: 'always', default_resource: 'https://api.example.com' },
  { software_id: 'x', software_version: '1' }
]

const matrix: [ClientType, object][] = [
  ...[https, 'http://localhost:3000/callback', 'http://[::1]:3000/'].flatMap(uri =>
    interactive.flatMap((members): [ClientType, object][] => [
      ['web', { redirect_uris: [uri], post_logout_redirect_uris: [uri], ...members }],
      ['spa', { redirect_uris: [uri], post_logout_redirect_uris: [uri], ...members }]
    ])
  ),
  ...[
    https,
    'http://127.0.0.1/callback',
    'http://[::1]/callback',
    'http://localhost:3000/callback',
    'com.example.app:/callback',
    'com.example.app://callback'
  ].flatMap(uri =>
    interactive.map((members): [ClientType, object] => [
      'native',
      { redirect_uris: [uri], post_logout_redirect_uris: [uri], ...members }
    ])
  ),
  ['native', { grant_types: [device] }],
  ['native', { grant_types: [device, 'refresh_token'], scope: 'openid offline_access' }],
  ['web', { redirect_uris: [https], token_endpoint_auth_method: 'client_secret_post' }],
  ['web', { redirect_uris: [https], ...signed, jwks }],
  [
    'web',
    { redirect_uris: [https], ...signed, jwks_uri, token_endpoint_auth_signing_alg: 'EdDSA' }
  ],
  ['machine', { ...signed, jwks, workload_identity: [workload] }],
  ['machine', { token_endpoint_auth_method: 'client_secret_jwt' }],
  ['web', { redirect_uris: [https], ...hmac }],
  ['machine', {}],
  ['machine', { scope: 'read:things' }],
  ['machine', { token_endpoint_auth_method: 'client_secret_post', dpop_bound_access_tokens: true }],
  ['machine', { ...signed, jwks, token_endpoint_auth_signing_alg: 'PS256' }],
  ['machine', { ...signed, jwks_uri, default_resource: 'https://api.example.com' }]
]

/** What we store and the engine has no use for. */
const ours = new Set(['software_id', 'software_version'])

t.test(
  'every client of the policy is one to the engine, member by member (RFC 7591 §2)',
  async t => {
    t.ok(matrix.length > 150)
    for (const [index, [type, members]] of matrix.entries()) {
      const title = `${type} ${JSON.stringify(members)}`
      const checked = checkClientMetadata(members, {
        type,
        resources: ['https://api.example.com'],
        trustedIssuers: ['https://ci.example.com'],
        development: true,
        source: 'config'
      })
      if (!checked.ok) {
        t.fail(`${title}: ${JSON.stringify(checked.problems)}`)
        continue
      }
      const clientId = `client-${index}`
      const described = describeForEngine({ clientId, metadata: checked.metadata }, new Set(scopes))
      const secret = needsSecret(checked.metadata) ? { client_secret: 'x'.repeat(43) } : {}
      stored.set(clientId, { ...described, ...secret } as AdapterPayload)
      try {
        const client = await provider.Client.find(clientId)
        const kept = client?.metadata() as Record<string, unknown> | undefined
        for (const [member, value] of Object.entries(described)) {
          if (!ours.has(member)) t.strictSame(kept?.[member], value, `${title}: ${member}`)
        }
      } catch (error) {
        const reason =
          error instanceof Error && 'error_description' in error ? error.error_description : error
        t.fail(`${title}: ${String(reason)}`)
      }
    }
  }
)

t.test('the engine is told members of its own only, and never an empty scope', async t => {
  const checked = checkClientMetadata(
    {
      scope: 'read:things',
      first_party: true,
      default_resource: 'https://api.example.com',
      redirect_uris: [https],
      refresh_tokens: 'always'
    },
    { type: 'web', resources: ['https://api.example.com'], development: false, source: 'cli' }
  )
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems))
  const client: Pick<RegisteredClient, 'clientId' | 'metadata'> = {
    clientId: 'a',
    metadata: checked.metadata
  }
  const described = describeForEngine(client, new Set(scopes))
  t.strictSame(Object.keys(described).sort(), [
    'application_type',
    'client_id',
    'grant_types',
    'post_logout_redirect_uris',
    'redirect_uris',
    'response_types',
    'scope',
    'token_endpoint_auth_method'
  ])
  // the engine takes an empty scope for no restriction at all
  t.equal(described['scope'], 'offline_access')
  t.equal(describeForEngine(client, new Set([...scopes, 'read:things']))['scope'], 'read:things')
  // the engine changes arrays in place; what is cached must not change with them
  ;(described['grant_types'] as string[]).push('implicit')
  t.strictSame(client.metadata.grant_types, ['authorization_code', 'refresh_token'])
})
