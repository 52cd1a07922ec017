// The refresh grant (RFC 6749 §6, RFC 9700 §4.14.2): what a token is worth by its generation, its age, its client and its key, and what
// ends a family. Parallel redemption over two processes is elsewhere; here the clock of the database is turned.

import t, { type Test } from 'tap'
import { secretOf } from '../support/configuration.ts'
import { startTestServer } from '../support/server.ts'
import {
  type Answer,
  type App,
  api,
  basic,
  claimsIn,
  createProver,
  createRequests,
  otherWeb,
  spa,
  web
} from './requests.ts'

const always: App = {
  clientId: 'always',
  redirectUri: 'https://always.example.com/callback',
  caller: basic('always')
}
const server = await startTestServer(t, {
  clients: [
    {
      client_id: 'always',
      type: 'web',
      client_secret: secretOf('always'),
      redirect_uris: [always.redirectUri],
      refresh_tokens: 'always'
    }
  ]
})
const requests = createRequests(server)
const { refresh, turnClock, issuer } = requests

const offline = (app: App = web) =>
  requests.tokens({ app, scope: 'openid email offline_access', extra: { prompt: 'consent' } })

/** Asserts a refusal that tells nothing but the error. */
function refused(t: Test, answer: Answer, error: string, what = error): void {
  t.equal(answer.status, 400, what)
  t.equal(answer.body['error'], error, what)
  t.notOk('access_token' in answer.body || 'refresh_token' in answer.body, what)
  t.match(answer.headers.get('cache-control'), /no-store/)
}

/** The family's end in the database, and what the audit trail says of it. */
async function eventsOf(clientId: string, type: string): Promise<number> {
  const { rowCount } = await server.store.database.run(
    'test.events',
    'SELECT 1 FROM audit_events WHERE client_id = $1 AND type = $2',
    [clientId, type]
  )
  return rowCount
}

t.afterEach(() => turnClock(0))

t.test('each refresh answers a new refresh and a new access token (RFC 9700 §4.14.2)', async t => {
  const first = await offline()
  const second = await refresh(web, first.refresh_token)
  t.equal(second.status, 200, second.text)
  t.not(second.body.refresh_token, first.refresh_token)
  t.not(second.body.access_token, first.access_token)
  t.match(second.headers.get('cache-control'), /no-store/)
  t.equal((await requests.userinfo(second.body.access_token)).status, 200)
  const third = await refresh(web, second.body.refresh_token)
  t.equal(third.status, 200)
  t.equal(new Set([first, second.body, third.body].map(one => one.refresh_token)).size, 3)
})

t.test(
  'the old token inside the leeway gets the same successor and a fresh access token (RFC 9700 §4.14.2)',
  async t => {
    const first = await offline()
    const { body: second } = await refresh(web, first.refresh_token)
    await turnClock(28)
    const { body: again } = await refresh(web, first.refresh_token)
    t.equal(again.refresh_token, second.refresh_token)
    t.not(again.access_token, second.access_token)
    t.not(claimsIn(again.access_token)['jti'], claimsIn(second.access_token)['jti'])
    t.equal((await requests.userinfo(again.access_token)).status, 200)
    const { rows } = await server.store.database.run(
      'test.leeway_answers',
      'SELECT leeway_answers FROM refresh_families ORDER BY created_at DESC LIMIT 1'
    )
    t.same(rows, [{ leeway_answers: 1 }], 'counted')
    t.equal(
      await eventsOf('web', 'refresh.leeway_answered'),
      0,
      'and no event: the address is the same'
    )
    t.equal((await refresh(web, second.refresh_token)).status, 200, 'the successor is good')
  }
)

t.test('eight tabs at once get one successor, and it is good (RFC 9700 §4.14.2)', async t => {
  const { refresh_token } = await offline()
  const tabs = await Promise.all(Array.from({ length: 8 }, () => refresh(web, refresh_token)))
  t.same(new Set(tabs.map(({ status }) => status)), new Set([200]))
  const successors = new Set(tabs.map(({ body }) => body.refresh_token))
  t.equal(successors.size, 1)
  t.equal((await refresh(web, [...successors][0] ?? '')).status, 200)
})

t.test('the old token past the leeway ends the family (RFC 9700 §4.14.2)', async t => {
  const first = await offline()
  const { body: second } = await refresh(web, first.refresh_token)
  await turnClock(31)
  refused(t, await refresh(web, first.refresh_token), 'invalid_grant')
  await turnClock(0)
  refused(t, await refresh(web, second.refresh_token), 'invalid_grant', 'the successor is dead')
  refused(t, await refresh(web, first.refresh_token), 'invalid_grant')
  for (const token of [first.access_token, second.access_token]) {
    t.equal((await requests.userinfo(token)).status, 401, 'so are its access tokens')
  }
  t.equal(await eventsOf('web', 'refresh.reuse_detected'), 1)
})

