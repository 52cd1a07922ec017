// A browser that an account was signed in at has attempts of its own: whoever attacks the account, or shares its address, does not keep its
// owner out (check 163, R-54, L-3). Known is what we gave, for this account, since its last password reset.

import { randomBytes } from 'node:crypto'
import { test } from 'tap'
import { createSignInCounters } from '../../src/accounts/sign-in-counters.ts'
import { createAccountStore } from '../../src/store/accounts.ts'
import { passSeconds, prepared, processOn, rightPassword, setUp, tally } from './sign-in-process.ts'

const chrome = 'Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/141.0.0.0 Safari/537.36'
const at = { address: '192.0.2.1', userAgent: chrome, device: undefined }

test('the owner at a known browser gets in while strangers are throttled, over two processes (check 163, L-3)', async t => {
  const { database, alice, devices, derived, tryOne } = await setUp(t)
  const other = processOn(database)
  const device = await devices.remember({ accountId: alice.id, ...at })
  const flood = await Promise.all(
    Array.from({ length: 1_000 }, (_, n) =>
      (n % 2 === 0 ? tryOne : other.tryOne)({ address: `10.${n >> 8}.${n & 255}.1` })
    )
  )
  t.strictSame(tally(flood), { password_mismatch: 10, throttled: 990 })
  t.equal(derived.length + other.derived.length, 10, 'refused before any hash')
  t.match(await tryOne({ password: rightPassword }), { reason: 'throttled' }, 'a stranger')
  const made_up = randomBytes(32).toString('base64url')
  t.match(await tryOne({ password: rightPassword, device: made_up }), { reason: 'throttled' })
  for (const login of ['alice@example.com', 'ALICE@example.com']) {
    t.match(await other.tryOne({ login, password: rightPassword, device }), { ok: true })
  }
  t.match(
    await tryOne({ password: rightPassword, address: '10.9.9.9' }),
    { reason: 'throttled' },
    'the owner who gets in gives strangers no new attempts'
  )
})

test('a known browser gets in when its address is used up, and is counted itself, exactly', async t => {
  const { database, alice, devices, derived, tryOne } = await setUp(t)
  const other = processOn(database)
  const device = await devices.remember({ accountId: alice.id, ...at })
  await Promise.all(Array.from({ length: 101 }, (_, n) => tryOne({ login: `nobody${n}` })))
  t.match(await tryOne({ password: rightPassword }), { reason: 'throttled' })
  t.match(await tryOne({ password: rightPassword, device }), { ok: true })
  derived.length = 0
  const wrong = await Promise.all(
    Array.from({ length: 50 }, (_, n) => (n % 2 === 0 ? tryOne : other.tryOne)({ device }))
  )
  t.strictSame(tally(wrong), { password_mismatch: 10, throttled: 40 })
  t.equal(derived.length + other.derived.length, 10)
  await passSeconds(database, 901)
  t.match(await tryOne({ password: rightPassword, device }), { ok: true }, 'not for good')
})

test('a browser is known to the accounts that were signed in at it, and to nobody else', async t => {
  const { database, alice, accounts, devices, hasher } = await setUp(t)
  const bob = await accounts.create('bob', await hasher.hash(prepared('bobs own one')), {}, 'made')
  const device = await devices.remember({ accountId: alice.id, ...at })
  t.notOk(await devices.isKnown(device, bob?.id))
  const again = await devices.remember({ accountId: bob?.id ?? '', ...at, device })
  t.equal(again, device, 'one value for all accounts of a browser')
  t.ok(await devices.isKnown(device, alice.id))
  t.ok(await devices.isKnown(device, bob?.id))
  for (const hostile of ['', 'x', `${device}x`, device.slice(1), '\0'.repeat(43), `'${device}`]) {
    t.notOk(await devices.isKnown(hostile, alice.id))
  }
  t.not(
    await devices.remember({ accountId: alice.id, ...at, device: 'A'.repeat(43) }),
    'A'.repeat(43),
    'a value that we never gave is not taken over'
  )
  const { rows } = await database.run<{ row: string }>(
    'test.dump',
    'SELECT sign_in_devices::text AS row FROM sign_in_devices'
  )
  t.ok(rows.length > 0)
  t.notOk(
    rows.some(({ row }) => row.includes(device)),
    'its digest is in the database, not itself'
  )
})

