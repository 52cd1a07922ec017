// Limits of sign-in on a real database: counters that are exact under parallel attempts and over processes, shared by aliases, and that
// end by themselves (security part 4, L-3 to L-11; checks 163, 165, 166).

import { createHash, randomUUID } from 'node:crypto'
import { test } from 'tap'
import { digest } from '../../src/lib/secret.ts'
import { counts, passSeconds, processOn, rightPassword, setUp, tally } from './sign-in-process.ts'

test('50 parallel wrong passwords over two processes: ten hashes, and the counter is exact (check 166, L-11)', async t => {
  const { database, derived, tryOne, events } = await setUp(t)
  const other = processOn(database)
  const outcomes = await Promise.all(
    Array.from({ length: 50 }, (_, n) => (n % 2 === 0 ? tryOne() : other.tryOne()))
  )
  t.strictSame(tally(outcomes), { password_mismatch: 10, throttled: 40 })
  t.equal(derived.length + other.derived.length, 10)
  t.equal([...events, ...other.events].filter(e => e.type === 'sign_in.refused').length, 11)
  const right = await tryOne({ password: rightPassword })
  t.match(
    right,
    { ok: false, reason: 'throttled' },
    'a throttled guess tells nothing even if right'
  )
})

test('a window ends by itself: nobody is locked out for good (check 163)', async t => {
  const { database, tryOne } = await setUp(t)
  for (let n = 0; n < 11; n += 1) await tryOne()
  const refused = await tryOne({ password: rightPassword })
  t.match(refused, { ok: false, reason: 'throttled' })
  const wait = refused.ok ? 0 : (refused.retryAfterSeconds ?? 0)
  t.ok(wait > 800 && wait <= 900, `${wait} s`)
  await passSeconds(database, wait)
  t.ok((await tryOne({ password: rightPassword })).ok)
})

test('aliases of a login share one counter (check 165)', async t => {
  const { database, derived, tryOne } = await setUp(t)
  const aliases = [
    'alice@example.com',
    'ALICE@EXAMPLE.COM',
    ' Alice@example.com',
    'ａlice@example.com'
  ]
  const outcomes = await Promise.all(
    Array.from({ length: 40 }, (_, n) => tryOne({ login: aliases[n % 4] as string }))
  )
  t.strictSame(tally(outcomes), { password_mismatch: 10, throttled: 30 })
  t.equal(derived.length, 10)
  t.equal((await counts(database)).filter(line => line.startsWith('sign_in.account')).length, 1)
})

test('one account tried from 50 addresses is throttled by its own counter (check 163, L-3)', async t => {
  const { derived, tryOne } = await setUp(t)
  const outcomes = await Promise.all(
    Array.from({ length: 50 }, (_, n) => tryOne({ address: `198.51.100.${n}` }))
  )
  t.strictSame(tally(outcomes), { password_mismatch: 10, throttled: 40 })
  t.equal(derived.length, 10)
})

test('one address that tries many accounts is throttled, others are not (check 163, L-4)', async t => {
  const { derived, tryOne, events } = await setUp(t)
  const outcomes = await Promise.all(
    Array.from({ length: 150 }, (_, n) => tryOne({ login: `user${n}@example.com` }))
  )
  t.strictSame(tally(outcomes), { unknown_account: 100, throttled: 50 })
  t.equal(derived.length, 100)
  t.equal(
    events.filter(e => e.type === 'sign_in.refused' && e.data.counter === 'address').length,
    1,
    'the audit trail hears of it once'
  )
  t.ok((await tryOne({ address: '192.0.2.2', password: rightPassword })).ok)
})

