// When an API asks its issuer for keys, how often, and what it does while the issuer is down.
// Counts of requests, not times: the clock is turned.

import t, { type Test } from 'tap'
import { createVerifier } from '../../src/resource-server/verifier.ts'
import { audience, createKey, type FakeIssuer, startFakeIssuer } from './fake-issuer.ts'

async function build(t: Test) {
  const issuer = await startFakeIssuer(t)
  let elapsed = 0
  const verifier = createVerifier({ issuer: issuer.url, audience, now: () => Date.now() + elapsed })
  return {
    issuer,
    verifier,
    turn: (seconds: number) => {
      elapsed += seconds * 1000
    },
    /** a token that is valid at the turned clock */
    token: (change: Parameters<typeof issuer.sign>[0] = {}) => {
      const now = Math.floor((Date.now() + elapsed) / 1000)
      return issuer.sign({ ...change, claims: { iat: now, exp: now + 600, ...change.claims } })
    }
  }
}

/** Lets a renewal that nobody waits for come to its end. */
async function settle(done: () => boolean) {
  for (let turns = 0; !done() && turns < 200; turns++) {
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

t.test('nothing is asked for before the first token, then once for all', async t => {
  const { issuer, verifier, token } = await build(t)
  t.same(issuer.counts, { metadata: 0, keys: 0 })
  const tokens = await Promise.all(Array.from({ length: 20 }, () => token()))
  const verified = await Promise.all(tokens.map(one => verifier.verify(one)))
  t.ok(verified.every(({ ok }) => ok))
  t.same(issuer.counts, { metadata: 1, keys: 1 })
})

t.test('a token of the wrong type costs no request', async t => {
  const { issuer, verifier, token } = await build(t)
  await verifier.verify(await token({ header: { typ: 'JWT' } }))
  await verifier.verify('a.b.c')
  t.same(issuer.counts, { metadata: 0, keys: 0 })
})

t.test('unknown kids cost one request per cool-down of 30 seconds', async t => {
  const { issuer, verifier, token, turn } = await build(t)
  const strangers = await Promise.all(
    ['a', 'b', 'c'].map(async kid => ({ key: await createKey(kid) }))
  )
  const flood = async () => {
    const tokens = await Promise.all(strangers.map(token))
    for (const one of tokens) {
      const verification = await verifier.verify(one)
      t.match(verification, { ok: false, status: 401, error: 'invalid_token' })
    }
  }
  await flood()
  t.equal(issuer.counts.keys, 1, 'the first load answers for all')
  turn(31)
  await flood()
  await flood()
  t.equal(issuer.counts.keys, 2)
  turn(31)
  await flood()
  t.equal(issuer.counts.keys, 3)
})

t.test('a new key is found at once when it signs its first token', async t => {
  const { issuer, verifier, token, turn } = await build(t)
  t.equal((await verifier.verify(await token())).ok, true)
  turn(31)
  const key = await createKey('second')
  issuer.published.push(key.publicJwk)
  t.equal((await verifier.verify(await token({ key }))).ok, true)
  t.equal(issuer.counts.keys, 2)
})

/** Withdraws the only key, as `mintmark keys burn` does. */
async function burn({ published }: FakeIssuer) {
  published.length = 0
  published.push((await createKey('second')).publicJwk)
}

const refused = { ok: false, status: 401, error: 'invalid_token' }

t.test('keys are renewed ahead of their time, without a request that waits', async t => {
  const { issuer, verifier, token, turn } = await build(t)
  issuer.keyHeaders['cache-control'] = 'public, max-age=300'
  t.equal((await verifier.verify(await token())).ok, true)
  turn(235)
  t.equal((await verifier.verify(await token())).ok, true)
  t.equal(issuer.counts.keys, 1)
  await burn(issuer)
  turn(10)
  t.equal((await verifier.verify(await token())).ok, true, 'served while the renewal runs')
  await settle(() => issuer.counts.keys === 2)
  await settle(() => false)
  t.match(await verifier.verify(await token()), refused)
})

/** The headers that an issuer sends with its keys, and the seconds after which a withdrawn one opens nothing. */
const lifetimes: [string, Record<string, string>, number][] = [
  ['five minutes', { 'cache-control': 'public, max-age=300' }, 300],
  ['spelt otherwise', { 'cache-control': 'Max-Age="60", public' }, 60],
  ['half a minute at least', { 'cache-control': 'max-age=1' }, 30],
  ['a quarter of an hour at most', { 'cache-control': 'max-age=86400' }, 900],
  ['not for long', { 'cache-control': 'no-store' }, 30],
  ['not without a question', { 'cache-control': 'no-cache, max-age=300' }, 30],
  ['less the time in a cache between', { 'cache-control': 'max-age=300', age: '200' }, 100],
  ['nothing: ten minutes', {}, 600],
  ['what nobody understands', { 'cache-control': 's-maxage=5, max-age=soon' }, 600]
]

for (const [what, headers, seconds] of lifetimes) {
  t.test(`a burnt key is refused when keys are as old as the issuer says: ${what}`, async t => {
    const { issuer, verifier, token, turn } = await build(t)
    Object.assign(issuer.keyHeaders, headers)
    t.equal((await verifier.verify(await token())).ok, true)
    await burn(issuer)
    turn(0.7 * seconds)
    t.equal((await verifier.verify(await token())).ok, true, 'kept until then')
    t.equal(issuer.counts.keys, 1)
    turn(0.3 * seconds + 1)
    t.match(await verifier.verify(await token()), refused, 'the first one waits, and is refused')
    t.equal(issuer.counts.keys, 2)
  })
}

t.test('a burnt key is refused soon after an outage of the issuer', async t => {
  const { issuer, verifier, token, turn } = await build(t)
  issuer.keyHeaders['cache-control'] = 'max-age=60'
  t.equal((await verifier.verify(await token())).ok, true)
  await issuer.stop()
  await burn(issuer)
  turn(3600)
  t.equal((await verifier.verify(await token())).ok, true, 'the issuer cannot be asked')
  await issuer.start()
  turn(6)
  await verifier.verify(await token())
  await settle(() => issuer.counts.keys === 2)
  await settle(() => false)
  t.match(await verifier.verify(await token()), refused)
})

t.test('an API starts while its issuer is down, answers 503, and recovers by itself', async t => {
  const { issuer, verifier, token, turn } = await build(t)
  const good = await token()
  await issuer.stop()
  const verification = await verifier.verify(good)
  t.match(verification, { ok: false, status: 503, error: 'temporarily_unavailable' })
  t.match(verification, { retryAfterSeconds: 5 })
  t.equal('challenge' in verification && verification.challenge, undefined)

  await issuer.start()
  t.match(await verifier.verify(good), { status: 503 }, 'the issuer is left alone for a moment')
  t.same(issuer.counts, { metadata: 0, keys: 0 })
  turn(6)
  t.equal((await verifier.verify(good)).ok, true)
})

t.test('an API serves on while its issuer is down, for a day', async t => {
  const { issuer, verifier, token, turn } = await build(t)
  t.equal((await verifier.verify(await token())).ok, true)
  await issuer.stop()
  for (const hours of [1, 10, 12]) {
    turn(hours * 3600)
    t.equal((await verifier.verify(await token())).ok, true)
    const stranger = await token({ key: await createKey('stranger') })
    t.match(await verifier.verify(stranger), { status: 503 }, 'perhaps a new key: not refused')
  }
  turn(2 * 3600)
  t.match(await verifier.verify(await token()), { ok: false, status: 503 })
  await issuer.start()
  turn(6)
  t.equal((await verifier.verify(await token())).ok, true)
})

t.test('metadata of another issuer is not used (RFC 8414 §3.3)', async t => {
  const { issuer, verifier, token } = await build(t)
  issuer.metadata['issuer'] = `${issuer.url}/`
  const verification = await verifier.verify(await token())
  t.match(verification, { ok: false, status: 503 })
  t.equal(issuer.counts.keys, 0)
  const cause = 'cause' in verification ? verification.cause : undefined
  t.match(String((cause as Error).cause), /byte for byte/)
})

t.test('keys at another origin are not fetched', async t => {
  const { issuer, verifier, token } = await build(t)
  const other = await startFakeIssuer(t)
  issuer.metadata['jwks_uri'] = `${other.url}/jwks`
  t.match(await verifier.verify(await token()), { ok: false, status: 503 })
  t.equal(other.counts.keys, 0)
})

t.test('an issuer that serves only RFC 8414 metadata is found', async t => {
  const { issuer, verifier, token } = await build(t)
  issuer.serveMetadataAt('/.well-known/oauth-authorization-server')
  t.equal((await verifier.verify(await token())).ok, true)
})

t.test(
  'an issuer with a path is asked at both well-known locations (RFC 8414 §3.1, §5)',
  async t => {
    const asked: string[] = []
    const verifier = createVerifier({
      issuer: 'https://id.example.com/tenant',
      audience,
      fetch: async input => {
        asked.push(String(input))
        return new Response('', { status: 404 })
      }
    })
    const other = await startFakeIssuer(t)
    t.match(await verifier.verify(await other.sign()), { status: 503 })
    t.same(asked, [
      'https://id.example.com/tenant/.well-known/openid-configuration',
      'https://id.example.com/.well-known/oauth-authorization-server/tenant'
    ])
  }
)

t.test('a document without end is given up', async t => {
  let pulled = 0
  const endless = new ReadableStream({
    pull(controller) {
      pulled += 1
      controller.enqueue(new Uint8Array(64 * 1024).fill(32))
    }
  })
  const verifier = createVerifier({
    issuer: 'https://id.example.com',
    audience,
    fetch: async () => new Response(endless)
  })
  const other = await startFakeIssuer(t)
  t.match(await verifier.verify(await other.sign()), { status: 503 })
  t.ok(pulled < 10)
})
