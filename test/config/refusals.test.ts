// Every refusal that holds in both modes, one test each, from a table; modes.test.ts has the others.
// What is changed in a sound configuration is refused, and nothing else is.

import { generateKeyPairSync } from 'node:crypto'
import t from 'tap'
import { placesOf } from '../../src/config/rules.ts'
import { type Refusal, refuses, without } from './refusal.ts'
import { load, productionEnv, randomHex } from './sound.ts'
import { upstreamRefusals } from './upstream-refusals.ts'

const machine = { client_id: 'billing', type: 'machine' }
const api = { identifier: 'https://api.example.com' }
const secret = randomHex()
const publicJwk = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })

const issuers: [string, RegExp][] = [
  ['id.example.com', /must be a URL/],
  ['ftp://id.example.com', /https URL/],
  ['https://ann@id.example.com', /user name/],
  ['https://id.example.com?a=b', /query/],
  ['https://id.example.com?', /query/],
  ['https://id.example.com#', /fragment/],
  ['https://id.example.com/', /slash/],
  ['https://id.example.com/auth', /path/],
  ['https://ID.example.com', /small letters/],
  ['https://id.example.com:443', /default port/]
]

const always: Refusal[] = [
  ...issuers.map(([issuer, says]) => ({
    title: `the issuer ${issuer} (RFC 8414 §2)`,
    env: { MINTMARK_MODE: 'production', MINTMARK_ISSUER: issuer },
    path: 'issuer',
    says
  })),
  { title: 'a host with a port', env: { MINTMARK_HOST: 'a:1' }, path: 'host', says: /address/ },
  {
    title: 'a proxy that is no address',
    file: { trustedProxies: ['10.0.0.1', 'proxy.example.com'] },
    path: 'trustedProxies[1]',
    says: /CIDR/
  },
  {
    title: 'a range with too many bits',
    file: { trustedProxies: ['10.0.0.0/33'] },
    path: 'trustedProxies[0]',
    says: /CIDR/
  },
  {
    title: 'the whole internet as proxy',
    file: { trustedProxies: ['0.0.0.0/0'] },
    path: 'trustedProxies[0]',
    says: /whole internet/
  },
  {
    title: 'a place to fetch from that is a URL',
    file: { outbound: { allowed: ['keys.internal', 'https://keys.internal'] } },
    path: 'outbound.allowed[1]',
    says: /host name/
  },
  ...upstreamRefusals,
  ...[{ kty: 'oct', k: 'AAAA' }, { ...publicJwk, d: 'AAAA' }, {}].map(key => ({
    title: `a signer of software statements with the key ${JSON.stringify(Object.keys(key))}`,
    file: {
      registration: {
        softwareStatements: [{ issuer: 'https://p.example', jwks: { keys: [publicJwk, key] } }]
      }
    },
    path: 'registration.softwareStatements[0].jwks.keys[1]',
    says: /public key/
  })),
  {
    title: 'a signer of software statements twice',
    file: {
      registration: {
        softwareStatements: [1, 2].map(() => ({
          issuer: 'https://p.example',
          jwks: { keys: [publicJwk] }
        }))
      }
    },
    path: 'registration.softwareStatements[1].issuer',
    says: /twice/
  },
  {
    title: 'a host of client documents that is a URL',
    file: { clientMetadataDocuments: { hosts: ['app.example.com:8443', 'https://a.example'] } },
    path: 'clientMetadataDocuments.hosts[1]',
    says: /host in small letters/
  },
  {
    title: 'everything as place to fetch from',
    file: { outbound: { allowed: ['0.0.0.0/0'] } },
    path: 'outbound.allowed[0]',
    says: /everything/
  },
  {
    title: 'two levels of authentication with one name',
    file: {
      acr: [
        { value: 'urn:a', amr: [] },
        { value: 'urn:a', amr: ['pwd'] }
      ]
    },
    path: 'acr[1].value',
    says: /a level before it/
  },
  {
    title: 'a database that is no PostgreSQL',
    env: { DATABASE_URL: 'mysql://u:hunter2@h/d' },
    path: 'database.url',
    says: /postgres:/
  },
  {
    title: 'a direct database alone',
    env: {
      ...without('DATABASE_URL'),
      MINTMARK_DATABASE__EMBEDDED: 'true',
      DATABASE_DIRECT_URL: 'postgres://h/d'
    },
    path: 'database.directUrl',
    says: /without database.url/
  },
  {
    title: 'the embedded database and another one',
    env: { MINTMARK_DATABASE__EMBEDDED: 'true' },
    path: 'database.embedded',
    says: /names another database/
  },
  {
    title: 'a leeway over a minute',
    file: { refreshTokens: { leeway: '61s' } },
    path: 'refreshTokens.leeway',
    says: /between 0s and 60s/
  },
  {
    title: 'a greater leeway for public clients than for others',
    file: { refreshTokens: { leeway: '5s' } },
    path: 'refreshTokens.publicLeeway',
    says: /longer than refreshTokens.leeway/
  },
  {
    title: 'refresh tokens whose idle time outlives them',
    file: { refreshTokens: { idle: '91d' } },
    path: 'refreshTokens.idle',
    says: /longer than refreshTokens.absolute/
  },
  {
    title: 'metrics on the public port',
    file: { port: 3000, metrics: { port: 3000 } },
    path: 'metrics.port',
    says: /public port/
  },
  {
    title: 'clients that are reaped by events which are gone before',
    file: { registration: { reapUnused: '90d' }, audit: { retention: '60d' } },
    path: 'registration.reapUnused',
    says: /longer than audit\.retention/
  },
  {
    title: 'sessions whose idle time outlives them',
    file: { sessions: { idle: '31d' } },
    path: 'sessions.idle',
    says: /longer than sessions.absolute/
  },
  {
    title: 'keys that sign while verifiers keep a set without them (OpenID Connect Core §10.1.1)',
    file: { keys: { publishAhead: '9m' } },
    path: 'keys.publishAhead',
    says: /shorter than two times keys.cacheLifetime/
  },
  {
    title: 'keys that would never be ready in time',
    file: { keys: { rotationInterval: '30d', publishAhead: '31d' } },
    path: 'keys.publishAhead',
    says: /longer than keys.rotationInterval/
  },
  {
    title: 'keys that change so often that too many are kept',
    file: { keys: { rotationInterval: '2d' } },
    path: 'keys.rotationInterval',
    says: /more than 30 keys/
  },
  {
    title: 'status lists that die before the copies of them are renewed',
    file: { statusLists: { ttl: '2m' } },
    path: 'statusLists.lifetime',
    says: /less than three times statusLists.ttl/
  },
  {
    title: 'access tokens for more than an hour',
    file: { accessTokens: { lifetime: '61m' } },
    path: 'accessTokens.lifetime',
    says: /between 10s and 1h/
  },
  {
    title: 'access tokens for less than ten seconds',
    file: { accessTokens: { lifetime: '9s' } },
    path: 'accessTokens.lifetime',
    says: /between 10s and 1h/
  },
  {
    title: 'the same of one resource',
    file: { resources: [{ ...api, accessTokens: { lifetime: '2h' } }] },
    path: 'resources[0].accessTokens.lifetime',
    says: /between 10s and 1h/
  },
  {
    title: 'authorization codes for more than ten minutes (RFC 6749 §4.1.2)',
    file: { authorizationCodes: { lifetime: '11m' } },
    path: 'authorizationCodes.lifetime',
    says: /between 5s and 10m/
  },
  {
    title: 'a relative resource identifier (RFC 8707 §2)',
    file: { resources: [{ identifier: '/api' }] },
    path: 'resources[0].identifier',
    says: /absolute URI/
  },
  {
    title: 'a resource identifier with fragment (RFC 8707 §2)',
    file: { resources: [{ identifier: 'https://api.example.com#' }] },
    path: 'resources[0].identifier',
    says: /without fragment/
  },
  {
    title: 'a resource twice',
    file: { resources: [api, api] },
    path: 'resources[1].identifier',
    says: /same as that of resources\[0\]/
  },
  {
    title: 'the issuer as resource',
    file: { resources: [{ identifier: 'https://id.example.com/' }] },
    path: 'resources[0].identifier',
    says: /is the issuer/
  },
  ...['openid', 'profile', 'email', 'address', 'phone', 'offline_access'].map(scope => ({
    title: `the OpenID scope ${scope} of a resource`,
    file: { resources: [{ ...api, scopes: { [scope]: {} } }] },
    path: `resources[0].scopes["${scope}"]`,
    says: /OpenID Connect/
  })),
  {
    title: 'a scope that is not a scope-token (RFC 6749 §3.3)',
    file: { resources: [{ ...api, scopes: { 'read things': {} } }] },
    path: 'resources[0].scopes["read things"]',
    says: /cannot stand here/
  },
  {
    title: 'a misspelt group of clients',
    file: { resources: [{ ...api, clients: ['*first-party*'] }] },
    path: 'resources[0].clients[0]',
    says: /no client id/,
    fix: /\*first_party\*/
  },
  {
    title: 'introspection by a public client (RFC 7662 §2.1)',
    file: {
      resources: [{ ...api, introspectionClient: 'app' }],
      clients: [{ client_id: 'app', type: 'spa' }]
    },
    path: 'resources[0].introspectionClient',
    says: /public client/
  },
  {
    title: 'a client id twice',
    file: { clients: [machine, machine] },
    path: 'clients[1].client_id',
    says: /same as that of clients\[0\]/
  },
  {
    title: 'a client id that looks like an account (RFC 9700 §4.15)',
    file: { clients: [{ ...machine, client_id: '5A0C1E2F-98e3-4d1a-8d4b-0123456789ab' }] },
    path: 'clients[0].client_id',
    says: /UUID/
  },
  {
    title: 'a client id that looks like a metadata document',
    file: { clients: [{ ...machine, client_id: 'https://client.example.com/' }] },
    path: 'clients[0].client_id',
    says: /https:/
  },
  {
    title: 'a client id that is a resource',
    file: {
      clients: [{ ...machine, client_id: 'urn:api' }],
      resources: [{ identifier: 'urn:api' }]
    },
    path: 'clients[0].client_id',
    says: /identifier of a resource/
  },
  {
    title: 'a client id with a space',
    file: { clients: [{ ...machine, client_id: 'a b' }] },
    path: 'clients[0].client_id',
    says: /not written as it must be/
  },
  {
    title: 'a default resource that is not declared',
    file: { clients: [{ ...machine, default_resource: 'https://other.example.com' }] },
    path: 'clients[0].default_resource',
    says: /not the identifier of a declared resource/
  },
  {
    title: 'a default resource that does not list the client (RFC 8707 §2)',
    file: {
      resources: [{ ...api, clients: ['another'] }],
      clients: [{ ...machine, default_resource: 'https://api.example.com' }]
    },
    path: 'clients[0].default_resource',
    says: /this client may not ask for/
  },
  {
    title: 'a client secret that somebody typed',
    file: { clients: [{ ...machine, client_secret: 'correct-horse-battery-staple' }] },
    path: 'clients[0].client_secret',
    says: /not random enough/,
    fix: /openssl rand -hex 32/
  },
  {
    title: 'a secret of a public client',
    file: { clients: [{ client_id: 'app', type: 'native', client_secret: secret }] },
    path: 'clients[0].client_secret',
    says: /public client/
  },
  {
    title: 'a secret of a client that does not authenticate',
    file: {
      clients: [
        { client_id: 'a', type: 'web', token_endpoint_auth_method: 'none', client_secret: secret }
      ]
    },
    path: 'clients[0].client_secret',
    says: /public client/
  },
  {
    title: 'a public client without PKCE (RFC 9700 §2.1.1)',
    file: { pkce: { exemptClient: 'app' }, clients: [{ client_id: 'app', type: 'spa' }] },
    path: 'pkce.exemptClient',
    says: /public client/
  },
  {
    title: 'a FAPI client without PKCE',
    file: { pkce: { exemptClient: 'billing' }, clients: [{ ...machine, profile: 'fapi2' }] },
    path: 'pkce.exemptClient',
    says: /fapi2/
  },
  {
    title: 'response types without conformance mode',
    file: { conformance: { responseTypes: ['id_token'] } },
    path: 'conformance.responseTypes',
    says: /only in conformance mode/,
    fix: /MINTMARK_CONFORMANCE__ENABLED/
  },
  {
    title: 'a colour that is no hex colour',
    file: { product: { colour: 'red;}body{display:none' } },
    path: 'product.colour',
    says: /not written as it must be/,
    fix: /#1f6f5c/
  },
  ...['https://cdn.example.com/logo.svg', 'data:image/svg+xml,x.svg', 'logo.html'].map(logo => ({
    title: `the logo ${logo}`,
    file: { product: { logo } },
    path: 'product.logo',
    says: /image file on this machine/
  }))
]

