// Access tokens at our own door (OpenID Connect Core §5.3, RFC 6750, RFC 9068 §4): what userinfo tells, and everything that it refuses.

import { type CryptoKey, generateKeyPair, SignJWT } from 'jose'
import t, { type Test } from 'tap'
import { createBrowser } from '../support/browser.ts'
import { startTestServer } from '../support/server.ts'
import { type App, api, basic, claimsIn, createRequests, headerOf, spa, web } from './requests.ts'

const server = await startTestServer(t)
const requests = createRequests(server)
const { issuer, userinfo } = requests

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
