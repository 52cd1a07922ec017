// Access tokens (RFC 9068): what stands in one, for whom it is, and what it opens here. An access token for the issuer opens userinfo; one
// for an API opens that API and nothing of ours.

import { createLocalJWKSet, jwtVerify } from 'jose'
import t from 'tap'
import { secretOf } from '../support/configuration.ts'
import { startTestServer } from '../support/server.ts'
import { type App, api, basic, claimsIn, createRequests, headerOf, web } from './requests.ts'

const rsaApi = 'https://rsa.example.com/'
const ownApi = 'https://own.example.com'
const edwardsApi = 'urn:example:edwards'
const defaulted: App = {
  clientId: 'defaulted',
  redirectUri: 'https://defaulted.example.com/callback',
  caller: basic('defaulted')
}
const server = await startTestServer(t, {
  clients: [
    {
      client_id: 'defaulted',
      type: 'web',
      client_secret: secretOf('defaulted'),
      redirect_uris: [defaulted.redirectUri],
      default_resource: ownApi,
      first_party: true
    }
  ],
  resources: [
    {
      identifier: ownApi,
      scopes: { 'read:own': { en: 'Read' } },
      clients: ['defaulted']
    },
    {
      identifier: rsaApi,
      scopes: { 'read:rsa': { en: 'Read' } },
      clients: ['billing', '*first_party*'],
      accessTokens: { lifetime: '1m', algorithm: 'RS256', typ: 'JWT' },
      introspectionClient: 'api-server'
    },
    {
      identifier: edwardsApi,
      scopes: { 'read:edwards': { en: 'Read' } },
      clients: ['billing'],
      accessTokens: { lifetime: '2m', algorithm: 'EdDSA' }
    }
  ]
})
const requests = createRequests(server)
const { issuer, userinfo } = requests

async function keySet() {
  const { body } = await requests.get('/.well-known/jwks.json')
  return createLocalJWKSet(body as unknown as Parameters<typeof createLocalJWKSet>[0])
}

t.test(
  'a person’s access token is a lean at+jwt for the issuer, signed with ES256 (RFC 9068 §2)',
  async t => {
    const { access_token, expires_in, token_type } = await requests.tokens({
      scope: 'openid profile email'
    })
    t.equal(token_type, 'Bearer')
    t.equal(expires_in, 600)
    const { payload, protectedHeader } = await jwtVerify(access_token, await keySet(), {
      issuer,
      audience: issuer,
      typ: 'at+jwt',
      algorithms: ['ES256']
    })
    t.same(Object.keys(protectedHeader).sort(), ['alg', 'kid', 'typ'])
    t.same(
      Object.keys(payload).sort(),
      ['acr', 'aud', 'auth_time', 'client_id', 'exp', 'gid', 'iat', 'iss', 'jti', 'scope', 'sub'],
      'no name, no e-mail'
    )
    t.match(payload, {
      aud: issuer,
      sub: server.accountId,
      client_id: 'web',
      scope: 'openid profile email'
    })
    t.equal(Number(payload.exp) - Number(payload.iat), 600)
    t.match(payload.jti, /^[\w-]{21,}$/)
  }
)

t.test(
  'no two access tokens have one jti, and one grant’s have one handle (RFC 9068 §2.2)',
  async t => {
    const tokens = await requests.tokens({
      scope: 'openid offline_access',
      extra: { prompt: 'consent' }
    })
    const { body } = await requests.refresh(web, tokens.refresh_token)
    const [one, two] = [claimsIn(tokens.access_token), claimsIn(body.access_token)]
    t.not(one['jti'], two['jti'])
    t.equal(one['gid'], two['gid'])
    t.not(one['gid'], claimsIn((await requests.tokens()).access_token)['gid'])
  }
)

t.test('the handle of a grant opens nothing (RFC 6749 §10.10)', async t => {
  const tokens = await requests.tokens()
  const handle = String(claimsIn(tokens.access_token)['gid'])
  t.equal((await requests.refresh(web, handle)).status, 400)
  t.equal((await userinfo(handle)).status, 401)
  t.same((await requests.introspect(web.caller, handle)).body, { active: false })
  await requests.revoke(web.caller, handle)
  t.equal((await userinfo(tokens.access_token)).status, 200)
})

