// The client credentials grant (RFC 6749 §4.4): machines, their resources and scopes. A machine never holds a scope of people.

import * as oidc from 'openid-client'
import t from 'tap'
import { secretOf } from '../support/configuration.ts'
import { discover } from '../support/relying-party.ts'
import { startTestServer } from '../support/server.ts'
import { api, basic, claimsIn, createRequests, publicly, web } from './requests.ts'

const server = await startTestServer(t, {
  clients: [
    {
      client_id: 'reader',
      type: 'machine',
      client_secret: secretOf('reader'),
      scope: 'read:things'
    },
    {
      client_id: 'defaulted-machine',
      type: 'machine',
      client_secret: secretOf('defaulted-machine'),
      default_resource: 'https://second.example.com'
    }
  ],
  resources: [
    {
      identifier: 'https://second.example.com',
      scopes: { 'read:second': { en: 'Read' } },
      clients: ['reader', 'defaulted-machine', 'billing']
    }
  ]
})
const requests = createRequests(server)
const { issuer, machine } = requests

t.test(
  'openid-client gets a token for a resource with its scopes (RFC 6749 §4.4, RFC 8707 §2)',
  async t => {
    const config = await discover({
      issuer,
      clientId: 'billing',
      clientSecret: secretOf('billing')
    })
    const tokens = await oidc.clientCredentialsGrant(config, {
      resource: api,
      scope: 'read:things'
    })
    t.match(tokens, { token_type: 'bearer', scope: 'read:things', expires_in: 600 })
    t.notOk('refresh_token' in tokens || 'id_token' in tokens, 'RFC 6749 §4.4.3')
    const claims = claimsIn(tokens.access_token)
    t.same(Object.keys(claims).sort(), [
      'aud',
      'client_id',
      'exp',
      'iat',
      'iss',
      'jti',
      'scope',
      'sub'
    ])
    t.match(claims, { aud: api, sub: 'billing', client_id: 'billing', scope: 'read:things' })
  }
)

t.test('a token costs no SQL statement once the client is known', async t => {
  await machine('billing', { resource: api })
  const { result, roundTrips } = await server.counted(() => machine('billing', { resource: api }))
  t.equal(result.status, 200)
  t.same(roundTrips, [])
})

t.test(
  'without a resource the audience is the issuer, or the client’s default resource (RFC 8707 §2)',
  async t => {
    const plain = await machine('billing')
    t.equal(claimsIn(plain.body.access_token)['aud'], issuer)
    t.notOk('scope' in claimsIn(plain.body.access_token))
    const { body } = await machine('defaulted-machine', { scope: 'read:second' })
    t.match(claimsIn(body.access_token), {
      aud: 'https://second.example.com',
      scope: 'read:second'
    })
  }
)

t.test('without a scope the token has none (RFC 6749 §3.3)', async t => {
  const { body } = await machine('billing', { resource: api })
  t.notOk('scope' in claimsIn(body.access_token))
  t.notOk('scope' in body)
})

t.test(
  'a scope that the resource does not have is invalid_scope, not a token that opens less (RFC 6749 §3.3)',
  async t => {
    for (const [resource, scope] of [
      [api, 'unknown'],
      [api, 'read:things unknown'],
      [api, 'read:second'],
      [undefined, 'read:things'],
      [api, 'read:things"'],
      [api, 'r\u00e9ad']
    ] as const) {
      const answer = await machine('billing', { resource, scope })
      t.match(answer, { status: 400, body: { error: 'invalid_scope' } }, `${resource} ${scope}`)
      t.notOk('access_token' in answer.body)
    }
  }
)

t.test('a client’s registered scope limits what it may ask for (RFC 7591 §2)', async t => {
  // `reader` is not on the list of the first API
  const second = 'https://second.example.com'
  t.match(await machine('reader', { resource: second, scope: 'read:second' }), {
    status: 400,
    body: { error: 'invalid_scope' }
  })
  t.equal((await machine('billing', { resource: second, scope: 'read:second' })).status, 200)
})

t.test('a machine never holds an OpenID scope (OpenID Connect Core §3)', async t => {
  for (const scope of ['openid', 'offline_access', 'profile', 'email', 'openid read:things']) {
    for (const resource of [undefined, issuer, api]) {
      const answer = await machine('billing', { resource, scope })
      t.match(answer, { status: 400, body: { error: 'invalid_scope' } }, `${resource} ${scope}`)
    }
  }
})

