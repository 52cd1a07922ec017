// The JWT bearer grant (RFC 7523 §2.1): an assertion of a trusted issuer about a person becomes an access token of that person at an API, once,
// for the client whose list names the subject, and for nobody else. Everything that hangs on the person, the client or the grant ends it.

import { randomUUID } from 'node:crypto'
import * as oidc from 'openid-client'
import t from 'tap'
import { api, secretOf } from '../support/configuration.ts'
import { createSigner, type Signer, signJwt, startKeyHost } from '../support/key-host.ts'
import { discover } from '../support/relying-party.ts'
import { person, startTestServer } from '../support/server.ts'
import { basic, createProver, createRequests, publicly } from './requests.ts'

const grantType = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const now = () => Math.floor(Date.now() / 1000)
const host = await startKeyHost(t)
const staff = `${host.url}/staff`
const other = `${host.url}/other`
const key = await createSigner('staff-1')
const otherKey = await createSigner('other-1')
for (const [issuer, signer] of [
  [staff, key],
  [other, otherKey]
] as const) {
  const path = new URL(issuer).pathname
  host.answers.set(`${path}/.well-known/openid-configuration`, {
    issuer,
    jwks_uri: `${issuer}/keys`
  })
  host.answers.set(`${path}/keys`, { keys: [signer.jwk] })
}

const entry = {
  issuer: staff,
  subjects: {
    'u-1': person.login,
    'u-2': 'nobody@example.com',
    'u-3': 'eve@example.com',
    constructor: person.login
  },
  scope: 'read:things'
}
const client = (client_id: string, assertion_grants?: object[]) => ({
  client_id,
  type: 'machine',
  client_secret: secretOf(client_id),
  grant_types: ['client_credentials', ...(assertion_grants === undefined ? [] : [grantType])],
  ...(assertion_grants === undefined ? {} : { assertion_grants })
})
const server = await startTestServer(t, {
  trustedIssuers: [{ issuer: staff }, { issuer: other }],
  resources: [
    {
      identifier: 'https://staff.example.com',
      scopes: { 'read:things': { en: 'Read' }, 'write:things': { en: 'Write' } },
      clients: ['assistant', 'assistant-2', 'unrelated', 'by-id'],
      introspectionClient: 'api-server'
    }
  ],
  clients: [
    client('assistant', [entry]),
    client('assistant-2', [{ ...entry, issuer: other }]),
    client('unrelated')
  ]
})
const requests = createRequests(server)
const { issuer, token } = requests
const { clients, accounts } = server.server
const resource = 'https://staff.example.com'

type Changes = Record<string, unknown>
const assert_ = (claims: Changes = {}, header: Changes = {}, signer: Signer = key) =>
  signJwt(
    signer,
    {
      iss: staff,
      sub: 'u-1',
      aud: issuer,
      jti: randomUUID(),
      iat: now(),
      exp: now() + 60,
      ...claims
    },
    header
  )
const ask = (
  assertion: string,
  parameters: Record<string, string | string[]> = {},
  caller = basic('assistant')
) => token(caller, { grant_type: grantType, assertion, resource, ...parameters })
const introspect = async (value: string) =>
  (await requests.post('/oauth/introspect', basic('api-server'), { token: value })).body
const payload = (jwt: string): Changes =>
  JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString())
const lastReason = () =>
  String(server.log.findLast(({ msg }) => msg === 'refused: token')?.['reason'])

t.test(
  'openid-client gets an access token of the person, and nothing else (RFC 7523 §2.1)',
  async t => {
    const clientAuthentication = oidc.ClientSecretBasic(secretOf('assistant'))
    const config = await discover({ issuer, clientId: 'assistant', clientAuthentication })
    t.ok(config.serverMetadata().grant_types_supported?.includes(grantType), 'advertised')
    const tokens = await oidc.genericGrantRequest(config, grantType, {
      assertion: await assert_(),
      resource
    })
    t.same(Object.keys(tokens).sort(), ['access_token', 'expires_in', 'scope', 'token_type'])
    t.equal(tokens.scope, 'read:things')
    t.match(payload(tokens.access_token), {
      sub: server.accountId,
      client_id: 'assistant',
      aud: resource,
      scope: 'read:things'
    })
    t.match(await introspect(tokens.access_token), { active: true, sub: server.accountId })
  }
)

