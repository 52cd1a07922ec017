// The `claims` parameter (OpenID Connect Core §5.5): single claims for userinfo and the ID token, shown to the person, held in the grant, and
// never more than the client may ask for.

import t from 'tap'
import { createBrowser } from '../support/browser.ts'
import { secretOf } from '../support/configuration.ts'
import { person, startTestServer } from '../support/server.ts'
import {
  type App,
  api,
  basic,
  claimsIn,
  createRequests,
  otherWeb,
  type Parameters,
  web
} from './requests.ts'

const narrow: App = {
  clientId: 'narrow',
  redirectUri: 'https://narrow.example.com/callback',
  caller: basic('narrow')
}
const server = await startTestServer(t, {
  clients: [
    {
      client_id: 'narrow',
      type: 'web',
      client_secret: secretOf('narrow'),
      redirect_uris: [narrow.redirectUri],
      scope: 'openid profile offline_access'
    }
  ]
})
const requests = createRequests(server)
const { issuer } = requests

const asking = (claims: unknown): Parameters => ({ claims: JSON.stringify(claims) })

/** What the ID token and userinfo say of the person after a sign-in that asks for `claims`. */
async function told(claims: unknown, app: App = web, scope = 'openid') {
  const browser = createBrowser({ origin: issuer })
  const tokens = await requests.tokens({ app, scope, browser, extra: asking(claims) })
  const { body: userinfo } = await requests.userinfo(tokens.access_token)
  const about = (all: Record<string, unknown>) =>
    Object.keys(all)
      .filter(name =>
        /^(name|email|email_verified|locale|preferred_username|updated_at)$/.test(name)
      )
      .sort()
  return { idToken: about(claimsIn(tokens.id_token)), userinfo: about(userinfo), tokens }
}

t.test('single claims go where they were asked for, and nowhere else (Core §5.5)', async t => {
  t.match(await told({ userinfo: { email: null } }), { idToken: [], userinfo: ['email'] })
  t.match(await told({ id_token: { email: { essential: true } } }), {
    idToken: ['email'],
    userinfo: []
  })
  t.match(await told({ userinfo: { name: { essential: true } }, id_token: { locale: null } }), {
    idToken: ['locale'],
    userinfo: ['name']
  })
  t.match(
    await told({ userinfo: { email: null } }, web, 'openid profile'),
    { userinfo: ['email', 'locale', 'name', 'preferred_username', 'updated_at'] },
    'beside those of the scopes'
  )
  const { body } = await requests.get('/.well-known/openid-configuration')
  t.equal(body['claims_parameter_supported'], true)
})

t.test('they stay with the authorization, over refreshes (Core §5.5, §12)', async t => {
  const { body: first } = await requests.redeem(
    await requests.code({
      scope: 'openid offline_access',
      extra: {
        prompt: 'consent',
        ...asking({ userinfo: { email: null }, id_token: { name: null } })
      }
    })
  )
  const { body } = await requests.refresh(web, first.refresh_token)
  t.equal(claimsIn(body.id_token)['name'], 'Ada Lovelace')
  t.notOk('email' in claimsIn(body.id_token))
  t.equal((await requests.userinfo(body.access_token)).body['email'], 'ada@example.com')
  for (const claim of ['email', 'name', 'claims']) t.notOk(claim in claimsIn(body.access_token))
  const again = await requests.tokens()
  const { body: plain } = await requests.userinfo(again.access_token)
  t.notOk('email' in plain, 'another authorization has its own')
})

