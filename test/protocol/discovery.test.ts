// What the server says of itself (OpenID Connect Discovery §3, RFC 8414, RFC 9068, RFC 7662): whole documents, held to the letter, with
// what changes from run to run replaced. And metadata honesty: nothing is advertised that does not work, nothing else works.

import { readFileSync } from 'node:fs'
import t from 'tap'
import { startTestServer } from '../support/server.ts'
import {
  api,
  basic,
  claimsIn,
  createRequests,
  headerOf,
  type Parameters,
  publicly,
  spa,
  web
} from './requests.ts'

const server = await startTestServer(t)
const requests = createRequests(server)
const { issuer } = requests
const configurationPath = '/.well-known/openid-configuration'

type Json = Record<string, unknown>

/** Members whose values are random or times, by what they must look like. */
const volatile: Record<string, RegExp> = {
  iat: /^\d{10}$/,
  exp: /^\d{10}$/,
  auth_time: /^\d{10}$/,
  updated_at: /^\d{10}$/,
  jti: /^[\w-]{43}$/,
  gid: /^[\w-]{43}$/,
  kid: /^[\w-]{43}$/,
  nonce: /^[\w-]{43}$/,
  access_token: /^[\w-]+\.[\w-]+\.[\w-]+$/,
  id_token: /^[\w-]+\.[\w-]+\.[\w-]+$/,
  refresh_token: /^[\w-]{96}$/
}

/** The document as it is every time: volatile values by their names, the issuer and the account by theirs. */
function steady(value: unknown, member = ''): unknown {
  const form = volatile[member]
  if (form?.test(String(value))) return `<${member}>`
  if (value === server.accountId) return '<account>'
  if (typeof value === 'string') return value.replace(issuer, '<issuer>')
  // the order of a list says nothing, and that of algorithms follows random key ids
  if (Array.isArray(value)) return value.map(item => steady(item)).sort()
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, steady(item, name)]))
}

function golden(name: string): Json {
  return JSON.parse(readFileSync(new URL(`./golden/${name}.json`, import.meta.url), 'utf8'))
}

t.test(
  'the discovery document is, member by member, the one that is written down (Discovery §3)',
  async t => {
    const { status, headers, body } = await requests.get(configurationPath)
    t.equal(status, 200)
    t.match(headers.get('content-type'), /^application\/json/)
    t.match(headers.get('cache-control'), /^public, max-age=300$/)
    t.strictSame(steady(body), steady(golden('discovery')))
    t.equal(body['issuer'], issuer, 'byte for byte (Discovery §4.3)')
  }
)

t.test('both metadata documents are the same (RFC 8414 §3)', async t => {
  const { text } = await requests.get(configurationPath)
  t.equal((await requests.get('/.well-known/oauth-authorization-server')).text, text)
})

t.test('who has the document is told so, and a browser may read it (RFC 9110 §8.8.3)', async t => {
  const first = await requests.get(configurationPath)
  const { headers, text } = await requests.get(configurationPath, { origin: 'https://a.test' })
  t.equal(text, first.text, 'the same, whether the engine makes it or it was kept')
  t.match(headers.get('content-type'), /^application\/json/)
  t.equal(headers.get('access-control-allow-origin'), '*')
  const etag = headers.get('etag') ?? ''
  t.match(etag, /^"[\w-]{43}"$/)
  const again = await requests.get(configurationPath, { 'if-none-match': etag })
  t.equal(again.status, 304)
  t.match(again.headers.get('cache-control'), /^public, max-age=300$/)
})

t.test('every endpoint is at the issuer, and is there (RFC 8414 §2)', async t => {
  const { body } = await requests.get(configurationPath)
  const endpoints = Object.entries(body).filter(([name]) => /_endpoint$|^jwks_uri$/.test(name))
  t.equal(endpoints.length, 9)
  for (const [name, url] of endpoints) {
    t.equal(new URL(String(url)).origin, issuer, name)
    const { status } = await requests.get(new URL(String(url)).pathname)
    t.not(status, 404, `${name} ${status}`)
  }
})

