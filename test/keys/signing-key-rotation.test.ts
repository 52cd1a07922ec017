// The life of signing keys on a real PostgreSQL with its clock turned: made ahead, active, retiring, gone; by one process, whoever looks.
// Refuses steps that are not due, however often they are asked for.

import { t as root, test } from 'tap'
import type { WantedKey } from '../../src/keys/key-ring.ts'
import { graceSeconds } from '../../src/keys/schedule.ts'
import { createTestDatabase } from '../support/postgres.ts'
import {
  createKeyProcess,
  day,
  emptyKeys,
  hour,
  keyEvents,
  times,
  turnClock
} from './rotation-support.ts'

const { database } = await createTestDatabase(root)
const wanted: WantedKey[] = [{ purpose: 'access_token', alg: 'ES256', longestSeconds: hour }]

function statesOf({ ring }: ReturnType<typeof createKeyProcess>) {
  return Object.fromEntries(ring.keys().map(({ kid, state }) => [kid, state]))
}

test('a key is published a day ahead, signs for 90 days, and stays until its last token has expired', async t => {
  await emptyKeys(database)
  const process = createKeyProcess(database)
  await process.start(wanted)
  const first = process.ring.active('access_token', 'ES256').kid
  t.equal(await process.look(wanted), 0, 'nothing is due')

  await turnClock(database, 89 * day - 60)
  t.equal(await process.look(wanted), 0)
  await turnClock(database, 89 * day + 60)
  t.equal(await process.look(wanted), 1, 'the successor is made')
  const second = process.ring.keys().find(({ state }) => state === 'pending')?.kid ?? ''
  t.same(statesOf(process), { [first]: 'active', [second]: 'pending' })
  t.same(
    process.ring.jwks().keys.map(({ kid }) => kid),
    [first, second],
    'and published'
  )

  await turnClock(database, 90 * day)
  t.equal(await process.look(wanted), 0, 'not before it has been published for a day')
  await turnClock(database, 90 * day + 120)
  t.equal(await process.look(wanted), 1)
  t.same(statesOf(process), { [second]: 'active', [first]: 'retiring' })
  t.equal(process.ring.active('access_token', 'ES256').kid, second)

  await turnClock(database, 90 * day + 120 + hour + graceSeconds(times) - 60)
  t.equal(await process.look(wanted), 0, 'its last token may still be shown')
  await turnClock(database, 90 * day + 120 + hour + graceSeconds(times) + 60)
  t.equal(await process.look(wanted), 1)
  t.same(statesOf(process), { [second]: 'active' })

  const { rows } = await database.run<{ state: string; length: number }>(
    'test.retired',
    'SELECT state, length(sealed) AS length FROM signing_keys WHERE kid = $1',
    [first]
  )
  t.same(rows, [{ state: 'retired', length: 0 }], 'the private part is gone')
  t.same(
    (await keyEvents(database)).map(({ type, data }) => [type, data['kid']]),
    [
      ['key.created', first],
      ['key.activated', first],
      ['key.created', second],
      ['key.activated', second],
      ['key.retiring', first],
      ['key.retired', first]
    ]
  )
})

test('of processes that look at once, one takes each step', async t => {
  await emptyKeys(database)
  const processes = [1, 2, 3].map(() => createKeyProcess(database))
  await Promise.all(processes.map(process => process.start(wanted)))
  for (const [at, states] of [
    [89 * day + 60, ['active', 'pending']],
    [90 * day + 120, ['active', 'retiring']],
    [91 * day + 120, ['active']]
  ] as const) {
    await turnClock(database, at)
    const taken = await Promise.all(processes.map(process => process.look(wanted)))
    t.equal(
      taken.reduce((sum, one) => sum + one),
      1,
      `one step at ${at}`
    )
    for (const process of processes) {
      await process.ring.load()
      t.same(Object.values(statesOf(process)), states)
    }
  }
  t.equal((await keyEvents(database)).length, 6, 'each step is told once')
})

test('a lifetime that was longer before still counts', async t => {
  await emptyKeys(database)
  const before = createKeyProcess(database)
  await before.start([{ purpose: 'access_token', alg: 'ES256', longestSeconds: 20 * hour }])
  const first = before.ring.active('access_token', 'ES256').kid
  const process = createKeyProcess(database)
  await process.start(wanted)
  await turnClock(database, 89 * day + 60)
  await process.look(wanted)
  await turnClock(database, 90 * day + 120)
  await process.look(wanted)
  await turnClock(database, 90 * day + 120 + 19 * hour)
  t.equal(await process.look(wanted), 0)
  t.equal(process.ring.byKid(first)?.state, 'retiring')
  await turnClock(database, 90 * day + 120 + 21 * hour)
  t.equal(await process.look(wanted), 1)
  t.equal(process.ring.byKid(first), undefined)
})

