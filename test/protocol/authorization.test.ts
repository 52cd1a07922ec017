// The authorization endpoint (RFC 6749 §4.1.1, RFC 7636, RFC 9700, OpenID Connect Core §3.1.2): what may be asked for, and how it is
// refused. Guesses at redirect URIs are in redirect-uri.test.ts, what a code opens is in authorization-code.test.ts.

import t from 'tap'
import { createBrowser } from '../support/browser.ts'
import { secretOf } from '../support/configuration.ts'
import { person, startTestServer } from '../support/server.ts'
import { createRequests, otherWeb, spa, web } from './requests.ts'

const server = await startTestServer(t, {
  clients: [
    {
      client_id: 'two-uris',
      type: 'web',
      client_secret: secretOf('two-uris'),
      redirect_uris: ['https://two.example.com/a', 'https://two.example.com/b']
    }
  ]
})
const requests = createRequests(server)
const { issuer } = server

const withoutPkce = { code_challenge: undefined, code_challenge_method: undefined }

t.test(
  'a request without PKCE is refused, also from confidential clients (RFC 9700 §2.1.1)',
  async t => {
    for (const app of [web, spa]) {
      t.match(
        await requests.refusalOf({ app, extra: withoutPkce }),
        { error: 'invalid_request', error_description: /PKCE/, iss: issuer },
        app.clientId
      )
    }
  }
)

t.test('PKCE by any other way than S256 is refused (RFC 7636 §4.2, §4.3)', async t => {
  const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
  const wrong: [string, Record<string, string | undefined>][] = [
    ['plain', { code_challenge_method: 'plain' }],
    ['no method', { code_challenge_method: undefined }],
    ['empty method', { code_challenge_method: '' }],
    ['unknown method', { code_challenge_method: 'S512' }],
    ['method without challenge', { code_challenge: undefined }],
    ['42 characters', { code_challenge: challenge.slice(1) }],
    ['129 characters', { code_challenge: challenge.repeat(3) }],
    ['no base64url', { code_challenge: `${challenge.slice(1)}=` }]
  ]
  for (const [what, extra] of wrong) {
    t.match(await requests.refusalOf({ extra }), { error: 'invalid_request', iss: issuer }, what)
  }
})

t.test('no other response type than code is answered (RFC 9700 §2.1.2)', async t => {
  const others = ['token', 'id_token', 'id_token token', 'code id_token', 'code token', 'none', 'x']
  for (const response_type of others) {
    const page = await requests.authorize({ extra: { response_type } })
    t.match(page.location?.href ?? page.html, /unsupported_response_type/, response_type)
    t.notMatch(page.location?.href ?? '', /code=|access_token|id_token=/, response_type)
  }
  t.match(await requests.refusalOf({ extra: { response_type: undefined } }), {
    error: 'invalid_request'
  })
})

t.test('an answer goes into the query, unless a form is asked for (RFC 9700 §2.1.2)', async t => {
  t.match(await requests.refusalOf({ extra: { response_mode: 'web_message' } }), {
    error: 'unsupported_response_mode'
  })
})

t.test(
  'form_post answers with a form for the redirect URI, escaped (OAuth Form Post §5)',
  async t => {
    await requests.code()
    const page = await requests.authorize({
      browser: requests.ada,
      extra: { response_mode: 'form_post', state: `"><script>alert('1')</script>` }
    })
    t.equal(page.status, 200)
    const [form] = page.forms
    t.equal(form?.action, web.redirectUri)
    t.equal(form?.method, 'POST')
    t.same([...(form?.fields.keys() ?? [])].sort(), ['code', 'iss', 'state'])
    t.equal(form?.fields.get('state'), `"><script>alert('1')</script>`)
    t.notMatch(page.html, /<script>alert/)
    t.match(page.headers.get('content-security-policy') ?? '', /script-src/)
    t.match(page.headers.get('cache-control') ?? '', /no-store/)
  }
)

t.test(
  'no redirect_uri is an error page, with one registered or with two (Core §3.1.2.1)',
  async t => {
    const two = { ...web, clientId: 'two-uris', redirectUri: 'https://two.example.com/a' }
    for (const app of [web, two]) {
      const page = await requests.authorize({ app, extra: { redirect_uri: undefined } })
      t.equal(page.status, 400)
      t.equal(page.location, undefined)
      t.match(page.html, /redirect_uri/)
    }
  }
)

t.test(
  'an unknown client is an error page, whatever its redirect_uri (RFC 6749 §4.1.2.1)',
  async t => {
    const texts = new Set<string>()
    for (const redirectUri of [web.redirectUri, 'https://evil.example/x', 'not a URL']) {
      const page = await requests.authorize({ app: { ...web, clientId: 'stranger', redirectUri } })
      t.equal(page.status, 400)
      t.equal(page.location, undefined)
      texts.add(page.heading)
    }
    t.equal(texts.size, 1)
  }
)

t.test('unknown parameters are ignored (RFC 6749 §3.1)', async t => {
  const code = await requests.code({ extra: { colour: 'blue', 'a[]': ['1', '2'] } })
  t.equal((await requests.redeem(code, { colour: 'blue' })).status, 200)
})

