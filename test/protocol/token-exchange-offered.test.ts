// Where token exchange (RFC 8693) is there at all: while a resource lists somebody, and for clients that the operator gave it to. Else it is not
// advertised, not known, and harms no client that still has the grant type.

import t from 'tap'
import { issueInitialAccessToken } from '../../src/protocol/registration.ts'
import { createArtifactStore } from '../../src/store/artifacts.ts'
import { secretOf } from '../support/configuration.ts'
import { startTestServer } from '../support/server.ts'
import { exchangeSetting, startExchanges, tokenExchangeGrantType } from './exchange.ts'
import { basic, createRequests } from './requests.ts'

const configurationPath = '/.well-known/openid-configuration'
const offering = await startExchanges(t, { registration: { enabled: true } })
const { clients } = exchangeSetting
const only = {
  client_id: 'exchanges-only',
  type: 'machine',
  client_secret: secretOf('exchanges-only'),
  grant_types: [tokenExchangeGrantType]
}
const without = await startTestServer(t, {
  registration: { enabled: true },
  clients: [...clients, only]
})

t.test('it is advertised while somebody is listed, and changes nothing else there', async t => {
  const of = async (server: typeof without) =>
    (await createRequests(server).get(configurationPath)).body as Record<string, unknown>
  const [on, off] = [await of(offering), await of(without)]
  const grants = off['grant_types_supported'] as string[]
  t.notOk(grants.includes(tokenExchangeGrantType))
  t.same(on['grant_types_supported'], [...grants, tokenExchangeGrantType])
  t.same(Object.keys(on), Object.keys(off))
})

t.test('it is not known while nobody is, and clients that have it do the rest', async t => {
  const requests = createRequests(without)
  const form = { grant_type: tokenExchangeGrantType, subject_token: 'x', resource: 'https://x' }
  for (const client of ['orders', 'billing', 'exchanges-only']) {
    t.match(await requests.token(basic(client), form), {
      status: 400,
      body: { error: 'unsupported_grant_type', error_description: /token-exchange where/ }
    })
  }
  t.equal((await requests.machine('orders')).status, 200)
  const told = await requests.introspect(basic('exchanges-only'), 'nothing')
  t.match(told, { status: 200, body: { active: false } })
  t.match(await requests.machine('exchanges-only'), {
    status: 400,
    body: { error: 'unauthorized_client' }
  })
})

t.test(
  'whoever registers himself does not get it, nor by a change later (RFC 7591 §2)',
  async t => {
    for (const server of [offering, without]) {
      const requests = createRequests(server)
      const { database } = server.store
      const artifacts = createArtifactStore({ sql: database })
      const token = await issueInitialAccessToken(database, artifacts, 60)
      const bearer = (value: unknown) => ({ authorization: `Bearer ${value}` })
      const asked = { redirect_uris: ['https://new.example.com/callback'] }
      const machine = { redirect_uris: [], response_types: [] }
      for (const metadata of [
        { ...asked, grant_types: ['authorization_code', tokenExchangeGrantType] },
        { ...machine, grant_types: ['client_credentials', tokenExchangeGrantType] },
        { ...machine, grant_types: [tokenExchangeGrantType] }
      ]) {
        const answer = await requests.json('POST', '/oauth/register', metadata, bearer(token))
        t.match(answer, { status: 400, body: { error: 'invalid_client_metadata' } })
      }
      const { body } = await requests.json('POST', '/oauth/register', asked, bearer(token))
      const path = new URL(String(body['registration_client_uri'])).pathname
      const changed = await requests.json(
        'PUT',
        path,
        {
          ...asked,
          client_id: body['client_id'],
          grant_types: ['authorization_code', tokenExchangeGrantType]
        },
        bearer(body['registration_access_token'])
      )
      t.match(changed, { status: 400, body: { error: 'invalid_client_metadata' } })
    }
  }
)

t.test('an operator gives it to clients that authenticate, and to no others', async t => {
  const grant_types = ['authorization_code', tokenExchangeGrantType]
  const redirect_uris = ['https://any.example.com/callback']
  for (const [type, metadata, ok] of [
    ['web', { redirect_uris, grant_types }, true],
    ['machine', { grant_types: [tokenExchangeGrantType] }, true],
    ['spa', { redirect_uris, grant_types }, false],
    ['native', { redirect_uris, grant_types }, false]
  ] as const) {
    const clientId = `of-type-${type}`
    const made = await offering.server.clients.create({ clientId, type, owner: 'cli', metadata })
    t.equal(made.ok, ok, type)
  }
})
