// The authorization code grant (RFC 6749 §4.1, RFC 7636, RFC 9207, OpenID Connect Core §3.1): what opens the way to a code, what a code
// opens, and to whom. Machine-made guesses at redirect URIs are in redirect-uri.test.ts.

import * as oidc from 'openid-client'
import t from 'tap'
import { createBrowser } from '../support/browser.ts'
import { secretOf } from '../support/configuration.ts'
import { authorize, redeem as redeemChecked, signIn } from '../support/relying-party.ts'
import { person, startTestServer } from '../support/server.ts'
import { basic, createRequests, inBody, otherWeb, publicly, spa, web } from './requests.ts'

const server = await startTestServer(t, {
  pkce: { exemptClient: 'legacy' },
  clients: [
    {
      client_id: 'legacy',
      type: 'web',
      client_secret: secretOf('legacy'),
      redirect_uris: ['https://legacy.example.com/callback']
    },
    {
      client_id: 'strict',
      type: 'web',
      client_secret: secretOf('strict'),
      redirect_uris: ['https://strict.example.com/callback']
    },
    {
      client_id: 'two-uris',
      type: 'web',
      client_secret: secretOf('two-uris'),
      redirect_uris: ['https://two.example.com/a', 'https://two.example.com/b']
    }
  ]
})
const requests = createRequests(server)
const { issuer, log } = server

const legacy = {
  clientId: 'legacy',
  redirectUri: 'https://legacy.example.com/callback',
  caller: basic('legacy')
}
const withoutPkce = { code_challenge: undefined, code_challenge_method: undefined }

t.test(
  'openid-client accepts code, PKCE, nonce and iss (RFC 6749 §4.1, RFC 7636, RFC 9207 §2.4)',
  async t => {
    const { tokens, callbackUrl } = await signIn({
      issuer,
      clientId: 'web',
      clientSecret: secretOf('web'),
      redirectUri: web.redirectUri,
      scope: 'openid email',
      ...person
    })
    t.equal(callbackUrl.searchParams.get('iss'), issuer)
    t.equal(callbackUrl.searchParams.get('state') !== null, true)
    t.equal(tokens.claims()?.iss, issuer)
    t.equal(tokens.claims()?.sub, server.accountId)
  }
)

t.test(
  'a person who says no sends access_denied and iss to the client (RFC 6749 §4.1.2.1)',
  async t => {
    const declined = await authorize({
      issuer,
      clientId: 'other-web',
      clientSecret: secretOf('other-web'),
      redirectUri: otherWeb.redirectUri,
      scope: 'openid',
      consent: 'decline',
      ...person
    })
    t.match(Object.fromEntries(declined.callbackUrl.searchParams), {
      error: 'access_denied',
      iss: issuer
    })
    t.notOk(declined.callbackUrl.searchParams.has('code'))
    await t.rejects(redeemChecked(declined), /access_denied|authorization response/)
  }
)

/** Where the browser was sent, of an authorization request that must not show a page first. */
async function refusalOf(request: Parameters<typeof requests.authorize>[0]) {
  const page = await requests.authorize(request)
  return Object.fromEntries(page.location?.searchParams ?? [['page', String(page.status)]])
}

