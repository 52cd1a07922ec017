// Back-channel logout (OpenID Connect Back-Channel Logout 1.0): relying parties are real HTTP servers here, which verify what they are sent
// with jose and the published keys. What a relying party does never reaches the person who signs out.

import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { createRemoteJWKSet, type JWTPayload, jwtVerify } from 'jose'
import t, { type Test } from 'tap'
import { createLogoutNoticeStore } from '../../src/store/logout-notices.ts'
import { createBrowser } from '../support/browser.ts'
import { startTestServer } from '../support/server.ts'
import { type App, basic, claimsIn, createRequests } from './requests.ts'

interface RelyingParty {
  uri: string
  /** the logout tokens that came */
  tokens: string[]
  requests: IncomingMessage[]
  /** how it answers; undefined for 200 */
  answer: ((response: ServerResponse) => void) | undefined
}

async function startRelyingParty(t: Test): Promise<RelyingParty> {
  const party: RelyingParty = { uri: '', tokens: [], requests: [], answer: undefined }
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    party.requests.push(request)
    party.tokens.push(new URLSearchParams(body).get('logout_token') ?? '')
    if (party.answer === undefined) response.end()
    else party.answer(response)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : 0
  party.uri = `http://127.0.0.1:${port}/backchannel`
  return party
}

const secret = randomBytes(32).toString('hex')
const names = ['one', 'two', 'three', 'four', 'five'] as const
const parties = new Map<string, RelyingParty>()
for (const name of names) parties.set(name, await startRelyingParty(t))
const partyOf = (name: (typeof names)[number]) => parties.get(name) as RelyingParty
const appOf = (name: string): App => ({
  clientId: name,
  redirectUri: `https://${name}.example.com/callback`,
  caller: basic(name, secret)
})

const server = await startTestServer(t, {
  clients: names.map(name => ({
    client_id: name,
    type: 'web',
    client_secret: secret,
    redirect_uris: [appOf(name).redirectUri],
    backchannel_logout_uri: partyOf(name).uri,
    backchannel_logout_session_required: true
  }))
})
const requests = createRequests(server)
const { issuer, store } = server
const keySet = createRemoteJWKSet(new URL('/.well-known/jwks.json', issuer))

async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await what())) await sleep(10)
}

/** Verifies as a relying party must (§2.6). */
async function verify(token: string, clientId: string): Promise<JWTPayload> {
  const { payload, protectedHeader } = await jwtVerify(token, keySet, {
    issuer,
    audience: clientId,
    typ: 'logout+jwt',
    requiredClaims: ['iat', 'exp', 'jti', 'events']
  })
  if (protectedHeader.alg === 'none') throw new Error('unsigned')
  return payload
}

async function queued(): Promise<{ client_id: string; attempts: number }[]> {
  const { rows } = await store.database.run<{ client_id: string; attempts: number }>(
    'test.queued',
    'SELECT client_id, attempts FROM logout_notices ORDER BY client_id'
  )
  return rows
}

/** Something queued for nobody: every process looks at the queue. */
async function wake(): Promise<void> {
  await store.database.run(
    'test.wake',
    `INSERT INTO logout_notices (client_id, account_id, sid) VALUES ('nobody', gen_random_uuid(), 'x')`
  )
}

async function audited(type: string): Promise<{ client_id: string; data: object }[]> {
  const { rows } = await store.database.run<{ client_id: string; data: object }>(
    'test.audited',
    'SELECT client_id, data FROM audit_events WHERE type = $1',
    [type]
  )
  return rows
}

t.beforeEach(() => {
  for (const party of parties.values()) {
    Object.assign(party, { tokens: [], requests: [], answer: undefined })
  }
})

t.test('metadata says so (§2)', async t => {
  const { body } = await requests.get('/.well-known/openid-configuration')
  t.match(body, { backchannel_logout_supported: true, backchannel_logout_session_supported: true })
})