t.test('what is sent as Host or as a forwarded one changes nothing (RFC 9700 §4.13)', async t => {
  const { text } = await requests.get(configurationPath)
  for (const [name, value] of [
    ['x-forwarded-host', 'evil.test'],
    ['x-forwarded-proto', 'https'],
    ['forwarded', 'host=evil.test;proto=https'],
    ['x-original-url', 'https://evil.test/'],
    ['x-original-host', 'evil.test'],
    ['x-forwarded-port', '444'],
    ['x-forwarded-prefix', '/evil']
  ] as const) {
    const answer = await requests.get(configurationPath, { [name]: value })
    t.equal(answer.text, text, name)
  }
})

t.test(
  'the key set has public members only, with kid, use and alg, and an ETag (RFC 7517 §5)',
  async t => {
    const { body, headers } = await requests.get('/.well-known/jwks.json')
    const keys = body['keys'] as Json[]
    t.same(keys.map(({ alg }) => alg).sort(), ['ECDH-ES', 'ES256', 'ES256', 'EdDSA', 'RS256'])
    t.equal(new Set(keys.map(({ kid }) => kid)).size, keys.length)
    for (const key of keys) {
      t.equal(key['use'], key['alg'] === 'ECDH-ES' ? 'enc' : 'sig')
      t.not(key['kty'], 'oct')
      for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) t.notOk(member in key, member)
    }
    const etag = headers.get('etag') ?? ''
    t.equal((await requests.get('/.well-known/jwks.json', { 'if-none-match': etag })).status, 304)
  }
)

t.test('tokens have the shape that is written down (RFC 9068 §2.2, Core §2)', async t => {
  const tokens = await requests.tokens({
    scope: 'openid profile email offline_access read:things',
    resource: [api, issuer],
    extra: { prompt: 'consent', max_age: '100' }
  })
  const { access_token, id_token, refresh_token } = tokens
  t.strictSame(steady(tokens), golden('token-response'))
  const shape = (jwt: string) => steady({ header: headerOf(jwt), payload: claimsIn(jwt) })
  t.strictSame(shape(access_token), golden('access-token'))
  t.strictSame(shape(id_token), golden('id-token'))
  const refreshed = await requests.refresh(web, refresh_token, { resource: issuer })
  t.strictSame(shape(refreshed.body.access_token), golden('access-token-issuer'))
  t.strictSame(shape(refreshed.body.id_token), golden('id-token-refreshed'))
  const { body: userinfo } = await requests.userinfo(refreshed.body.access_token)
  t.strictSame(steady(userinfo), golden('userinfo'))
  const machine = await requests.machine('billing', { resource: api, scope: 'read:things' })
  t.strictSame(shape(machine.body.access_token), golden('access-token-machine'))
})

t.test('introspection has the shape that is written down (RFC 7662 §2.2)', async t => {
  const { access_token, refresh_token } = await requests.tokens({
    scope: 'openid offline_access read:things',
    resource: [api, issuer],
    extra: { prompt: 'consent' }
  })
  const told = async (caller: typeof web.caller, value: string) =>
    steady((await requests.introspect(caller, value)).body)
  t.strictSame(await told(web.caller, access_token), golden('introspection-access-token'))
  t.strictSame(await told(basic('api-server'), access_token), golden('introspection-access-token'))
  t.strictSame(await told(web.caller, refresh_token), golden('introspection-refresh-token'))
  const { body } = await requests.machine('billing', { resource: api, scope: 'read:things' })
  const machine = golden('introspection-machine')
  t.strictSame(await told(basic('billing'), body.access_token), machine)
  t.strictSame(await told(basic('api-server'), body.access_token), machine)
})

/** What each advertised grant type answers to a request that is right in form. */
const grants: Record<string, () => Promise<number>> = {
  authorization_code: async () => (await requests.redeem(await requests.code())).status,
  refresh_token: async () => {
    const extra = { prompt: 'consent' }
    const tokens = await requests.tokens({ scope: 'openid offline_access', extra })
    return (await requests.refresh(web, tokens.refresh_token)).status
  },
  client_credentials: async () => (await requests.machine('billing')).status,
  // the rest of the flow is in device.test.ts
  'urn:ietf:params:oauth:grant-type:device_code': async () =>
    (await requests.post('/oauth/device', publicly('tv'), { scope: 'openid' })).status
}

t.test('each advertised grant type works, and no other is known (RFC 8414 §2)', async t => {
  const { body } = await requests.get(configurationPath)
  t.same([...(body['grant_types_supported'] as string[])].sort(), Object.keys(grants).sort())
  for (const [name, tried] of Object.entries(grants)) t.equal(await tried(), 200, name)
})

