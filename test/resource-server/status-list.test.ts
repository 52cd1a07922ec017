// Token Status Lists in an API (draft-ietf-oauth-status-list §8): what is revoked is refused, a stale list refuses everything, and
// nobody makes this API ask elsewhere, or too often, or unpack without end.

import { deflateSync } from 'node:zlib'
import Fastify from 'fastify'
import { SignJWT } from 'jose'
import t, { type Test } from 'tap'
import { resourceServer } from '../../src/resource-server/fastify.ts'
import { createVerifier } from '../../src/resource-server/verifier.ts'
import { audience, createKey, type SigningKey, startFakeIssuer } from './fake-issuer.ts'

const path = '/status-lists/1'

interface ListOptions {
  ended?: number[]
  bits?: number
  size?: number
  claims?: Record<string, unknown>
  header?: Record<string, unknown>
  key?: SigningKey
  lst?: string
}

async function setUp(t: Test) {
  const issuer = await startFakeIssuer(t)
  const begun = Date.now()
  const clock = { ahead: 0 }
  const now = () => begun + clock.ahead * 1000
  const verifier = createVerifier({
    issuer: issuer.url,
    audience,
    statusList: 'required',
    clockToleranceSeconds: 0,
    now
  })
  const seconds = () => Math.floor(now() / 1000)

  /** Publishes a list as it would be now. */
  async function publish(options: ListOptions = {}) {
    const { ended = [], bits = 1, size = 64 } = options
    const bytes = Buffer.alloc((size * bits) / 8)
    for (const idx of ended) {
      const at = Math.floor((idx * bits) / 8)
      bytes.writeUInt8(bytes.readUInt8(at) | (1 << ((idx * bits) % 8)), at)
    }
    const key = options.key ?? issuer.key
    const claims = {
      iss: issuer.url,
      sub: `${issuer.url}${path}`,
      iat: seconds(),
      exp: seconds() + 300,
      ttl: 30,
      status_list: { bits, lst: options.lst ?? deflateSync(bytes).toString('base64url') },
      ...options.claims
    }
    const jwt = await new SignJWT(JSON.parse(JSON.stringify(claims)))
      .setProtectedHeader({
        alg: 'ES256',
        kid: key.kid,
        typ: 'statuslist+jwt',
        ...options.header
      })
      .sign(key.privateKey)
    issuer.lists.set(path, jwt)
  }

  const tokenAt = (idx: unknown, uri: unknown = `${issuer.url}${path}`) =>
    issuer.sign({
      claims: { status: { status_list: { idx, uri } }, iat: seconds(), exp: seconds() + 3_600 }
    })

  /** The status that a request with this token gets: 200, or the refusal's. */
  async function statusOf(token: string): Promise<number> {
    const verification = await verifier.verify(`Bearer ${token}`)
    return verification.ok ? 200 : verification.status
  }
  return { issuer, verifier, publish, tokenAt, statusOf, clock, now }
}

t.test('a token whose bit is on is refused, and its neighbours are not (§8.3)', async t => {
  for (const bits of [1, 2, 4, 8]) {
    const { publish, tokenAt, statusOf, verifier } = await setUp(t)
    await publish({ bits, ended: [0, 9, 63] })
    for (const idx of [0, 9, 63]) {
      t.equal(await statusOf(await tokenAt(idx)), 401, `${bits} bits, ${idx}`)
    }
    for (const idx of [1, 8, 10, 62]) t.equal(await statusOf(await tokenAt(idx)), 200)
    t.match(await verifier.verify(await tokenAt(9)), {
      error: 'invalid_token',
      description: 'The access token was revoked.'
    })
    t.equal(await statusOf(await tokenAt(64)), 401, 'beyond the end of the list')
  }
})

t.test('every value but 0 refuses (§7.1)', async t => {
  const { publish, tokenAt, statusOf } = await setUp(t)
  // index 0: INVALID, 1: SUSPENDED, 2: an application's own, 3: VALID
  await publish({ bits: 2, lst: deflateSync(Buffer.from([0b00111001])).toString('base64url') })
  const statuses: number[] = []
  for (const idx of [0, 1, 2, 3]) statuses.push(await statusOf(await tokenAt(idx)))
  t.same(statuses, [401, 401, 401, 200])
})

t.test('a token that names no list, or somebody else’s, is refused unasked (§6)', async t => {
  const { issuer, publish, tokenAt, statusOf } = await setUp(t)
  await publish()
  const elsewhere = [
    'http://169.254.169.254/latest/meta-data',
    'file:///etc/passwd',
    `${issuer.url}@example.com/1`,
    `${issuer.url}.example.com/1`,
    `${issuer.url}/../status-lists/1`,
    `${issuer.url}/status-lists/1?x=1`,
    `${issuer.url}/status-lists/1#x`,
    'status-lists/1',
    1,
    null
  ]
  for (const uri of elsewhere) t.equal(await statusOf(await tokenAt(1, uri)), 401, String(uri))
  for (const idx of [-1, 1.5, '1', null, 2 ** 60]) {
    t.equal(await statusOf(await tokenAt(idx)), 401, String(idx))
  }
  t.equal(await statusOf(await issuer.sign()), 401, 'no status claim')
  t.equal(issuer.listCounts.asked, 0)
})

t.test('without being told to, a list is not looked at', async t => {
  const { issuer, publish, tokenAt } = await setUp(t)
  await publish({ ended: [1] })
  const lax = createVerifier({ issuer: issuer.url, audience })
  t.match(await lax.verify(await tokenAt(1)), { ok: true })
  t.match(await lax.verify(await issuer.sign()), { ok: true })
  t.equal(issuer.listCounts.asked, 0)
})