t.test(
  'reuse ends the family whatever else is wrong with the request (RFC 9700 §4.14.2)',
  async t => {
    for (const changed of [{ scope: 'openid phone' }, { resource: 'not a URI' }]) {
      const first = await offline()
      const { body: second } = await refresh(web, first.refresh_token)
      await turnClock(31)
      const answer = await refresh(web, first.refresh_token, changed)
      t.equal(answer.status, 400)
      t.notOk('refresh_token' in answer.body)
      await turnClock(0)
      refused(t, await refresh(web, second.refresh_token), 'invalid_grant')
      t.equal((await requests.userinfo(second.access_token)).status, 401)
    }
  }
)

t.test('the leeway of a public client without DPoP is 15 s (RFC 9700 §4.14.2)', async t => {
  const first = await offline(spa)
  const { body: second } = await refresh(spa, first.refresh_token)
  await turnClock(13)
  t.equal((await refresh(spa, first.refresh_token)).body.refresh_token, second.refresh_token)
  await turnClock(16)
  refused(t, await refresh(spa, first.refresh_token), 'invalid_grant')
  await turnClock(0)
  refused(t, await refresh(spa, second.refresh_token), 'invalid_grant')
})

t.test(
  'a token two generations old inside the leeway is refused, and the family lives (D-6)',
  async t => {
    const first = await offline()
    const { body: second } = await refresh(web, first.refresh_token)
    const { body: third } = await refresh(web, second.refresh_token)
    refused(t, await refresh(web, first.refresh_token), 'invalid_grant')
    t.equal(await eventsOf('web', 'refresh.refused_stale'), 1)
    t.equal((await refresh(web, third.refresh_token)).status, 200)
    await turnClock(31)
    refused(t, await refresh(web, first.refresh_token), 'invalid_grant')
    t.equal((await requests.userinfo(third.access_token)).status, 401, 'past it, it is reuse')
  }
)

t.test('reuse on one device leaves the other one alone (D-7)', async t => {
  const [phone, laptop] = [await offline(), await offline()]
  await refresh(web, phone.refresh_token)
  await turnClock(31)
  refused(t, await refresh(web, phone.refresh_token), 'invalid_grant')
  t.equal((await refresh(web, laptop.refresh_token)).status, 200)
  t.equal((await requests.userinfo(laptop.access_token)).status, 200)
})

t.test('another client’s token is refused and stays as it was (RFC 6749 §6)', async t => {
  const first = await offline()
  for (const app of [otherWeb, spa, always]) {
    refused(t, await refresh(app, first.refresh_token), 'invalid_grant', app.clientId)
  }
  const { body: second } = await refresh(web, first.refresh_token)
  await turnClock(31)
  refused(t, await refresh(otherWeb, first.refresh_token), 'invalid_grant', 'spent long ago')
  await turnClock(0)
  t.equal((await refresh(web, second.refresh_token)).status, 200, 'is no reuse by its own client')
})

t.test(
  'a token bound to a key is refused with another or none, and stays as it was (RFC 9449 §5)',
  async t => {
    const [right, wrong] = [await createProver(), await createProver()]
    const url = `${issuer}/oauth/token`
    const first = await requests.tokens(
      { app: spa, scope: 'openid offline_access', extra: { prompt: 'consent' } },
      { dpop: await right.proof({ url }) }
    )
    const withKey = async (value: string, prover: typeof right) =>
      refresh(spa, value, {}, { dpop: await prover.proof({ url }) })

    refused(t, await withKey(first.refresh_token, wrong), 'invalid_grant', 'another key')
    refused(t, await refresh(spa, first.refresh_token), 'invalid_grant', 'no proof')
    const { body: second, status } = await withKey(first.refresh_token, right)
    t.equal(status, 200)
    t.equal(second['token_type'], 'DPoP')
    t.same(claimsIn(second.access_token)['cnf'], { jkt: right.thumbprint })

    await turnClock(28)
    const { body: again } = await withKey(first.refresh_token, right)
    t.equal(again.refresh_token, second.refresh_token, 'bound to a key, the leeway is the long one')
    await turnClock(31)
    refused(
      t,
      await withKey(first.refresh_token, wrong),
      'invalid_grant',
      'spent, with another key'
    )
    await turnClock(0)
    t.equal((await withKey(second.refresh_token, right)).status, 200, 'the family lives')
  }
)

