// Backchannel authentication (OpenID Connect CIBA Core 1.0), poll mode: a client that asks, a person at `/approve`, and everything that goes wrong
// between them. The clock of the database is turned; nothing waits but openid-client.

import { randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import * as oidc from 'openid-client'
import t from 'tap'
import { secretOf } from '../support/configuration.ts'
import { discover } from '../support/relying-party.ts'
import { person, startTestServer } from '../support/server.ts'
import {
  answer,
  ask,
  bank,
  bankApi,
  cibaGrantType,
  cibaSetting,
  forgetRequests,
  newAccount,
  newRequest,
  poll,
  signInToApprove
} from './backchannel.ts'
import { basic, claimsIn, createProver, createRequests, web } from './requests.ts'

const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
const notary = {
  client_id: 'notary',
  type: 'web',
  client_secret: secretOf('notary'),
  grant_types: [cibaGrantType],
  backchannel_authentication_request_signing_alg: 'ES256',
  jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }] }
}
/** A client that may sign by any algorithm, and a key for each. */
const algorithms = ['ES256', 'RS256', 'PS256', 'EdDSA']
const keyPairs = await Promise.all(
  algorithms.map(alg => generateKeyPair(alg, { extractable: true }))
)
const lawyer = {
  client_id: 'lawyer',
  type: 'web',
  client_secret: secretOf('lawyer'),
  grant_types: [cibaGrantType],
  jwks: {
    keys: await Promise.all(
      keyPairs.map(async (pair, i) => ({
        ...(await exportJWK(pair.publicKey)),
        ...{ kid: algorithms[i], alg: algorithms[i], use: 'sig' }
      }))
    )
  }
}
const setting = {
  ...cibaSetting,
  acr: [{ value: 'urn:example:pwd', amr: ['pwd'] }],
  clients: [...cibaSetting.clients, notary, lawyer]
}
const server = await startTestServer(t, setting)
const requests = createRequests(server)
const { issuer, store, accountId } = server
const { service } = server.server.accounts
const { browser: ada } = await signInToApprove(server)

t.beforeEach(() => forgetRequests(server, requests))

async function auditOf(type: string) {
  const { rows } = await store.database.run<{
    account_id: string
    client_id: string
    data: object
  }>(
    `test.audit.${type}`,
    `SELECT account_id, client_id, data FROM audit_events WHERE type = '${type}' ORDER BY at`
  )
  return rows
}

t.test('openid-client: asked, shown, approved, tokens, refresh (CIBA Core §7, §10.1)', async t => {
  const config = await discover({ issuer, clientId: 'bank', clientSecret: secretOf('bank') })
  t.equal(
    config.serverMetadata().backchannel_authentication_endpoint,
    `${issuer}/oauth/backchannel`
  )
  const started = await oidc.initiateBackchannelAuthentication(config, {
    scope: 'openid email offline_access pay:bills',
    login_hint: 'Ada@Example.com',
    binding_message: '4TX-28K',
    acr_values: 'urn:example:pwd',
    resource: bankApi
  })
  t.match(started, { expires_in: 300, interval: 1 })
  t.match(started.auth_req_id, /^[\w-]{43}[0-9a-z]{4}$/)

  const page = await ada.get('/approve')
  t.match(page.html, /Example bank/)
  t.match(page.html, /bank\.example\.com/, 'its host')
  t.match(page.html, /4TX-28K/)
  t.match(page.html, /Pay your bills/)
  t.match(page.html, /See your email address/)
  t.match(page.html, /127\.0\.0\.1|::1/, 'who asked')
  t.match(page.html, /in 4 minutes/, 'how long it waits')
  t.match(page.html, /Also when you are not using the app/)
  t.notMatch(page.html, /<script/)
  t.match((await answer(ada)).html, /You approved the request/)
  t.notMatch((await ada.get('/approve')).html, /Example bank/, 'nothing waits any more')

  const tokens = await oidc.pollBackchannelAuthenticationGrant(config, started)
  t.match(tokens, { token_type: 'bearer', id_token: String, refresh_token: String })
  const claims = claimsIn(tokens.id_token ?? '')
  t.match(claims, { sub: accountId, aud: 'bank', email: person.login, acr: 'urn:example:pwd' })
  t.type(claims['auth_time'], 'number')
  t.match(claimsIn(tokens.access_token), {
    aud: bankApi,
    scope: 'pay:bills',
    acr: 'urn:example:pwd'
  })
  const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '', {
    resource: issuer
  })
  t.equal((await requests.userinfo(refreshed.access_token)).body['email'], person.login)
  t.match(await auditOf('backchannel.approved'), [{ account_id: accountId, client_id: 'bank' }])
})

