// What the browser's session is made of, without a server: cookies over https, places to return to, the memory of sessions, logout tokens of
// somebody else, and options that cannot be meant.

import { fastify } from 'fastify'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import t from 'tap'
import { createBrowserSessions } from '../../src/browser-session/browser-session.ts'
import { csrfProblem } from '../../src/browser-session/csrf.ts'
import { open, seal } from '../../src/browser-session/sealed.ts'
import { createMemoryStore, type SessionRow } from '../../src/browser-session/session-store.ts'
import { safeReturnTo } from '../../src/browser-session/sign-in.ts'

const issuer = 'https://id.example.com'
const appUrl = 'https://app.example.com'
const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
const key = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }
let keys: 'there' | 'gone' = 'there'
const fetch: typeof globalThis.fetch = async input => {
  const url = String(input instanceof Request ? input.url : input)
  if (url.endsWith('/jwks')) {
    return keys === 'there' ? Response.json({ keys: [key] }) : new Response('', { status: 503 })
  }
  return Response.json({
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    jwks_uri: `${issuer}/jwks`,
    id_token_signing_alg_values_supported: ['ES256']
  })
}
const options = { issuer, clientId: 'app', appUrl, fetch }

const row = (more: Partial<SessionRow> = {}): SessionRow => ({
  ...{ version: 1, expiresAt: 2e9, createdAt: 1000, lastUsedAt: 1000, subject: 's', sealed: '' },
  ...more
})

t.test('over https every cookie is __Host- and Secure (ASVS 3.3.1)', async t => {
  const app = fastify()
  t.teardown(() => app.close())
  await app.register(createBrowserSessions(options).routes)
  const answer = await app.inject('/auth/login?return_to=/x&acr_values=high&redirect_uri=https://e')
  t.equal(answer.statusCode, 303)
  const cookie = String(answer.headers['set-cookie'])
  t.match(cookie, /^__Host-session-login-[\w-]{12}=[\w.-]+; Path=\/; Max-Age=600; HttpOnly;/)
  t.match(cookie, '; SameSite=Lax; Secure')
  const { searchParams } = new URL(String(answer.headers.location))
  t.match(Object.fromEntries(searchParams), {
    redirect_uri: `${appUrl}/auth/callback`,
    code_challenge_method: 'S256',
    acr_values: 'high',
    scope: 'openid profile email',
    state: /^[\w-]{12}\.[\w-]{43}$/,
    nonce: /^[\w-]{43}$/
  })
  t.equal(searchParams.get('resource'), null)

  const jar = Array.from({ length: 9 }, (_, i) => `__Host-session-login-${i}=x`).join('; ')
  const next = await app.inject({ url: '/auth/login', headers: { cookie: jar } })
  const cleared = [next.headers['set-cookie']].flat().filter(one => /Max-Age=0/.test(String(one)))
  t.equal(cleared.length, 5, 'a browser keeps five sign-ins at most')
  const out = await app.inject({ method: 'POST', url: '/auth/logout', headers: { 'x-csrf': '1' } })
  t.match(out.headers['set-cookie'], /^__Host-session=; .*Max-Age=0.*; Secure$/)
  t.same(out.json(), { location: `${appUrl}/` })
})

t.test('a place to return to is a path of this app (security.md 189)', async t => {
  const app = new URL(appUrl)
  const good = ['/', '/a/b?c=d#e', '/%2f%2fevil', '/a//b', '/ü', '/?next=https://evil.example']
  for (const value of good) t.equal(safeReturnTo(value, app).href, new URL(value, app).href, value)
  const bad = [
    ...['//evil.example', '/\\evil.example', '\\/evil', '/\t/evil', '/a\nb', '/a\\b', '///evil'],
    ...['https://evil.example', 'https:evil', 'javascript:alert(1)', 'data:x', 'a', '', ' /a'],
    ...[`/${'x'.repeat(1_024)}`, undefined, ['/a'], {}, 7]
  ]
  for (const value of bad) t.equal(safeReturnTo(value, app).href, `${appUrl}/`, String(value))
  t.equal(safeReturnTo('/.//evil.example', app).origin, appUrl, 'whole, so that // is no host')
})

t.test('a WebSocket of another site is refused, too, and a header can be demanded', t => {
  const app = { appUrl: new URL(appUrl), demand: 'origin' } as const
  const socket = (origin: string) => ({ method: 'GET', headers: { origin, upgrade: 'websocket' } })
  t.equal(csrfProblem(socket(appUrl), app), undefined)
  t.match(csrfProblem(socket('https://sibling.example.com'), app), /another origin/)
  const post = { method: 'POST', headers: { origin: appUrl } }
  t.equal(csrfProblem(post, app), undefined)
  t.match(csrfProblem(post, { ...app, demand: 'header' }), /x-csrf/)
  const said = { ...post, headers: { ...post.headers, 'x-csrf': '' } }
  t.equal(csrfProblem(said, { ...app, demand: 'header' }), undefined)
  t.end()
})

t.test('a sealed session opens with its id, unchanged, and with no other', async t => {
  const [id, other] = ['a'.repeat(43), 'b'.repeat(43)]
  const sealed = seal(id, { a: 1 })
  t.same(open(id, sealed), { a: 1 })
  t.not(sealed, seal(id, { a: 1 }))
  t.equal(open(other, sealed), undefined)
  t.equal(open(id, `${sealed.slice(0, -4)}AAAA`), undefined)
  for (const junk of ['', 'x', 'A'.repeat(37)]) t.equal(open(id, junk), undefined)
})

