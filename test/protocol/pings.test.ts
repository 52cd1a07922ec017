// Pings (OpenID Connect CIBA Core §10.2): the client is a real HTTP server here, which is told that a person has answered and then fetches what
// it is owed. What it does never reaches the person.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { secretOf } from '../support/configuration.ts'
import { startTestServer } from '../support/server.ts'
import { answer, ask, cibaGrantType, poll, signInToApprove } from './backchannel.ts'
import { basic, createRequests } from './requests.ts'

interface Ping {
  headers: IncomingMessage['headers']
  body: string
}

async function startReceiver(t: Test) {
  const receiver: {
    uri: string
    pings: Ping[]
    answer: (response: ServerResponse) => void
  } = { uri: '', pings: [], answer: response => response.writeHead(204).end() }
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    receiver.pings.push({ headers: request.headers, body })
    receiver.answer(response)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  receiver.uri = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/ping`
  return receiver
}

const receiver = await startReceiver(t)
const server = await startTestServer(t, {
  ciba: { enabled: true },
  clients: [
    {
      client_id: 'till',
      type: 'web',
      client_secret: secretOf('till'),
      grant_types: [cibaGrantType],
      backchannel_token_delivery_mode: 'ping',
      backchannel_client_notification_endpoint: receiver.uri
    }
  ]
})
const requests = createRequests(server)
const { store, log } = server
const till = basic('till')
const { browser } = await signInToApprove(server)
const token = 'a.token~of+the/client=='

t.beforeEach(async () => {
  receiver.pings = []
  receiver.answer = response => response.writeHead(204).end()
  await store.database.run('test.forget', 'DELETE FROM backchannel_requests')
  await store.database.run('test.clean', 'DELETE FROM ping_notices')
})

async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await what())) await sleep(10)
}

async function newRequest(): Promise<string> {
  const { status, body, text } = await ask(requests, { client_notification_token: token }, till)
  if (status !== 200) throw new Error(text)
  return String(body['auth_req_id'])
}

/** Something queued for nobody: every process looks at the queue. */
async function wake(): Promise<void> {
  await store.database.run(
    'test.wake',
    `INSERT INTO ping_notices (id, client_id, account_id, sealed, expires_at)
     VALUES (gen_random_uuid(), 'nobody', gen_random_uuid(), '', clock_time() + interval '1 minute')`
  )
}

async function queued(): Promise<{ attempts: number; row: string }[]> {
  const { rows } = await store.database.run<{ attempts: number; row: string }>(
    'test.queued',
    'SELECT attempts, p::text AS row FROM ping_notices p'
  )
  return rows
}

const audited = async (type: string) =>
  (
    await store.database.run<{ type: string }>(
      `test.audited.${type}`,
      `SELECT type FROM audit_events WHERE type = '${type}'`
    )
  ).rows.length

t.test('an answer is told once, with the id and the token of the client (§10.2)', async t => {
  const id = await newRequest()
  t.equal(receiver.pings.length, 0, 'not before')
  await answer(browser)
  await until(() => receiver.pings.length > 0)
  const [ping] = receiver.pings
  t.equal(ping?.headers.authorization, `Bearer ${token}`)
  t.equal(ping?.headers['content-type'], 'application/json')
  t.same(JSON.parse(ping?.body ?? ''), { auth_req_id: id })
  t.equal((await poll(requests, id, till)).status, 200, 'and there is something to fetch')
  await until(async () => (await queued()).length === 0)
  t.equal(receiver.pings.length, 1)
  await until(async () => (await audited('ping.delivered')) === 1)
})

t.test('a refusal is told, too (§10.2)', async t => {
  const id = await newRequest()
  await answer(browser, 'decline')
  await until(() => receiver.pings.length > 0)
  t.match((await poll(requests, id, till)).body, { error: 'access_denied' })
})

t.test('who does not take it is told again, and no redirect is followed (§10.2)', async t => {
  const statuses = [500, 302, 403]
  receiver.answer = response =>
    response.writeHead(statuses.shift() ?? 204, { location: receiver.uri }).end()
  const id = await newRequest()
  await answer(browser)
  for (let attempts = 1; attempts <= 3; attempts += 1) {
    await until(async () => (await queued())[0]?.attempts === attempts)
    await until(() => receiver.pings.length === attempts)
    const stored = (await queued())[0]?.row ?? ''
    t.notOk(stored.includes(id) || stored.includes(token), 'what is sent is sealed')
    await until(
      () =>
        log.filter(line => line['msg'] === 'a ping was not taken; it is sent again').length >=
        attempts
    )
    // its time has come
    await store.database.run('test.due', 'UPDATE ping_notices SET due_at = clock_time()')
    await wake()
  }
  await until(async () => (await queued()).length === 0)
  t.equal(receiver.pings.length, 4)
  t.equal((await poll(requests, id, till)).status, 200)
  t.notOk(JSON.stringify(log).includes(token), 'the log has no token')
})

t.test('what nobody could fetch any more is not told', async t => {
  receiver.answer = response => response.writeHead(503).end()
  await newRequest()
  await answer(browser)
  await until(async () => (await queued())[0]?.attempts === 1)
  await store.database.run(
    'test.over',
    `UPDATE ping_notices SET due_at = clock_time(), expires_at = clock_time() - interval '1 second'`
  )
  await wake()
  await until(async () => (await queued()).length === 0)
  t.equal(receiver.pings.length, 1)
})

t.test(
  'without a notification token, or with one that is no bearer token, nobody is asked (§7.1)',
  async t => {
    for (const client_notification_token of [undefined, '', 'a b', 'x\ny', 'x'.repeat(1025)]) {
      const refused = await ask(requests, { client_notification_token }, till)
      t.match(refused, { status: 400, body: { error: 'invalid_request' } })
    }
    t.notMatch((await browser.get('/approve')).html, /till/)
  }
)
