// The background job of keys: it reads them again while the change feed is silent and after a read that failed, looks at the schedule only
// with the lease, and makes keys that are missing.

import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createResealer } from '../../src/keys/reseal.ts'
import { createSealer } from '../../src/lib/seal.ts'
import { type KeyJobDependencies, lookEverySeconds, startKeyJob } from '../../src/ops/key-job.ts'
import { takeLease } from '../../src/store/leases.ts'
import {
  createKeyProcess,
  day,
  emptyKeys,
  hour,
  masterKey,
  turnClock
} from '../keys/rotation-support.ts'
import { createTestDatabase } from '../support/postgres.ts'

const wanted = [{ purpose: 'access_token', alg: 'ES256', longestSeconds: hour }] as const
const { database } = await createTestDatabase(t)

/** A feed in the test's hand. */
function createFeed() {
  const listeners: ((key: string) => void)[] = []
  const hand = {
    confirmed: true,
    tell: () => listeners.forEach(listener => void listener('')),
    feed: {
      confirmed: () => hand.confirmed,
      on: (_table: string, listener: (key: string) => void) => void listeners.push(listener),
      onGap: () => undefined
    }
  }
  return hand
}

async function setUp(t: Test, changes: Partial<KeyJobDependencies> = {}) {
  await emptyKeys(database)
  await database.run('test.empty.leases', 'DELETE FROM leases')
  const process = createKeyProcess(database)
  await process.start(wanted)
  await process.secrets.ensure(['cookie'])
  const hand = createFeed()
  const logged: string[] = []
  const note = (_data: object, message: string) => void logged.push(message)
  const job = startKeyJob({
    ...process,
    wanted,
    resealer: undefined,
    lead: (holder, seconds) => takeLease(database, 'keys', holder, seconds),
    feed: hand.feed,
    log: { info: note, error: note },
    everySeconds: 3_600,
    ...changes
  })
  t.teardown(() => job.end())
  return { process, hand, logged, job }
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(10)
}

t.test('while the feed is silent, what another process changed is read all the same', async t => {
  const { process, hand } = await setUp(t)
  const other = createKeyProcess(database)
  const made = await other.signing.prepare(wanted[0])
  const kid = made === 'lost' ? '' : made.kid
  t.equal(process.ring.byKid(kid), undefined, 'nobody told')
  hand.confirmed = false
  await until(() => process.ring.byKid(kid) !== undefined)
  t.pass('it was found')
})

t.test('a change that was told and could not be read is read later', async t => {
  let failures = 3
  const { process, hand, logged } = await setUp(t, {
    ring: {
      ...createKeyProcess(database).ring,
      load: async () => {
        if (failures-- > 0) throw new Error('the database is away')
        return process.ring.load()
      }
    }
  })
  const made = await createKeyProcess(database).signing.prepare(wanted[0])
  const kid = made === 'lost' ? '' : made.kid
  hand.tell()
  await until(() => process.ring.byKid(kid) !== undefined)
  t.equal(failures < 0, true)
  t.equal(logged.filter(line => /could not be reloaded/.test(line)).length, 1, 'told once')
})

t.test('of several processes one takes the steps; another follows when it ends', async t => {
  const first = await setUp(t, { everySeconds: 0.05 })
  const second = startKeyJob({
    ...createKeyProcess(database),
    wanted,
    resealer: undefined,
    lead: (holder, seconds) => takeLease(database, 'keys', holder, seconds),
    feed: createFeed().feed,
    log: { info: () => {}, error: () => {} },
    everySeconds: 0.05
  })
  t.teardown(() => second.end())
  const states = async () =>
    (await first.process.signing.schedule(wanted)).map(({ key }) => key.state).sort()
  await turnClock(database, 89 * day + 60)
  await until(async () => (await states()).includes('pending'))
  await first.job.end()
  // also past the lease of the one that ended
  await turnClock(database, 90 * day + 300)
  await until(async () => (await states()).includes('retiring'))
  t.same(await states(), ['active', 'retiring'])
})

t.test('who has not the lease takes no step', async t => {
  let asked = 0
  const { process } = await setUp(t, {
    everySeconds: 0.02,
    lead: async () => {
      asked += 1
      return false
    }
  })
  await turnClock(database, 200 * day)
  await until(() => asked > 3)
  t.equal((await process.signing.schedule(wanted)).length, 1)
})

t.test('a key that another configuration let go of is made again', async t => {
  const { process } = await setUp(t, { everySeconds: 0.02 })
  const before = process.ring.active('access_token', 'ES256').kid
  await database.run('test.let_go', "UPDATE signing_keys SET state = 'retiring'")
  await process.ring.load()
  await until(() => process.ring.keys().some(({ state }) => state === 'active'))
  t.not(process.ring.active('access_token', 'ES256').kid, before)
})

t.test('with a master key of before, everything is sealed anew at the start', async t => {
  const sealer = createSealer({ masterKey: Buffer.alloc(32, 9), previous: [masterKey] })
  const resealer = createResealer({ sql: database, seal: sealer })
  const { logged } = await setUp(t, { resealer })
  await until(() => logged.some(line => /previousMasterKeys can be emptied/.test(line)))
  const later = createKeyProcess(database, {
    sealer: createSealer({ masterKey: Buffer.alloc(32, 9) })
  })
  await later.ring.load()
  t.equal(later.ring.keys().length, 1)
})

t.test('the schedule is looked at as often as it is fine', async t => {
  t.same([90 * day, 600, 10].map(lookEverySeconds), [60, 30, 0.5])
})
