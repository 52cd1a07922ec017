// ID tokens (OpenID Connect Core §2, §3.1.3): what they say, to whom, signed with what, and what they never pass for.

import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import t from 'tap'
import { createBrowser } from '../support/browser.ts'
import { secretOf } from '../support/configuration.ts'
import { person, startTestServer } from '../support/server.ts'
import { type App, basic, claimsIn, createRequests, headerOf, spa, web } from './requests.ts'

const algorithms = ['RS256', 'ES256', 'EdDSA'] as const
const appOf = (alg: string): App => ({
  clientId: `signed-${alg.toLowerCase()}`,
  redirectUri: `https://${alg.toLowerCase()}.example.com/callback`,
  caller: basic(`signed-${alg.toLowerCase()}`)
})
const server = await startTestServer(t, {
  clients: [
    ...algorithms.map(alg => ({
      client_id: appOf(alg).clientId,
      type: 'web',
      client_secret: secretOf(appOf(alg).clientId),
      redirect_uris: [appOf(alg).redirectUri],
      id_token_signed_response_alg: alg
    })),
    {
      client_id: 'aged-client',
      type: 'web',
      client_secret: secretOf('aged-client'),
      redirect_uris: ['https://aged.example.com/callback'],
      default_max_age: 3600,
      require_auth_time: true
    }
  ]
})
const requests = createRequests(server)
const { issuer } = requests

async function keySet() {
  const { body } = await requests.get('/.well-known/jwks.json')
  return createLocalJWKSet(body as unknown as JSONWebKeySet)
}

t.test(
  'an ID token is for the client, echoes the nonce and lives an hour (Core §2, §3.1.3.7)',
  async t => {
    const code = await requests.code()
    const { body } = await requests.redeem(code)
    const { payload, protectedHeader } = await jwtVerify(body.id_token, await keySet(), {
      issuer,
      audience: 'web',
      algorithms: ['RS256']
    })
    t.equal(payload['nonce'], code.nonce)
    t.equal(payload.sub, server.accountId)
    t.equal(Number(payload.exp) - Number(payload.iat), 3600)
    t.equal(payload.aud, 'web', 'one string')
    t.notOk(protectedHeader.typ === 'at+jwt')
    t.notOk('azp' in payload)
  }
)

t.test(
  'each advertised algorithm signs for who registered it (Core §15.1, Registration §2)',
  async t => {
    const { body } = await requests.get('/.well-known/openid-configuration')
    const advertised = body['id_token_signing_alg_values_supported'] as string[]
    t.same([...advertised].sort(), [...algorithms].sort())
    const set = await keySet()
    for (const alg of algorithms) {
      const { id_token } = await requests.tokens({ app: appOf(alg) })
      const { protectedHeader } = await jwtVerify(id_token, set, { issuer, algorithms: [alg] })
      t.equal(protectedHeader.alg, alg)
    }
  }
)

t.test('ID tokens and access tokens are signed with different keys (RFC 8725 §3.11)', async t => {
  const { id_token, access_token } = await requests.tokens({ app: appOf('ES256') })
  t.equal(headerOf(id_token)['alg'], headerOf(access_token)['alg'])
  t.not(headerOf(id_token)['kid'], headerOf(access_token)['kid'])
})

t.test('it carries the claims of the granted scopes, and no others (Core §5.4)', async t => {
  const claims = async (scope: string) => claimsIn((await requests.tokens({ scope })).id_token)
  const plain = await claims('openid')
  for (const claim of ['name', 'email', 'email_verified', 'preferred_username', 'locale']) {
    t.notOk(claim in plain, claim)
  }
  t.match(await claims('openid email'), { email: 'ada@example.com', email_verified: true })
  t.match(await claims('openid profile'), { name: 'Ada Lovelace', locale: 'en' })
})

t.test('without openid there is none (Core §3.1.2.1)', async t => {
  t.notOk('id_token' in (await requests.tokens({ scope: 'email' })))
})

t.test('without a nonce it has none (Core §2)', async t => {
  const code = await requests.code({ extra: { nonce: undefined } })
  t.notOk('nonce' in claimsIn((await requests.redeem(code)).body.id_token))
})

