// Who presents a spent token inside the leeway (HOUSE: refresh token families): the client's own tabs, or somebody at another address who
// is always a moment behind. Addresses come from a proxy that the server trusts.

import t from 'tap'
import { startTestServer } from '../support/server.ts'
import { type App, createProver, createRequests, spa, web } from './requests.ts'

const server = await startTestServer(t, { trustedProxies: ['127.0.0.1', '::1'] })
const requests = createRequests(server)

const [home, elsewhere] = ['192.0.2.1', '198.51.100.7']
const at = (address: string) => ({ 'x-forwarded-for': address })
const refreshAt = (address: string, app: App, value: string) =>
  requests.refresh(app, value, {}, at(address))
const offline = (app: App) =>
  requests.tokens({ app, scope: 'openid offline_access', extra: { prompt: 'consent' } })

async function eventsOf(clientId: string, type: string) {
  const { rows } = await server.store.database.run<{ address: string; data: object }>(
    'test.events',
    'SELECT address, data FROM audit_events WHERE client_id = $1 AND type = $2 ORDER BY id',
    [clientId, type]
  )
  return rows
}

/** Rotates at home, and answers the same token elsewhere, `times` in a row; the newest token of both. */
async function shadowed(app: App, value: string, times: number) {
  let current = value
  for (let generation = 0; generation < times; generation++) {
    const { body: first } = await refreshAt(home, app, current)
    const { body: second, status } = await refreshAt(elsewhere, app, current)
    if (status !== 200 || first.refresh_token !== second.refresh_token) {
      throw new Error(`generation ${generation}: ${status}`)
    }
    current = first.refresh_token
  }
  return current
}

t.test('an answer to another address is audited, with both (D-26)', async t => {
  const { refresh_token } = await offline(web)
  await refreshAt(home, web, refresh_token)
  t.equal((await refreshAt(home, web, refresh_token)).status, 200)
  t.same(await eventsOf('web', 'refresh.leeway_answered'), [], 'its own address is a parallel tab')
  t.equal((await refreshAt(elsewhere, web, refresh_token)).status, 200)
  t.match(await eventsOf('web', 'refresh.leeway_answered'), [
    { address: elsewhere, data: { generation: 1, firstAddress: home } }
  ])
})

t.test('three generations in a row to a second address are reuse (D-26)', async t => {
  const first = await offline(spa)
  const third = await shadowed(spa, first.refresh_token, 2)
  const { body: fourth, status } = await refreshAt(home, spa, third)
  t.equal(status, 200)
  t.match(await refreshAt(elsewhere, spa, third), { status: 400, body: { error: 'invalid_grant' } })
  t.match(await refreshAt(home, spa, fourth.refresh_token), {
    status: 400,
    body: { error: 'invalid_grant' }
  })
  t.equal((await requests.userinfo(fourth.access_token)).status, 401)
  t.match(await eventsOf('spa', 'refresh.reuse_detected'), [
    { address: elsewhere, data: { generation: 3 } }
  ])
})

t.test('a generation without ends the row (D-26)', async t => {
  const first = await offline(spa)
  const third = await shadowed(spa, first.refresh_token, 2)
  const { body: fourth } = await refreshAt(home, spa, third)
  const sixth = await shadowed(spa, fourth.refresh_token, 2)
  t.equal((await refreshAt(home, spa, sixth)).status, 200)
})

t.test(
  'whoever proves a key or a secret with each request may have many addresses (RFC 9449 §5)',
  async t => {
    const { refresh_token } = await offline(web)
    t.ok(await shadowed(web, refresh_token, 5), 'a confidential client of several machines')

    const prover = await createProver()
    const url = `${server.issuer}/oauth/token`
    const tokens = await requests.tokens(
      { app: spa, scope: 'openid offline_access', extra: { prompt: 'consent' } },
      { dpop: await prover.proof({ url }) }
    )
    let current = tokens.refresh_token
    for (let generation = 0; generation < 5; generation++) {
      const answers = []
      for (const address of [home, elsewhere]) {
        const headers = { ...at(address), dpop: await prover.proof({ url }) }
        answers.push(await requests.refresh(spa, current, {}, headers))
      }
      t.same(
        answers.map(({ status }) => status),
        [200, 200]
      )
      current = answers[0]?.body.refresh_token ?? ''
    }
  }
)

t.test('a token that the database does not know yet ends its family (D-25)', async t => {
  const { database } = server.store
  for (const app of [web, spa]) {
    const first = await offline(app)
    await database.run('test.keep', 'CREATE TABLE backup AS SELECT * FROM refresh_families')
    const { body: second } = await requests.refresh(app, first.refresh_token)
    await database.run('test.empty', 'DELETE FROM refresh_families')
    await database.run('test.restore', 'INSERT INTO refresh_families SELECT * FROM backup')
    await database.run('test.forget', 'DROP TABLE backup')

    t.match(await requests.refresh(app, second.refresh_token), {
      status: 400,
      body: { error: 'invalid_grant' }
    })
    t.match(
      await requests.refresh(app, first.refresh_token),
      { status: 400, body: { error: 'invalid_grant' } },
      'and what was spent after the backup does not come back'
    )
    t.match((await eventsOf(app.clientId, 'refresh.reuse_detected')).at(-1), {
      data: { reason: 'newer than the database' }
    })
  }
})
