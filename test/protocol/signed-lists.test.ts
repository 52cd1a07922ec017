// When a status list is looked up and signed anew, with both clocks in the test's hand (draft-ietf-oauth-status-list §5.1).

import { inflateSync } from 'node:zlib'
import { exportJWK, generateKeyPair } from 'jose'
import t from 'tap'
import type { SigningKey } from '../../src/keys/key-ring.ts'
import { Fault } from '../../src/lib/fault.ts'
import { createStatusLists } from '../../src/protocol/status-lists.ts'
import type { ListRow } from '../../src/store/status-lists.ts'
import { claimsIn, headerOf } from './requests.ts'

async function makeKey(kid: string): Promise<SigningKey> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const privateJwk = { ...(await exportJWK(privateKey)), kid, alg: 'ES256', use: 'sig' }
  const { d: _, ...publicJwk } = privateJwk
  return { kid, purpose: 'status_list', alg: 'ES256', state: 'active', privateJwk, publicJwk }
}

async function setUp() {
  const hand = {
    row: { size: 64, ended: [] } as ListRow | undefined,
    down: false,
    looks: 0,
    seconds: 1_700_000_000,
    milliseconds: 0,
    key: await makeKey('one')
  }
  const lists = createStatusLists({
    issuer: 'https://id.example.com',
    keys: { active: () => hand.key },
    store: {
      async find() {
        hand.looks += 1
        if (hand.down) throw new Fault('store_unavailable', 'The database did not answer.')
        return hand.row
      }
    },
    ttlSeconds: 30,
    lifetimeSeconds: 300,
    now: () => new Date(hand.seconds * 1000),
    monotonic: () => hand.milliseconds
  })
  const copy = async () => (await lists.current(1))?.jwt ?? ''
  /** Lets both clocks go on. */
  const pass = (seconds: number) => {
    hand.seconds += seconds
    hand.milliseconds += seconds * 1000
  }
  return { hand, lists, copy, pass }
}

t.test('what was looked up is believed for half a second, and then looked up again', async t => {
  const { hand, copy } = await setUp()
  const first = await copy()
  hand.milliseconds = 499
  hand.row = { size: 64, ended: [3] }
  t.equal(await copy(), first)
  t.equal(hand.looks, 1)
  hand.milliseconds = 500
  const changed = await copy()
  t.not(changed, first, 'a revocation shows within the second')
  t.equal(hand.looks, 2)
  hand.milliseconds = 1_000
  t.equal(await copy(), changed, 'and an unchanged list is not signed again')
  t.equal(hand.looks, 3)
})

t.test('a copy is signed anew when half of its ttl is over', async t => {
  const { hand, copy, pass } = await setUp()
  const first = await copy()
  t.match(claimsIn(first), { iat: hand.seconds, exp: hand.seconds + 300, ttl: 30 })
  pass(14)
  t.equal(await copy(), first)
  pass(1)
  t.match(claimsIn(await copy()), { iat: hand.seconds, exp: hand.seconds + 300 })
})

t.test('a clock that is set back, and a key that changes, make a new copy', async t => {
  const { hand, copy } = await setUp()
  const first = await copy()
  hand.seconds -= 100
  hand.milliseconds += 1_000
  t.match(claimsIn(await copy()), { iat: hand.seconds })
  hand.key = await makeKey('two')
  hand.milliseconds += 1_000
  t.equal(headerOf(await copy())['kid'], 'two')
  t.equal(headerOf(first)['kid'], 'one')
})

t.test('while the database is away a copy is handed out until its ttl, and no longer', async t => {
  const { hand, lists, copy, pass } = await setUp()
  const first = await copy()
  hand.down = true
  pass(29)
  t.equal(await copy(), first)
  pass(1)
  await t.rejects(copy(), { code: 'store_unavailable' })
  await t.rejects(lists.current(2), { code: 'store_unavailable' })
  hand.down = false
  t.match(claimsIn(await copy()), { iat: hand.seconds })
})

t.test('a list that a restore has ended says so of every entry', async t => {
  const { hand, copy } = await setUp()
  hand.row = { size: 64, ended: 'all' }
  const { lst } = claimsIn(await copy())['status_list'] as { lst: string }
  t.strictSame(inflateSync(Buffer.from(lst, 'base64url')), Buffer.alloc(8, 0xff))
})

t.test('a list that is not there is not made up', async t => {
  const { hand, lists } = await setUp()
  hand.row = undefined
  t.equal(await lists.current(1), undefined)
})

t.test('everybody who asks at once waits for one look', async t => {
  const { hand, copy } = await setUp()
  const copies = await Promise.all(Array.from({ length: 50 }, copy))
  t.equal(new Set(copies).size, 1)
  t.equal(hand.looks, 1)
})
