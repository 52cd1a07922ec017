// Burning on a real PostgreSQL: the key is gone, another one signs, and nothing brings it back. Refuses what makes no sense, with a reason.

import { t as root, test } from 'tap'
import { burnKey } from '../../src/keys/burn.ts'
import type { WantedKey } from '../../src/keys/key-ring.ts'
import { createTestDatabase } from '../support/postgres.ts'
import {
  createKeyProcess,
  day,
  emptyKeys,
  hour,
  keyEvents,
  seal,
  turnClock
} from './rotation-support.ts'

const { database } = await createTestDatabase(root)
const wanted: WantedKey[] = [{ purpose: 'access_token', alg: 'ES256', longestSeconds: hour }]

async function setUp() {
  await emptyKeys(database)
  const process = createKeyProcess(database)
  await process.start(wanted)
  const first = process.ring.active('access_token', 'ES256').kid
  const burn = async (kid: string) => {
    const burnt = await burnKey({ database, ring: process.ring, seal }, kid)
    await process.ring.load()
    return burnt
  }
  return { process, first, burn }
}

test('a burnt key that signed is followed by a new one at once', async t => {
  const { process, first, burn } = await setUp()
  const burnt = await burn(first)
  t.match(burnt, { ok: true, key: { kid: first, state: 'active', valueSeconds: hour } })
  const { kid } = process.ring.active('access_token', 'ES256')
  t.equal(burnt.ok && burnt.successor, kid)
  t.equal(process.ring.byKid(first), undefined)
  t.same(
    process.ring.jwks().keys.map(jwk => jwk.kid),
    [kid]
  )
  t.match((await keyEvents(database)).at(-1), {
    type: 'key.burnt',
    data: { kid: first, was: 'active', successor: kid }
  })
})

test('a successor that is published already takes over', async t => {
  const { process, first, burn } = await setUp()
  await turnClock(database, 89 * day + 60)
  await process.look(wanted)
  const pending = process.ring.keys().find(({ state }) => state === 'pending')?.kid
  const burnt = await burn(first)
  t.equal(burnt.ok && burnt.successor, pending)
  t.equal(process.ring.active('access_token', 'ES256').kid, pending)
  t.equal(process.ring.keys().length, 1)
})

test('a pending or retiring key burns without touching the one that signs', async t => {
  const { process, first, burn } = await setUp()
  await turnClock(database, 89 * day + 60)
  await process.look(wanted)
  const pending = process.ring.keys().find(({ state }) => state === 'pending')?.kid ?? ''
  t.match(await burn(pending), { ok: true, key: { state: 'pending' }, successor: undefined })
  t.equal(process.ring.active('access_token', 'ES256').kid, first)
  await process.look(wanted)
  await turnClock(database, 90 * day + 120)
  await process.look(wanted)
  t.equal(process.ring.byKid(first)?.state, 'retiring')
  const { kid } = process.ring.active('access_token', 'ES256')
  t.match(await burn(first), { ok: true, key: { state: 'retiring' }, successor: undefined })
  t.same(
    process.ring.keys().map(key => key.kid),
    [kid]
  )
})

test('an unknown key and a burnt one are told apart; a retired one can still be marked', async t => {
  const { process, first, burn } = await setUp()
  t.same(await burn('no-such-key'), { ok: false, reason: 'unknown' })
  t.match(await burn(first), { ok: true })
  t.same(await burn(first), { ok: false, reason: 'burnt_already' })
  const second = process.ring.active('access_token', 'ES256').kid
  for (const at of [89 * day + 60, 90 * day + 120, 92 * day]) {
    await turnClock(database, at)
    await process.look(wanted)
  }
  t.equal(process.ring.byKid(second), undefined)
  t.match(await burn(second), { ok: true, key: { state: 'retired' }, successor: undefined })
})

test('of two that burn one key at once, one does, and one key follows', async t => {
  const { process, first, burn } = await setUp()
  const both = await Promise.all([burn(first), burn(first)])
  t.same(both.map(({ ok }) => ok).sort(), [false, true])
  t.equal(process.ring.keys().length, 1)
})

test('a burn in the middle of a rotation leaves one key that signs', async t => {
  for (let round = 0; round < 20; round++) {
    const { process, first, burn } = await setUp()
    await turnClock(database, 89 * day + 60)
    await process.look(wanted)
    await turnClock(database, 90 * day + 120)
    const others = [1, 2].map(() => createKeyProcess(database))
    await Promise.all([burn(first), ...others.map(other => other.look(wanted))])
    await process.ring.load()
    t.equal(process.ring.byKid(first), undefined)
    t.equal(process.ring.keys().filter(({ state }) => state === 'active').length, 1)
  }
})

test('a burnt key cannot come back, not even by hand', async t => {
  const { first, burn } = await setUp()
  await burn(first)
  for (const [index, change] of [
    "state = 'active'",
    "state = 'retiring'",
    "sealed = '\\x01'"
  ].entries()) {
    const update = `UPDATE signing_keys SET ${change} WHERE kid = $1`
    await t.rejects(database.run(`test.revive.${index}`, update, [first]), /burnt_stays_burnt/)
  }
})
