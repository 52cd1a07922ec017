// Access tokens (RFC 9068): what stands in one, for whom it is, and what it opens here. An access token for the issuer opens userinfo; one
// for an API opens that API and nothing of ours.

import { type CryptoKey, createLocalJWKSet, generateKeyPair, jwtVerify, SignJWT } from 'jose'
import t, { type Test } from 'tap'
import { createBrowser } from '../support/browser.ts'
import { secretOf } from '../support/configuration.ts'
import { startTestServer } from '../support/server.ts'
import { type App, api, basic, claimsIn, createRequests, headerOf, spa, web } from './requests.ts'

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
      ['aud', 'client_id', 'exp', 'gid', 'iat', 'iss', 'jti', 'scope', 'sub'],
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

t.test(
  'userinfo tells the claims of the granted scopes and the sub of the ID token (Core §5.3)',
  async t => {
    const claims = async (scope: string) => {
      const tokens = await requests.tokens({ scope })
      const { body, headers } = await userinfo(tokens.access_token)
      t.equal(body['sub'], claimsIn(tokens.id_token)['sub'])
      t.match(headers.get('cache-control'), /no-store/)
      return Object.keys(body).sort()
    }
    t.same(await claims('openid'), ['sub'])
    t.same(await claims('openid email'), ['email', 'email_verified', 'sub'])
    t.same(await claims('openid profile'), [
      'locale',
      'name',
      'preferred_username',
      'sub',
      'updated_at'
    ])
  }
)

t.test(
  'userinfo takes its token from the header or a form, never from the query (RFC 6750 §2, RFC 9700 §4.3.2)',
  async t => {
    const { access_token } = await requests.tokens()
    t.equal(
      (await requests.post('/userinfo', { headers: {}, parameters: {} }, { access_token })).status,
      200
    )
    const inQuery = await requests.get(`/userinfo?${new URLSearchParams({ access_token })}`)
    t.ok(inQuery.status === 400 || inQuery.status === 401)
    t.notOk('sub' in inQuery.body)
    const twice = await requests.post(
      '/userinfo',
      { headers: { authorization: `Bearer ${access_token}` }, parameters: {} },
      { access_token }
    )
    t.match(twice, { status: 400, body: { error: 'invalid_request' } })
  }
)

/** RFC 6750 §3.1 */
function refusedAtUserinfo(t: Test, answer: Awaited<ReturnType<typeof userinfo>>, what: string) {
  t.equal(answer.status, 401, what)
  t.equal(answer.body['error'], 'invalid_token', what)
  t.match(answer.headers.get('www-authenticate'), /^Bearer .*error="invalid_token"/, what)
}

t.test(
  'userinfo refuses tokens for APIs, ID tokens, machines and refresh tokens (RFC 9068 §4, RFC 8725 §3.12)',
  async t => {
    const tokens = await requests.tokens({
      scope: 'openid offline_access read:things',
      resource: [api, issuer],
      extra: { prompt: 'consent' }
    })
    t.equal(claimsIn(tokens.access_token)['aud'], api)
    refusedAtUserinfo(t, await userinfo(tokens.access_token), 'for an API')
    refusedAtUserinfo(t, await userinfo(tokens.id_token), 'ID token')
    refusedAtUserinfo(t, await userinfo(tokens.refresh_token), 'refresh token')
    for (const resource of [api, issuer]) {
      const { body } = await requests.machine('billing', { resource })
      refusedAtUserinfo(t, await userinfo(body.access_token), `machine, for ${resource}`)
    }
  }
)

t.test('a token without openid is told insufficient_scope (RFC 6750 §3.1)', async t => {
  const { access_token } = await requests.tokens({ scope: 'email' })
  const answer = await userinfo(access_token)
  t.equal(answer.status, 403)
  t.match(answer.headers.get('www-authenticate'), /insufficient_scope/)
})