t.test('the person is asked for what they come to, and once (Core §3.1.2.4)', async t => {
  const browser = createBrowser({ origin: issuer })
  const back = (url: URL) => url.host === 'other.example.com'
  // nobody has allowed this client anything yet
  const start = async (extra: Parameters, app = otherWeb) =>
    browser.follow(await requests.authorize({ app, browser, extra }), back)
  const signIn = await start({})
  const first = await browser.follow(await browser.submitForm(signIn, person))
  t.notMatch(first.html, /email address/i)
  await browser.follow(await browser.submitForm(first), back)
  const asked = await start(asking({ userinfo: { email: null } }))
  t.equal(asked.status, 200, 'a page')
  t.match(asked.html, /email address/i)
  const silent = await start({ prompt: 'none', ...asking({ userinfo: { email: null } }) })
  t.equal(silent.location?.searchParams.get('error'), 'consent_required')
  const allowed = await browser.follow(await browser.submitForm(asked), back)
  t.ok(allowed.location?.searchParams.has('code'))
  const next = await start({ prompt: 'none', ...asking({ id_token: { email: null } }) })
  t.ok(next.location?.searchParams.has('code'), 'it was allowed')
  const more = await start({ prompt: 'none', ...asking({ id_token: { name: null } }) })
  t.equal(more.location?.searchParams.get('error'), 'consent_required', 'and this was not')
})

t.test('a client gets no claim of a scope that it may not ask for (Core §5.5)', async t => {
  const all = { email: { essential: true }, name: null }
  t.match(await told({ userinfo: all, id_token: all }, narrow), {
    idToken: ['name'],
    userinfo: ['name']
  })
})

t.test('what is not known is left out, and nothing breaks (Core §5.5.1)', async t => {
  const odd = {
    email: null,
    'email#de': null,
    'https://example.com/claim': { essential: true },
    password_hash: null,
    __proto__: null,
    constructor: null,
    toString: {},
    login: null
  }
  const { idToken, userinfo, tokens } = await told({
    userinfo: odd,
    id_token: JSON.parse('{"__proto__":{"name":null},"constructor":{},"email":null}'),
    access_token: { email: null }
  })
  t.same({ idToken, userinfo }, { idToken: ['email'], userinfo: ['email'] })
  t.notOk('email' in claimsIn(tokens.access_token))
})

t.test('a parameter that is none is invalid_request, pushed as well (Core §5.5)', async t => {
  const values = { value: Array(21).fill('x') }
  for (const claims of [
    'x',
    '{',
    '[]',
    'null',
    '"x"',
    '{}',
    '{"userinfo":[]}',
    '{"userinfo":1}',
    '{"id_token":null}',
    '{"userinfo":{"email":true}}',
    '{"userinfo":{"email":[]}}',
    JSON.stringify({ id_token: { acr: { values: 'x' } } }),
    JSON.stringify({ id_token: { acr: { values: values.value } } })
  ]) {
    t.match(await requests.refusalOf({ extra: { claims } }), { error: 'invalid_request' }, claims)
    const { url } = await requests.authorizationUrl({ extra: { claims } })
    const pushed = await requests.post(
      '/oauth/par',
      web.caller,
      Object.fromEntries(url.searchParams)
    )
    t.match(pushed, { status: 400, body: { error: 'invalid_request' } }, claims)
  }
})

t.test('a token for an API opens no claims, whatever was asked for (RFC 9068 §5)', async t => {
  const tokens = await requests.tokens({
    scope: 'openid read:things',
    resource: [api, issuer],
    extra: asking({ userinfo: { email: null } })
  })
  t.equal(claimsIn(tokens.access_token)['aud'], api)
  t.equal((await requests.userinfo(tokens.access_token)).status, 401)
  t.notOk('email' in (await requests.introspect(web.caller, tokens.access_token)).body)
})

t.test('another subject than the one asked for is login_required (Core §5.5.1)', async t => {
  const browser = createBrowser({ origin: issuer })
  await requests.code({ browser })
  const ask = async (value: string, extra: Parameters = {}) =>
    requests.authorize({
      browser,
      extra: { ...asking({ id_token: { sub: { value } } }), ...extra }
    })
  const own = await ask(server.accountId, { prompt: 'none' })
  t.ok(own.location?.searchParams.has('code'))
  const other = await ask('somebody', { prompt: 'none' })
  t.equal(other.location?.searchParams.get('error'), 'login_required')
  const page = await browser.follow(await ask('somebody'))
  t.ok(
    page.forms.some(({ fields }) => fields.has('password')),
    'a sign-in is offered'
  )
  const end = await browser.follow(
    await browser.submitForm(page, person),
    url => url.host === 'app.example.com'
  )
  t.equal(end.location?.searchParams.get('error'), 'login_required', 'and no loop')
})