t.test('what discovery says of it is so, algorithm by algorithm (CIBA Core §4)', async t => {
  const metadata = (await requests.get('/.well-known/openid-configuration')).body
  t.match(metadata, {
    backchannel_authentication_endpoint: `${issuer}/oauth/backchannel`,
    backchannel_token_delivery_modes_supported: ['poll', 'ping'],
    backchannel_user_code_parameter_supported: false
  })
  t.ok((metadata['grant_types_supported'] as string[]).includes(cibaGrantType))
  const advertised = metadata['backchannel_authentication_request_signing_alg_values_supported']
  t.same([...(advertised as string[])].sort(), [...algorithms].sort())
  for (const [i, alg] of algorithms.entries()) {
    await forgetRequests(server, requests)
    const request = await new SignJWT({ scope: 'openid', login_hint: person.login })
      .setProtectedHeader({ alg, kid: alg })
      .setIssuer('lawyer')
      .setAudience(issuer)
      .setIssuedAt()
      .setNotBefore('0s')
      .setExpirationTime('60s')
      .setJti(randomUUID())
      .sign(keyPairs[i]?.privateKey ?? privateKey)
    const answer = await requests.post('/oauth/backchannel', basic('lawyer'), { request })
    t.equal(answer.status, 200, `${alg} ${answer.text}`)
  }
})

t.test('the answer is pending until the person has answered (CIBA Core §11)', async t => {
  const id = await newRequest(requests)
  t.match(await poll(requests, id), { status: 400, body: { error: 'authorization_pending' } })
  await answer(ada, 'decline')
  t.match(await poll(requests, id), { status: 400, body: { error: 'access_denied' } })
  t.match(await poll(requests, id), { body: { error: 'access_denied' } }, 'and stays so')
  t.equal((await auditOf('backchannel.declined')).length, 1)
})

t.test('an id token hint names the person, too, even an old one (CIBA Core §7.1)', async t => {
  const id = await newRequest(requests, { scope: 'openid' })
  await answer(ada)
  const { body } = await poll(requests, id)
  const again = await ask(requests, { login_hint: undefined, id_token_hint: body.id_token })
  t.equal(again.status, 200)
  const foreign = { login_hint: undefined, id_token_hint: body.id_token }
  t.match(await ask(requests, foreign, basic('grocer')), { status: 400 }, 'of another client')
  const [head, payload] = body.id_token.split('.')
  const forged = { ...foreign, id_token_hint: `${head}.${payload}.AAAA` }
  t.match(await ask(requests, forged), { status: 400, body: { error: 'invalid_request' } })
  const access = { ...foreign, id_token_hint: body.access_token }
  t.match(await ask(requests, access), { status: 400 }, 'an access token is none')
})

t.test('exactly one hint, and of the kinds that are taken (CIBA Core §7.1, §13)', async t => {
  const hints = [
    { login_hint: undefined },
    { login_hint_token: 'x' },
    { id_token_hint: 'x' },
    { login_hint: undefined, login_hint_token: 'e30.e30.e30' }
  ]
  for (const hint of hints) {
    const { status, body } = await ask(requests, hint)
    t.match({ status, body }, { status: 400, body: { error: 'invalid_request' } })
    t.match(body['error_description'], String)
  }
})

t.test('who is unknown and who is disabled are answered alike (CIBA Core §13)', async t => {
  const gone = await newAccount(server, 'gone@example.com')
  await service.disable(gone.id, 'cli')
  const answers = await Promise.all(
    ['nobody@example.com', gone.login, randomUUID(), '\u202Eada', 'x'.repeat(5_000)].map(
      login_hint => ask(requests, { login_hint })
    )
  )
  for (const { status, body } of answers) {
    t.match({ status, body }, { status: 400, body: { error: 'unknown_user_id' } })
  }
  t.equal(new Set(answers.map(({ text }) => text)).size, 1, 'to the letter')
  t.equal((await auditOf('backchannel.refused')).length, answers.length)
})

