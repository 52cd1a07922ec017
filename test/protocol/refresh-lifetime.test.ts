// How long refresh tokens live (RFC 9700 §4.14.2, OpenID Connect Core §11): idle and absolute lifetimes, sessions, accounts and clients that
// end. The clock of the database is turned.

import t, { type Test } from 'tap'
import { createBrowser } from '../support/browser.ts'
import { secretOf } from '../support/configuration.ts'
import { startTestServer } from '../support/server.ts'
import { type Answer, type App, basic, createRequests, web } from './requests.ts'

const day = 86_400
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
const { accounts, clients } = server.server

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

t.test('an old token that comes after the family’s idle time is still reuse (D-2)', async t => {
  const first = await offline()
  const { body: second } = await refresh(web, first.refresh_token)
  const before = await eventsOf('web', 'refresh.reuse_detected')
  await turnClock(31 * day)
  refused(t, await refresh(web, first.refresh_token), 'invalid_grant')
  t.equal(await eventsOf('web', 'refresh.reuse_detected'), before + 1)
  await turnClock(0)
  refused(t, await refresh(web, second.refresh_token), 'invalid_grant', 'dead, not only idle')
})

t.test('a family that was not used for 30 days is over (RFC 9700 §4.14.2)', async t => {
  const [used, late] = [await offline(), await offline()]
  await turnClock(30 * day - 60)
  t.equal((await refresh(web, used.refresh_token)).status, 200)
  await turnClock(30 * day + 60)
  refused(t, await refresh(web, late.refresh_token), 'invalid_grant')
})

t.test(
  'no rotation outlives the first token’s 90 days, and none ends before (RFC 9700 §4.14.2)',
  async t => {
    let { refresh_token: value } = await offline()
    for (const days of [29, 58, 87]) {
      await turnClock(days * day)
      const answer = await refresh(web, value)
      t.equal(answer.status, 200, `day ${days}`)
      value = answer.body.refresh_token
    }
    await turnClock(90 * day - 60)
    const { status, body } = await refresh(web, value)
    t.equal(status, 200, 'a minute before')
    await turnClock(90 * day + 60)
    refused(t, await refresh(web, body.refresh_token), 'invalid_grant', 'a minute after')
    const { body: told } = await requests.introspect(web.caller, body.refresh_token)
    t.same(told, { active: false })
  }
)

t.test('without offline_access there is no refresh token (OpenID Connect Core §11)', async t => {
  t.notOk('refresh_token' in (await requests.tokens({ scope: 'openid email' })))
  const unasked = await requests.tokens({ scope: 'openid offline_access' })
  t.notOk('refresh_token' in unasked, 'nor without prompt=consent')
  t.notMatch(unasked['scope'], /offline_access/)
})

t.test(
  'a client registered for it has one without offline_access, and it ends with the session (Core §11)',
  async t => {
    const [one, other] = [createBrowser({ origin: issuer }), createBrowser({ origin: issuer })]
    const online = await requests.tokens({ app: always, scope: 'openid', browser: one })
    const stays = await requests.tokens({
      app: always,
      scope: 'openid offline_access',
      extra: { prompt: 'consent' },
      browser: one
    })
    const elsewhere = await requests.tokens({ app: always, scope: 'openid', browser: other })
    const { body: rotated, status } = await refresh(always, online.refresh_token)
    t.equal(status, 200)
    await requests.signOut(one)
    refused(t, await refresh(always, rotated.refresh_token), 'invalid_grant', 'signed out')
    t.equal((await requests.userinfo(rotated.access_token)).status, 401)
    t.equal((await refresh(always, stays.refresh_token)).status, 200, 'offline')
    t.equal((await refresh(always, elsewhere.refresh_token)).status, 200, 'another browser')
  }
)

t.test(
  'a session that ran out ends the tokens that live with it (OpenID Connect Core §11)',
  async t => {
    const browser = createBrowser({ origin: issuer })
    const tokens = await requests.tokens({ app: always, scope: 'openid', browser })
    await turnClock(15 * day)
    refused(t, await refresh(always, tokens.refresh_token), 'invalid_grant')
  }
)

t.test(
  'disabling an account ends its families, and they stay ended (RFC 9700 §4.14.2)',
  async t => {
    const bob = { login: 'bob@example.com', password: 'another horse battery staple' }
    const made = await accounts.service.create({ ...bob, name: 'Bob' }, 'cli')
    if (!made.ok) throw new Error(made.reason)
    const tokens = await requests.tokens({
      scope: 'openid offline_access',
      extra: { prompt: 'consent' },
      browser: createBrowser({ origin: issuer }),
      who: bob
    })
    t.equal((await requests.userinfo(tokens.access_token)).status, 200)
    // the row alone is enough: whoever disables somebody by SQL in an emergency has done so
    const set = async (value: string) =>
      server.store.database.run(
        `test.disable.${value.length}`,
        `UPDATE accounts SET disabled_at = ${value} WHERE id = $1`,
        [made.account.id]
      )
    await set('clock_time()')
    refused(t, await refresh(web, tokens.refresh_token), 'invalid_grant', 'by SQL')
    t.equal((await requests.userinfo(tokens.access_token)).status, 401)
    await set('NULL')
    t.equal(
      (await requests.userinfo(tokens.access_token)).status,
      200,
      'nothing was revoked by asking'
    )
    t.ok((await accounts.service.disable(made.account.id, 'cli')).ok)
    refused(t, await refresh(web, tokens.refresh_token), 'invalid_grant')
    t.equal((await requests.userinfo(tokens.access_token)).status, 401)
    t.same((await requests.introspect(web.caller, tokens.access_token)).body, { active: false })
    t.ok((await accounts.service.enable(made.account.id, 'cli')).ok)
    refused(t, await refresh(web, tokens.refresh_token), 'invalid_grant', 'enabled again')
  }
)

t.test('a new password ends the families of an account (RFC 9700 §4.14.2)', async t => {
  const eve = { login: 'eve@example.com', password: 'another horse battery staple' }
  const made = await accounts.service.create({ ...eve, name: 'Eve' }, 'cli')
  if (!made.ok) throw new Error(made.reason)
  const tokens = await requests.tokens({
    scope: 'openid offline_access',
    extra: { prompt: 'consent' },
    browser: createBrowser({ origin: issuer }),
    who: eve
  })
  const set = await accounts.service.setPassword(
    made.account.id,
    'a quite different passphrase',
    'cli'
  )
  t.ok(set.ok)
  refused(t, await refresh(web, tokens.refresh_token), 'invalid_grant')
  t.equal((await requests.userinfo(tokens.access_token)).status, 401)
})

t.test('disabling a client ends its families, and they stay ended (RFC 9700 §4.14.2)', async t => {
  const redirectUri = 'https://short.example.com/callback'
  const made = await clients.create({
    type: 'web',
    owner: 'cli',
    metadata: { redirect_uris: [redirectUri] }
  })
  if (!made.ok) throw new Error(made.reason)
  const { clientId } = made.client
  const short: App = { clientId, redirectUri, caller: basic(clientId, made.secret) }
  const tokens = await offline(short)
  t.ok((await clients.disable(clientId)).ok)
  t.match(await refresh(short, tokens.refresh_token), {
    status: 401,
    body: { error: 'invalid_client' }
  })
  t.equal((await requests.userinfo(tokens.access_token)).status, 401)
  t.ok((await clients.enable(clientId)).ok)
  refused(t, await refresh(short, tokens.refresh_token), 'invalid_grant', 'enabled again')
})
