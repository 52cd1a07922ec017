// The life of the server's symmetric secrets on a real PostgreSQL with its clock turned: known to all before it is used, kept for what it
// made. Refuses to change those that must stay.

import { t as root, test } from 'tap'
import { secretLives } from '../../src/keys/secret-rotation.ts'
import { versionsInAByte } from '../../src/keys/server-secrets.ts'
import { createTestDatabase } from '../support/postgres.ts'
import { createKeyProcess, day, emptyKeys, keyEvents, turnClock } from './rotation-support.ts'

const { database } = await createTestDatabase(root)
const changing = ['cookie', 'rotation', 'refresh_token_mac', 'user_code', 'csrf', 'dpop_nonce']

async function setUp() {
  await emptyKeys(database)
  const process = createKeyProcess(database)
  await process.secrets.ensure([
    'cookie',
    'rotation',
    'refresh_token_mac',
    'user_code',
    'csrf',
    'dpop_nonce',
    'artifact',
    'pairwise'
  ])
  return process
}

async function states(): Promise<Record<string, string[]>> {
  const { rows } = await database.run<{ purpose: string; states: string[] }>(
    'test.states',
    'SELECT purpose, array_agg(state ORDER BY version) AS states FROM server_secrets GROUP BY purpose'
  )
  return Object.fromEntries(rows.map(({ purpose, states }) => [purpose, states]))
}

test('a version is known a day before it is used, and stays for what it made', async t => {
  const process = await setUp()
  const old = process.secrets.current('rotation')
  t.equal(await process.look([]), 0)

  await turnClock(database, 89 * day + 60)
  t.equal(await process.look([]), changing.length)
  t.same(process.secrets.current('rotation'), old, 'known, and not used')
  const next = process.secrets.byVersion('rotation', 2)
  t.ok(next)
  await turnClock(database, 90 * day)
  t.equal(await process.look([]), 0)

  await turnClock(database, 90 * day + 120)
  t.equal(await process.look([]), changing.length)
  t.same(process.secrets.current('rotation'), { version: 2, key: next })
  t.same(process.secrets.byVersion('rotation', 1), old.key)

  await turnClock(database, 149 * day)
  await process.look([])
  t.same((await states())['rotation'], ['retiring', 'active'], 'a family may live for 60 days')
  t.same((await states())['dpop_nonce'], ['active'])
  await turnClock(database, 151 * day)
  await process.look([])
  t.same((await states())['rotation'], ['active'])
  t.equal(process.secrets.byVersion('rotation', 1), undefined)

  const all = await states()
  t.same([all['artifact'], all['pairwise']], [['active'], ['active']], 'these never change')
  const told = (await keyEvents(database)).filter(({ data }) => data['purpose'] === 'rotation')
  t.same(
    told.map(({ type, data }) => [type, data['version']]),
    [
      ['server_secret.created', 1],
      ['server_secret.activated', 1],
      ['server_secret.created', 2],
      ['server_secret.activated', 2],
      ['server_secret.retired', 1]
    ]
  )
})

test('of processes that look at once, one takes each step', async t => {
  await setUp()
  const processes = [1, 2, 3].map(() => createKeyProcess(database))
  for (const at of [89 * day + 60, 90 * day + 120]) {
    await turnClock(database, at)
    const taken = await Promise.all(processes.map(process => process.look([])))
    t.equal(
      taken.reduce((sum, one) => sum + one),
      changing.length
    )
  }
  for (const { secrets } of processes) await secrets.load()
  const keys = processes.map(({ secrets }) => secrets.current('cookie').key.toString('hex'))
  t.equal(new Set(keys).size, 1)
})

test('a lifetime that was longer before still counts', async t => {
  const process = await setUp()
  await process.secretRotation.noteLives()
  const shorter = createKeyProcess(database, {
    lives: {
      cookie: 60,
      rotation: 60,
      refresh_token_mac: 60,
      user_code: 60,
      csrf: 60,
      dpop_nonce: 0,
      artifact: 'never',
      pairwise: 'never'
    }
  })
  for (const at of [89 * day + 60, 90 * day + 120, 149 * day]) {
    await turnClock(database, at)
    await shorter.look([])
  }
  t.same((await states())['refresh_token_mac'], ['retiring', 'active'])
  t.same((await states())['cookie'], ['active'], 'a cookie of 30 days has expired')
})

test('steps that are not due are refused by the database, whoever asks', async t => {
  const process = await setUp()
  await process.secretRotation.noteLives()
  const [cookie] = await process.secretRotation.schedule()
  if (cookie === undefined) throw new Error('no secret')
  const { secretRotation } = process
  const take = (version: number, step: typeof cookie.next.step) =>
    secretRotation.take({
      secret: { ...cookie.secret, purpose: 'cookie', version },
      next: { step, inSeconds: 0 }
    })
  t.equal(await take(1, 'prepare'), 'lost')
  t.equal(await take(1, 'retire'), 'lost')
  await turnClock(database, 89 * day + 60)
  t.equal(await take(1, 'prepare'), 'taken')
  t.equal(await take(1, 'prepare'), 'lost')
  t.equal(await take(2, 'activate'), 'lost')
  await turnClock(database, 90 * day + 120)
  t.equal(await take(2, 'activate'), 'taken')
  t.equal(await take(1, 'retire'), 'lost')
  await turnClock(database, 119 * day)
  t.equal(await take(1, 'retire'), 'lost', 'a cookie of it may still be shown')
  await turnClock(database, 121 * day)
  t.equal(await take(1, 'retire'), 'taken')
})

test('what lives longest decides, and two secrets never change', async t => {
  const given = {
    sessions: { absoluteSeconds: 30 * day },
    interactions: { lifetimeSeconds: 3_600 },
    refreshTokens: { absoluteSeconds: 90 * day },
    deviceCodes: { lifetimeSeconds: 600 }
  }
  t.same(secretLives(given), {
    cookie: 30 * day,
    rotation: 90 * day,
    refresh_token_mac: 90 * day,
    user_code: 600,
    csrf: 3_600,
    dpop_nonce: 0,
    artifact: 'never',
    pairwise: 'never'
  })
})

test('a version that is younger than what a process has heard is found by one look', async t => {
  const process = await setUp()
  const other = createKeyProcess(database)
  await other.secrets.load()
  for (const at of [89 * day + 60, 90 * day + 120]) {
    await turnClock(database, at)
    await process.look([])
  }
  t.equal(other.secrets.byVersion('refresh_token_mac', 2), undefined)
  const asked = Array.from({ length: 50 }, () => other.secrets.freshen())
  await Promise.all(asked)
  t.ok(other.secrets.byVersion('refresh_token_mac', 2))
})

test('versions begin anew after the 255th, and the right key is found', async t => {
  const key = (version: number) => Buffer.alloc(32, version)
  const live = [257, 256, 255].map(version => ({ version, key: key(version) }))
  const versions = versionsInAByte({
    current: () => live[0] as (typeof live)[0],
    byVersion: version => live.find(each => each.version === version)?.key,
    all: () => live
  })
  t.equal(versions.current().version, 1)
  t.same(versions.byVersion(1), key(257))
  t.same(versions.byVersion(0), key(256))
  t.same(versions.byVersion(255), key(255))
  t.equal(versions.byVersion(2), undefined)
})