t.test('state comes back as it was, in one Location line (RFC 6749 §4.1.2, §10.12)', async t => {
  await requests.code()
  for (const state of ['a\r\nSet-Cookie: x=1', `"'<script>&=#`, '\u{1F600}'.repeat(500)]) {
    const page = await requests.authorize({ browser: requests.ada, extra: { state } })
    t.equal(page.location?.searchParams.get('state'), state)
    t.equal(page.headers.get('set-cookie')?.includes('x=1') ?? false, false)
    t.match(page.headers.get('location'), /^[\x21-\x7e]+$/)
  }
})

t.test(
  'request_uri from elsewhere is refused and nobody is asked for it (RFC 9101 §5.2)',
  async t => {
    const page = await requests.authorize({
      extra: { request_uri: 'https://evil.example/request' }
    })
    t.match(page.location?.href ?? page.html, /request_uri|request object/)
    t.notOk(page.location?.searchParams.has('code'))
  }
)

t.test(
  'a refusal by the redirect says in a sentence what its page says (RFC 6749 §4.1.2.1)',
  async t => {
    const mistakes: [string, RegExp, Record<string, string>][] = [
      ['request_uri_not_supported', /RFC 9126/, { request_uri: 'https://evil.example/request' }],
      ['registration_not_supported', /register the client beforehand/, { registration: '{}' }],
      ['invalid_request', /must be S256/, { code_challenge_method: 'plain' }],
      ['login_required', /./, { prompt: 'none' }]
    ]
    for (const [error, sentence, extra] of mistakes) {
      const told = { error, error_description: sentence, iss: issuer }
      t.match(await requests.refusalOf({ extra: { response_mode: 'query', ...extra } }), told)
      const other = await requests.authorize({ extra: { ...extra, response_mode: 'fragment' } })
      const fragment = new URLSearchParams(other.location?.hash.slice(1))
      t.match(Object.fromEntries(fragment), told, 'fragment')
      const posted = await requests.authorize({ extra: { ...extra, response_mode: 'form_post' } })
      t.match(Object.fromEntries(posted.forms[0]?.fields ?? []), told, 'form_post')
    }
  }
)

t.test(
  'prompt=none without a session answers login_required and shows nothing (Core §3.1.2.6)',
  async t => {
    const browser = createBrowser({ origin: issuer })
    const page = await requests.authorize({ browser, extra: { prompt: 'none' } })
    t.equal(page.location?.searchParams.get('error'), 'login_required')
    t.equal(page.location?.searchParams.get('iss'), issuer)
  }
)

t.test(
  'a redirect URI that the client gave up meanwhile is not followed (RFC 9700 §4.1.3)',
  async t => {
    const metadata = {
      client_name: 'Moving',
      redirect_uris: ['https://old.example.com/cb', 'https://new.example.com/cb']
    }
    const made = await server.server.clients.create({ type: 'web', owner: 'cli', metadata })
    if (!made.ok) throw new Error(made.reason)
    const { clientId } = made.client
    const browser = createBrowser({ origin: issuer })
    const moving = { ...web, clientId, redirectUri: 'https://old.example.com/cb' }
    const start = await requests.authorize({ app: moving, browser })
    const login = await browser.follow(start)
    const consent = await browser.follow(await browser.submitForm(login, person))
    t.match(consent.html, /Moving/)
    const declining = createBrowser({ origin: issuer })
    const before = await declining.follow(
      await requests.authorize({ app: moving, browser: declining })
    )
    const asked = await declining.follow(await declining.submitForm(before, person))
    await server.server.clients.update(
      clientId,
      { redirect_uris: ['https://new.example.com/cb'] },
      'cli'
    )
    const old = (url: URL) => url.host === 'old.example.com'
    const end = await browser.follow(await browser.submitForm(consent), old)
    t.equal(end.location, undefined)
    t.equal(end.status, 400)
    const declined = await declining.follow(
      await declining.submitForm(asked, { decline: 'yes' }),
      old
    )
    t.equal(declined.location, undefined, 'nor by whoever declines')
    t.equal(declined.status, 404)
  }
)

t.test('two tabs of one browser both come to their own code (RFC 6749 §10.12)', async t => {
  const browser = createBrowser({ origin: issuer })
  const one = await browser.follow(await requests.authorize({ browser, extra: { state: 'one' } }))
  const two = await browser.follow(
    await requests.authorize({ browser, app: otherWeb, extra: { state: 'two' } })
  )
  for (const [start, state, host] of [
    [two, 'two', 'other.example.com'],
    [one, 'one', 'app.example.com']
  ] as const) {
    const away = (url: URL) => url.host === host
    let page = await browser.follow(await browser.submitForm(start, person), away)
    if (page.location === undefined)
      page = await browser.follow(await browser.submitForm(page), away)
    t.equal(page.location?.host, host)
    t.equal(page.location?.searchParams.get('state'), state)
    t.ok(page.location?.searchParams.get('code'))
  }
})
