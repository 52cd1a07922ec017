// What an initial access token allows (RFC 7591 §5): so many clients, over all processes, of certain kinds; and a client's own updates stay
// within what it was registered with (RFC 7592 §2.2).

import t from 'tap'
import {
  issueInitialAccessToken,
  revokeInitialAccessToken
} from '../../src/clients/registration-token.ts'
import { createRegistrationTokenStore } from '../../src/store/registration-tokens.ts'
import { startServerProcess } from '../support/processes.ts'
import { startTestServer } from '../support/server.ts'
import { type Answer, createRequests } from './requests.ts'

const overrides = { registration: { enabled: true } }
const server = await startTestServer(t, overrides)
const requests = createRequests(server)
const { database } = server.store
const tokens = createRegistrationTokenStore({ sql: database })
const metadata = { redirect_uris: ['https://new.example.com/callback'] }

type Options = Parameters<typeof issueInitialAccessToken>[1]
const issue = (options: Partial<Options> = {}) =>
  issueInitialAccessToken(database, { lifetimeSeconds: 3600, ...options })
const bearer = (token: unknown) => ({ authorization: `Bearer ${token}` })
const register = (token: string, members: object = {}) =>
  requests.json('POST', '/oauth/register', { ...metadata, ...members }, bearer(token))
const manage = (method: string, client: Answer['body'], body?: object) =>
  requests.json(
    method,
    new URL(String(client['registration_client_uri'])).pathname,
    body,
    bearer(client['registration_access_token'])
  )
const find = async (id: string) => (await tokens.list()).find(token => token.id === id)

t.test('one token registers as many clients as it says, one unless told', async t => {
  const { token, id } = await issue()
  t.equal((await register(token)).status, 201)
  const second = await register(token)
  t.match(second, { status: 401, body: { error: 'invalid_token' } })
  t.match(await find(id), { used: 1, uses: 1 })
})

t.test('a refused registration takes no use', async t => {
  const { token, id } = await issue()
  t.equal((await register(token, { redirect_uris: ['javascript:x'] })).status, 400)
  t.equal((await register(token, { policy_uri: 'https://other.example/x' })).status, 400)
  t.match(await find(id), { used: 0 })
  t.equal((await register(token)).status, 201)
})

t.test('uses are counted over all processes, however many ask at once', async t => {
  const other = await startServerProcess(t, server, overrides)
  const { token, id } = await issue({ uses: 5 })
  const body = JSON.stringify(metadata)
  const answers = await Promise.all(
    Array.from({ length: 24 }, (_, index) =>
      index % 2 === 0
        ? register(token)
        : other.fetch('/oauth/register', {
            method: 'POST',
            headers: { ...bearer(token), 'content-type': 'application/json' },
            body
          })
    )
  )
  const statuses = answers.map(({ status }) => status).sort()
  t.same(statuses, [...Array(5).fill(201), ...Array(19).fill(401)])
  t.match(await find(id), { used: 5 })
  const { rows } = await database.run<{ count: number }>(
    'test.registered',
    'SELECT count(*)::int AS count FROM clients WHERE registration_token = $1',
    [id]
  )
  t.equal(rows[0]?.count, 5)
})

t.test('a quota is of clients that are there at once', async t => {
  const { token, id } = await issue({ uses: 10, clientsMost: 2 })
  const first = await register(token)
  t.equal((await register(token)).status, 201)
  t.equal((await register(token)).status, 401)
  t.match(await find(id), { used: 2 }, 'the refused one took no use')
  t.equal((await manage('DELETE', first.body)).status, 204)
  t.equal((await register(token)).status, 201)
})

t.test('a revoked token registers nobody; its clients stay', async t => {
  const { token, id } = await issue({ uses: 10 })
  const { body } = await register(token)
  t.equal(await revokeInitialAccessToken(database, id), true)
  t.equal(await revokeInitialAccessToken(database, id), false)
  t.equal((await register(token)).status, 401)
  t.equal((await manage('GET', body)).status, 200)
  const audited = await database.run<{ type: string }>(
    'test.audited',
    `SELECT type FROM audit_events WHERE data ->> 'id' = $1 ORDER BY id`,
    [id]
  )
  t.same(
    audited.rows.map(({ type }) => type),
    ['registration_token.created', 'registration_token.revoked']
  )
})

t.test('a token is for types, scopes and hosts (RFC 7591 §5)', async t => {
  const policy = {
    types: ['spa' as const],
    scopes: ['openid', 'read:things'],
    redirectHosts: ['new.example.com', 'loopback']
  }
  const { token } = await issue({ uses: 100, policy })
  const spa = { token_endpoint_auth_method: 'none' }
  const refused: readonly [object, RegExp][] = [
    [{}, /type web may not be registered/],
    [{ ...spa, scope: 'openid email' }, /scope must not have email/],
    [{ ...spa, redirect_uris: ['https://evil.example/cb'] }, /redirect_uris\[0\] leads to a host/],
    [
      { ...spa, redirect_uris: [...metadata.redirect_uris, 'https://new.example.com:8443/cb'] },
      /redirect_uris\[1\] leads/
    ],
    [
      { ...spa, post_logout_redirect_uris: ['https://evil.example/'] },
      /post_logout_redirect_uris\[0\] leads/
    ],
    [{ grant_types: ['client_credentials'], redirect_uris: [], response_types: [] }, /type machine/]
  ]
  for (const [members, why] of refused) {
    const { status, body } = await register(token, members)
    t.equal(status, 400, JSON.stringify(members))
    t.match(body['error_description'], why)
  }
  const loopback = { ...spa, redirect_uris: ['http://localhost:3000/cb'] }
  t.equal((await register(token, loopback)).status, 201)
  const { status, body } = await register(token, spa)
  t.equal(status, 201, JSON.stringify(body))
  const stored = await server.server.clients.find(String(body['client_id']))
  t.equal(stored?.metadata.scope, 'openid read:things', 'who names none gets those')

  const update = (members: object) =>
    manage('PUT', body, { ...metadata, ...spa, client_id: body['client_id'], ...members })
  for (const members of [
    { scope: 'openid email' },
    { redirect_uris: ['https://evil.example/cb'] }
  ]) {
    const answer = await update(members)
    t.match(answer, { status: 400 }, `${JSON.stringify(members)} by an update (R-80)`)
  }
  t.equal((await update({ client_name: 'Renamed' })).status, 200)
  const after = await server.server.clients.findStored(String(body['client_id']))
  t.equal(after?.metadata.scope, 'openid read:things', 'leaving it out does not widen it')
})

t.test('what a token allowed holds after it has left', async t => {
  const { token, id } = await issue({ policy: { redirectHosts: ['new.example.com'] } })
  const { body } = await register(token)
  await database.run('test.left', 'DELETE FROM registration_tokens WHERE id = $1', [id])
  const answer = await manage('PUT', body, {
    client_id: body['client_id'],
    redirect_uris: ['https://evil.example/cb']
  })
  t.equal(answer.status, 400)
})
