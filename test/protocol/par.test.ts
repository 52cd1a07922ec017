// Pushed authorization requests (RFC 9126): the client says in the back channel what it wants; the browser carries a name for it, once.

import * as oidc from 'openid-client'
import t from 'tap'
import { createBrowser } from '../support/browser.ts'
import { secretOf } from '../support/configuration.ts'
import { discover, passPages } from '../support/relying-party.ts'
import { person, startTestServer } from '../support/server.ts'
import {
  type App,
  basic,
  claimsIn,
  createRequests,
  nobody,
  otherWeb,
  publicly,
  spa,
  web
} from './requests.ts'

const pushing: App = {
  clientId: 'pushing',
  redirectUri: 'https://pushing.example.com/callback',
  caller: basic('pushing')
}
const server = await startTestServer(t, {
  clients: [
    {
      client_id: 'pushing',
      type: 'web',
      client_secret: secretOf('pushing'),
      redirect_uris: [pushing.redirectUri],
      require_pushed_authorization_requests: true
    }
  ]
})
const requests = createRequests(server)
const { issuer } = requests

t.afterEach(() => requests.turnClock(0))

/** Pushes a whole request. */
async function push(app: App = web, changed: Record<string, string | undefined> = {}) {
  const { url, verifier, nonce } = await requests.authorizationUrl({ app })
  const parameters = Object.fromEntries(url.searchParams)
  const answer = await requests.post('/oauth/par', app.caller, { ...parameters, ...changed })
  return { answer, verifier, nonce, requestUri: String(answer.body['request_uri'] ?? '') }
}

const urlOf = (requestUri: string, app: App = web, more: Record<string, string> = {}) =>
  `/authorize?${new URLSearchParams({ client_id: app.clientId, request_uri: requestUri, ...more })}`

/** Signs in with a pushed request; answers the code, or what came instead. */
async function codeOf(requestUri: string, app: App = web, more: Record<string, string> = {}) {
  const start = await requests.ada.get(urlOf(requestUri, app, more))
  const { callbackUrl } = await passPages(requests.ada, start, {
    ...person,
    redirectUri: app.redirectUri
  })
  return callbackUrl
}

t.test('openid-client pushes a request and signs in with it (RFC 9126 §2, §4)', async t => {
  const config = await discover({ issuer, clientId: 'web', clientSecret: secretOf('web') })
  const verifier = oidc.randomPKCECodeVerifier()
  const url = await oidc.buildAuthorizationUrlWithPAR(config, {
    redirect_uri: web.redirectUri,
    scope: 'openid email',
    state: 'pushed-state',
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256'
  })
  t.same([...url.searchParams.keys()].sort(), ['client_id', 'request_uri'])
  const browser = createBrowser({ origin: issuer })
  const { callbackUrl } = await passPages(browser, await browser.get(url), {
    ...person,
    redirectUri: web.redirectUri
  })
  const tokens = await oidc.authorizationCodeGrant(config, callbackUrl, {
    pkceCodeVerifier: verifier,
    expectedState: 'pushed-state',
    idTokenExpected: true
  })
  t.match(tokens, { scope: 'openid email' })
})

t.test(
  'the answer is 201 with a name of 128 bits or more that lives under ten minutes (RFC 9126 §2.2)',
  async t => {
    const { answer, requestUri } = await push()
    t.equal(answer.status, 201)
    t.match(requestUri, /^urn:ietf:params:oauth:request_uri:[\w-]{22,}$/)
    t.ok(Number(answer.body['expires_in']) > 0 && Number(answer.body['expires_in']) < 600)
    t.match(answer.headers.get('cache-control'), /no-store/)
  }
)

t.test('a request_uri is used once (RFC 9126 §7.3)', async t => {
  const { requestUri, verifier, nonce } = await push()
  const callbackUrl = await codeOf(requestUri)
  const code = callbackUrl.searchParams.get('code') ?? ''
  t.ok(code)
  const again = await requests.ada.get(urlOf(requestUri))
  t.notOk(again.location?.searchParams.has('code'))
  t.match(again.location?.href ?? again.html, /invalid_request_uri/)
  const answer = await requests.redeem({ code, verifier, nonce, callbackUrl, app: web })
  t.equal(answer.status, 200, 'the first one’s code is good')
})

t.test('of eight tabs with one request_uri one gets a code (RFC 9126 §7.3)', async t => {
  await requests.code()
  const { requestUri } = await push()
  const pages = await Promise.all(
    Array.from({ length: 8 }, () => requests.ada.get(urlOf(requestUri)))
  )
  const codes = pages.filter(page => page.location?.searchParams.has('code'))
  t.equal(codes.length, 1)
  t.notOk(pages.some(({ status }) => status >= 500))
})

t.test(
  'another client’s request_uri is refused, and stays good for its own (RFC 9126 §4)',
  async t => {
    const { requestUri } = await push()
    for (const app of [otherWeb, spa]) {
      const page = await requests.ada.get(urlOf(requestUri, app))
      t.equal(page.location, undefined, app.clientId)
      t.equal(page.status, 400)
    }
    t.ok((await codeOf(requestUri)).searchParams.has('code'))
  }
)