t.test(
  'auth_time is there when max_age or the registration asks, and tells when the person signed in (Core §2)',
  async t => {
    const browser = createBrowser({ origin: issuer })
    const before = Math.floor(Date.now() / 1000)
    const asked = await requests.tokens({ browser, extra: { max_age: '100' } })
    const time = Number(claimsIn(asked.id_token)['auth_time'])
    t.ok(time >= before - 1 && time <= before + 10, `${time - before}`)
    const again = await requests.tokens({ browser, extra: { max_age: '100' } })
    t.equal(claimsIn(again.id_token)['auth_time'], time, 'of the session, not of the request')
    const aged: App = {
      clientId: 'aged-client',
      redirectUri: 'https://aged.example.com/callback',
      caller: basic('aged-client')
    }
    const registered = await requests.tokens({ browser, app: aged })
    t.equal(claimsIn(registered.id_token)['auth_time'], time)
  }
)

t.test('prompt=login and max_age=0 ask for the password again (Core §3.1.2.1)', async t => {
  const browser = createBrowser({ origin: issuer })
  await requests.code({ browser })
  for (const extra of [{ prompt: 'login' }, { max_age: '0' }] as Record<string, string>[]) {
    const page = await browser.follow(await requests.authorize({ browser, extra }))
    t.ok(
      page.forms.some(({ fields }) => fields.has('password')),
      JSON.stringify(extra)
    )
    const end = await browser.follow(
      await browser.submitForm(page, person),
      url => url.host === 'app.example.com'
    )
    t.ok(end.location?.searchParams.has('code'))
  }
  const silent = await requests.authorize({ browser, extra: { prompt: 'none', max_age: '0' } })
  t.equal(silent.location?.searchParams.get('error'), 'login_required')
})

t.test('amr says what was done to sign in, and acr is not made up (Core §2)', async t => {
  const { id_token } = await requests.tokens({
    extra: { acr_values: 'urn:mace:incommon:iap:gold' }
  })
  const claims = claimsIn(id_token)
  t.same(claims['amr'] ?? ['pwd'], ['pwd'])
  t.equal(claims['acr'], 'urn:mintmark:acr:password', 'the level of a password')
})

t.test(
  'an id_token_hint of somebody else is login_required, never a silent change (Core §3.1.2.1)',
  async t => {
    const { service } = server.server.accounts
    const eve = { login: 'eve@example.com', password: 'another horse battery staple' }
    const made = await service.create({ ...eve, name: 'Eve' }, 'cli')
    if (!made.ok) throw new Error(made.reason)
    const hers = await requests.tokens({ browser: createBrowser({ origin: issuer }), who: eve })
    const own = await requests.tokens()
    const ask = (id_token_hint: string) =>
      requests.authorize({ browser: requests.ada, extra: { prompt: 'none', id_token_hint } })
    t.equal((await ask(hers.id_token)).location?.searchParams.get('error'), 'login_required')
    t.ok((await ask(own.id_token)).location?.searchParams.has('code'), 'the control')
    for (const hint of [own.access_token, 'x', `${own.id_token}x`]) {
      t.equal(
        (await ask(hint)).location?.searchParams.get('error'),
        'invalid_request',
        hint.slice(0, 9)
      )
    }
  }
)

t.test('sub is a random UUID, the same for every client, and not reused (Core §2)', async t => {
  const { service } = server.server.accounts
  const bob = { login: 'bob@example.com', password: 'another horse battery staple' }
  const made = await service.create({ ...bob, name: 'Bob' }, 'cli')
  if (!made.ok) throw new Error(made.reason)
  t.match(made.account.id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  const one = claimsIn((await requests.tokens()).id_token)
  const two = claimsIn((await requests.tokens({ app: spa })).id_token)
  t.equal(one['sub'], two['sub'])
  t.not(one['sub'], made.account.id)
})

t.test('an ID token is no access token and no refresh token (RFC 8725 §3.12)', async t => {
  const { id_token } = await requests.tokens()
  t.equal((await requests.userinfo(id_token)).status, 401)
  t.same((await requests.introspect(web.caller, id_token)).body, { active: false })
  t.equal((await requests.refresh(web, id_token)).status, 400)
})
