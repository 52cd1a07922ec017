// Sign-in with a password on a real database: the order of the checks, counters that are exact under parallel attempts, and one hash
// for every answer (security part 4, L-1 to L-12; checks 162 to 166).

import { randomUUID } from 'node:crypto'
import { type Test, test } from 'tap'
import {
  type AuthenticationLimits,
  type AuthenticationRequest,
  createAuthenticator
} from '../../src/accounts/authenticate.ts'
import { createHashQueue, type HashQueueOptions } from '../../src/accounts/hash-queue.ts'
import {
  createPasswordHasher,
  type DeriveTag,
  nodeDeriveTag
} from '../../src/accounts/password-hash.ts'
import type { Argon2Parameters } from '../../src/accounts/phc.ts'
import { type PreparedPassword, preparePassword } from '../../src/accounts/prepared-password.ts'
import type { AuditEvent } from '../../src/audit/events.ts'
import { createAccountStore } from '../../src/store/accounts.ts'
import { createAttemptStore } from '../../src/store/attempts.ts'
import type { Database } from '../../src/store/database.ts'
import { createTestDatabase } from '../support/postgres.ts'

const derive = nodeDeriveTag() as DeriveTag
const cheap: Argon2Parameters = { memory: 64, passes: 1, lanes: 1 }
const counterKey = Buffer.alloc(32, 7)
const rightPassword = 'the right password'
const wide: HashQueueOptions = { parallel: 2, waiting: 1_000, waitMillis: 60_000 }

interface Settings {
  limits?: AuthenticationLimits
  queue?: HashQueueOptions
  parameters?: Argon2Parameters
  /** called before each derivation */
  onDerive?: () => Promise<void>
}

function prepared(typed: string): PreparedPassword {
  const outcome = preparePassword(typed)
  if (!outcome.ok) throw new Error(outcome.reason)
  return outcome.password
}

/** One process: an authenticator, what it hashed (the parameters of each derivation), and what it recorded. */
function processOn(database: Database, settings: Settings = {}) {
  const derived: Argon2Parameters[] = []
  const counting: DeriveTag = async (password, salt, parameters, tagBytes) => {
    await settings.onDerive?.()
    const { memory, passes, lanes } = parameters
    derived.push({ memory, passes, lanes })
    return derive(password, salt, parameters, tagBytes)
  }
  const hasher = createPasswordHasher('node', counting, settings.parameters ?? cheap)
  const accounts = createAccountStore({ sql: database })
  const attempts = createAttemptStore({ sql: database })
  const queue = createHashQueue(settings.queue ?? wide)
  const events: AuditEvent[] = []
  const authenticate = createAuthenticator({
    accounts,
    attempts,
    hasher,
    queue,
    counterKey,
    record: async event => {
      events.push(event)
    },
    ...(settings.limits === undefined ? {} : { limits: settings.limits })
  })
  const tryOne = (request: Partial<AuthenticationRequest> = {}) =>
    authenticate({
      login: 'alice@example.com',
      password: 'a wrong password',
      address: '192.0.2.1',
      ...request
    })
  return { accounts, attempts, hasher, queue, derived, events, tryOne }
}

type Process = ReturnType<typeof processOn>

async function makeAlice({ accounts, hasher, derived }: Process) {
  const hash = await hasher.hash(prepared(rightPassword))
  derived.length = 0
  const account = await accounts.create('alice@example.com', hash, { name: 'Alice' }, 'made')
  if (account === undefined) throw new Error('not created')
  return account
}

async function setUp(t: Test, settings: Settings = {}) {
  const { database } = await createTestDatabase(t)
  const server = processOn(database, settings)
  const alice = await makeAlice(server)
  return { database, alice, ...server, server }
}

/** Turns the database's clock. */
async function passSeconds(database: Database, seconds: number) {
  await database.run(
    `test.clock_${seconds}`,
    `CREATE OR REPLACE FUNCTION clock_time() RETURNS timestamptz LANGUAGE sql STABLE
     AS 'SELECT now() + interval ''${seconds} seconds'''`
  )
}

async function counts(database: Database) {
  const { rows } = await database.run<{ kind: string; count: number }>(
    'test.counts',
    'SELECT kind, count FROM attempts ORDER BY kind, count'
  )
  return rows.map(({ kind, count }) => `${kind} ${count}`)
}

function tally(reasons: readonly { ok: boolean; reason?: string }[]) {
  const of: Record<string, number> = {}
  for (const outcome of reasons) {
    const name = outcome.ok ? 'ok' : (outcome.reason ?? '')
    of[name] = (of[name] ?? 0) + 1
  }
  return of
}

test('the right password signs in, is audited, and leaves no counter', async t => {
  const { database, alice, tryOne, events } = await setUp(t)
  await tryOne()
  const outcome = await tryOne({ login: ' ALICE@example.com', password: rightPassword })
  t.strictSame(outcome, { ok: true, account: alice, amr: ['pwd'] })
  t.strictSame(
    await counts(database),
    ['sign_in.address 1'],
    'the wrong one stays with the address'
  )
  t.match(events, [
    { type: 'sign_in.refused', accountId: alice.id, data: { reason: 'password_mismatch' } },
    { type: 'sign_in.succeeded', accountId: alice.id, address: '192.0.2.1', data: { amr: ['pwd'] } }
  ])
})

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

test('unknown, disabled, passwordless, unreadable and wrong each cost one hash of the same parameters (L-5, check 162)', async t => {
  const { accounts, derived, hasher, tryOne } = await setUp(t)
  const hash = await hasher.hash(prepared(rightPassword))
  const disabled = await accounts.create('disabled', hash, {}, 'made')
  await accounts.disable(disabled?.id ?? '')
  await accounts.create('passwordless', undefined, {}, 'made')
  await accounts.create('unreadable', '$2b$10$abcdefghijklmnopqrstuv', {}, 'made')
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
  t.notOk(rows.some(({ row }) => row.includes(typed)))
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