t.test(
  'a request_uri that has expired, is cut, longer or made up is refused (RFC 9126 §4)',
  async t => {
    const { requestUri, answer } = await push()
    const values = [
      requestUri.slice(0, -1),
      `${requestUri}x`,
      requestUri.toUpperCase(),
      'urn:ietf:params:oauth:request_uri:',
      'urn:x'
    ]
    for (const value of values) {
      const page = await requests.ada.get(urlOf(value))
      t.equal(page.location?.searchParams.has('code') ?? false, false, value)
      t.ok(page.status >= 300 && page.status < 500)
    }
    await requests.turnClock(Number(answer.body['expires_in']) + 1)
    const late = await requests.ada.get(urlOf(requestUri))
    t.equal(late.location?.searchParams.has('code') ?? false, false)
    t.match(late.location?.href ?? late.html, /request_uri/)
  }
)

t.test('what was pushed wins over what the browser brings (RFC 9126 §4, RFC 9101 §5)', async t => {
  const forged: Record<string, string>[] = [
    { scope: 'openid email phone' },
    { state: 'forged' },
    { nonce: 'forged' },
    { prompt: 'consent' },
    { code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM' },
    { response_mode: 'form_post' },
    { resource: 'https://api.example.com' }
  ]
  await requests.code()
  for (const one of forged) {
    const { requestUri, verifier, nonce } = await push()
    const callbackUrl = await codeOf(requestUri, web, one)
    t.equal(callbackUrl.searchParams.get('state'), 'state-of-this-request', JSON.stringify(one))
    const code = callbackUrl.searchParams.get('code') ?? ''
    const { status, body } = await requests.redeem({ code, verifier, nonce, callbackUrl, app: web })
    t.equal(status, 200, 'the pushed challenge')
    t.equal(body['scope'], 'openid')
    t.equal(claimsIn(body.id_token)['nonce'], nonce)
  }
})

t.test(
  'a redirect_uri or response_type beside a request_uri changes nothing but to refuse (RFC 9126 §4)',
  async t => {
    for (const one of [{ redirect_uri: 'https://evil.test/' }, { response_type: 'token' }]) {
      const { requestUri } = await push()
      const page = await requests.ada.get(urlOf(requestUri, web, one as Record<string, string>))
      t.not(page.location?.host, 'evil.test')
      t.notMatch(page.location?.href ?? '', /access_token/)
      t.ok(page.location === undefined || page.location.origin === 'https://app.example.com')
    }
  }
)

t.test('what is wrong is refused when it is pushed (RFC 9126 §2.3)', async t => {
  const wrong: [Record<string, string | undefined>, string][] = [
    [{ redirect_uri: 'https://evil.test/' }, 'invalid_request'],
    [{ client_id: 'other-web' }, 'invalid_request'],
    [{ redirect_uri: undefined }, 'invalid_request'],
    [{ response_type: 'token' }, 'unsupported_response_type'],
    [{ code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
    [{ code_challenge_method: 'plain' }, 'invalid_request'],
    [{ resource: 'https://unknown.example.com' }, 'invalid_target'],
    [{ prompt: 'none login' }, 'invalid_request'],
    [{ request_uri: 'urn:ietf:params:oauth:request_uri:x' }, 'request_uri_not_supported']
  ]
  for (const [changed, error] of wrong) {
    const { answer } = await push(web, changed)
    t.equal(answer.status, 400, JSON.stringify(changed))
    t.equal(answer.body['error'], error, JSON.stringify(changed))
    t.notOk('request_uri' in answer.body)
  }
})

t.test('a client proves who it is, and pushes for itself only (RFC 9126 §2.1)', async t => {
  const { url } = await requests.authorizationUrl()
  const parameters = Object.fromEntries(url.searchParams)
  for (const caller of [nobody, publicly('web'), basic('web', 'x'.repeat(43))]) {
    const answer = await requests.post('/oauth/par', caller, parameters)
    t.match(answer, { status: 401, body: { error: 'invalid_client' } })
  }
  const other = await requests.post('/oauth/par', web.caller, {
    ...parameters,
    client_id: 'other-web'
  })
  t.match(other, { status: 400, body: { error: 'invalid_request' } })
  const open = await push(spa)
  t.equal(open.answer.status, 201, 'a public client says who it is')
  for (const method of ['GET', 'PUT', 'DELETE']) {
    t.equal((await fetch(`${issuer}/oauth/par`, { method })).status, 405, method)
  }
})

t.test('a client registered for it must push (RFC 9126 §6)', async t => {
  const page = await requests.authorize({ app: pushing })
  t.notOk(page.location?.searchParams.has('code'))
  t.match(page.location?.href ?? page.html, /invalid_request/)
  const { requestUri } = await push(pushing)
  t.ok((await codeOf(requestUri, pushing)).searchParams.has('code'))
})