t.test('who signed in at a relying party is signed out there (§2.4, §2.5)', async t => {
  const browser = createBrowser({ origin: issuer })
  const { id_token } = await requests.tokens({ browser, app: appOf('one') })
  await requests.tokens({ browser })
  await requests.signOut(browser)
  await until(async () => partyOf('one').tokens.length > 0 && (await queued()).length === 0)

  const [token = ''] = partyOf('one').tokens
  t.match(partyOf('one').requests[0], {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' }
  })
  const claims = await verify(token, 'one')
  const identity = claimsIn(id_token)
  t.equal(claims.sub, identity['sub'])
  t.equal(claims['sid'], identity['sid'], 'the sid of the ID token')
  t.same(claims['events'], { 'http://schemas.openid.net/event/backchannel-logout': {} })
  t.notOk('nonce' in claims, '§2.4: "A nonce Claim MUST NOT be present."')
  t.ok(Number(claims.exp) - Number(claims.iat) <= 120)
  t.equal(partyOf('two').tokens.length, 0, 'nobody else')
  await until(async () => (await audited('logout_notice.delivered')).length > 0)

  const misused = await requests.userinfo(token)
  t.equal(misused.status, 401, 'no access token')
  const hint = await requests.get(`/logout?${new URLSearchParams({ id_token_hint: token })}`)
  t.equal(hint.status, 400, 'no ID token, either (RFC 8725 §3.11)')
})

t.test('five tabs at once, one sign-out: everybody is told, with the right sid (D-24)', async t => {
  // consents are remembered: in the tabs that follow nothing is asked
  const earlier = createBrowser({ origin: issuer })
  for (const name of names) await requests.tokens({ browser: earlier, app: appOf(name) })
  await requests.signOut(earlier)
  await until(() => names.every(name => partyOf(name).tokens.length > 0))
  for (const name of names) partyOf(name).tokens = []
  const browser = createBrowser({ origin: issuer })
  await requests.tokens({ browser })
  // each relying party twice, and all in parallel: what one tab writes, another has not read
  const tabs = await Promise.all(
    [...names, ...names].map(async name => {
      const { id_token } = await requests.tokens({ browser, app: appOf(name) })
      return { name, sid: claimsIn(id_token)['sid'] }
    })
  )
  await requests.signOut(browser)
  await until(() => names.every(name => partyOf(name).tokens.length > 0))
  await until(async () => (await queued()).length === 0)
  for (const { name, sid } of tabs) {
    const claims = await verify(partyOf(name).tokens[0] ?? '', name)
    t.equal(claims['sid'], sid, name)
    t.equal(partyOf(name).tokens.length, 1, 'told once')
  }
})

t.test('signing out twice at once queues one notice', async t => {
  const browser = createBrowser({ origin: issuer })
  await requests.tokens({ browser, app: appOf('two') })
  const pages = [await browser.get('/logout'), await browser.get('/logout')]
  await Promise.all(pages.map(page => browser.submitForm(page)))
  await until(async () => partyOf('two').tokens.length > 0 && (await queued()).length === 0)
  t.equal(partyOf('two').tokens.length, 1)
})

t.test('everything that ends the sessions of an account tells its relying parties', async t => {
  const { service } = server.server.accounts
  for (const end of ['signOut', 'disable'] as const) {
    partyOf('three').tokens = []
    await requests.tokens({ browser: createBrowser({ origin: issuer }), app: appOf('three') })
    await requests.tokens({ browser: createBrowser({ origin: issuer }), app: appOf('three') })
    const ended =
      end === 'signOut'
        ? await service.signOut(server.accountId, 'operator')
        : await service.disable(server.accountId, 'cli')
    t.equal(ended.ok, true)
    await until(() => partyOf('three').tokens.length === 2)
    const sids = await Promise.all(
      partyOf('three').tokens.map(async token => (await verify(token, 'three'))['sid'])
    )
    t.equal(new Set(sids).size, 2, `${end}: both browsers`)
  }
  await service.enable(server.accountId, 'cli')
})