t.test(
  'a request without PKCE is refused, also from confidential clients (RFC 9700 §2.1.1)',
  async t => {
    for (const app of [web, spa]) {
      t.match(
        await refusalOf({ app, extra: withoutPkce }),
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
    t.match(await refusalOf({ extra }), { error: 'invalid_request', iss: issuer }, what)
  }
})

t.test(
  'pkce.exemptClient frees exactly the confidential client it names, and the log says so at start (RFC 9700 §2.1.1)',
  async t => {
    const code = await requests.code({ app: legacy, extra: withoutPkce })
    const answer = await requests.redeem(code, { code_verifier: undefined })
    t.equal(answer.status, 200, answer.text)
    const strict = {
      clientId: 'strict',
      redirectUri: 'https://strict.example.com/callback',
      caller: basic('strict')
    }
    t.match(await refusalOf({ app: strict, extra: withoutPkce }), { error: 'invalid_request' })
    const said = log.filter(
      line => line['clientId'] === 'legacy' && /PKCE/.test(String(line['msg']))
    )
    t.equal(said.length, 1)
    t.equal(said[0]?.['level'], 'warn')
  }
)

t.test(
  'a second redemption of an exempt client’s code ends the tokens of the first (D-21, RFC 9700 §2.1.1)',
  async t => {
    const code = await requests.code({
      app: legacy,
      scope: 'openid offline_access',
      extra: { ...withoutPkce, prompt: 'consent' }
    })
    const first = await requests.redeem(code, { code_verifier: undefined })
    t.equal(first.status, 200, first.text)
    t.equal((await requests.userinfo(first.body.access_token)).status, 200)
    const second = await requests.redeem(code, { code_verifier: undefined })
    t.match(second, { status: 400, body: { error: 'invalid_grant' } })
    t.equal((await requests.userinfo(first.body.access_token)).status, 401)
    t.match(await requests.refresh(legacy, first.body.refresh_token), {
      status: 400,
      body: { error: 'invalid_grant' }
    })
  }
)

t.test('a verifier for a code that has no challenge is refused (RFC 9700 §4.8.2)', async t => {
  const code = await requests.code({ app: legacy, extra: withoutPkce })
  t.match(await requests.redeem(code), { status: 400, body: { error: 'invalid_grant' } })
})

t.test('no other response type than code is answered (RFC 9700 §2.1.2)', async t => {
  const others = ['token', 'id_token', 'id_token token', 'code id_token', 'code token', 'none', 'x']
  for (const response_type of others) {
    const page = await requests.authorize({ extra: { response_type } })
    t.match(page.location?.href ?? page.html, /unsupported_response_type/, response_type)
    t.notMatch(page.location?.href ?? '', /code=|access_token|id_token=/, response_type)
  }
  t.match(await refusalOf({ extra: { response_type: undefined } }), { error: 'invalid_request' })
})

t.test('an answer goes into the query, unless a form is asked for (RFC 9700 §2.1.2)', async t => {
  t.match(await refusalOf({ extra: { response_mode: 'web_message' } }), {
    error: 'unsupported_response_mode'
  })
  t.match(await refusalOf({ extra: { response_mode: 'jwt' } }), {
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

t.test('a parameter that comes twice is invalid_request (RFC 6749 §3.1)', async t => {
  for (const name of ['scope', 'state', 'nonce', 'code_challenge', 'response_type', 'prompt']) {
    const page = await requests.authorize({ extra: { [name]: ['openid', 'openid'] } })
    t.match(page.location?.href ?? page.html, /invalid_request/, name)
  }
  for (const name of ['client_id', 'redirect_uri']) {
    const page = await requests.authorize({ extra: { [name]: [web.clientId, web.clientId] } })
    t.equal(page.status, 400, name)
    t.equal(page.location, undefined, name)
  }
  const code = await requests.code()
  t.match(await requests.redeem(code, { code: [code.code, code.code] }), {
    status: 400,
    body: { error: 'invalid_request' }
  })
  t.equal((await requests.redeem(code)).status, 200, 'and the code was not spent by it')
})

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
    t.match(await refusalOf({ extra: { request: 'eyJhbGciOiJub25lIn0.e30.' } }), {
      error: 'request_not_supported'
    })
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
  'a wrong verifier is invalid_grant, and the code is not spent by it (RFC 7636 §4.6)',
  async t => {
    const code = await requests.code()
    const wrong: [string, string | undefined][] = [
      ['none', undefined],
      ['empty', ''],
      ['another', oidc.randomPKCECodeVerifier()],
      ['short', 'short'],
      ['the challenge itself', await oidc.calculatePKCECodeChallenge(code.verifier)],
      ['longer', `${code.verifier}a`]
    ]
    for (const [what, code_verifier] of wrong) {
      const answer = await requests.redeem(code, { code_verifier })
      t.equal(answer.status, 400, what)
      t.match(answer.body['error'], /^invalid_(grant|request)$/, what)
      t.notOk('access_token' in answer.body)
    }
    t.equal((await requests.redeem(code)).status, 200)
  }
)

t.test(
  'the redirect_uri at the token endpoint is the one of the request (RFC 6749 §4.1.3)',
  async t => {
    const code = await requests.code()
    t.match(await requests.redeem(code, { redirect_uri: 'https://app.example.com/callback/' }), {
      status: 400,
      body: { error: 'invalid_grant' }
    })
    t.match(await requests.redeem(code, { redirect_uri: undefined }), {
      status: 400,
      body: { error: 'invalid_request' }
    })
    t.equal((await requests.redeem(code)).status, 200)
  }
)

t.test('a code of 59 s is taken, one of 61 s is invalid_grant (RFC 6749 §4.1.2)', async t => {
  const [fresh, late] = [await requests.code(), await requests.code()]
  t.teardown(() => requests.turnClock(0))
  await requests.turnClock(57)
  t.equal((await requests.redeem(fresh)).status, 200)
  await requests.turnClock(61)
  t.match(await requests.redeem(late), { status: 400, body: { error: 'invalid_grant' } })
})

t.test(
  'a second redemption is invalid_grant and ends access and refresh token of the first (RFC 6749 §4.1.2)',
  async t => {
    const code = await requests.code({
      scope: 'openid offline_access',
      extra: { prompt: 'consent' }
    })
    const { body: first } = await requests.redeem(code)
    t.equal((await requests.userinfo(first.access_token)).status, 200)
    t.match(await requests.redeem(code), { status: 400, body: { error: 'invalid_grant' } })
    t.equal((await requests.userinfo(first.access_token)).status, 401)
    t.same((await requests.introspect(web.caller, first.access_token)).body, { active: false })
    t.match(await requests.refresh(web, first.refresh_token), {
      status: 400,
      body: { error: 'invalid_grant' }
    })
    const { rows } = await server.store.database.run<{ type: string }>(
      'test.audit',
      `SELECT type FROM audit_events WHERE request_id = (
         SELECT request_id FROM audit_events WHERE type = 'grant.revoked' ORDER BY id DESC LIMIT 1) ORDER BY type`
    )
    t.same(rows, [{ type: 'code.replayed' }, { type: 'grant.revoked' }], 'the audit trail tells')
  }
)

t.test(
  'a code of one client opens nothing for another, and stays good (RFC 6749 §4.1.3)',
  async t => {
    const code = await requests.code()
    for (const caller of [basic('other-web'), inBody('other-web'), publicly('spa')]) {
      const answer = await requests.redeem(code, {}, { caller })
      t.match(answer, { status: 400, body: { error: 'invalid_grant' } })
    }
    t.equal((await requests.redeem(code)).status, 200)
  }
)

t.test('a code that was cut, extended or recased is no code (RFC 6749 §10.10)', async t => {
  const code = await requests.code()
  const flipped = code.code.replace(/[a-z]/, letter => letter.toUpperCase())
  for (const value of [
    code.code.slice(0, -1),
    `${code.code}a`,
    `${code.code} `,
    flipped,
    '\0',
    ''
  ]) {
    const answer = await requests.redeem(code, { code: value })
    t.equal(answer.status, 400, JSON.stringify(value))
    t.match(answer.body['error'], /^invalid_(grant|request)$/)
  }
  t.equal((await requests.redeem(code)).status, 200)
})

t.test('codes have 256 bits and no common beginning (RFC 6749 §10.10)', async t => {
  const codes = [await requests.code(), await requests.code(), await requests.code()]
  for (const { code } of codes) t.match(code, /^[\w-]{43}$/)
  t.equal(new Set(codes.map(({ code }) => code.slice(0, 6))).size, codes.length)
})

t.test(
  'a code of somebody who was disabled meanwhile is invalid_grant (RFC 6749 §4.1.4)',
  async t => {
    const { service } = server.server.accounts
    const eve = { login: 'eve@example.com', password: 'another horse battery staple' }
    const created = await service.create({ ...eve, name: 'Eve' }, 'cli')
    if (!created.ok) throw new Error(created.reason)
    const browser = createBrowser({ origin: issuer })
    const page = await authorize({
      issuer,
      clientId: 'web',
      clientSecret: secretOf('web'),
      redirectUri: web.redirectUri,
      scope: 'openid',
      browser,
      ...eve
    })
    const disabled = await service.disable(created.account.id, 'cli')
    t.equal(disabled.ok, true)
    const refused = await redeemChecked(page).catch(error => error)
    t.equal(refused.error, 'invalid_grant')
    const again = await requests.authorize({ browser, extra: { prompt: 'none' } })
    t.equal(again.location?.searchParams.get('error'), 'login_required', 'the session is over, too')
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
    await server.server.clients.update(
      clientId,
      { redirect_uris: ['https://new.example.com/cb'] },
      'cli'
    )
    const end = await browser.follow(
      await browser.submitForm(consent),
      url => url.host === 'old.example.com'
    )
    t.equal(end.location, undefined)
    t.equal(end.status, 400)
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

t.test(
  'what one endpoint gave out is refused wherever another kind belongs (RFC 6749 §10.10)',
  async t => {
    const { body: pushed } = await requests.post('/oauth/par', web.caller, {
      client_id: 'web',
      response_type: 'code',
      redirect_uri: web.redirectUri,
      scope: 'openid',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256'
    })
    const tokens = await requests.tokens({
      scope: 'openid offline_access',
      extra: { prompt: 'consent' }
    })
    const { body: device } = await requests.post('/oauth/device', publicly('tv'), {
      scope: 'openid'
    })
    const session = requests.ada.cookies().get('mintmark_session') ?? ''
    const page = await requests.authorize()
    const values: Record<string, string> = {
      code: (await requests.code()).code,
      'refresh token': tokens.refresh_token,
      'access token': tokens.access_token,
      'ID token': tokens.id_token,
      'PAR request_uri': String(pushed['request_uri']),
      'PAR id': String(pushed['request_uri']).split(':').at(-1) ?? '',
      'device code': String(device['device_code']),
      'user code': String(device['user_code']),
      'session id': session,
      'interaction id': page.location?.pathname.split('/').at(-1) ?? ''
    }
    for (const [kind, value] of Object.entries(values)) {
      t.ok(value.length > 5 && value !== 'undefined', `there is a ${kind}`)
      const tried: [string, string[], Promise<{ status: number; text: string }>][] = [
        [
          'a code',
          ['code'],
          requests.redeem({
            code: value,
            verifier: 'v'.repeat(43),
            nonce: '',
            callbackUrl: new URL(issuer),
            app: web
          })
        ],
        ['a refresh token', ['refresh token'], requests.refresh(web, value)],
        [
          'a device code',
          ['device code'],
          requests.token(publicly('tv'), {
            grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
            device_code: value
          })
        ]
      ]
      for (const [place, right, asked] of tried) {
        const answer = await asked
        if (right.includes(kind)) continue
        t.match(answer, { status: 400, text: /invalid_(grant|request)/ }, `${kind} as ${place}`)
      }
      if (kind !== 'access token') {
        t.equal((await requests.userinfo(value)).status, 401, `${kind} at userinfo`)
      }
      if (!['access token', 'refresh token'].includes(kind)) {
        const { body } = await requests.introspect(web.caller, value)
        t.same(body, { active: false }, `${kind} at introspection`)
      }
      if (!kind.startsWith('PAR')) {
        const request_uri = `urn:ietf:params:oauth:request_uri:${value}`
        const answer = await requests.get(
          `/authorize?${new URLSearchParams({ client_id: 'web', request_uri })}`
        )
        t.match(answer, { status: 400 }, `${kind} as PAR id`)
      }
      if (kind !== 'session id') {
        const asked = await requests.get(
          `/authorize?${(await requests.authorizationUrl({ extra: { prompt: 'none' } })).url.searchParams}`,
          { cookie: `mintmark_session=${value}` }
        )
        t.match(asked.headers.get('location'), /login_required/, `${kind} as session id`)
      }
    }
  }
)
