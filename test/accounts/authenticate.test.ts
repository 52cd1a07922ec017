// Sign-in with a password on a real database: one hash for every answer, nothing told by it, and what becomes of hashes and queues
// (security part 4, L-5 to L-12; check 162).

import { test } from 'tap'
import {
  cheap,
  counts,
  prepared,
  processOn,
  rightPassword,
  setUp,
  tally
} from './sign-in-process.ts'

test('the right password is believed and leaves no counter; a wrong one is audited', async t => {
  const { database, alice, tryOne, events } = await setUp(t)
  await tryOne()
  const outcome = await tryOne({ login: ' ALICE@example.com', password: rightPassword })
  t.strictSame(outcome, { ok: true, account: alice, amr: ['pwd'] })
  t.strictSame(
    await counts(database),
    ['sign_in.address 1'],
    'the wrong one stays with the address'
  )
  // whether that is a sign-in is known when no second factor is missing: the flow tells it
  t.equal(events.length, 1)
  t.match(events, [
    { type: 'sign_in.refused', accountId: alice.id, data: { reason: 'password_mismatch' } }
  ])
})

test('unknown, disabled, passwordless, unreadable and wrong each cost one hash of the same parameters (L-5, check 162)', async t => {
  const { accounts, derived, hasher, tryOne } = await setUp(t)
  const hash = await hasher.hash(prepared(rightPassword))
  const disabled = await accounts.create('disabled', hash, {}, 'made')
  await accounts.disable(disabled?.id ?? '')
  await accounts.create('passwordless', undefined, {}, 'made')
  await accounts.create('unreadable', '$1$abcdefgh$ijklmnopqrstuv', {}, 'made')
  const expected = {
    'nobody@example.com': 'unknown_account',
    'alice@example.com': 'password_mismatch',
    disabled: 'disabled',
    passwordless: 'no_password',
    unreadable: 'no_password'
  }
  for (const [login, reason] of Object.entries(expected)) {
    derived.length = 0
    t.strictSame(await tryOne({ login }), { ok: false, reason }, login)
    t.strictSame(derived, [cheap], login)
  }
  t.match(await tryOne({ login: 'disabled', password: rightPassword }), { reason: 'disabled' })
})

test('a password of a megabyte, a NUL and a lone surrogate are refused before any counter or hash (L-7)', async t => {
  const { database, derived, tryOne } = await setUp(t)
  for (const password of ['a'.repeat(1_000_000), 'abc\0defgh', 'abcdefgh\ud800', '']) {
    t.strictSame(await tryOne({ password }), { ok: false, reason: 'password_mismatch' })
  }
  t.strictSame(await tryOne({ login: 'a@b\r\n@c' }), { ok: false, reason: 'unknown_account' })
  t.equal(derived.length, 0)
  t.strictSame(await counts(database), [])
})

test('the password signs in however its accents were typed (L-7)', async t => {
  const { accounts, hasher, tryOne } = await setUp(t)
  const composed = 'Dvořák 한글 pass'
  await accounts.create(
    'antonin',
    await hasher.hash(prepared(composed.normalize('NFD'))),
    {},
    'made'
  )
  t.ok((await tryOne({ login: 'antonin', password: composed.normalize('NFC') })).ok)
  t.ok((await tryOne({ login: 'antonin', password: composed.normalize('NFD') })).ok)
})

test('a full queue answers busy at once and costs nobody an attempt (L-1)', async t => {
  let open: () => void = () => {}
  const gate = new Promise<void>(resolve => {
    open = resolve
  })
  const { database, derived, queue, tryOne, alice } = await setUp(t, {
    queue: { parallel: 1, waiting: 2, waitMillis: 60_000 }
  })
  const holding = [1, 2, 3].map(() => queue.run(() => gate))
  const outcomes = await Promise.all(
    Array.from({ length: 30 }, () => tryOne({ password: rightPassword }))
  )
  t.ok(outcomes.every(outcome => !outcome.ok))
  t.strictSame(outcomes.filter(outcome => !outcome.ok && outcome.reason === 'busy')[0], {
    ok: false,
    reason: 'busy',
    retryAfterSeconds: 2
  })
  t.equal(derived.length, 0)
  open()
  await Promise.all(holding)
  t.strictSame(await tryOne({ password: rightPassword }), {
    ok: true,
    account: alice,
    amr: ['pwd']
  })
  t.strictSame(
    (await counts(database)).filter(line => line.startsWith('sign_in.account')),
    []
  )
})

test('a client that disconnects while queued frees its place and costs no hash (L-9)', async t => {
  let open: () => void = () => {}
  const gate = new Promise<void>(resolve => {
    open = resolve
  })
  const { database, derived, queue, tryOne } = await setUp(t, {
    queue: { parallel: 1, waiting: 5, waitMillis: 60_000 }
  })
  const holding = queue.run(() => gate)
  const leaver = new AbortController()
  const left = tryOne({ signal: leaver.signal })
  while (queue.load().waiting === 0) await new Promise(resolve => setTimeout(resolve, 1))
  leaver.abort()
  t.match(await left, { ok: false, reason: 'busy' })
  t.strictSame(queue.load(), { running: 1, waiting: 0 })
  open()
  await holding
  t.equal(derived.length, 0)
  t.strictSame(await counts(database), ['sign_in.account 0', 'sign_in.address 0'])
})

test('other parameters: the old hash signs in and is upgraded once, parallel sign-ins too (L-12)', async t => {
  const { database, alice } = await setUp(t)
  const server = processOn(database, { parameters: { ...cheap, passes: 2 } })
  const before = await server.accounts.findWithPassword('alice@example.com')
  const outcomes = await Promise.all(
    Array.from({ length: 5 }, () => server.tryOne({ password: rightPassword }))
  )
  t.strictSame(tally(outcomes), { ok: 5 })
  const after = await server.accounts.findWithPassword('alice@example.com')
  t.match(after?.password, /t=2,p=1/)
  t.not(after?.password, before?.password)
  t.equal(after?.account.validAfter, undefined, 'sessions live on')
  server.derived.length = 0
  t.match(await server.tryOne({ password: rightPassword }), { ok: true, account: { id: alice.id } })
  t.equal(server.derived.length, 1, 'not again')
})

test('a password that is changed, or an account disabled, while its hash waits does not sign in', async t => {
  for (const change of ['setPassword', 'disable'] as const) {
    const changes: (() => Promise<unknown>)[] = []
    const { accounts, alice, tryOne } = await setUp(t, {
      onDerive: async () => {
        await changes.pop()?.()
      }
    })
    changes.push(() =>
      change === 'disable' ? accounts.disable(alice.id) : accounts.setPassword(alice.id, 'another')
    )
    t.match(await tryOne({ password: rightPassword }), { ok: false }, change)
    t.equal(changes.length, 0)
  }
})
