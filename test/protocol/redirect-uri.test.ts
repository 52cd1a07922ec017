// Redirect URIs of requests are compared as strings with the registered ones (RFC 9700 §4.1.3, RFC 8252 §7.3): everything else is an error
// page and no redirect, at the authorization endpoint, by PAR and at sign-out.

import t from 'tap'
import { startTestServer } from '../support/server.ts'
import { mutations, registered } from './redirect-mutations.ts'
import { createRequests, publicly, web } from './requests.ts'

const server = await startTestServer(t)
const requests = createRequests(server)

t.test('the registered redirect URI goes on, to the letter (RFC 9700 §4.1.3)', async t => {
  t.equal(web.redirectUri, registered)
  const page = await requests.authorize()
  t.match(page.location?.pathname, /^\/interaction\//)
})

t.test('every mutation of it is an error page without a Location (RFC 9700 §4.1.3)', async t => {
  t.ok(mutations.length >= 40, `${mutations.length} forms`)
  for (const redirectUri of mutations) {
    const page = await requests.authorize({ app: { ...web, redirectUri } })
    const label = JSON.stringify(redirectUri).slice(0, 80)
    t.equal(page.headers.get('location'), null, label)
    t.equal(page.status, 400, label)
    t.match(page.headers.get('content-type'), /^text\/html/)
    t.notMatch(page.html, /<meta[^>]+refresh|<script/i)
  }
})

t.test('every mutation of it is refused when it is pushed (RFC 9126 §2.1)', async t => {
  for (const redirect_uri of [registered, ...mutations]) {
    const answer = await requests.post('/oauth/par', web.caller, {
      client_id: 'web',
      response_type: 'code',
      scope: 'openid',
      redirect_uri,
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256'
    })
    const isRegistered = redirect_uri === registered
    t.equal(answer.status, isRegistered ? 201 : 400, JSON.stringify(redirect_uri).slice(0, 80))
    t.equal('request_uri' in answer.body, isRegistered)
  }
})

t.test(
  'no mutation of a post_logout_redirect_uri is followed, before the question or after it (RP-Initiated Logout §3)',
  async t => {
    for (const mutation of mutations.filter(Boolean)) {
      const query = new URLSearchParams({
        client_id: 'web',
        post_logout_redirect_uri: mutation.replace('/callback', '/goodbye')
      })
      const page = await requests.get(`/logout?${query}`)
      t.equal(page.headers.get('location'), null, JSON.stringify(mutation).slice(0, 80))
      t.equal(page.status, 400)
    }
  }
)

t.test(
  'a loopback IP redirect may have any port, and nothing else may differ (RFC 8252 §7.3)',
  async t => {
    const tv = { clientId: 'tv', caller: publicly('tv') }
    for (const redirectUri of ['http://127.0.0.1/callback', 'http://127.0.0.1:49152/callback']) {
      const page = await requests.authorize({ app: { ...tv, redirectUri } })
      t.match(page.location?.pathname, /^\/interaction\//, redirectUri)
    }
    const others = [
      'http://127.0.0.1:49152/callback/',
      'http://127.0.0.1:49152/callback?x=1',
      'http://127.0.0.1:49152/',
      'https://127.0.0.1:49152/callback',
      'http://127.0.0.2:49152/callback',
      'http://localhost:49152/callback',
      'http://localhost.evil.test/callback',
      'http://127.0.0.1.evil.test/callback',
      'http://127.0.0.1:80@evil.test/callback',
      'http://evil.test:80#@127.0.0.1/callback',
      'http://user@127.0.0.1:49152/callback',
      'http://[::1]:49152/callback',
      'http://2130706433:49152/callback',
      'http://127.1:49152/callback',
      'http://127.0.0.1:99999/callback'
    ]
    for (const redirectUri of others) {
      const page = await requests.authorize({ app: { ...tv, redirectUri } })
      t.equal(page.headers.get('location'), null, redirectUri)
      t.equal(page.status, 400, redirectUri)
    }
  }
)

t.test('an https redirect URI has its own port only (RFC 9700 §4.1.3)', async t => {
  const redirectUri = 'https://app.example.com:49152/callback'
  const page = await requests.authorize({ app: { ...web, redirectUri } })
  t.equal(page.headers.get('location'), null)
})