t.test('who tries a list of names is stopped, in an hour of the database (R-18)', async t => {
  const grocer = basic('grocer')
  const codes: unknown[] = []
  for (let i = 0; i < 101; i += 1) {
    const { body } = await ask(requests, { login_hint: `n${i}@example.com` }, grocer)
    codes.push(body['error'])
  }
  t.equal(codes.filter(code => code === 'unknown_user_id').length, 100)
  const after = await ask(requests, {}, grocer)
  t.match(after, { status: 403, body: { error: 'access_denied' } }, 'nor who is known')
  t.match(await ask(requests), { status: 200 }, 'another client goes on')
  await requests.turnClock(3_601)
  t.equal((await ask(requests, {}, grocer)).status, 200)
})

t.test('a binding message is short, and plain text (CIBA Core §7.1)', async t => {
  for (const binding_message of ['W4SCT', 'Till 12, order 93', '결제 4TX-28', 'a'.repeat(40)]) {
    await forgetRequests(server, requests)
    t.equal((await ask(requests, { binding_message })).status, 200, binding_message)
  }
  for (const binding_message of [
    'a'.repeat(41),
    ' x',
    '<b>x</b>',
    'pay\u202Eyap',
    'visit https://evil.example',
    'a\nb',
    '-'
  ]) {
    const refused = await ask(requests, { binding_message })
    t.match(refused, { status: 400, body: { error: 'invalid_binding_message' } }, binding_message)
  }
})

t.test('a client may ask for less time, and not for more (CIBA Core §7.1)', async t => {
  t.match((await ask(requests, { requested_expiry: '30' })).body, { expires_in: 30 })
  t.match((await ask(requests, { requested_expiry: '86400' })).body, { expires_in: 300 })
  for (const requested_expiry of ['0', '-1', '1.5', 'x']) {
    t.match(await ask(requests, { requested_expiry }), { body: { error: 'invalid_request' } })
  }
})

t.test('what has expired is expired, for client and person (CIBA Core §11)', async t => {
  const id = await newRequest(requests, { requested_expiry: '30' })
  const page = await ada.get('/approve')
  await requests.turnClock(31)
  t.match(await poll(requests, id), { status: 400, body: { error: 'expired_token' } })
  const form = { form: (one: { fields: Map<string, string> }) => one.fields.has('request') }
  const late = await ada.follow(await ada.submitForm(page, {}, form))
  t.match(late.html, /has expired/)
  t.notMatch(late.html, /Example bank/)
  t.match(await poll(requests, id), { body: { error: 'expired_token' } })
})

t.test('polling too fast is slow_down, and adds five seconds for good (CIBA Core §11)', async t => {
  const id = await newRequest(requests)
  const expect = async (seconds: number, error: string) => {
    await requests.turnClock(seconds)
    t.match(await poll(requests, id), { status: 400, body: { error } }, `after ${seconds} s`)
  }
  await expect(0, 'authorization_pending')
  await expect(0, 'slow_down')
  // six seconds by now, and eleven after this one
  await expect(5, 'slow_down')
  await expect(15, 'slow_down')
  await expect(32, 'authorization_pending')
  await answer(ada)
  t.equal((await poll(requests, id)).status, 200, 'an answer is not held up by it')
})

t.test('of eight polls at once one is in time (CIBA Core §11)', async t => {
  const id = await newRequest(requests)
  const answers = await Promise.all(Array.from({ length: 8 }, () => poll(requests, id)))
  const errors = answers.map(({ body }) => body['error'])
  t.equal(errors.filter(error => error === 'authorization_pending').length, 1)
  t.equal(errors.filter(error => error === 'slow_down').length, 7)
})

t.test('redeemed once; a second time ends what the first one got (CIBA Core §10.1)', async t => {
  const id = await newRequest(requests)
  await answer(ada)
  const { status, body } = await poll(requests, id)
  t.equal(status, 200)
  t.match(await poll(requests, id), { status: 400, body: { error: 'invalid_grant' } })
  t.equal((await requests.userinfo(body.access_token)).status, 401)
})

