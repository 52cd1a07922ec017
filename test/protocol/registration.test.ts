// Dynamic registration (RFC 7591) and its management (RFC 7592): off unless switched on, behind an initial access token, and judged by the
// same policy as every other client. A stranger says nothing of himself that is the operator's to say.

import t from 'tap'
import { issueInitialAccessToken } from '../../src/clients/registration-token.ts'
import { startTestServer } from '../support/server.ts'
import {
  type Answer,
  type App,
  api,
  basic,
  claimsIn,
  createRequests,
  publicly
} from './requests.ts'

const server = await startTestServer(t, { registration: { enabled: true } })
const requests = createRequests(server)
const { issuer } = requests
const { database } = server.store

const bearer = (value: unknown) => ({ authorization: `Bearer ${value}` })
const initial = async (seconds = 3600) =>
  (await issueInitialAccessToken(database, { lifetimeSeconds: seconds })).token
const redirectUri = 'https://new.example.com/callback'
const metadata = { client_name: 'New app', redirect_uris: [redirectUri] }

async function register(changed: object = {}): Promise<Answer> {
  const body = { ...metadata, ...changed }
  return requests.json('POST', '/oauth/register', body, bearer(await initial()))
}

const manage = (method: string, client: Answer['body'], body?: unknown, token?: unknown) =>
  requests.json(
    method,
    new URL(String(client['registration_client_uri'])).pathname,
    body,
    bearer(token ?? client['registration_access_token'])
  )

t.afterEach(() => requests.turnClock(0))

t.test('registration is off by default: no endpoint, and no word of it (RFC 7591 §3)', async t => {
  const plain = createRequests(await startTestServer(t))
  const answer = await plain.json('POST', '/oauth/register', metadata, bearer('x'))
  t.match(answer, {
    status: 404,
    body: { error: 'invalid_request', error_description: /cannot register themselves.*operator/ }
  })
  t.equal(answer.headers.get('cache-control'), 'no-store')
  for (const method of ['GET', 'PUT', 'DELETE']) {
    const managed = await fetch(`${plain.issuer}/oauth/register/web`, { method })
    t.equal(managed.status, 404)
    t.match(managed.headers.get('content-type'), 'application/json', 'a client reads it')
  }
  const { body } = await plain.get('/.well-known/openid-configuration')
  t.notOk('registration_endpoint' in body)
})

t.test(
  'a client registers, signs somebody in, and has its secret in no column (RFC 7591 §3.2.1)',
  async t => {
    const { body: discovery } = await requests.get('/.well-known/openid-configuration')
    t.equal(discovery['registration_endpoint'], `${issuer}/oauth/register`)
    const { status, body, headers } = await register({
      grant_types: ['authorization_code', 'refresh_token']
    })
    t.equal(status, 201, JSON.stringify(body))
    t.match(headers.get('cache-control'), /no-store/)
    t.match(body, {
      client_name: 'New app',
      redirect_uris: [redirectUri],
      client_secret_expires_at: 0,
      token_endpoint_auth_method: 'client_secret_basic',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code']
    })
    const clientId = String(body['client_id'])
    const secret = String(body['client_secret'])
    t.match(secret, /^[\w-]{43,}$/)
    t.ok(Math.abs(Number(body['client_id_issued_at']) - Date.now() / 1000) < 10)
    t.equal(body['registration_client_uri'], `${issuer}/oauth/register/${clientId}`)

    const app: App = { clientId, redirectUri, caller: basic(clientId, secret) }
    const tokens = await requests.tokens({
      app,
      scope: 'openid email offline_access',
      extra: { prompt: 'consent' }
    })
    t.equal(claimsIn(tokens.id_token)['aud'], clientId)
    t.equal((await requests.refresh(app, tokens.refresh_token)).status, 200)
    const page = await requests.authorize({ app, resource: api })
    t.equal(page.location?.searchParams.get('error'), 'invalid_target', 'APIs are not open to it')

    const { rows } = await database.run<{ found: boolean }>(
      'test.secret_found',
      `SELECT EXISTS (SELECT FROM clients c WHERE c::text LIKE '%' || $1 || '%')
       OR EXISTS (SELECT FROM client_secrets s WHERE s::text LIKE '%' || $1 || '%')
       OR EXISTS (SELECT FROM artifacts a WHERE a::text LIKE '%' || $2 || '%') AS found`,
      [secret, String(body['registration_access_token'])]
    )
    t.equal(rows[0]?.found, false)
  }
)