test('a browser is forgotten at a password reset, in time, and when there are too many', async t => {
  const { database, alice, accounts, devices } = await setUp(t)
  const first = await devices.remember({ accountId: alice.id, ...at })
  await accounts.setPassword(alice.id, 'another hash')
  t.notOk(await devices.isKnown(first, alice.id))
  const second = await devices.remember({ accountId: alice.id, ...at })
  for (let n = 0; n < 20; n += 1) await devices.remember({ accountId: alice.id, ...at })
  t.notOk(await devices.isKnown(second, alice.id), 'twenty are kept, the latest')
  const last = await devices.remember({ accountId: alice.id, ...at })
  t.ok(await devices.isKnown(last, alice.id))
  await passSeconds(database, 180 * 86_400 + 1)
  t.notOk(await devices.isKnown(last, alice.id))
})

test('a sign-in at another browser is told to the account, not its very first nor one at a known browser', async t => {
  const { database, alice, devices } = await setUp(t)
  const told = async () => {
    const { rows } = await database.run<{ account_id: string; address: string; data: object }>(
      'test.told',
      "SELECT account_id, address, data FROM audit_events WHERE type = 'sign_in.new_device' ORDER BY id"
    )
    return rows
  }
  const device = await devices.remember({ accountId: alice.id, ...at })
  await devices.remember({ accountId: alice.id, ...at, device })
  t.strictSame(await told(), [])
  await devices.remember({
    accountId: alice.id,
    ...at,
    userAgent: '<b>\r\nFirefox/1',
    address: '192.0.2.7'
  })
  t.match(await told(), [
    { account_id: alice.id, address: '192.0.2.7', data: { device: 'Firefox' } }
  ])
  await passSeconds(database, 200 * 86_400)
  await devices.remember({ accountId: alice.id, ...at })
  t.equal((await told()).length, 2, 'nor does it count as the first when all were forgotten')
})

test('whoever shows the password once more counts on the same counters', async t => {
  const { alice, derived, tryOne, confirm } = await setUp(t)
  const again = (password: string) =>
    confirm({ accountId: alice.id, password, address: '192.0.2.1' })
  t.match(await again(rightPassword), { ok: true, account: { id: alice.id } })
  derived.length = 0
  const outcomes = await Promise.all(
    Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? again('a wrong password') : tryOne()))
  )
  t.strictSame(tally(outcomes), { password_mismatch: 10, throttled: 10 })
  t.equal(derived.length, 10)
  t.match(await again(rightPassword), { reason: 'throttled' })
})

test('sensitivity: counters that are read and then written let more hashes through (check 166)', async t => {
  const { database, devices } = await setUp(t)
  const counts = new Map<string, number>()
  const read = () => database.run('test.round_trip', 'SELECT 1')
  const naive = {
    async claim(_: string, key: Buffer, { limit }: { limit: number }) {
      const count = counts.get(key.toString('hex')) ?? 0
      await read()
      counts.set(key.toString('hex'), count + 1)
      return count < limit
        ? { ok: true as const }
        : { ok: false as const, retryAfterSeconds: 1, crossed: false }
    },
    giveBack: async () => {},
    release: async () => {}
  }
  const counters = createSignInCounters({
    attempts: naive,
    devices,
    counterKey: Buffer.alloc(32, 7)
  })
  const store = createAccountStore({ sql: database })
  const claims = await Promise.all(
    Array.from({ length: 50 }, () =>
      counters.claim({
        ...{
          name: 'alice@example.com',
          address: '192.0.2.1',
          device: undefined,
          isFull: () => false
        },
        find: () => store.findWithPassword('alice@example.com')
      })
    )
  )
  t.ok(
    claims.filter(claim => claim !== 'busy' && !('ok' in claim)).length > 10,
    'the exact one lets ten through'
  )
})