test('the addresses of one IPv6 /64 share a counter, and a mapped IPv4 address is that address', async t => {
  const limits = {
    ...{ account: { limit: 100, windowSeconds: 60 } },
    address: { limit: 2, windowSeconds: 60 }
  }
  const { tryOne } = await setUp(t, { limits })
  const from = async (...addresses: string[]) => {
    const outcomes = []
    for (const address of addresses) outcomes.push(await tryOne({ address }))
    return tally(outcomes)
  }
  t.strictSame(await from('2001:db8:0:1::1', '2001:db8:0:1:ffff::2', '2001:DB8::1:0:0:0:3'), {
    password_mismatch: 2,
    throttled: 1
  })
  t.strictSame(await from('2001:db8:0:2::1'), { password_mismatch: 1 })
  t.strictSame(await from('203.0.113.9', '::ffff:203.0.113.9', '::ffff:cb00:7109'), {
    password_mismatch: 2,
    throttled: 1
  })
  t.strictSame(await from('fe80::1%eth0', 'fe80::2', 'fe80::3%eth1'), {
    password_mismatch: 2,
    throttled: 1
  })
  t.strictSame(await from('', 'not an address', '1.2.3.4, 5.6.7.8'), {
    password_mismatch: 2,
    throttled: 1
  })
})

test('one known password does not reset the counter of its address', async t => {
  const limits = {
    account: { limit: 100, windowSeconds: 60 },
    address: { limit: 4, windowSeconds: 60 }
  }
  const { tryOne } = await setUp(t, { limits })
  const outcomes = []
  for (let n = 0; n < 6; n += 1) {
    outcomes.push(await tryOne({ login: `victim${n}` }))
    await tryOne({ password: rightPassword })
  }
  t.strictSame(tally(outcomes), { unknown_account: 4, throttled: 2 })
})

test('many people behind one address sign in: what succeeds is given back', async t => {
  const limits = {
    account: { limit: 100, windowSeconds: 60 },
    address: { limit: 3, windowSeconds: 60 }
  }
  const { tryOne } = await setUp(t, { limits })
  for (let n = 0; n < 8; n += 1) t.ok((await tryOne({ password: rightPassword })).ok)
})

test('a throttled answer is the same for a login that exists and one that does not (L-6)', async t => {
  const limits = {
    account: { limit: 2, windowSeconds: 900 },
    address: { limit: 100, windowSeconds: 900 }
  }
  const { tryOne } = await setUp(t, { limits })
  const answers = []
  for (const login of ['alice@example.com', 'nobody@example.com']) {
    for (let n = 0; n < 2; n += 1) await tryOne({ login })
    answers.push(await tryOne({ login }))
  }
  t.match(answers[0], { ok: false, reason: 'throttled' })
  t.strictSame(Object.keys(answers[0] ?? {}), Object.keys(answers[1] ?? {}))
})

test('an attempt whose counter cannot be claimed is not made: fails closed (L-10)', async t => {
  const { database, tryOne, derived } = await setUp(t)
  await database.run('test.drop', 'ALTER TABLE attempts RENAME TO attempts_away')
  await t.rejects(tryOne({ password: rightPassword }))
  t.equal(derived.length, 0)
})

test('counters are shared through the database and survive a restart (L-10)', async t => {
  const { database, tryOne } = await setUp(t)
  for (let n = 0; n < 10; n += 1) await tryOne()
  const restarted = processOn(database)
  t.match(await restarted.tryOne(), { reason: 'throttled' })
  t.equal(restarted.derived.length, 0)
})

test('a copy of the counters does not give away what was typed as a login', async t => {
  const { database, tryOne } = await setUp(t)
  const typed = `oops-my-password-${randomUUID()}`
  await tryOne({ login: typed })
  const { rows } = await database.run<{ row: string }>(
    'test.dump',
    'SELECT attempts::text AS row FROM attempts UNION ALL SELECT audit_events::text FROM audit_events'
  )
  t.equal(rows.length, 2)
  const plainDigests = [
    createHash('sha256').update(typed).digest('hex'),
    digest('sign_in.account', typed).toString('hex')
  ]
  for (const told of [typed, Buffer.from(typed).toString('hex'), ...plainDigests]) {
    t.notOk(rows.some(({ row }) => row.includes(told)))
  }
})

test('a flood over the limit writes no more rows, and windows that are over are swept', async t => {
  const { database, attempts, tryOne } = await setUp(t)
  for (let n = 0; n < 20; n += 1) await tryOne()
  t.strictSame(await counts(database), ['sign_in.account 11', 'sign_in.address 20'])
  t.equal(await attempts.sweep(100), 0, 'not before their end')
  await passSeconds(database, 901)
  t.equal(await attempts.sweep(1), 1)
  t.equal(await attempts.sweep(100), 1)
  t.strictSame(await counts(database), [])
})
