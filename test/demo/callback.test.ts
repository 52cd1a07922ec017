// The two ends of a sign-in, against an issuer that counts: what the demo sends a browser away
// with, and which callbacks it refuses before a code is redeemed.

import { fastify } from 'fastify'
import t from 'tap'
import { demo } from '../../src/demo/plugin.ts'
import { createStateCookie, type DemoState } from '../../src/demo/state.ts'
import { startFakeIssuer } from '../resource-server/fake-issuer.ts'

const issuer = await startFakeIssuer(t)
Object.assign(issuer.metadata, {
  authorization_endpoint: `${issuer.url}/authorize`,
  // the key set: any answer will do, since the count of requests is what matters
  token_endpoint: `${issuer.url}/jwks`,
  authorization_response_iss_parameter_supported: true
})
const cookieKey = Buffer.alloc(32, 1)
const app = fastify()
app.register(demo, {
  issuer: issuer.url,
  clientId: 'demo-web',
  resource: `${issuer.url}/demo-api`,
  product: { name: 'mintmark' },
  stylesheets: [],
  cookieKey
})
t.teardown(() => app.close())

const cookie = createStateCookie({ key: cookieKey, secure: false })
const pending = { verifier: 'v'.repeat(43), state: 'the-state', nonce: 'the-nonce' }

function callback(parameters: Record<string, string>) {
  const state: DemoState = { csrf: 'c', pending }
  const header = (cookie.write(state)[0] ?? '').split(';')[0] ?? ''
  const url = `/demo/callback?${new URLSearchParams(parameters)}`
  return app.inject({ url, headers: { cookie: header } })
}

t.test('a sign-in begins with PKCE S256, state, nonce, resource and consent', async t => {
  const header = (cookie.write({ csrf: 'c' })[0] ?? '').split(';')[0] ?? ''
  const answer = await app.inject({
    method: 'POST',
    url: '/demo/login',
    headers: { cookie: header, 'content-type': 'application/x-www-form-urlencoded' },
    payload: 'csrf=c'
  })
  t.equal(answer.statusCode, 303)
  const url = new URL(String(answer.headers['location']))
  t.equal(url.origin + url.pathname, `${issuer.url}/authorize`)
  const sent = Object.fromEntries(url.searchParams)
  t.match(sent, {
    client_id: 'demo-web',
    response_type: 'code',
    redirect_uri: `${issuer.url}/demo/callback`,
    scope: 'openid profile email offline_access read:things',
    resource: `${issuer.url}/demo-api`,
    prompt: 'consent',
    code_challenge_method: 'S256',
    code_challenge: /^[\w-]{43}$/,
    state: /^[\w-]{43}$/,
    nonce: /^[\w-]{43}$/
  })
  const brought = [answer.headers['set-cookie'] ?? []].flat().map(value => value.split(';')[0])
  const kept = cookie.read(brought.join('; '))?.pending
  t.equal(kept?.state, sent['state'])
  t.equal(kept?.nonce, sent['nonce'])
})

t.test('a person who declines is met with understanding', async t => {
  const { statusCode, body } = await callback({
    error: 'access_denied',
    error_description: 'no "thanks" <b>',
    state: 'the-state',
    iss: issuer.url
  })
  t.equal(statusCode, 400)
  t.match(body, 'You said no, and the demo respects that')
  t.match(body, 'no &quot;thanks&quot; &lt;b&gt;')
})

t.test('a code with another state, or none, is not redeemed (RFC 6749 §10.12)', async t => {
  const before = issuer.counts.keys
  for (const state of [{ state: 'other' }, {}]) {
    const { body } = await callback({ code: 'x', iss: issuer.url, ...state })
    t.match(body, 'This sign-in does not belong to this tab')
  }
  t.equal(issuer.counts.keys, before)
})

t.test('a code of another issuer, or of none, is not redeemed (RFC 9207 §2.4)', async t => {
  const before = issuer.counts.keys
  for (const iss of [{ iss: 'https://evil.example.com' }, {}]) {
    const { statusCode, body } = await callback({ code: 'x', state: 'the-state', ...iss })
    t.equal(statusCode, 400)
    t.match(body, 'OAUTH_')
  }
  t.equal(issuer.counts.keys, before)
})

t.test('an answer of the token endpoint that is none is explained', async t => {
  const before = issuer.counts.keys
  const { statusCode, body } = await callback({ code: 'x', state: 'the-state', iss: issuer.url })
  t.equal(statusCode, 400)
  t.match(body, 'The server answered with an error')
  t.equal(issuer.counts.keys, before + 1, 'this one was redeemed')
})