refuses(t, 'every mode', productionEnv, always)

t.test('what the tables start from is sound', async t => {
  t.equal(load(productionEnv).mode, 'production')
  t.equal(load({}).mode, 'development')
  t.equal(load({ MINTMARK_ISSUER: 'http://[::1]:3000', MINTMARK_HOST: '::1' }).mode, 'development')
  const embedded = { ...productionEnv, ...without('DATABASE_URL') }
  t.ok(load({ ...embedded, MINTMARK_DATABASE__EMBEDDED: 'true' }).database.embedded)
})

t.test('what the tables refuse has neighbours that are allowed', async t => {
  const config = load(productionEnv, {
    trustedProxies: ['10.0.0.0/8', '::1', 'fd00::/64'],
    refreshTokens: { leeway: '60s', publicLeeway: '60s', idle: '90d' },
    resources: [
      {
        ...api,
        clients: ['billing', 'from-the-command-line', '*first_party*'],
        introspectionClient: 'other'
      },
      { identifier: 'urn:example:b?c=d', scopes: { 'read:openid': { 'ko-KR': '읽기' } } }
    ],
    clients: [{ ...machine, default_resource: 'https://api.example.com', client_secret: secret }],
    pkce: { exemptClient: 'billing' },
    product: { logo: 'logo.svg', colour: '#abc' }
  })
  t.equal(config.product.logo, '/srv/mintmark/config/logo.svg')
  t.equal(placesOf(config)(config.clients[0] ?? {}), 'clients[0]')
})