test('an algorithm that is used newly signs at once; one that is used no more retires', async t => {
  await emptyKeys(database)
  const both: WantedKey[] = [
    ...wanted,
    { purpose: 'access_token', alg: 'RS256', longestSeconds: 600 }
  ]
  const process = createKeyProcess(database)
  await process.start(wanted)
  await process.start(both)
  const rsa = process.ring.active('access_token', 'RS256').kid

  // another process still has the configuration that wants it
  await turnClock(database, 23 * hour)
  const other = createKeyProcess(database)
  await other.start(both)
  await turnClock(database, 46 * hour)
  t.equal(await process.look(wanted), 0, 'as long as one process signs with it')
  await turnClock(database, 48 * hour)
  t.equal(await process.look(wanted), 1)
  t.equal(process.ring.byKid(rsa)?.state, 'retiring')
  t.throws(() => process.ring.active('access_token', 'RS256'), { code: 'key_unavailable' })
  await turnClock(database, 50 * hour)
  t.equal(await process.look(wanted), 1)
  t.equal(process.ring.byKid(rsa), undefined)
  t.equal(process.ring.active('access_token', 'ES256').state, 'active')
})

test('a server that was down makes up for it, and still publishes ahead', async t => {
  await emptyKeys(database)
  const process = createKeyProcess(database)
  await process.start(wanted)
  const first = process.ring.active('access_token', 'ES256').kid
  await turnClock(database, 400 * day)
  t.equal(await process.look(wanted), 1)
  t.equal(process.ring.active('access_token', 'ES256').kid, first, 'nobody knows the new one yet')
  await turnClock(database, 401 * day + 60)
  t.equal(await process.look(wanted), 1)
  t.not(process.ring.active('access_token', 'ES256').kid, first)
})

test('a key that is younger than what a process has heard is found by one look', async t => {
  await emptyKeys(database)
  const [process, other] = [createKeyProcess(database), createKeyProcess(database)]
  await process.start(wanted)
  await other.ring.load()
  const made = await process.signing.prepare({ purpose: 'access_token', alg: 'ES256' })
  const kid = made === 'lost' ? '' : made.kid
  t.equal(other.ring.byKid(kid), undefined)
  const found = await Promise.all(Array.from({ length: 20 }, () => other.ring.find(kid)))
  t.ok(found.every(key => key?.kid === kid))
  t.equal(await other.ring.find('../etc/passwd'), undefined)
})

test('steps that are not due are refused by the database, whoever asks', async t => {
  await emptyKeys(database)
  const process = createKeyProcess(database)
  await process.start(wanted)
  const [active] = await process.signing.schedule(wanted)
  if (active === undefined) throw new Error('no key')
  const take = (key: typeof active.key, step: typeof active.next.step) =>
    process.signing.take({ key, next: { step, inSeconds: 0 } })
  t.equal(await take(active.key, 'prepare'), 'lost')
  t.equal(await take(active.key, 'fall_idle'), 'lost')
  t.equal(await take(active.key, 'retire'), 'lost')
  t.not(await process.signing.prepare(active.key), 'lost', 'an operator may')
  t.equal(await process.signing.prepare(active.key), 'lost', 'but there is one at a time')
  const pending = (await process.signing.schedule(wanted)).find(
    ({ key }) => key.state === 'pending'
  )
  if (pending === undefined) throw new Error('no pending key')
  t.equal(await take(pending.key, 'activate'), 'lost')
  t.equal(await process.signing.activate(pending.key), 'taken', 'an operator may')
  t.equal(await process.signing.activate(pending.key), 'lost')
  t.equal(await take(active.key, 'retire'), 'lost', 'its last token may still be shown')
})

test('a key is not added under a master key that the servers do not have', async t => {
  await emptyKeys(database)
  await createKeyProcess(database).start(wanted)
  const { createSealer } = await import('../../src/lib/seal.ts')
  const stranger = createKeyProcess(database, {
    sealer: createSealer({ masterKey: Buffer.alloc(32, 8) })
  })
  await t.rejects(stranger.signing.prepare({ purpose: 'access_token', alg: 'ES256' }), {
    code: 'seal_broken'
  })
  const { rows } = await database.run('test.count', 'SELECT kid FROM signing_keys')
  t.equal(rows.length, 1)
})
