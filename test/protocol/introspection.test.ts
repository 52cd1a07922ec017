// Introspection (RFC 7662): a token tells about itself to its own client and to the API that it is for, and to nobody else.

import * as oidc from 'openid-client'
import t, { type Test } from 'tap'
import { secretOf } from '../support/configuration.ts'
import { discover } from '../support/relying-party.ts'
import { startTestServer } from '../support/server.ts'
import {
  type Answer,
  api,
  basic,
  claimsIn,
  createProver,
  createRequests,
  nobody,
  otherWeb,
  publicly,
  spa,
  web
} from './requests.ts'

const server = await startTestServer(t)
const requests = createRequests(server)
const { introspect, issuer } = requests
const apiServer = basic('api-server')

t.afterEach(() => requests.turnClock(0))

function inactive(t: Test, { status, text, headers }: Answer, what: string) {
  t.equal(status, 200, what)
  t.equal(text, '{"active":false}', what)
  t.match(headers.get('cache-control'), /no-store/)
}

const offline = (resource?: string) =>
  requests.tokens({
    scope: 'openid offline_access read:things',
    ...(resource === undefined ? {} : { resource: [resource, issuer] }),
    extra: { prompt: 'consent' }
  })

t.test(
  'openid-client introspects the JWT and the refresh token of a sign-in (RFC 7662 §2)',
  async t => {
    const tokens = await offline(api)
    const config = await discover({ issuer, clientId: 'web', clientSecret: secretOf('web') })
    const access = await oidc.tokenIntrospection(config, tokens.access_token)
    t.match(access, {
      active: true,
      aud: api,
      client_id: 'web',
      iss: issuer,
      jti: claimsIn(tokens.access_token)['jti'],
      scope: 'read:things',
      sub: server.accountId,
      token_type: 'Bearer'
    })
    const refresh = await oidc.tokenIntrospection(config, tokens.refresh_token)
    t.match(refresh, { active: true, client_id: 'web', sub: server.accountId })
    t.notOk('token_type' in refresh, 'RFC 7662 §2.2: a refresh token has none')
  }
)

t.test('an API introspects what is for it, and not what is for others (RFC 7662 §4)', async t => {
  const forApi = await offline(api)
  const forIssuer = await offline()
  const machine = await requests.machine('billing', { resource: api })
  t.match((await introspect(apiServer, forApi.access_token)).body, { active: true, aud: api })
  t.match((await introspect(apiServer, machine.body.access_token)).body, {
    active: true,
    sub: 'billing'
  })
  inactive(t, await introspect(apiServer, forIssuer.access_token), 'for the issuer')
  inactive(t, await introspect(apiServer, forApi.refresh_token), 'a refresh token')
  const plain = await requests.machine('billing')
  inactive(t, await introspect(apiServer, plain.body.access_token), 'a machine’s, for the issuer')
})

t.test('a stranger is told exactly that there is no such token (RFC 7662 §2.2)', async t => {
  const tokens = await offline(api)
  for (const value of [tokens.access_token, tokens.refresh_token]) {
    for (const caller of [otherWeb.caller, basic('billing'), spa.caller, publicly('tv')]) {
      inactive(t, await introspect(caller, value), String(caller.parameters['client_id'] ?? ''))
    }
  }
})

t.test('a public client is told nothing, not even of its own tokens (RFC 7662 §2.1)', async t => {
  const tokens = await requests.tokens({
    app: spa,
    scope: 'openid offline_access',
    extra: { prompt: 'consent' }
  })
  inactive(t, await introspect(spa.caller, tokens.access_token), 'access token')
  inactive(t, await introspect(spa.caller, tokens.refresh_token), 'refresh token')
})

