// What strangers may ask: so much of one address, so many rows of all; over it 429, nothing written, and nobody else is touched.

import t, { type Test } from 'tap'
import { issueInitialAccessToken } from '../../src/clients/registration-token.ts'
import { rowStay } from '../../src/ops/limits.ts'
import { basic, createRequests, publicly } from '../protocol/requests.ts'
import { count, turnClock } from '../store/rows.ts'
import { redirectUri, testConfig } from '../support/configuration.ts'
import { fetchFrom, startServerProcess } from '../support/processes.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const many = 1_000_000
const authorizePath = `/authorize?${new URLSearchParams({
  client_id: 'web',
  redirect_uri: redirectUri,
  response_type: 'code',
  scope: 'openid',
  code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
  code_challenge_method: 'S256'
})}`
const form = { 'content-type': 'application/x-www-form-urlencoded' }

/** A request of a stranger, from an address that a trusted proxy names. */
function ask(main: TestServer, path: string, given: { address?: string; body?: object } = {}) {
  const { address = '198.51.100.1', body } = given
  return fetchFrom(Number(new URL(main.issuer).port), main.issuer, path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { 'x-forwarded-for': address, ...(body === undefined ? {} : form) },
    ...(body === undefined ? {} : { body: String(new URLSearchParams({ ...body })) })
  })
}

const trusting = { trustedProxies: ['127.0.0.1', '::1'] }

/** Rows of every table that a stranger could fill. */
async function written({ store: { database } }: TestServer) {
  const tables = ['artifacts', 'user_codes', 'sessions', 'attempts', 'clients', 'audit_events']
  const counts = await Promise.all(tables.map(table => count(database, table)))
  return Object.fromEntries(tables.map((table, at) => [table, counts[at]]))
}

const interactions = (main: TestServer) => count(main.store.database, 'artifacts')

const device = { client_id: 'tv', scope: 'openid' }
const pushed = {
  client_id: 'spa',
  redirect_uri: 'https://spa.example.com/callback',
  response_type: 'code',
  scope: 'openid',
  code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
  code_challenge_method: 'S256'
}

t.test(
  'one address: a page for people, JSON for clients, Retry-After, nothing written',
  async t => {
    const limit = { perAddress: 3, rows: many }
    const main = await startTestServer(t, {
      ...trusting,
      limits: {
        authorize: limit,
        pushedRequests: limit,
        devices: limit,
        pages: limit,
        signIn: limit,
        registration: limit
      },
      registration: { enabled: true }
    })
    const cases: [name: string, path: string, body: object | undefined, first: number][] = [
      ['authorize', authorizePath, undefined, 303],
      ['pushedRequests', '/oauth/par', pushed, 201],
      ['devices', '/oauth/device', device, 200],
      ['pages', '/device', undefined, 200],
      ['signIn', '/interaction/nobody', { login: 'a', password: 'b' }, 404],
      ['registration', '/oauth/register', {}, 400]
    ]
    for (const [name, path, body, first] of cases) {
      const given = body === undefined ? {} : { body }
      for (let n = 0; n < 3; n += 1) t.equal((await ask(main, path, given)).status, first, name)
      const before = await written(main)
      const refused = await ask(main, path, given)
      t.equal(refused.status, 429, name)
      t.match(refused.headers['retry-after'], /^([1-9]|[1-5]\d|60)$/)
      t.equal(refused.headers['x-ratelimit-limit'], undefined, 'nobody is told how much there is')
      if (path.startsWith('/oauth')) {
        t.match(JSON.parse(refused.text), {
          error: 'temporarily_unavailable',
          error_description: /^too many requests from this address; wait/
        })
      } else t.match(refused.text, /<h1>Too much at once<\/h1>/)
      t.same(await written(main), before, 'a refused request writes nothing')
      t.equal(
        (await ask(main, path, { ...given, address: '198.51.100.2' })).status,
        first,
        'another'
      )
    }
    const metrics = await main.server.metricsPage()
    t.match(metrics, 'mintmark_limited_requests_total{limit="devices",by="address"} 1')
  }
)

t.test('an IPv6 address counts by its /64, and nobody names an address for himself', async t => {
  const limits = { authorize: { perAddress: 2, rows: many } }
  const main = await startTestServer(t, { ...trusting, limits })
  const from = async (address: string) => (await ask(main, authorizePath, { address })).status
  t.equal(await from('2001:db8:1:2::1'), 303)
  t.equal(await from('2001:db8:1:2:ffff::2'), 303)
  t.equal(await from('2001:db8:1:2:abcd::3'), 429, 'the same home')
  t.equal(await from('2001:db8:1:3::1'), 303)

  const untrusting = await startTestServer(t, { limits })
  const claim = async (address: string) =>
    (await ask(untrusting, authorizePath, { address })).status
  t.equal(await claim('198.51.100.1'), 303)
  t.equal(await claim('198.51.100.2'), 303)
  t.equal(await claim('198.51.100.3'), 429, 'without a trusted proxy the header says nothing')
})

t.test('tokens are never limited', async t => {
  const one = { perAddress: 1, rows: 1 }
  const main = await startTestServer(t, {
    limits: {
      authorize: one,
      pushedRequests: one,
      devices: one,
      pages: one,
      signIn: one,
      registration: one
    }
  })
  const requests = createRequests(main)
  for (let n = 0; n < 30; n += 1) {
    t.equal((await requests.machine('billing')).status, 200)
    t.equal((await requests.introspect(basic('web'), 'x')).status, 200)
  }
  t.equal((await requests.token(publicly('spa'), { grant_type: 'refresh_token' })).status, 400)
})

