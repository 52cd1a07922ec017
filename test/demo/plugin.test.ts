// The demo without its issuer: pages, headers, form protection, and what it says when nobody
// answers. The whole sign-in has its own test, with the real server.

import { fastify, type LightMyRequestResponse } from 'fastify'
import t from 'tap'
import { demo } from '../../src/demo/plugin.ts'
import { createStateCookie, type DemoState } from '../../src/demo/state.ts'

const cookieKey = Buffer.alloc(32, 1)
const issuer = 'http://127.0.0.1:9'
const options = {
  issuer,
  clientId: 'demo-<web>',
  resource: `${issuer}/demo-api`,
  product: { name: 'mint & mark' },
  stylesheets: ['/assets/mintmark.css'],
  cookieKey
}
const app = fastify()
app.register(demo, options)
t.teardown(() => app.close())

const cookie = createStateCookie({ key: cookieKey, secure: false })
function cookieOf(state: DemoState) {
  return (cookie.write(state)[0] ?? '').split(';')[0] ?? ''
}
function stateAfter(response: LightMyRequestResponse): DemoState | undefined {
  const header = [response.headers['set-cookie'] ?? []].flat()
  return cookie.read(header.map(value => value.split(';')[0]).join('; '))
}
function post(path: string, state: DemoState, csrf: string | undefined = state.csrf) {
  return app.inject({
    method: 'POST',
    url: path,
    headers: { cookie: cookieOf(state), 'content-type': 'application/x-www-form-urlencoded' },
    payload: `csrf=${csrf}`
  })
}

t.test('the start page says what it is, with one button and no script', async t => {
  const page = await app.inject('/demo')
  t.equal(page.statusCode, 200)
  t.match(page.body, '<h1>Try a sign-in</h1>')
  t.match(page.body, 'action="/demo/login"')
  t.match(page.body, '<link rel="stylesheet" href="/assets/mintmark.css">')
  t.match(page.body, 'demo-&lt;web&gt;', 'values are escaped')
  t.match(page.body, 'mint &amp; mark')
  t.notMatch(page.body, /undefined|\[object/)
  t.notMatch(page.body, /<script|<style|style=|\son\w+=|https?:\/\/(?!127)/)
  t.match(page.body, `value="${stateAfter(page)?.csrf}"`)
})

t.test('every page of the demo is protected and not kept', async t => {
  for (const url of ['/demo', '/demo/callback?error=access_denied']) {
    const { headers } = await app.inject(url)
    t.match(headers['content-security-policy'], "default-src 'none'")
    t.match(headers['content-security-policy'], "frame-ancestors 'none'")
    t.notMatch(headers['content-security-policy'], /unsafe|form-action|https?:/)
    t.equal(headers['cache-control'], 'no-store')
    t.equal(headers['x-content-type-options'], 'nosniff')
  }
})

t.test('the stylesheet of the demo is served, and holds nothing from elsewhere', async t => {
  const { headers, body } = await app.inject('/demo/style.css')
  t.equal(headers['content-type'], 'text/css; charset=utf-8')
  t.notMatch(body, /url\(|@import/)
})

t.test('a POST without the token of the form does nothing', async t => {
  const state = { csrf: 'right', tokens: { id: 'i', access: 'a', refresh: 'r' } }
  for (const path of ['login', 'userinfo', 'refresh', 'things', 'logout']) {
    for (const wrong of ['', 'wrong']) {
      const answer = await post(`/demo/${path}`, state, wrong)
      t.equal(answer.statusCode, 403, path)
      t.match(answer.body, 'This form has expired')
      t.same(stateAfter(answer)?.tokens, state.tokens)
    }
  }
})

t.test('a callback that this browser did not ask for is explained, not redeemed', async t => {
  const answer = await app.inject('/demo/callback?code=x&state=y')
  t.equal(answer.statusCode, 400)
  t.match(answer.body, 'This sign-in does not belong to this tab')
})

t.test('an issuer that does not answer is explained', async t => {
  const answer = await post('/demo/login', { csrf: 'c' })
  t.equal(answer.statusCode, 502)
  t.match(answer.body, 'Nobody answers at the issuer')
})

t.test('a button that fails keeps the person signed in and says why, once', async t => {
  const state = { csrf: 'c', tokens: { id: 'i', access: 'a', refresh: 'r' } }
  const answer = await post('/demo/refresh', state)
  t.equal(answer.statusCode, 303)
  t.equal(answer.headers['location'], '/demo')
  const after = stateAfter(answer)
  t.same(after?.tokens, state.tokens)
  t.match(after?.outcome?.problem, 'unreachable')

  const shown = await app.inject({
    url: '/demo',
    headers: { cookie: cookieOf(after as DemoState) }
  })
  t.match(shown.body, 'Nobody answers at the issuer')
  t.same(stateAfter(shown), state, 'and is forgotten')
})

t.test('a page that changes nothing leaves the cookie alone', async t => {
  const state = { csrf: 'c', tokens: { id: 'i', access: 'a', refresh: 'r' } }
  const shown = await app.inject({ url: '/demo', headers: { cookie: cookieOf(state) } })
  t.equal(shown.headers['set-cookie'], undefined)
})

t.test('the refresh token is never on the page, and claims are escaped', async t => {
  const claims = Buffer.from(JSON.stringify({ name: '<script>alert(1)</script>' }))
  const id = `e30.${claims.toString('base64url')}.x`
  const refresh = 'the-very-secret-refresh-token-of-this-browser'
  const state = { csrf: 'c', tokens: { id, access: id, refresh } }
  const { body } = await app.inject({ url: '/demo', headers: { cookie: cookieOf(state) } })
  t.notMatch(body, refresh)
  t.match(body, 'the-very…wser')
  t.notMatch(body, '<script>')
  t.match(body, 'Signed in as &lt;script&gt;')
})

t.test('the demo API wants an access token and not the session of the demo', async t => {
  const state = { csrf: 'c', tokens: { id: 'i', access: 'a' } }
  const answer = await app.inject({
    url: '/demo/api/things',
    headers: { cookie: cookieOf(state) }
  })
  t.equal(answer.statusCode, 401)
  t.equal(
    answer.headers['www-authenticate'],
    `Bearer realm="${options.resource}", scope="read:things"`
  )
})

t.test('the demo mounts beside a server that reads forms already', async t => {
  const { default: formbody } = await import('@fastify/formbody')
  const other = fastify()
  t.teardown(() => other.close())
  await other.register(formbody)
  await other.register(demo, options)
  t.equal((await other.inject('/demo')).statusCode, 200)
})