t.test('a public client gets no secret (RFC 7591 §3.2.1)', async t => {
  const { status, body } = await register({ token_endpoint_auth_method: 'none' })
  t.equal(status, 201)
  t.notOk('client_secret' in body)
  const clientId = String(body['client_id'])
  const app: App = { clientId, redirectUri, caller: publicly(clientId) }
  t.type((await requests.tokens({ app })).access_token, 'string')
})

t.test('an initial access token is needed, ours, and alive (RFC 7591 §3)', async t => {
  const short = await initial(60)
  for (const headers of [
    {},
    bearer(''),
    bearer('x'),
    bearer('x'.repeat(43)),
    { authorization: 'Basic eDp4' }
  ]) {
    const answer = await requests.json(
      'POST',
      '/oauth/register',
      metadata,
      headers as Record<string, string>
    )
    t.ok(answer.status === 401 || answer.status === 400, JSON.stringify(headers))
    t.notOk('client_id' in answer.body)
  }
  const tokens = await requests.tokens()
  t.equal(
    (await requests.json('POST', '/oauth/register', metadata, bearer(tokens.access_token))).status,
    401
  )
  const { body } = await register()
  const other = await requests.json(
    'POST',
    '/oauth/register',
    metadata,
    bearer(body['registration_access_token'])
  )
  t.equal(other.status, 401, 'a registration access token is not one')
  await requests.turnClock(61)
  t.equal(
    (await requests.json('POST', '/oauth/register', metadata, bearer(short))).status,
    401,
    'expired'
  )
})

t.test('bad redirect URIs are refused with their own error (RFC 7591 §3.2.2)', async t => {
  const wrong = [
    'javascript:alert(1)',
    'JavaScript://new.example.com/%0aalert(1)',
    ' javascript:alert(1)',
    '\tjava\nscript:alert(1)',
    'data:text/html,x',
    'blob:https://new.example.com/x',
    'file:///etc/passwd',
    'vbscript:x',
    'http://new.example.com/callback',
    'https://new.example.com/callback#x',
    'https://user@new.example.com/callback',
    'https://*.example.com/callback',
    'https://new.example.com/callback?code=x',
    'https://new.example.com/callback?iss=x',
    'x',
    ''
  ]
  for (const uri of wrong) {
    const answer = await register({ redirect_uris: [uri] })
    t.equal(answer.status, 400, uri)
    t.match(answer.body['error'], /^invalid_(redirect_uri|client_metadata)$/, uri)
    t.ok(String(answer.body['error_description']).length > 10)
  }
  const http = await register({ redirect_uris: ['https://new.example.com/callback?code=x'] })
  t.equal(http.body['error'], 'invalid_redirect_uri')
})

t.test('no URL that runs script is taken, in any member or spelling (RFC 7591 §5)', async t => {
  const members = [
    'client_uri',
    'logo_uri',
    'policy_uri',
    'tos_uri',
    'initiate_login_uri',
    'jwks_uri'
  ]
  for (const member of members) {
    for (const uri of [
      'javascript:alert(1)',
      'JAVASCRIPT:alert(1)',
      ' javascript:alert(1)',
      'data:text/html,x'
    ]) {
      const answer = await register({ [member]: uri })
      t.match(
        answer,
        { status: 400, body: { error: /^invalid_client_metadata$/ } },
        `${member} ${uri}`
      )
    }
  }
  const logout = await register({ post_logout_redirect_uris: ['javascript:alert(1)'] })
  t.equal(logout.status, 400)
  const host = await register({ logo_uri: 'https://bank.example/logo.png' })
  t.equal(host.status, 400, 'nor the logo of somebody else')
})