t.test(
  'a resource that the machine may not name is invalid_target, known or not (RFC 8707 §2)',
  async t => {
    const texts = new Set<string>()
    for (const resource of [api, 'https://unknown.example.com']) {
      const answer = await machine('reader', { resource })
      t.match(answer, { status: 400, body: { error: 'invalid_target' } })
      texts.add(answer.text)
    }
    t.equal(texts.size, 1, 'nor is it told which')
    t.match(await machine('billing', { resource: [api, 'https://second.example.com'] }), {
      status: 400,
      body: { error: 'invalid_target' }
    })
  }
)

t.test('a client without the grant is unauthorized_client (RFC 6749 §5.2)', async t => {
  for (const caller of [web.caller, publicly('spa'), publicly('tv')]) {
    t.match(await requests.token(caller, { grant_type: 'client_credentials' }), {
      status: 400,
      body: { error: 'unauthorized_client' }
    })
  }
  t.match(await requests.token(basic('billing'), { grant_type: 'authorization_code', code: 'x' }), {
    status: 400,
    body: { error: 'unauthorized_client' }
  })
})

t.test(
  'a grant type that does not exist here is unsupported_grant_type (RFC 9700 §2.4)',
  async t => {
    const others = [
      'password',
      'implicit',
      'urn:ietf:params:oauth:grant-type:jwt-bearer',
      'urn:ietf:params:oauth:grant-type:token-exchange',
      'urn:openid:params:grant-type:ciba',
      '__proto__',
      'CLIENT_CREDENTIALS'
    ]
    for (const grant_type of others) {
      t.match(
        await requests.token(basic('billing'), { grant_type, username: 'a', password: 'b' }),
        { status: 400, body: { error: 'unsupported_grant_type' } },
        grant_type
      )
    }
  }
)

t.test('the sub of a machine is its client_id, which is no account’s (RFC 9700 §4.15)', async t => {
  const { body } = await machine('billing')
  const { sub } = claimsIn(body.access_token)
  t.equal(sub, 'billing')
  t.notMatch(sub, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  const made = await server.server.clients.create({
    clientId: server.accountId,
    type: 'machine',
    owner: 'cli',
    metadata: {}
  })
  t.match(made, { ok: false, reason: 'invalid' })
})

t.test(
  'a disabled machine gets nothing, and its tokens are inactive at once (RFC 7662 §2.2)',
  async t => {
    const { clients } = server.server
    const made = await clients.create({ type: 'machine', owner: 'cli', metadata: {} })
    if (!made.ok) throw new Error(made.reason)
    const { clientId } = made.client
    const caller = basic(clientId, made.secret)
    const { body } = await machine(clientId, {}, caller)
    t.equal((await requests.introspect(caller, body.access_token)).body['active'], true)
    await clients.disable(clientId)
    t.match(await machine(clientId, {}, caller), { status: 401, body: { error: 'invalid_client' } })
    await clients.enable(clientId)
    t.equal((await machine(clientId, {}, caller)).status, 200)
    t.same((await requests.introspect(caller, body.access_token)).body, { active: false })
  }
)

t.test(
  'two secrets are good while they overlap, then only the new one (RFC 6749 §2.3.1)',
  async t => {
    const { clients } = server.server
    const made = await clients.create({ type: 'machine', owner: 'cli', metadata: {} })
    if (!made.ok) throw new Error(made.reason)
    const { clientId } = made.client
    const rotated = await clients.rotateSecret(clientId, { keepSeconds: 1 })
    if (!rotated.ok) throw new Error(rotated.reason)
    const [old, current] = [basic(clientId, made.secret), basic(clientId, rotated.secret)]
    t.equal((await machine(clientId, {}, old)).status, 200)
    t.equal((await machine(clientId, {}, current)).status, 200)
    await new Promise(resolve => setTimeout(resolve, 1_200))
    t.match(await machine(clientId, {}, old), { status: 401, body: { error: 'invalid_client' } })
    t.equal((await machine(clientId, {}, current)).status, 200)
  }
)