t.test(
  'a narrower scope narrows the access token only, a wider one is refused (RFC 6749 §6)',
  async t => {
    const first = await offline()
    refused(t, await refresh(web, first.refresh_token, { scope: 'openid phone' }), 'invalid_scope')
    const { body: second } = await refresh(web, first.refresh_token, { scope: 'openid' })
    t.equal(second['scope'], 'openid', 'and the refused request had not spent it')
    t.equal(claimsIn(second.access_token)['scope'], 'openid')
    t.notOk('email' in (await requests.userinfo(second.access_token)).body)
    const { body: third } = await refresh(web, second.refresh_token)
    t.equal(third['scope'], 'openid email offline_access', 'the refresh token has what it had')
  }
)

t.test('a refresh that is refused for its resource spends nothing (RFC 8707 §2)', async t => {
  const first = await offline()
  for (const resource of [api, 'https://unknown.example.com', 'not a URI', `${issuer}#x`]) {
    refused(t, await refresh(web, first.refresh_token, { resource }), 'invalid_target', resource)
  }
  const { body: second } = await refresh(web, first.refresh_token)
  t.ok(second.refresh_token)
  await turnClock(31)
  t.equal((await refresh(web, second.refresh_token)).status, 200, 'nor was any of it a use')
})

t.test('a resource that was granted can be chosen at each refresh (RFC 8707 §2.2)', async t => {
  const tokens = await requests.tokens({
    scope: 'openid offline_access read:things',
    resource: api,
    extra: { prompt: 'consent' }
  })
  t.equal(claimsIn(tokens.access_token)['aud'], api)
  const { body: second } = await refresh(web, tokens.refresh_token, { resource: issuer })
  t.match(claimsIn(second.access_token), { aud: issuer, scope: 'openid offline_access' })
  const { body: third } = await refresh(web, second.refresh_token, { resource: api })
  t.match(claimsIn(third.access_token), { aud: api, scope: 'read:things' })
  refused(t, await refresh(web, third.refresh_token, { resource: [api, issuer] }), 'invalid_target')
})

t.test(
  'the ID token of a refresh has the same issuer, subject, audience and auth_time (Core §12.2)',
  async t => {
    const tokens = await requests.tokens({
      scope: 'openid offline_access',
      extra: { prompt: 'consent', max_age: '3600' }
    })
    const { body } = await refresh(web, tokens.refresh_token)
    const [before, after] = [claimsIn(tokens.id_token), claimsIn(body.id_token)]
    t.type(before['auth_time'], 'number')
    for (const claim of ['iss', 'sub', 'aud', 'auth_time', 'sid']) {
      t.same(after[claim], before[claim], claim)
    }
    t.ok('nonce' in before)
    t.ok(after['nonce'] === undefined || after['nonce'] === before['nonce'])
    t.equal((await refresh(web, body.refresh_token, { scope: 'email' })).body.id_token, undefined)
  }
)

t.test(
  'what is not a refresh token of ours is invalid_grant, without a query (RFC 6749 §5.2)',
  async t => {
    const { refresh_token } = await offline()
    const changed = (at: number) =>
      refresh_token.slice(0, at) +
      (refresh_token[at] === 'A' ? 'B' : 'A') +
      refresh_token.slice(at + 1)
    const values = [
      ...[0, 2, 5, 20, 40, 60, 95].map(changed),
      refresh_token.slice(1),
      `${refresh_token}A`,
      refresh_token.toLowerCase(),
      `${refresh_token}=`,
      'x',
      `x' OR 1=1 --`,
      'A'.repeat(96),
      '-'.repeat(50_000)
    ]
    // the client is in memory from here on
    await refresh(web, 'x')
    for (const value of values) {
      const { result, roundTrips } = await server.counted(() => refresh(web, value))
      refused(t, result, 'invalid_grant', value.slice(0, 100))
      t.same(
        roundTrips.filter(names => names.some(name => name.startsWith('refresh_'))),
        []
      )
    }
    refused(t, await refresh(web, ''), 'invalid_request')
    t.equal((await refresh(web, refresh_token)).status, 200)
  }
)

t.test('what was presented is counted by what it was', async t => {
  const { values } = await server.server.metrics.refreshes.get()
  const seen = values.filter(({ value }) => value > 0).map(({ labels }) => labels.outcome)
  t.same(seen.sort(), ['leeway', 'refused', 'reuse', 'rotated', 'stale'])
  const of = async (outcome: string) =>
    (await server.server.metrics.refreshes.get()).values.find(one => one.labels.outcome === outcome)
      ?.value ?? 0
  const [rotated, leeway] = [await of('rotated'), await of('leeway')]
  const { refresh_token } = await offline()
  await refresh(web, refresh_token)
  await refresh(web, refresh_token)
  t.same([await of('rotated'), await of('leeway')], [rotated + 1, leeway + 1])
})
