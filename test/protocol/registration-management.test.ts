// Managing a registration (RFC 7592): a client reads, replaces and deletes its own record, with a token that is good for nothing else.

import { exportJWK, generateKeyPair } from 'jose'
import t from 'tap'
import { issueInitialAccessToken } from '../../src/clients/registration-token.ts'
import { startTestServer } from '../support/server.ts'
import { type Answer, type App, basic, createRequests } from './requests.ts'

const server = await startTestServer(t, { registration: { enabled: true } })
const requests = createRequests(server)
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

t.test('a client reads its record, and its secret is not in it (RFC 7592 §2.1)', async t => {
  const { body: client } = await register()
  const { status, body, headers } = await manage('GET', client)
  t.equal(status, 200)
  t.match(headers.get('cache-control'), /no-store/)
  t.match(body, {
    client_id: client['client_id'],
    client_name: 'New app',
    redirect_uris: [redirectUri],
    token_endpoint_auth_method: 'client_secret_basic',
    registration_client_uri: client['registration_client_uri'],
    registration_access_token: client['registration_access_token']
  })
  // only its digest is stored: rather none than one that is not it
  t.notOk('client_secret' in body)
  t.notOk('type' in body, 'nor what is ours')
})

t.test('an update replaces the record: what is left out is gone (RFC 7592 §2.2)', async t => {
  const { body: client } = await register({
    client_uri: 'https://new.example.com/',
    contacts: ['me@example.com']
  })
  const changed = {
    client_id: client['client_id'],
    client_name: 'Newer app',
    redirect_uris: ['https://new.example.com/other']
  }
  const { status, body } = await manage('PUT', client, changed)
  t.equal(status, 200, JSON.stringify(body))
  t.match(body, { client_name: 'Newer app', redirect_uris: changed.redirect_uris })
  t.notOk('client_uri' in body)
  const stored = await server.server.clients.findStored(String(client['client_id']))
  t.equal(stored?.metadata.client_name, 'Newer app')
  t.equal(stored?.metadata.client_uri, undefined)
  t.equal(stored?.metadata.contacts, undefined)
  const clientId = String(client['client_id'])
  const app: App = {
    clientId,
    redirectUri,
    caller: basic(clientId, String(client['client_secret']))
  }
  const page = await requests.authorize({ app })
  t.equal(page.location, undefined, 'the old redirect URI')
  const moved = { ...app, redirectUri: 'https://new.example.com/other' }
  t.type((await requests.tokens({ app: moved })).access_token, 'string', 'the secret is as it was')
})

t.test('an update may repeat the secret, and not change it (RFC 7592 §2.2)', async t => {
  const { body: client } = await register()
  const own = { ...metadata, client_id: client['client_id'] }
  const same = await manage('PUT', client, { ...own, client_secret: client['client_secret'] })
  t.equal(same.status, 200, JSON.stringify(same.body))
  const token = same.body['registration_access_token']
  const other = await manage('PUT', client, { ...own, client_secret: 'x'.repeat(43) }, token)
  t.match(other, { status: 400, body: { error: 'invalid_request' } })
})

t.test('a client that changes to a secret is told the one that is good (RFC 7592 §3)', async t => {
  const { publicKey } = await generateKeyPair('ES256', { extractable: true })
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256', use: 'sig', kid: 'k' }] }
  const machine = { redirect_uris: [], response_types: [], grant_types: ['client_credentials'] }
  const { body: client } = await register({
    ...machine,
    token_endpoint_auth_method: 'private_key_jwt',
    jwks
  })
  t.notOk('client_secret' in client, JSON.stringify(client))
  const clientId = String(client['client_id'])
  const { status, body } = await manage('PUT', client, { ...machine, client_id: clientId })
  t.equal(status, 200, JSON.stringify(body))
  t.match(body, { token_endpoint_auth_method: 'client_secret_basic', client_secret: String })
  t.notOk('jwks' in body)
  const caller = basic(clientId, String(body['client_secret']))
  t.equal((await requests.machine(clientId, {}, caller)).status, 200)
})

t.test(
  'an update is judged like a registration, and names its own client (RFC 7592 §2.2)',
  async t => {
    const { body: client } = await register()
    const own = { ...metadata, client_id: client['client_id'] }
    for (const changed of [
      { redirect_uris: ['javascript:alert(1)'] },
      { redirect_uris: ['http://new.example.com/'] },
      { id_token_signed_response_alg: 'none' },
      { client_id: 'web' },
      { client_id: undefined },
      { registration_access_token: 'x' },
      { client_id_issued_at: 1 }
    ]) {
      const answer = await manage('PUT', client, { ...own, ...changed })
      t.equal(answer.status, 400, JSON.stringify(changed))
    }
    t.equal((await manage('GET', client)).body['client_name'], 'New app')
  }
)

t.test(
  'each update brings a new registration access token, and the old one is over (RFC 7592 §3)',
  async t => {
    const { body: client } = await register()
    const own = { ...metadata, client_id: client['client_id'] }
    const { body } = await manage('PUT', client, own)
    t.not(body['registration_access_token'], client['registration_access_token'])
    t.equal((await manage('GET', client)).status, 401)
    t.equal((await manage('GET', client, undefined, body['registration_access_token'])).status, 200)
  }
)

t.test('a registration access token opens its own record only (RFC 7592 §2)', async t => {
  const [{ body: one }, { body: two }, { body: three }] = [
    await register(),
    await register(),
    await register()
  ]
  for (const method of ['GET', 'PUT', 'DELETE']) {
    const own = { ...metadata, client_id: two['client_id'] }
    const answer = await manage(
      method,
      two,
      method === 'PUT' ? own : undefined,
      one['registration_access_token']
    )
    t.equal(answer.status, 401, method)
  }
  for (const token of ['x', '', await initial(), three['client_secret']]) {
    const answer = await manage('GET', two, undefined, token)
    t.ok(answer.status === 401 || answer.status === 400)
  }
  t.equal((await manage('GET', two)).status, 200)
  const configured = await requests.json(
    'DELETE',
    '/oauth/register/web',
    undefined,
    bearer(three['registration_access_token'])
  )
  t.equal(configured.status, 401)
  t.ok(await server.server.clients.find('web'))
})

t.test('a deleted client is gone, with everything it held (RFC 7592 §2.3)', async t => {
  const { body: client } = await register({ grant_types: ['authorization_code', 'refresh_token'] })
  const clientId = String(client['client_id'])
  const app: App = {
    clientId,
    redirectUri,
    caller: basic(clientId, String(client['client_secret']))
  }
  const tokens = await requests.tokens({
    app,
    scope: 'openid offline_access',
    extra: { prompt: 'consent' }
  })
  t.equal((await manage('DELETE', client)).status, 204)
  t.equal((await manage('GET', client)).status, 401)
  t.equal((await requests.userinfo(tokens.access_token)).status, 401)
  t.equal((await requests.refresh(app, tokens.refresh_token)).status, 401)
  t.equal((await requests.authorize({ app })).status, 400)
})