t.test('the memory of one process is bounded, and compares before it sets', async t => {
  let now = 0
  const store = createMemoryStore({ max: 2, now: () => now })
  await store.create('a', row())
  t.equal(await store.replace('a', 2, row({ version: 3 })), false)
  t.equal(await store.replace('a', 1, row({ version: 2 })), true)
  t.equal(await store.replace('a', 1, row({ version: 2 })), false)
  t.equal(await store.replace('none', 1, row()), false)
  await store.create('b', row())
  await store.read('a')
  await store.create('c', row())
  t.equal(await store.read('b'), undefined, 'the one that was not read for longest')
  t.ok(await store.read('a'))
  now = 2e12 + 1
  await store.create('d', row({ expiresAt: 3e9 }))
  t.equal(await store.read('a'), undefined, 'what has ended leaves first')
})

t.test('what the issuer ended is found by sid, or by person and time', async t => {
  const store = createMemoryStore()
  const kept = async () => {
    const names = ['one', 'two', 'late', 'other']
    const rows = await Promise.all(names.map(name => store.read(name)))
    return names.filter((_, i) => rows[i] !== undefined)
  }
  await store.create('one', row({ sid: '1' }))
  await store.create('two', row({ sid: '2' }))
  await store.create('late', row({ createdAt: 2000 }))
  await store.create('other', row({ subject: 'x' }))
  await store.deleteEnded({ sid: '1', subject: 'x', createdUntil: 1500 })
  t.equal((await kept()).length, 4, 'both must fit')
  await store.deleteEnded({ sid: '1', createdUntil: 1500 })
  t.same(await kept(), ['two', 'late', 'other'])
  await store.deleteEnded({ subject: 's', createdUntil: 1500 })
  t.same(await kept(), ['late', 'other'], 'who signed in again stays')
})

t.test('only a logout token of the issuer for this app ends anything (§2.6)', async t => {
  const ended: unknown[] = []
  const store = {
    ...createMemoryStore(),
    deleteEnded: async (said: unknown) => void ended.push(said)
  }
  const app = fastify()
  t.teardown(() => app.close())
  await app.register(createBrowserSessions({ ...options, store }).routes)
  const seconds = Math.floor(Date.now() / 1000)
  const event = 'http://schemas.openid.net/event/backchannel-logout'
  const sign = (claims: object = {}, header: object = {}, by = privateKey) =>
    new SignJWT({
      ...{ iss: issuer, aud: 'app', iat: seconds, exp: seconds + 120, jti: 'j', sub: 'ada' },
      ...{ events: { [event]: {} }, ...claims }
    })
      .setProtectedHeader({ alg: 'ES256', kid: 'one', typ: 'logout+jwt', ...header })
      .sign(by)
  const send = async (token: string | undefined) => {
    const form = token === undefined ? '' : String(new URLSearchParams({ logout_token: token }))
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const url = '/auth/backchannel-logout'
    return app.inject({ method: 'POST', url, headers, payload: form })
  }
  const { privateKey: stranger } = await generateKeyPair('ES256')
  const wrong: Record<string, Promise<string | undefined>> = {
    'no token': Promise.resolve(undefined),
    'no JWT': Promise.resolve('x'),
    'another type': sign({}, { typ: 'JWT' }),
    'an ID token': sign({ nonce: 'n', events: undefined }, { typ: 'JWT' }),
    'a nonce': sign({ nonce: 'n' }),
    'another event': sign({ events: { 'http://x': {} } }),
    'no events': sign({ events: undefined }),
    'another app': sign({ aud: 'other' }),
    'another issuer': sign({ iss: 'https://evil.example' }),
    'another signer': sign({}, {}, stranger),
    'nobody named': sign({ sub: undefined }),
    'somebody by number': sign({ sub: 7 }),
    'an empty sid': sign({ sid: '' }),
    'no jti': sign({ jti: undefined }),
    'an expired one': sign({ exp: seconds - 60 }),
    'an old one': sign({ iat: seconds - 3600 }),
    'one of tomorrow': sign({ iat: seconds + 86_400, exp: seconds + 86_500 })
  }
  for (const [title, token] of Object.entries(wrong)) {
    t.match(await send(await token), { statusCode: 400 }, title)
  }
  t.equal(ended.length, 0)
  const good = await send(await sign({ sid: 'one' }))
  t.match([good.statusCode, good.headers['cache-control']], [204, 'no-store'])
  t.match(ended, [{ createdUntil: seconds + 5, subject: String, sid: String }])
  const huge = await send('x'.repeat(20_000))
  t.equal(huge.statusCode, 413)

  const cut = fastify()
  t.teardown(() => cut.close())
  await cut.register(createBrowserSessions({ ...options, store }).routes)
  keys = 'gone'
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const payload = String(new URLSearchParams({ logout_token: await sign() }))
  const later = await cut.inject({
    ...{ method: 'POST', url: '/auth/backchannel-logout', headers, payload }
  })
  t.equal(later.statusCode, 503, 'so that the issuer sends it again')
})

t.test('options that cannot be meant are refused at start', async t => {
  const wrong = [
    { appUrl: 'http://app.example.com' },
    { appUrl: 'https://app.example.com/path' },
    { appUrl: 'app' },
    { issuer: 'http://id.example.com' },
    { idleSeconds: 5 },
    { idleSeconds: 7200, absoluteSeconds: 3600 },
    { prefix: 'auth' },
    { cookieName: 'a b' }
  ]
  for (const one of wrong) {
    t.throws(() => createBrowserSessions({ ...options, ...one }), TypeError, JSON.stringify(one))
  }
  t.ok(createBrowserSessions({ ...options, appUrl: 'http://127.0.0.1:8080' }))
})
