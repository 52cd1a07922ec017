// Tokens that are bound to a certificate (RFC 8705 §3, §4): what they open, and how a family of refresh tokens rotates that is bound to
// one. The twin of what dpop.test.ts and refresh.test.ts say of keys.

import t from 'tap'
import { selfSigned } from '../support/certificates.ts'
import { startTestServer } from '../support/server.ts'
import { behindProxy, billing, grant, publicApp, resource, secretApp, shown } from './certified.ts'
import { basic, claimsIn, createRequests, publicly } from './requests.ts'

const server = await startTestServer(t, behindProxy)
const requests = createRequests(server)
const { turnClock } = requests

t.afterEach(() => turnClock(0))

t.test(
  'userinfo takes a bound token with its certificate only, 401 otherwise (RFC 8705 §3)',
  async t => {
    const mine = shown(await selfSigned())
    const { access_token } = await requests.tokens({ app: publicApp, scope: 'openid' }, mine)
    t.equal((await requests.userinfo(access_token, mine)).status, 200)
    for (const headers of [{}, shown(billing)]) {
      const answer = await requests.userinfo(access_token, headers)
      t.match(answer, { status: 401, body: { error: 'invalid_token' } })
      t.match(answer.headers.get('www-authenticate'), /invalid_token/)
    }
  }
)

t.test('introspection says which certificate a token is bound to (RFC 8705 §3.2)', async t => {
  const { body } = await requests.token(
    publicly('certified-0'),
    { ...grant, resource: resource.identifier },
    shown(billing)
  )
  t.same(claimsIn(body.access_token)['cnf'], { 'x5t#S256': billing.thumbprint })
  const told = await requests.introspect(basic('api-server'), body.access_token)
  t.match(told.body, { active: true, cnf: { 'x5t#S256': billing.thumbprint } })
})

t.test(
  'a client for bound tokens gets no other, and its code stays good (RFC 8705 §3)',
  async t => {
    const code = await requests.code({ app: publicApp })
    t.match(await requests.redeem(code), { status: 400, body: { error: 'invalid_grant' } })
    const headers = shown(await selfSigned())
    t.equal((await requests.redeem(code, {}, { headers })).status, 200)
  }
)

const offline = { scope: 'openid offline_access', extra: { prompt: 'consent' } }

/** What the audit trail says of the latest refusal. */
async function lastMismatch() {
  const { rows } = await server.store.database.run<{ data: unknown }>(
    'test.mismatch',
    `SELECT data FROM audit_events WHERE type = 'refresh.client_mismatch' ORDER BY id DESC LIMIT 1`
  )
  return rows[0]?.data
}

t.test(
  'a public client’s family is bound to its certificate, and rotates (RFC 8705 §4, §7.1)',
  async t => {
    const owner = shown(await selfSigned())
    const thief = shown(await selfSigned())
    const first = await requests.tokens({ app: publicApp, ...offline }, owner)
    const refresh = (value: string, headers: Record<string, string>) =>
      requests.refresh(publicApp, value, {}, headers)

    for (const [what, headers] of [
      ['another certificate', thief],
      ['none', {}]
    ] as const) {
      const answer = await refresh(first.refresh_token, headers)
      t.match(answer, { status: 400, body: { error: 'invalid_grant' } }, what)
      t.match(await lastMismatch(), { reason: 'another certificate' }, `${what}: audited`)
    }
    const second = await refresh(first.refresh_token, owner)
    t.equal(second.status, 200, `the family was left alone: ${second.text}`)
    t.same(
      claimsIn(second.body.access_token)['cnf'],
      claimsIn(first.access_token)['cnf'],
      'bound like the first'
    )
    const { rows } = await server.store.database.run<{ certificate: string }>(
      'test.bound_families',
      'SELECT certificate FROM refresh_families WHERE client_id = $1 ORDER BY created_at DESC LIMIT 1',
      [publicApp.clientId]
    )
    t.same(claimsIn(first.access_token)['cnf'], { 'x5t#S256': rows[0]?.certificate })

    // bound, so its leeway is that of clients that prove something
    await turnClock(28)
    const again = await refresh(first.refresh_token, owner)
    t.equal(again.body.refresh_token, second.body.refresh_token, 'a retry gets the same successor')
    t.match(await refresh(first.refresh_token, thief), { status: 400 }, 'a thief gets nothing')
    t.equal((await refresh(second.body.refresh_token, owner)).status, 200, 'and ends nothing')
  }
)

t.test(
  'past the leeway a spent token ends the family, but not with another certificate (RFC 9700 §4.14.2)',
  async t => {
    const owner = shown(await selfSigned())
    const thief = shown(await selfSigned())
    const first = await requests.tokens({ app: publicApp, ...offline }, owner)
    const refresh = (value: string, headers: Record<string, string>) =>
      requests.refresh(publicApp, value, {}, headers)
    const second = await refresh(first.refresh_token, owner)
    await turnClock(31)
    t.match(await refresh(first.refresh_token, thief), {
      status: 400,
      body: { error: 'invalid_grant' }
    })
    const third = await refresh(second.body.refresh_token, owner)
    t.equal(third.status, 200, 'who has no certificate cannot end it')
    await turnClock(62)
    t.match(await refresh(second.body.refresh_token, owner), { status: 400 })
    t.match(await refresh(third.body.refresh_token, owner), {
      status: 400,
      body: { error: 'invalid_grant' }
    })
    t.equal((await requests.userinfo(third.body.access_token, owner)).status, 401)
  }
)

t.test(
  'eight retries at once with one certificate get one successor (RFC 9700 §4.14.2)',
  async t => {
    const owner = shown(await selfSigned())
    const { refresh_token } = await requests.tokens({ app: publicApp, ...offline }, owner)
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => requests.refresh(publicApp, refresh_token, {}, owner))
    )
    t.same(new Set(answers.map(({ status }) => status)), new Set([200]))
    t.equal(new Set(answers.map(({ body }) => body.refresh_token)).size, 1)
  }
)

t.test('a confidential client may change its certificate at refresh (RFC 8705 §4)', async t => {
  const first = await requests.tokens({ app: secretApp, ...offline }, shown(await selfSigned()))
  const next = await selfSigned()
  const { status, body } = await requests.refresh(secretApp, first.refresh_token, {}, shown(next))
  t.equal(status, 200)
  t.same(claimsIn(body.access_token)['cnf'], { 'x5t#S256': next.thumbprint })
  const none = await requests.refresh(secretApp, body.refresh_token)
  t.match(none, { status: 400, body: { error: 'invalid_grant' } }, 'but it must show one')
})