t.test('nobody registers an internal address for us to fetch from (RFC 7591 §5)', async t => {
  for (const jwks_uri of [
    'https://127.0.0.1/jwks',
    'https://localhost/jwks',
    'https://[::1]/jwks',
    'https://169.254.169.254/latest',
    'https://10.0.0.1/jwks',
    'http://new.example.com/jwks'
  ]) {
    const answer = await register({ jwks_uri, token_endpoint_auth_method: 'private_key_jwt' })
    t.equal(answer.status, 400, jwks_uri)
  }
})

t.test(
  'what only the operator may say is refused, at registration and at update (RFC 7592 §3)',
  async t => {
    const { body: client } = await register()
    for (const own of [
      { first_party: true },
      { type: 'machine' },
      { default_resource: api },
      { refresh_tokens: 'always' },
      { profile: 'fapi2' },
      { workload_identity: [{ issuer: 'https://ci.example.com', subject: 'repo:evil/evil:*' }] }
    ]) {
      const created = await register(own)
      t.match(
        created,
        { status: 400, body: { error: 'invalid_client_metadata' } },
        JSON.stringify(own)
      )
      const updated = await manage('PUT', client, {
        ...metadata,
        client_id: client['client_id'],
        ...own
      })
      t.match(
        updated,
        { status: 400, body: { error: 'invalid_client_metadata' } },
        JSON.stringify(own)
      )
    }
    const stored = await server.server.clients.findStored(String(client['client_id']))
    t.notOk(stored?.metadata.first_party)
  }
)

t.test('members that are unknown are ignored, and said nowhere (RFC 7591 §2)', async t => {
  const { status, body } = await register({
    'ssf.enabled': true,
    service_account: true,
    owner: 'config',
    disabled_at: null,
    client_id: 'chosen',
    client_secret: 'chosen',
    __proto__: { first_party: true }
  })
  t.equal(status, 201)
  t.not(body['client_id'], 'chosen')
  t.not(body['client_secret'], 'chosen')
  for (const member of ['ssf.enabled', 'service_account', 'owner', 'disabled_at']) {
    t.notOk(member in body, member)
  }
})

t.test(
  'what is not offered is refused when it is registered, not when it is used (RFC 7591 §3.2.2)',
  async t => {
    for (const changed of [
      { grant_types: ['implicit'], response_types: ['id_token'] },
      { grant_types: ['password'] },
      { response_types: ['code id_token'] },
      { token_endpoint_auth_method: 'tls_client_auth' },
      {
        token_endpoint_auth_method: 'client_secret_jwt',
        token_endpoint_auth_signing_alg: 'HS512'
      },
      { id_token_signed_response_alg: 'none' },
      { id_token_signed_response_alg: 'HS256' },
      { subject_type: 'other' },
      { redirect_uris: [] },
      { redirect_uris: 'https://new.example.com/callback' },
      { client_name: 'x'.repeat(10_000) },
      { client_name: 'Paypal \u202egnp' },
      { contacts: 'me' }
    ]) {
      const answer = await register(changed)
      t.equal(answer.status, 400, JSON.stringify(changed).slice(0, 80))
      t.match(answer.body['error'], /^invalid_(redirect_uri|client_metadata)$/)
    }
  }
)

t.test('a body that is no JSON object is invalid_request (RFC 7591 §3.1)', async t => {
  const headers = { ...bearer(await initial()), 'content-type': 'application/json' }
  for (const body of ['', 'x', '[]', 'null', '"x"', '{', '1']) {
    const response = await fetch(`${issuer}/oauth/register`, { method: 'POST', headers, body })
    t.ok(response.status === 400, `${response.status} ${body}`)
    const { error } = (await response.json()) as { error: string }
    t.match(error, /^invalid_(request|client_metadata|redirect_uri)$/, body)
  }
})

t.test('people are always asked about a client that registered itself (RFC 7591 §5)', async t => {
  const { body: client } = await register({ client_name: '<b>Bold</b> & "quoted"' })
  const clientId = String(client['client_id'])
  const app: App = {
    clientId,
    redirectUri,
    caller: basic(clientId, String(client['client_secret']))
  }
  await requests.code()
  const page = await requests.ada.follow(await requests.authorize({ app, browser: requests.ada }))
  t.notMatch(page.html, /<b>Bold/)
  t.match(page.html, /new\.example\.com/, 'the host that is verified is shown')
})