t.test('it is for an API, with the scopes of the client’s list at most', async t => {
  t.match(await ask(await assert_(), { scope: 'read:things' }), { status: 200 })
  for (const scope of [
    'write:things',
    'read:things write:things',
    'openid',
    'offline_access',
    'x'
  ]) {
    t.match(await ask(await assert_(), { scope }), {
      status: 400,
      body: { error: 'invalid_scope' }
    })
  }
  for (const target of [issuer, api, 'https://evil.test', [resource, api]]) {
    const answer = await ask(await assert_(), { resource: target })
    t.match(answer, { status: 400, body: { error: 'invalid_target' } }, String(target))
  }
  const details = JSON.stringify([{ type: 'payment' }])
  t.match(
    await ask(await assert_(), { authorization_details: details }),
    { status: 400, body: { error: 'invalid_authorization_details' } },
    'not passed over'
  )
  const none = await token(basic('assistant'), {
    grant_type: grantType,
    assertion: await assert_()
  })
  t.match(none, { status: 400, body: { error: 'invalid_target' } }, 'no API is named')
  const { access_token } = (await ask(await assert_())).body
  t.equal(
    (await requests.get('/userinfo', { authorization: `Bearer ${access_token}` })).status,
    401
  )
})

t.test('an assertion is good once, also for eight at the same time (RFC 7523 §3)', async t => {
  const once = await assert_()
  t.equal((await ask(once)).status, 200)
  t.match(await ask(once), { status: 400, body: { error: 'invalid_grant' } })
  t.match(lastReason(), /used already/)
  const parallel = await assert_()
  const answers = await Promise.all(Array.from({ length: 8 }, () => ask(parallel)))
  t.same(answers.map(({ status }) => status).sort(), [200, 400, 400, 400, 400, 400, 400, 400])
  const jti = randomUUID()
  t.equal((await ask(await assert_({ jti }))).status, 200)
  t.equal(
    (await ask(await assert_({ jti, sub: 'u-1', iat: now() - 1 }))).status,
    400,
    'the jti counts'
  )
  const kept = await assert_()
  t.equal((await ask(kept, { scope: 'write:things' })).status, 400)
  t.equal((await ask(kept)).status, 200, 'a refusal for something else does not use it up')
})

t.test('it is for this server alone, and lives five minutes at most', async t => {
  const refused: Changes[] = [
    { aud: [issuer] },
    { aud: [issuer, 'https://evil.test'] },
    { aud: `${issuer}/` },
    { aud: `${issuer}/oauth/token` },
    { aud: 'https://evil.test' },
    { aud: undefined },
    { exp: now() + 330 },
    { exp: undefined },
    { exp: now() - 60, iat: now() - 120 },
    { exp: '9999999999' },
    { nbf: now() + 61 },
    { iat: now() + 61 },
    { jti: undefined },
    { jti: '' },
    { jti: 7 },
    { jti: 'x'.repeat(256) },
    { iss: undefined },
    { iss: issuer },
    { iss: `${staff}/` },
    { sub: undefined }
  ]
  for (const claims of refused) {
    const answer = await ask(await assert_(claims))
    t.match(answer, { status: 400, body: { error: 'invalid_grant' } }, JSON.stringify(claims))
  }
  t.equal((await ask(await assert_({ exp: now() + 290, nbf: now() - 5 }))).status, 200)
})

t.test('only a subject of the client’s list is anybody, and only its own account', async t => {
  for (const sub of [
    'u-2',
    'u-3',
    'u-4',
    person.login,
    server.accountId,
    'U-1',
    'u-1 ',
    'toString',
    '__proto__'
  ]) {
    const answer = await ask(await assert_({ sub }))
    t.match(answer, { status: 400, body: { error: 'invalid_grant' } }, sub)
  }
  t.equal((await ask(await assert_({ sub: 'constructor' }))).status, 200, 'a name as any other')
  const foreign = { iss: other }
  const theirs = async () => ask(await assert_(foreign, {}, otherKey), {}, basic('assistant-2'))
  t.equal((await theirs()).status, 200)
  for (const [caller, jwt] of [
    ['assistant', await assert_(foreign, {}, otherKey)],
    ['assistant-2', await assert_()]
  ] as const) {
    t.match(await ask(jwt, {}, basic(caller)), { status: 400, body: { error: 'invalid_grant' } })
  }
  const { access_token } = (await ask(await assert_())).body
  t.match(payload(access_token), { sub: server.accountId })
})

t.test('a client proves who it is, and has the grant (RFC 6749 §5.2)', async t => {
  const wrong = await ask(await assert_(), {}, basic('assistant', 'x'.repeat(43)))
  t.match(wrong, { status: 401, body: { error: 'invalid_client' } })
  for (const caller of [publicly('assistant'), publicly('spa'), { headers: {}, parameters: {} }]) {
    const answer = await ask(await assert_(), {}, caller)
    t.ok(answer.status === 400 || answer.status === 401)
    t.match(answer.body['error'], /^(invalid|unauthorized)_client$/)
  }
  t.match(await ask(await assert_(), {}, basic('unrelated')), {
    status: 400,
    body: { error: 'unauthorized_client' }
  })
})