t.test('whoever does not take it is asked again, for a while (§2.5)', async t => {
  const answers: ((response: ServerResponse) => void)[] = [
    response => response.writeHead(500).end(),
    response => response.writeHead(400).end(),
    response => response.writeHead(302, { location: partyOf('one').uri }).end(),
    response => response.destroy(),
    response => response.writeHead(503).end()
  ]
  const four = partyOf('four')
  four.answer = response => answers[four.tokens.length - 1]?.(response)
  const browser = createBrowser({ origin: issuer })
  await requests.tokens({ browser, app: appOf('four') })
  await requests.signOut(browser)
  await until(() => four.tokens.length === 1)
  for (const [attempts, seconds] of [9, 59, 299, 1_799].entries()) {
    await requests.turnClock(seconds)
    await wake()
    await until(async () => (await queued()).every(({ client_id }) => client_id !== 'nobody'))
    t.same(await queued(), [{ client_id: 'four', attempts: attempts + 1 }], 'not before its time')
    await requests.turnClock(seconds + 2)
    await wake()
    await until(() => four.tokens.length === attempts + 2)
    await requests.turnClock(0)
    await store.database.run(
      `test.due_now.${attempts}`,
      `UPDATE logout_notices SET due_at = clock_time() + make_interval(secs => ${[59, 299, 1_799, 0][attempts] ?? 0} + 1)`
    )
  }
  await until(async () => (await queued()).length === 0)
  t.equal(four.tokens.length, 5)
  t.equal(partyOf('one').tokens.length, 0, 'a redirect is not followed')
  const ids = await Promise.all(four.tokens.map(async token => (await verify(token, 'four')).jti))
  t.equal(new Set(ids).size, 5, 'a new token each time (§2.4: jti)')
  await until(async () => (await audited('logout_notice.failed')).length > 0)
  t.match(await audited('logout_notice.failed'), [
    { client_id: 'four', data: { attempts: 5, reason: 'answered 503' } }
  ])
  t.match(
    server.log.filter(({ msg }) => msg === 'a logout token was given up'),
    [{ clientId: 'four', reason: 'answered 503' }]
  )
})

t.test('a relying party that never answers delays nobody (check 137)', async t => {
  const five = partyOf('five')
  const waiting: ServerResponse[] = []
  five.answer = response => void waiting.push(response)
  const browser = createBrowser({ origin: issuer })
  await requests.tokens({ browser, app: appOf('five') })
  await requests.signOut(browser)
  await until(() => five.tokens.length === 1)
  t.equal(waiting.length, 1, 'the person was told while it still waits')
  waiting[0]?.end()
  await until(async () => (await queued()).length === 0)
})

t.test('a client that is gone meanwhile is not told', async t => {
  await wake()
  await until(async () => (await queued()).length === 0)
  t.pass('the notice left')
})

t.test('a notice belongs to one process until its next attempt', async t => {
  await store.database.run(
    'test.fill',
    `ALTER TABLE logout_notices DISABLE TRIGGER logout_notices_changed`
  )
  t.teardown(() =>
    store.database.run(
      'test.trigger',
      `ALTER TABLE logout_notices ENABLE TRIGGER logout_notices_changed`
    )
  )
  await store.database.run(
    'test.fill_many',
    `INSERT INTO logout_notices (client_id, account_id, sid)
     SELECT 'nobody', gen_random_uuid(), i::text FROM generate_series(1, 100) i`
  )
  const { claim } = createLogoutNoticeStore({ sql: store.database })
  const claimed = (await Promise.all(Array.from({ length: 8 }, claim))).flat()
  // who comes upon rows that another has just taken gets fewer than a batch
  for (let more = await claim(); more.length > 0; more = await claim()) claimed.push(...more)
  t.equal(claimed.length, 100)
  t.equal(new Set(claimed.map(({ id }) => id)).size, 100, 'nobody has what another has')
  t.same(await claim(), [], 'and nothing is due')
  await store.database.run('test.clean', 'DELETE FROM logout_notices')
})