t.test('whatever is not exactly what we signed is no token (RFC 9068 §4, RFC 8725 §3)', async t => {
  const { access_token } = await requests.tokens()
  const [header = '', payload = '', signature = ''] = access_token.split('.')
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = claimsIn(access_token)
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const signed = (key: CryptoKey, protectedHeader: object, changed: object = {}) =>
    new SignJWT({ ...claims, ...changed })
      .setProtectedHeader({ alg: 'ES256', ...protectedHeader })
      .sign(key)
  const { kid } = headerOf(access_token)
  t.ok(publicKey)
  const forged: Record<string, string> = {
    'no signature': `${header}.${payload}.`,
    'a changed signature': `${header}.${payload}.${signature.replace(/^./, first => (first === 'A' ? 'B' : 'A'))}`,
    'changed claims': `${header}.${encode({ ...claims, sub: 'somebody' })}.${signature}`,
    'alg none': `${encode({ alg: 'none', typ: 'at+jwt', kid })}.${payload}.`,
    'alg none, signed': `${encode({ alg: 'none', typ: 'at+jwt', kid })}.${payload}.${signature}`,
    'another key under our kid': await signed(privateKey, { typ: 'at+jwt', kid }),
    'a kid that is not ours': await signed(privateKey, { typ: 'at+jwt', kid: 'x' }),
    'no kid': await signed(privateKey, { typ: 'at+jwt' }),
    'a kid that is a path': await signed(privateKey, { typ: 'at+jwt', kid: '../../etc/passwd' }),
    'a key in the header': await signed(privateKey, {
      typ: 'at+jwt',
      kid,
      jku: 'https://evil.test/'
    }),
    'four parts': `${access_token}.x`,
    'five parts': `${access_token}.x.y`,
    'white space': ` ${access_token}`.replace('.', ' .'),
    dots: '..',
    'six thousand dots': '.'.repeat(6000)
  }
  for (const [what, token] of Object.entries(forged)) {
    const answer = await userinfo(token)
    t.ok(answer.status === 401 || answer.status === 400, what)
    t.match(answer.body['error'], /^invalid_(token|request)$/, what)
    const { status, body } = await requests.introspect(web.caller, token)
    t.equal(status, 200, what)
    t.same(body, { active: false }, what)
  }
})

t.test(
  'tokens that our own keys signed are judged by issuer, audience, type and time (RFC 9068 §4)',
  async t => {
    const { access_token } = await requests.tokens()
    const claims = claimsIn(access_token)
    const key = server.server.keys.ring
      .keys()
      .find(({ kid }) => kid === headerOf(access_token)['kid'])
    const identity = server.server.keys.ring
      .keys()
      .find(({ purpose, alg }) => purpose === 'identity' && alg === 'ES256')
    if (key === undefined || identity === undefined) throw new Error('no key')
    const now = Math.floor(Date.now() / 1000)
    const sign = async (changed: object, header: object = {}, by: typeof key = key) =>
      new SignJWT({ ...claims, jti: crypto.randomUUID(), ...changed })
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: by.kid, ...header })
        .sign(by.privateJwk)

    t.equal((await userinfo(await sign({}))).status, 200, 'the control: such a token is good')
    const wrong: Record<string, Promise<string>> = {
      'another issuer': sign({ iss: 'https://evil.test' }),
      'no issuer': sign({ iss: undefined }),
      'another audience': sign({ aud: 'https://evil.test' }),
      'a list of audiences': sign({ aud: [issuer, api] }),
      'no audience': sign({ aud: undefined }),
      expired: sign({ iat: now - 700, exp: now - 60 }),
      'no exp': sign({ exp: undefined }),
      'not yet': sign({ nbf: now + 120 }),
      'plain JWT': sign({}, { typ: 'JWT' }),
      'no type': sign({}, { typ: undefined }),
      'a logout token': sign({}, { typ: 'logout+jwt' }),
      'no jti': sign({ jti: undefined }),
      'no client': sign({ client_id: undefined }),
      'another client': sign({ client_id: 'other-web' }),
      'no grant': sign({ gid: undefined }),
      'another grant': sign({ gid: 'x' }),
      'a grant that is a number': sign({ gid: 1 }),
      'a key of another purpose': sign({}, {}, identity)
    }
    for (const [what, token] of Object.entries(wrong)) {
      refusedAtUserinfo(t, await userinfo(await token), what)
      t.same((await requests.introspect(web.caller, await token)).body, { active: false }, what)
    }
  }
)

t.test('tokens of a disabled client are refused at once (RFC 9068 §4)', async t => {
  const redirectUri = 'https://short.example.com/callback'
  const { clients } = server.server
  const made = await clients.create({
    type: 'web',
    owner: 'cli',
    metadata: { redirect_uris: [redirectUri] }
  })
  if (!made.ok) throw new Error(made.reason)
  const { clientId } = made.client
  const app: App = { clientId, redirectUri, caller: basic(clientId, made.secret) }
  const { access_token } = await requests.tokens({ app })
  t.equal((await userinfo(access_token)).status, 200)
  await clients.disable(clientId)
  refusedAtUserinfo(t, await userinfo(access_token), 'disabled')
  await clients.enable(clientId)
  refusedAtUserinfo(t, await userinfo(access_token), 'enabled again')
})

t.test(
  'signing out ends the tokens of that session, and no other’s (OpenID Connect Core §11)',
  async t => {
    const [one, other] = [createBrowser({ origin: issuer }), createBrowser({ origin: issuer })]
    const { access_token } = await requests.tokens({ browser: one })
    const elsewhere = await requests.tokens({ browser: other })
    const second = await requests.tokens({ app: spa, browser: one })
    await requests.signOut(one)
    refusedAtUserinfo(t, await userinfo(access_token), 'this browser')
    refusedAtUserinfo(t, await userinfo(second.access_token), 'this browser, another client')
    t.equal((await userinfo(elsewhere.access_token)).status, 200)
  }
)