t.test('one request for all, and none while the copy is fresh (§5.1 ttl)', async t => {
  const { issuer, publish, tokenAt, statusOf, clock } = await setUp(t)
  await publish({ ended: [1] })
  const tokens = await Promise.all([0, 1, 2, 3, 4, 5].map(idx => tokenAt(idx)))
  const all = await Promise.all(tokens.map(statusOf))
  t.same(all, [200, 401, 200, 200, 200, 200])
  t.equal(issuer.listCounts.asked, 1)

  await publish({ ended: [1, 2] })
  clock.ahead = 29
  t.equal(await statusOf(tokens[2] ?? ''), 200, 'still by the copy')
  t.equal(issuer.listCounts.asked, 1)
  clock.ahead = 30
  t.equal(await statusOf(tokens[2] ?? ''), 401, 'asked again')
  t.equal(issuer.listCounts.asked, 2)
})

t.test('a stale list refuses: 503 after its exp, and not before (§8.3)', async t => {
  const { issuer, verifier, publish, tokenAt, statusOf, clock } = await setUp(t)
  await publish({ ended: [1] })
  const [good, revoked] = [await tokenAt(0), await tokenAt(1)]
  t.equal(await statusOf(good), 200)
  issuer.lists.set(path, (_req, res) => void res.writeHead(503).end())

  clock.ahead = 299
  t.equal(await statusOf(good), 200, 'an outage of the issuer is survived by the copy')
  t.equal(await statusOf(revoked), 401)
  clock.ahead = 300
  t.match(await verifier.verify(good), {
    ok: false,
    status: 503,
    error: 'temporarily_unavailable',
    retryAfterSeconds: 5,
    challenge: undefined
  })
  t.equal(await statusOf(revoked), 503)
  const asked = issuer.listCounts.asked
  t.equal(await statusOf(good), 503)
  t.equal(issuer.listCounts.asked, asked, 'the issuer is left alone for a while')

  clock.ahead = 320
  await publish({ ended: [1] })
  t.equal(await statusOf(good), 200, 'and served again once there is a list')
  t.equal(await statusOf(revoked), 401)
})

t.test('a list that never came refuses', async t => {
  const { issuer, tokenAt, statusOf } = await setUp(t)
  t.equal(await statusOf(await tokenAt(0)), 503, 'no such list')
  t.equal(issuer.counts.keys, 1)
})

t.test('an older copy does not bring a revoked token back', async t => {
  const { issuer, publish, tokenAt, statusOf, clock } = await setUp(t)
  await publish({ ended: [] })
  const old = issuer.lists.get(path) ?? ''
  clock.ahead = 10
  await publish({ ended: [1] })
  const token = await tokenAt(1)
  t.equal(await statusOf(token), 401)
  issuer.lists.set(path, old)
  clock.ahead = 45
  t.equal(await statusOf(token), 401)
  t.equal(issuer.listCounts.asked, 2, 'it was asked')
})

t.test('what is no good list of the issuer is none (§8.3)', async t => {
  const stranger = await createKey('first')
  const bomb = deflateSync(Buffer.alloc(64 * 1024 * 1024)).toString('base64url')
  const cases: [string, ListOptions][] = [
    ['signed by a stranger', { key: stranger }],
    ['an access token', { header: { typ: 'at+jwt' } }],
    ['no type', { header: { typ: undefined } }],
    ['another list', { claims: { sub: 'https://other.example.com/1' } }],
    ['another issuer', { claims: { iss: 'https://other.example.com' } }],
    ['expired', { claims: { exp: Math.floor(Date.now() / 1000) - 10 } }],
    ['without an end', { claims: { exp: undefined } }],
    ['of the future', { claims: { iat: Math.floor(Date.now() / 1000) + 100 } }],
    ['three bits', { claims: { status_list: { bits: 3, lst: 'eNrbuRgAAhcBXQ' } } }],
    ['no bits', { claims: { status_list: undefined } }],
    ['not packed', { lst: Buffer.from('no zlib').toString('base64url') }],
    ['unpacks without end', { lst: bomb }],
    ['no time', { claims: { ttl: 0 } }]
  ]
  for (const [what, options] of cases) {
    const { publish, tokenAt, statusOf } = await setUp(t)
    await publish(options)
    t.equal(await statusOf(await tokenAt(0)), 503, what)
  }
  const { issuer, publish, tokenAt, statusOf } = await setUp(t)
  await publish()
  const list = issuer.lists.get(path) as string
  issuer.lists.set('/elsewhere', list)
  issuer.lists.set(path, (_req, res) => void res.writeHead(302, { location: '/elsewhere' }).end())
  t.equal(await statusOf(await tokenAt(0)), 503, 'a redirect')
  const other = await setUp(t)
  other.issuer.lists.set(path, 'x'.repeat(300_000))
  t.equal(await other.statusOf(await other.tokenAt(0)), 503, 'too long')
})

t.test('the plugin of Fastify looks, too', async t => {
  const { issuer, publish, tokenAt } = await setUp(t)
  await publish({ ended: [1] })
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(async api => {
    await api.register(resourceServer, { issuer: issuer.url, audience, statusList: 'required' })
    api.get('/things', async () => 'here')
  })
  const call = async (idx: number) =>
    app.inject({ url: '/things', headers: { authorization: `Bearer ${await tokenAt(idx)}` } })
  t.equal((await call(0)).statusCode, 200)
  const refused = await call(1)
  t.equal(refused.statusCode, 401)
  t.match(refused.headers['www-authenticate'], /error="invalid_token"/)
})