t.test('without client authentication it is 401 (RFC 7662 §2.1)', async t => {
  const { access_token } = await offline()
  for (const caller of [nobody, publicly('web'), basic('web', 'x'.repeat(43))]) {
    const answer = await introspect(caller, access_token)
    t.match(answer, { status: 401, body: { error: 'invalid_client' } })
    t.notOk('active' in answer.body)
  }
  const bearer = { headers: { authorization: `Bearer ${access_token}` }, parameters: {} }
  t.notOk('active' in (await introspect(bearer, access_token)).body)
})

t.test('a spent refresh token is inactive, its successor active (RFC 7662 §2.2)', async t => {
  const first = await offline()
  const { body: second } = await requests.refresh(web, first.refresh_token)
  inactive(t, await introspect(web.caller, first.refresh_token), 'spent a moment ago')
  t.equal((await introspect(web.caller, second.refresh_token)).body['active'], true)
  t.equal((await introspect(web.caller, first.access_token)).body['active'], true)
})

t.test('a refresh token that is idle for too long is inactive (RFC 7662 §2.2)', async t => {
  const { refresh_token } = await offline()
  await requests.turnClock(31 * 86_400)
  inactive(t, await introspect(web.caller, refresh_token), 'idle')
})

t.test('asking about a token uses nothing up and prolongs nothing (RFC 7662 §2)', async t => {
  const { refresh_token } = await offline()
  const expOf = async () => Number((await introspect(web.caller, refresh_token)).body['exp'])
  const before = await expOf()
  await requests.turnClock(3600)
  const left = (await expOf()) - before
  t.ok(left < -3500, `an hour later, ${-left} s are gone`)
  await requests.turnClock(0)
  t.equal((await requests.refresh(web, refresh_token)).status, 200)
})

t.test('whatever is no token is inactive, by any hint (RFC 7662 §2.1, §2.2)', async t => {
  const tokens = await offline()
  const values = [
    'x',
    '\0',
    'a.b.c',
    '....',
    `x' OR 1=1 --`,
    tokens.id_token,
    'ü'.repeat(100),
    '-'.repeat(40_000)
  ]
  for (const value of values) {
    for (const token_type_hint of [undefined, 'access_token', 'refresh_token', 'unknown']) {
      const answer = await introspect(web.caller, value, { token_type_hint })
      inactive(t, answer, `${value.slice(0, 20)} ${token_type_hint}`)
    }
  }
  for (const token_type_hint of ['access_token', 'refresh_token', 'unknown']) {
    for (const value of [tokens.access_token, tokens.refresh_token]) {
      const { body } = await introspect(web.caller, value, { token_type_hint })
      t.equal(body['active'], true, `a wrong hint still finds it: ${token_type_hint}`)
    }
  }
})

t.test('no token, two tokens and too much are refused in words (RFC 7662 §2.1)', async t => {
  t.match(await requests.post('/oauth/introspect', web.caller, {}), {
    status: 400,
    body: { error: 'invalid_request' }
  })
  const { access_token } = await offline()
  t.match(
    await requests.post('/oauth/introspect', web.caller, { token: [access_token, access_token] }),
    {
      status: 400,
      body: { error: 'invalid_request' }
    }
  )
  const large = await requests.post('/oauth/introspect', web.caller, {
    token: 'x'.repeat(1_000_000)
  })
  t.equal(large.status, 413)
  t.match((await requests.get('/oauth/introspect')).status, 405)
})

t.test('a token that is bound to a key says so (RFC 9449 §6.2)', async t => {
  const prover = await createProver()
  const proof = await prover.proof({ url: `${issuer}/oauth/token` })
  const { access_token } = await requests.tokens({ scope: 'openid' }, { dpop: proof })
  t.match((await introspect(web.caller, access_token)).body, {
    active: true,
    token_type: 'DPoP',
    cnf: { jkt: prover.thumbprint }
  })
})

t.test('a JWT costs one read at most', async t => {
  const { access_token } = await offline()
  await introspect(web.caller, access_token)
  const { result, roundTrips } = await server.counted(() => introspect(web.caller, access_token))
  t.equal(result.body['active'], true)
  t.equal(roundTrips.length, 1, JSON.stringify(roundTrips))
})
