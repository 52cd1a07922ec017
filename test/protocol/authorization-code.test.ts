// The authorization code grant (RFC 6749 §4.1, RFC 7636, RFC 9207): what a code opens, to whom, for how long, and how often. The endpoint
// that it comes from is in authorization.test.ts.

import * as oidc from 'openid-client'
import t from 'tap'
import { createBrowser } from '../support/browser.ts'
import { secretOf } from '../support/configuration.ts'
import { authorize, redeem as redeemChecked, signIn } from '../support/relying-party.ts'
import { person, startTestServer } from '../support/server.ts'
import { basic, createRequests, inBody, otherWeb, publicly, web } from './requests.ts'

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
    }
  ]
})
const requests = createRequests(server)
const { issuer } = server

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

t.test(
  'pkce.exemptClient frees exactly the confidential client it names (RFC 9700 §2.1.1)',
  async t => {
    const code = await requests.code({ app: legacy, extra: withoutPkce })
    const answer = await requests.redeem(code, { code_verifier: undefined })
    t.equal(answer.status, 200, answer.text)
    const strict = {
      clientId: 'strict',
      redirectUri: 'https://strict.example.com/callback',
      caller: basic('strict')
    }
    t.match(await requests.refusalOf({ app: strict, extra: withoutPkce }), {
      error: 'invalid_request'
    })
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
  for (const { code } of codes) t.match(code, /^[\w-]{43}[0-9a-z]{4}$/)
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