t.test('each resource has its algorithm, token type and lifetime (RFC 9068 §2.1)', async t => {
  const set = await keySet()
  for (const [resource, alg, typ, lifetime] of [
    [api, 'ES256', 'at+jwt', 600],
    [rsaApi, 'RS256', 'JWT', 60],
    [edwardsApi, 'EdDSA', 'at+jwt', 120]
  ] as const) {
    const { body } = await requests.machine('billing', { resource })
    t.match(headerOf(body.access_token), { alg, typ })
    t.equal(body['expires_in'], lifetime)
    const options = { issuer, audience: resource, algorithms: [alg], typ }
    const { payload } = await jwtVerify(body.access_token, set, options)
    t.equal(payload.sub, 'billing', resource)
    const caller = basic('api-server')
    const { body: answer } = await requests.introspect(caller, body.access_token)
    t.equal(answer['active'], resource !== edwardsApi, 'introspected by the server it is for')
  }
})

t.test('a client’s default resource is the audience of what names none (RFC 8707 §2)', async t => {
  const { access_token } = await requests.tokens({ app: defaulted, scope: 'openid read:own' })
  t.match(claimsIn(access_token), { aud: ownApi, scope: 'read:own' })
  const code = await requests.code({ app: defaulted, scope: 'openid read:own' })
  const { body } = await requests.redeem(code, { resource: issuer })
  t.equal(claimsIn(body.access_token)['aud'], issuer, 'and userinfo is open for who asks for it')
  t.equal((await userinfo(body.access_token)).status, 200)
})

t.test(
  'a first-party list lets first-party clients name a resource, and no other (RFC 8707 §2)',
  async t => {
    const { access_token } = await requests.tokens({
      app: defaulted,
      scope: 'read:rsa',
      resource: rsaApi
    })
    t.match(claimsIn(access_token), { aud: rsaApi, scope: 'read:rsa' })
    const { exp, iat } = claimsIn(access_token)
    t.equal(Number(exp) - Number(iat), 60, 'with the lifetime that the resource has')
    const page = await requests.authorize({ app: web, resource: rsaApi })
    t.equal(page.location?.searchParams.get('error'), 'invalid_target')
  }
)

t.test(
  'a resource that is unknown, not open, relative or has a fragment is invalid_target (RFC 8707 §2)',
  async t => {
    const wrong = [
      'https://unknown.example.com',
      edwardsApi,
      `${api}/`,
      `${api}#x`,
      '/relative',
      'api.example.com',
      '',
      'null'
    ]
    for (const resource of wrong.filter(Boolean)) {
      const page = await requests.authorize({ resource })
      t.equal(page.location?.searchParams.get('error'), 'invalid_target', resource)
      t.equal(page.location?.searchParams.get('iss'), issuer)
      const code = await requests.code()
      t.match(await requests.redeem(code, { resource }), {
        status: 400,
        body: { error: 'invalid_target' }
      })
      t.equal((await requests.redeem(code)).status, 200, 'and the code is not spent by it')
    }
  }
)

t.test(
  'a resource that the code was not for cannot be added when it is redeemed (RFC 8707 §2.2)',
  async t => {
    const code = await requests.code({ scope: 'openid read:things' })
    t.match(await requests.redeem(code, { resource: api }), { body: { error: 'invalid_target' } })
    const granted = await requests.code({ scope: 'openid read:things', resource: api })
    const { body } = await requests.redeem(granted, { resource: api })
    t.match(claimsIn(body.access_token), { aud: api, scope: 'read:things' })
  }
)

t.test(
  'of several resources one token is for one, never for two (RFC 9068 §3, RFC 8707 §2.2)',
  async t => {
    const request = { scope: 'openid read:things', resource: [api, issuer] }
    t.match(await requests.redeem(await requests.code(request), { resource: [api, issuer] }), {
      status: 400,
      body: { error: 'invalid_target' }
    })
    const { body } = await requests.redeem(await requests.code(request))
    t.match(
      claimsIn(body.access_token),
      { aud: api, scope: 'read:things' },
      'the API, if none is named'
    )
  }
)

t.test('what was granted less than asked for is said (RFC 6749 §3.3)', async t => {
  const tokens = await requests.tokens({ scope: 'openid email read:things unknown:scope' })
  t.equal(tokens['scope'], 'openid email')
})