t.test(
  'forged, tampered and misplaced assertions are invalid_grant, and nothing is fetched',
  async t => {
    const stranger = await createSigner('staff-1')
    const good = await assert_()
    const [head = '', body = '', signature = ''] = good.split('.')
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const asked = host.asked.length
    const idToken = (await requests.tokens()).id_token
    const forged: Record<string, string> = {
      'another key': await assert_({}, {}, stranger),
      'the key of another trusted issuer': await assert_({}, { kid: 'other-1' }, otherKey),
      'a key in the header': await assert_({}, { jwk: stranger.jwk }, stranger),
      'a key by URL': await assert_({}, { jku: `${host.url}/evil` }, stranger),
      'alg none': `${part({ alg: 'none', kid: 'staff-1' })}.${body}.`,
      tampered: `${head}.${part({ ...payload(good), sub: 'constructor' })}.${signature}`,
      'trailing data': `${good}.x`,
      'duplicate members': `${head}.${Buffer.from(`{"sub":"u-9",${JSON.stringify(payload(good)).slice(1)}`).toString('base64url')}.${signature}`,
      'no JWT': 'x',
      'our own ID token': idToken,
      'an access token': await assert_({}, { typ: 'at+jwt' }),
      'a client assertion': await assert_({}, { typ: 'client-authentication+jwt' }),
      'a proof': await assert_({}, { typ: 'dpop+jwt' })
    }
    for (const [what, jwt] of Object.entries(forged)) {
      const answer = await ask(jwt)
      t.match(answer, { status: 400, body: { error: 'invalid_grant' } }, what)
    }
    t.notOk(host.asked.slice(asked).some(path => path.includes('evil')))
    const missing = await token(basic('assistant'), { grant_type: grantType, resource })
    t.match(missing, { status: 400, body: { error: 'invalid_request' } })
    t.match(await ask(good, { assertion: [good, good] }), {
      status: 400,
      body: { error: 'invalid_request' }
    })
  }
)

t.test('a token is bound to a key where a proof comes along (RFC 9449 §5)', async t => {
  const prover = await createProver()
  const dpop = await prover.proof({ url: `${issuer}/oauth/token` })
  const form = { grant_type: grantType, resource, assertion: await assert_() }
  const answer = await token(basic('assistant'), form, { dpop })
  t.match(answer.body, { token_type: 'DPoP' })
  t.match(await introspect(answer.body.access_token), { cnf: { jkt: /./ } })
  const again = { ...form, assertion: await assert_() }
  t.match(await token(basic('assistant'), again, { dpop }), {
    body: { error: 'invalid_dpop_proof' }
  })
})

t.test('everything that ends a grant ends the token', async t => {
  const issue = async () => (await ask(await assert_())).body.access_token
  const active = async (value: string) => (await introspect(value))['active']

  const own = await issue()
  const beside = await issue()
  await requests.post('/oauth/revoke', basic('assistant'), { token: own })
  t.equal(await active(own), false, 'revoked')
  t.equal(await active(beside), true, 'and no other')

  const { database } = server.store
  await database.run(
    'test.revoke',
    'UPDATE grants SET revoked_at = clock_time() WHERE client_id = $1',
    ['assistant']
  )
  t.equal(await active(beside), false, 'its grant was revoked')

  const later = await issue()
  t.equal(await active(later), true)
  await clients.revokeTokens('assistant', 'cli')
  t.equal(await active(later), false, 'the client’s tokens were revoked')

  const { rows } = await database.run<{ seconds: number }>(
    'test.lifetimes',
    `SELECT max(extract(epoch FROM expires_at - created_at))::float8 AS seconds FROM grants WHERE client_id = 'assistant'`
  )
  t.ok(Number(rows[0]?.seconds) <= 600 + 60, 'a grant lives no longer than its token')

  const { rows: trail } = await database.run<{ data: object }>(
    'test.trail',
    `SELECT data FROM audit_events WHERE type = 'grant.created' AND client_id = 'assistant' LIMIT 1`
  )
  t.match(trail, [{ data: { assertionIssuer: staff, assertionSubject: 'u-1', resource } }])

  // a token of the second in which all were revoked is among them
  let last = await issue()
  while (!(await active(last))) last = await issue()
  const disabled = await accounts.service.disable(server.accountId, 'cli')
  t.ok(disabled.ok)
  t.equal(await active(last), false, 'the account was disabled')
  t.match(await ask(await assert_()), { status: 400, body: { error: 'invalid_grant' } })
})
