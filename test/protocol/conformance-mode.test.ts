// What conformance mode relaxes, for whom, where and for how long (security D-19). What the suite's plans need of it is played in
// test/conformance/plans.test.ts.

import { randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import t from 'tap'
import { checkRun } from '../../src/ops/conformance.ts'
import { createAccountStore } from '../../src/store/accounts.ts'
import type { Database } from '../../src/store/database.ts'
import { startWith } from '../conformance/run.ts'
import { createBrowser } from '../support/browser.ts'
import { secretOf } from '../support/configuration.ts'
import { createTestDatabase } from '../support/postgres.ts'
import { freePort, startTestServer } from '../support/server.ts'
import { basic } from './requests.ts'

const redirectUri = 'https://hybrid.example.com/callback'
const hybrid = {
  client_id: 'hybrid',
  type: 'web',
  client_secret: secretOf('hybrid'),
  redirect_uris: [redirectUri],
  grant_types: ['authorization_code', 'implicit'],
  response_types: ['code', 'code id_token', 'id_token']
}
const strict = {
  client_id: 'strict',
  type: 'web',
  client_secret: secretOf('strict'),
  redirect_uris: [redirectUri],
  conformance: 'strict'
}
const person = { login: 'ada@example.com', password: 'correct horse battery staple' }
const on = { enabled: true, responseTypes: ['code id_token', 'id_token'], registration: 'open' }

let turned = 0
const issuer = `http://localhost:${await freePort()}`
await startWith(
  t,
  {
    issuer,
    conformance: on,
    registration: { enabled: true },
    clients: [{ ...hybrid, conformance: 'relaxed' }, strict],
    accounts: [person]
  },
  () => new Date(Date.now() + turned)
)

/** a server outside of this mode */
const plain = await startTestServer(t, { registration: { enabled: true } })

function ask(client: string, more: Record<string, string>) {
  const query = new URLSearchParams({
    client_id: client,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: 'openid',
    nonce: 'n-0S6_WzA2Mj',
    ...more
  })
  return fetch(`${issuer}/authorize?${query}`, { redirect: 'manual' })
}

const challenge = {
  code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
  code_challenge_method: 'S256'
}

const register = (metadata: object, address = issuer) =>
  fetch(`${address}/oauth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ redirect_uris: [redirectUri], ...metadata })
  })

t.test('without conformance mode a client cannot have another response type than code', async t => {
  const refused = await plain.server.clients.reconcile([hybrid as never], { from: 'key', value: 2 })
  t.match(refused, { ok: false, problems: [{ member: /response_types|grant_types/ }] })
})

t.test(
  'with it, the flagged client may use hybrid and implicit (OpenID Connect Core §3.2, §3.3)',
  async t => {
    const answer = await fetch(`${issuer}/.well-known/openid-configuration`)
    const metadata = (await answer.json()) as { response_types_supported: string[] }
    t.same(metadata.response_types_supported, ['code', 'code id_token', 'id_token'])
    for (const type of ['code id_token', 'id_token']) {
      const answer = await ask('hybrid', { response_type: type, ...challenge })
      t.equal(answer.status, 303, type)
      t.match(answer.headers.get('location'), /\/interaction\//, type)
    }

    const refused = await ask('strict', { response_type: 'id_token', ...challenge })
    t.match(refused.headers.get('location'), /this\+response_type\+is\+not\+among/)
    const unflagged = { ...hybrid, client_id: 'other', conformance: 'strict' }
    const content = { issuer, conformance: on, clients: [unflagged] }
    await t.rejects(startWith(t, content), /other.*response_types.*relaxed/)
  }
)

t.test('only a flagged client may leave out PKCE (D-19)', async t => {
  t.match((await ask('hybrid', {})).headers.get('location'), /\/interaction\//)
  t.match((await ask('strict', {})).headers.get('location'), /error=invalid_request.*PKCE/i)
})

t.test('whoever registers in this mode needs no token, and is flagged (D-19)', async t => {
  const answer = await register({ response_types: ['id_token'], grant_types: ['implicit'] })
  const client = (await answer.json()) as Record<string, string>
  t.equal(answer.status, 201, JSON.stringify(client))
  t.notOk('conformance' in client, 'which is no member of the registration')
  const went = await ask(client['client_id'] ?? '', { response_type: 'id_token' })
  t.match(went.headers.get('location'), /\/interaction\//, 'implicit, and no PKCE')
  const named = await register({ conformance: 'strict' })
  t.equal(named.status, 400, 'nobody says of himself what he is held to')

  t.equal((await register({}, plain.issuer)).status, 401, 'without the mode a token is needed')
})

t.test('only a flagged client may sign assertions for an endpoint (D-19)', async t => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const keyed = {
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'a' }] }
  }
  const { client_id } = (await (await register(keyed)).json()) as { client_id: string }
  const at = async (address: string, clientId: string, aud: string) => {
    const claims = { iss: clientId, sub: clientId, aud, jti: randomUUID() }
    const assertion = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256', kid: 'a' })
      .setExpirationTime('1m')
      .sign(privateKey)
    const answer = await fetch(`${address}/oauth/revoke`, {
      method: 'POST',
      body: new URLSearchParams({
        token: 'x',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: assertion
      })
    })
    return answer.status
  }
  t.equal(await at(issuer, client_id, `${issuer}/oauth/token`), 200)
  t.equal(await at(issuer, client_id, issuer), 200)
  t.equal(await at(issuer, client_id, 'https://elsewhere.example/oauth/token'), 401)
  const made = await plain.server.clients.create({
    type: 'web',
    owner: 'cli',
    metadata: { redirect_uris: [redirectUri], ...keyed }
  })
  const unflagged = made.ok ? made.client.clientId : ''
  t.equal(await at(plain.issuer, unflagged, plain.issuer), 200)
  t.equal(await at(plain.issuer, unflagged, `${plain.issuer}/oauth/token`), 401)
})

t.test('in this mode every page has the notice (D-19)', async t => {
  const browser = createBrowser({ origin: issuer })
  const signIn = await browser.follow(
    await browser.get((await ask('hybrid', {})).headers.get('location') ?? '')
  )
  t.equal(signIn.status, 404, 'an interaction of another browser')
  const query = `client_id=hybrid&redirect_uri=${redirectUri}&response_type=code&scope=openid`
  const login = await browser.follow(await browser.get(`/authorize?${query}`))
  const consent = await browser.follow(await browser.submitForm(login, person))
  const pages = [
    signIn,
    login,
    consent,
    await browser.get('/authorize'),
    await browser.get('/logout'),
    await browser.get('/device'),
    await browser.get('/nowhere')
  ]
  for (const page of pages) {
    t.match(page.html, /<p class="note" id="conformance">This is a conformance test server/)
  }
  t.strictSame(
    [login.heading, consent.heading],
    ['Sign in', 'hybrid wants to access your mintmark account']
  )
  t.notMatch(await (await fetch(`${plain.issuer}/nowhere`)).text(), /conformance/)
})

/** What is refused, as its sentence; undefined when nothing is. */
async function refusal(database: Database, enabled: boolean): Promise<string | undefined> {
  const conformance = { enabled, responseTypes: [], registration: 'token' as const }
  return checkRun(database, { conformance }).then(
    () => undefined,
    error => String(error.message)
  )
}

t.test('the mode wants a database of its own, and leaves it to nobody else (D-19)', async t => {
  const { database } = await createTestDatabase(t)
  const client = (id: string, metadata: object) =>
    database.run(
      'test.client',
      `INSERT INTO clients (client_id, type, owner, metadata) VALUES ($1, 'web', 'cli', $2::jsonb)`,
      [id, JSON.stringify(metadata)]
    )
  const clean = () => database.run('test.clean', 'DELETE FROM clients', [])

  await client('web', { conformance: 'relaxed' })
  t.match(await refusal(database, true), /own.*the client web/, 'any client, before a run')
  t.equal(await refusal(database, false), undefined)
  await clean()
  const accounts = createAccountStore({ sql: database })
  await accounts.create('eve', undefined, {}, 'seeded')
  t.match(await refusal(database, true), /the account eve/, 'any account, too')
  await database.run('test.nobody', 'DELETE FROM accounts', [])

  t.equal(await refusal(database, true), undefined, 'an empty one is marked')
  t.match(await refusal(database, false), /used for a conformance run/, 'and serves nobody after')
  await client('suite', { conformance: 'relaxed' })
  await accounts.create('suite', undefined, {}, 'seeded')
  t.equal(await refusal(database, true), undefined, 'those of the run may be there')
  await client('web', {})
  t.match(await refusal(database, true), /the client web/)
  await clean()
  await accounts.create('mallory', undefined, {}, 'made')
  t.match(await refusal(database, true), /the account mallory/)
})

t.test('a run is over after 24 hours, on the next start and at once (D-19)', async t => {
  const { database } = await createTestDatabase(t)
  t.equal(await refusal(database, true), undefined)
  const age = (hours: number) =>
    database.run(
      'test.age',
      `UPDATE settings SET value = jsonb_build_object('startedAt', clock_time() - make_interval(hours => $1))
       WHERE name = 'conformance'`,
      [hours]
    )
  await age(23)
  t.equal(await refusal(database, true), undefined)
  await age(24)
  t.match(await refusal(database, true), /more than 24 hours ago/)

  const post = (path: string) =>
    fetch(issuer + path, {
      method: 'POST',
      headers: basic('strict').headers,
      body: new URLSearchParams({ grant_type: 'client_credentials' })
    })
  t.equal((await ask('hybrid', {})).status, 303)
  turned = 24 * 3_600_000
  t.equal((await ask('hybrid', {})).status, 410)
  const refused = await post('/oauth/token')
  t.equal(refused.status, 410)
  t.match(await refused.json(), { error: 'invalid_request', error_description: /run is over/ })
  t.equal((await fetch(`${issuer}/.well-known/openid-configuration`)).status, 410)
  t.equal((await fetch(`${issuer}/livez`)).status, 200, 'the process itself is well')
  turned = 0
  t.equal((await ask('hybrid', {})).status, 303)
})