t.test('another client gets nothing, and slows nobody down (CIBA Core §11)', async t => {
  const id = await newRequest(requests)
  for (let i = 0; i < 3; i += 1) {
    const refused = await poll(requests, id, basic('grocer'))
    t.match(refused, { status: 400, body: { error: 'invalid_grant' } })
  }
  t.match((await poll(requests, id)).body, { error: 'authorization_pending' }, 'not slow_down')
  await answer(ada)
  t.equal((await poll(requests, id, basic('grocer'))).status, 400)
  t.equal((await poll(requests, id)).status, 200)
})

t.test('a changed id is none (CIBA Core §7.3)', async t => {
  const id = await newRequest(requests)
  for (const changed of [`A${id.slice(1)}`, `${id}x`, id.slice(0, -4), '\0', 'x'.repeat(9_000)]) {
    if (changed === id) continue
    t.match(await poll(requests, changed), { status: 400, body: { error: 'invalid_grant' } })
  }
})

t.test('tokens are bound to the key that redeems (RFC 9449 §5)', async t => {
  const prover = await createProver()
  const id = await newRequest(requests)
  await answer(ada)
  const dpop = await prover.proof({ url: `${issuer}/oauth/token` })
  const { status, body } = await poll(requests, id, bank, { dpop })
  t.equal(status, 200)
  t.equal(body['token_type'], 'DPoP')
  t.match(claimsIn(body.access_token), { cnf: { jkt: prover.thumbprint } })
})

t.test('a resource that the client may not name is refused (RFC 8707 §2)', async t => {
  const refused = await ask(requests, { resource: bankApi }, basic('grocer'))
  t.match(refused, { status: 400, body: { error: 'invalid_target' } })
})

t.test(
  'signed requests: every claim, the right key, no parameter beside it (CIBA Core §7.1.1)',
  async t => {
    const seconds = Math.floor(Date.now() / 1_000)
    const claims = {
      iss: 'notary',
      aud: issuer,
      iat: seconds,
      nbf: seconds,
      exp: seconds + 60,
      jti: randomUUID(),
      scope: 'openid',
      login_hint: person.login,
      binding_message: 'SIGNED-1'
    }
    const sign = (payload: object, key = privateKey) =>
      new SignJWT({ ...claims, ...payload })
        .setProtectedHeader({ alg: 'ES256', kid: 'one' })
        .sign(key)
    const send = (request: string, more = {}) =>
      requests.post('/oauth/backchannel', basic('notary'), { request, ...more })
    const good = await sign({})
    t.equal((await send(good, { binding_message: 'OUTSIDE' })).status, 200)
    const page = await ada.get('/approve')
    t.match(page.html, /SIGNED-1/)
    t.notMatch(page.html, /OUTSIDE/)
    t.match(
      await send(good),
      { status: 400, body: { error: 'invalid_request' } },
      'it is good once'
    )
    t.match(await ask(requests, {}, basic('notary')), {
      status: 400,
      body: { error: 'invalid_request' }
    })
    const stranger = await generateKeyPair('ES256')
    const wrong = [
      await sign({ jti: randomUUID() }, stranger.privateKey),
      await sign({ jti: randomUUID(), aud: 'https://other.example.com' }),
      await sign({ jti: randomUUID(), iss: 'bank' }),
      await sign({ jti: randomUUID(), exp: seconds - 60 }),
      ...(await Promise.all(
        ['iat', 'nbf', 'exp', 'jti'].map(name => sign({ jti: randomUUID(), [name]: undefined }))
      )),
      `${good.slice(0, -4)}AAAA`,
      'e30.e30.'
    ]
    for (const request of wrong) {
      t.match(await send(request), { status: 400, body: { error: 'invalid_request' } }, request)
    }
  }
)

t.test(
  'a client without the grant is refused, and a stranger is nobody (CIBA Core §13)',
  async t => {
    t.match(await ask(requests, {}, web.caller), {
      status: 400,
      body: { error: 'unauthorized_client' }
    })
    const token = await requests.token(web.caller, { grant_type: cibaGrantType, auth_req_id: 'x' })
    t.match(token, { status: 400, body: { error: 'unauthorized_client' } })
    const liar = basic('bank', 'x'.repeat(43))
    t.match(await ask(requests, {}, liar), { status: 401, body: { error: 'invalid_client' } })
    t.match(await ask(requests, { scope: 'pay:bills' }), {
      status: 400,
      body: { error: 'invalid_request' }
    })
  }
)