t.test('each advertised response mode works, and no other is known (RFC 8414 §2)', async t => {
  const { body } = await requests.get(configurationPath)
  await requests.code()
  const answered = async (response_mode: string) => {
    const page = await requests.authorize({ browser: requests.ada, extra: { response_mode } })
    const { location, forms } = page
    const places = {
      query: location?.searchParams,
      fragment: new URLSearchParams(location?.hash.slice(1)),
      form_post: forms[0]?.fields
    }
    const [where = 'none'] = Object.entries(places).flatMap(([place, members]) => {
      if (members?.has('code')) return [place]
      const jwt = members?.get('response') ?? ''
      return jwt !== '' && 'code' in claimsIn(jwt) ? [`${place}.jwt`] : []
    })
    return where
  }
  for (const mode of body['response_modes_supported'] as string[]) {
    // JARM §2.3.4: the usual place of the response type
    t.equal(await answered(mode), mode === 'jwt' ? 'query.jwt' : mode)
  }
  for (const mode of ['web_message', 'web_message.jwt', 'x', 'x.jwt', 'query.jwt.jwt']) {
    t.equal(await answered(mode), 'none', mode)
  }
})

t.test(
  'each advertised scope is granted, and no other without a resource (RFC 8414 §2)',
  async t => {
    const { body } = await requests.get(configurationPath)
    const scopes = body['scopes_supported'] as string[]
    const tokens = await requests.tokens({
      scope: [...scopes, 'read:things', 'unknown'].join(' '),
      extra: { prompt: 'consent' }
    })
    t.same(String(tokens['scope']).split(' ').sort(), [...scopes].sort())
  }
)

t.test('what is said to be unsupported is (Discovery §3)', async t => {
  const { body } = await requests.get(configurationPath)
  t.match(body, {
    request_uri_parameter_supported: false,
    code_challenge_methods_supported: ['S256'],
    response_types_supported: ['code']
  })
  t.notOk('registration_endpoint' in body)
})

t.test('each advertised language of the pages is one that they speak (Discovery §3)', async t => {
  const { body } = await requests.get(configurationPath)
  const languages = body['ui_locales_supported'] as string[]
  t.same([...languages].sort(), ['en', 'ko'])
  for (const ui_locales of languages) {
    const start = await requests.authorize({ app: spa, extra: { ui_locales } as Parameters })
    const cookie = start.headers
      .getSetCookie()
      .map(line => line.split(';')[0])
      .join('; ')
    const page = await requests.get(start.location?.pathname ?? '', { cookie })
    t.match(page.text, new RegExp(`<html[^>]* lang="${ui_locales}"`), ui_locales)
  }
})

t.test(
  'grant management is neither advertised nor there, unless it is switched on (FAPI GM §7.1)',
  async t => {
    const { body } = await requests.get(configurationPath)
    t.same(
      Object.keys(body).filter(name => name.startsWith('grant_management')),
      []
    )
    const answer = await requests.get('/oauth/grants/TSdqirmAxDa0_-DB_1bASQ')
    t.equal(answer.status, 404)
    const code = await requests.code({ extra: { grant_management_action: 'create' } })
    const redeemed = await requests.redeem(code)
    t.equal(redeemed.status, 200, 'a parameter that nobody knows is ignored')
    t.notOk('grant_id' in redeemed.body)
    const own = await requests.machine('billing', { scope: 'grant_management_query' })
    t.equal(own.body['error'], 'invalid_scope')
  }
)
t.test('backchannel authentication that is switched off is not there (CIBA Core §4)', async t => {
  const { body } = await requests.get('/.well-known/openid-configuration')
  t.same(
    Object.keys(body).filter(member => /^backchannel_(authentication|token|user)/.test(member)),
    []
  )
  const asked = await requests.post('/oauth/backchannel', basic('web'), {
    scope: 'openid',
    login_hint: 'ada@example.com'
  })
  t.match(asked, { status: 404, body: { error: String, error_description: /switched off/ } })
  t.equal((await requests.get('/approve')).status, 404)
  const grant_type = 'urn:openid:params:grant-type:ciba'
  const polled = await requests.token(basic('web'), { grant_type, auth_req_id: 'x' })
  t.match(polled, { status: 400, body: { error: 'unsupported_grant_type' } })
})