/** Asks until `stop` refusals in a row; answers how many were served. */
async function flood(send: (n: number) => Promise<{ status: number }>, stop = 30) {
  let served = 0
  for (let n = 0, refused = 0; refused < stop; n += 10) {
    const answers = await Promise.all(Array.from({ length: 10 }, (_, at) => send(n + at)))
    const good = answers.filter(({ status }) => status < 400).length
    for (const { status } of answers)
      if (status >= 400 && status !== 429) throw new Error(`${status}`)
    served += good
    refused = good === 0 ? refused + 10 : 0
  }
  return served
}

t.test(
  'a flood from everywhere, over two processes, ends at the cap; time opens it again',
  async t => {
    const cap = 300
    const limits = { authorize: { perAddress: many, rows: cap } }
    const overrides = { ...trusting, limits }
    const main = await startTestServer(t, overrides)
    const other = await startServerProcess(t, main, overrides)
    const address = (n: number) => `198.51.${(n >> 8) % 256}.${n % 256}`
    const send = (n: number) =>
      n % 2 === 0
        ? ask(main, authorizePath, { address: address(n) })
        : other.fetch(authorizePath, { headers: { 'x-forwarded-for': address(n) } })
    const before = await written(main)
    const served = await flood(send)
    const rows = await interactions(main)
    t.equal(rows, served)
    t.ok(rows <= cap, `${rows} rows`)
    t.ok(rows > cap * 0.9, `the cap is there to be used: ${rows} rows`)
    const refused = await ask(main, authorizePath)
    t.equal(refused.status, 429)
    t.equal(refused.headers['retry-after'], '60')
    t.match(refused.text, /too many requests of this kind are open/)
    t.same(
      await Promise.all(
        ['sessions', 'audit_events'].map(table => count(main.store.database, table))
      ),
      [0, before.audit_events],
      'and nowhere else'
    )
    t.equal(await flood(send), 0, 'a plateau')
    t.equal(await interactions(main), rows)

    const other2 = await ask(main, '/oauth/device', { body: device })
    t.equal(other2.status, 200, 'another kind has its own')
    t.teardown(() => turnClock(main.store.database, 0))
    await turnClock(main.store.database, 2 * rowStay(testConfig(main.issuer)).authorize)
    await until(async () => (await send(0)).status === 303)
  }
)

async function until(condition: () => Promise<boolean>) {
  while (!(await condition())) await new Promise(resolve => setTimeout(resolve, 50))
}

t.test('what makes no row uses nothing up', async t => {
  const limits = {
    authorize: { perAddress: many, rows: 5 },
    devices: { perAddress: many, rows: 2 }
  }
  const main = await startTestServer(t, { limits })
  const wrong = `${authorizePath}&prompt=none`
  for (let n = 0; n < 20; n += 1) t.equal((await ask(main, wrong)).status, 303, 'login_required')
  const unknown = { client_id: 'nobody', scope: 'openid' }
  for (let n = 0; n < 20; n += 1) {
    t.equal((await ask(main, '/oauth/device', { body: unknown })).status, 401)
  }
  t.equal((await ask(main, authorizePath)).status, 303)
  t.equal((await ask(main, '/oauth/device', { body: device })).status, 200)
})

t.test('each kind of anonymous row has its cap', async t => {
  const cap = { perAddress: many, rows: 20 }
  const main = await startTestServer(t, {
    ...trusting,
    limits: { pushedRequests: cap, devices: cap, pages: cap }
  })
  const { database } = main.store
  const kinds: [string, () => Promise<{ status: number }>, string][] = [
    ['PAR', () => ask(main, '/oauth/par', { body: pushed }), 'artifacts'],
    ['device', () => ask(main, '/oauth/device', { body: device }), 'user_codes'],
    ['form', () => ask(main, '/device'), 'sessions']
  ]
  for (const [name, send, table] of kinds) {
    const before = await count(database, table)
    t.equal(await flood(send), 20, name)
    t.equal((await count(database, table)) - before, 20, table)
  }
})

t.test('sign-in: names that nobody has cannot fill the table of counters', async t => {
  const main = await startTestServer(t, {
    ...trusting,
    limits: { signIn: { perAddress: many, rows: 10 } }
  })
  const guess = (t: Test) => {
    const requests = createRequests(main)
    return requests
      .code({ who: { login: `x${Math.random()}@example.com`, password: 'wrong wrong wrong' } })
      .then(() => t.fail('signed in'))
      .catch(error => String(error))
  }
  for (let n = 0; n < 12; n += 1) t.match(await guess(t), /stopped at/)
  // five of them were looked at: each a counter of the name, and all of them one of the address
  t.equal(await count(main.store.database, 'attempts'), 6)
})

t.test('registration ends at its cap, and a client that left makes room', async t => {
  const main = await startTestServer(t, {
    registration: { enabled: true },
    limits: { registration: { perAddress: many, rows: 3 } }
  })
  const { database } = main.store
  const requests = createRequests(main)
  const metadata = { client_name: 'New app', redirect_uris: ['https://new.example.com/callback'] }
  const register = async () => {
    const { token } = await issueInitialAccessToken(database, { lifetimeSeconds: 3_600 })
    const headers = { authorization: `Bearer ${token}` }
    return requests.json('POST', '/oauth/register', metadata, headers)
  }
  const registered: string[] = []
  for (let n = 0; n < 3; n += 1) {
    const { status, body } = await register()
    t.equal(status, 201)
    registered.push(String(body['client_id']))
  }
  const refused = await register()
  t.match(refused, { status: 429, body: { error: 'temporarily_unavailable' } })
  t.ok(refused.headers.get('retry-after'))
  await main.server.clients.delete(registered[0] ?? '')
  await until(async () => (await register()).status === 201)
  t.equal((await register()).status, 429)
})
