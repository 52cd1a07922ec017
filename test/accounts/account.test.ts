// Accounts as they are managed: create, disable, enable, set a password, and the accounts of a development configuration; what belongs
// together happens together or not at all.

import { type Test, test } from 'tap'
import { createAccountService, type EndAccount } from '../../src/accounts/account.ts'
import { createHashQueue } from '../../src/accounts/hash-queue.ts'
import { createNewPasswordCheck } from '../../src/accounts/new-password.ts'
import { createPasswordHasher, nodeDeriveTag } from '../../src/accounts/password-hash.ts'
import type { DeriveTag } from '../../src/accounts/phc.ts'
import { type PreparedPassword, preparePassword } from '../../src/accounts/prepared-password.ts'
import { type ConfiguredAccount, createAccountReconciler } from '../../src/accounts/reconcile.ts'
import { createAccountStore } from '../../src/store/accounts.ts'
import { createTestDatabase } from '../support/postgres.ts'

const cheap = { memory: 64, passes: 1, lanes: 1 }

function prepared(typed: string): PreparedPassword {
  const outcome = preparePassword(typed)
  if (!outcome.ok) throw new Error(outcome.reason)
  return outcome.password
}

async function setUp(t: Test) {
  const { database } = await createTestDatabase(t)
  let hashes = 0
  const derive = nodeDeriveTag() as DeriveTag
  const hasher = createPasswordHasher(
    'node',
    (...args) => {
      hashes += 1
      return derive(...args)
    },
    cheap
  )
  const ended: string[] = []
  const failing = { end: false }
  const endAccount: EndAccount = async (id, sql) => {
    await sql.run('test.in_transaction', 'SELECT 1')
    if (failing.end) throw new Error('the families could not be ended')
    ended.push(id)
  }
  const shared = { database, hasher, endAccount }
  const queue = createHashQueue()
  const service = createAccountService({
    ...shared,
    queue,
    checkNewPassword: createNewPasswordCheck({ contextWords: ['mintmark'] })
  })
  const reconciler = createAccountReconciler(shared)
  const store = createAccountStore({ sql: database })
  const audited = async () => {
    const { rows } = await database.run<{ line: string }>(
      'test.audited',
      `SELECT type || ' ' || (data->>'via') AS line FROM audit_events ORDER BY id`
    )
    return rows.map(({ line }) => line)
  }
  return { service, reconciler, store, hasher, ended, failing, audited, hashCount: () => hashes }
}

const alice = {
  login: 'Alice@Example.com',
  password: 'a password that is long',
  name: 'Alice',
  email: 'Alice@EXAMPLE.com',
  emailVerified: true,
  locale: 'ko-KR'
}

test('an account is created with its folded login, a random id and an argon2id hash', async t => {
  const { service, store, hasher, audited } = await setUp(t)
  const made = await service.create(alice, 'cli')
  t.match(made, {
    ok: true,
    account: {
      id: /^[0-9a-f-]{36}$/,
      login: 'alice@example.com',
      name: 'Alice',
      email: 'Alice@example.com',
      emailVerified: true,
      locale: 'ko-KR',
      seeded: false,
      disabledAt: undefined,
      validAfter: undefined
    }
  })
  const stored = await store.findWithPassword('alice@example.com')
  t.ok(await hasher.verify(stored?.password ?? '', prepared(alice.password)))
  t.strictSame(await service.findByLogin(' ALICE@example.com'), stored?.account)
  t.strictSame(await service.findById(stored?.account.id ?? ''), stored?.account)
  t.strictSame(await audited(), ['account.created cli'])
})

test('of parallel creations of one login under two spellings exactly one succeeds', async t => {
  const { service, audited } = await setUp(t)
  const outcomes = await Promise.all(
    ['alice@example.com', 'ALICE@example.com', ' alice@example.com', 'ａlice@example.com'].map(
      login => service.create({ ...alice, login }, 'cli')
    )
  )
  t.equal(outcomes.filter(outcome => outcome.ok).length, 1)
  t.ok(outcomes.every(outcome => outcome.ok || outcome.reason === 'login_taken'))
  t.equal((await audited()).length, 1)
})

test('bad members are refused by name, before any hash', async t => {
  const { service, hashCount } = await setUp(t)
  const cases = [
    [{ login: 'a b' }, 'login_malformed'],
    [{ email: 'nowhere' }, 'email_malformed'],
    [{ email: 'a@b.example\r\nBcc: c@d.example' }, 'email_malformed'],
    [{ locale: 'not a locale' }, 'locale_malformed'],
    [{ name: 'Alice\u001b[31m' }, 'name_malformed'],
    [{ name: 'Alice\u202eecilA' }, 'name_malformed'],
    [{ name: 'A'.repeat(201) }, 'name_malformed'],
    [{ password: 'short' }, 'password_too_short'],
    [{ password: 'alice@example.com' }, 'password_guessable'],
    [{ password: 'Mintmark1' }, 'password_guessable'],
    [{ password: 'a'.repeat(1_000_000) }, 'password_too_long']
  ] as const
  for (const [wrong, reason] of cases) {
    t.strictSame(await service.create({ ...alice, ...wrong }, 'cli'), { ok: false, reason }, reason)
  }
  t.equal(hashCount(), 0)
})

test('a new password ends sessions and grants, and moves the line before which they are refused', async t => {
  const { service, store, hasher, ended, audited } = await setUp(t)
  const made = await service.create(alice, 'cli')
  const id = made.ok ? made.account.id : ''
  const outcome = await service.setPassword(id, 'another long password', 'cli')
  t.match(outcome, { ok: true, account: { id, validAfter: Date } })
  t.strictSame(ended, [id])
  const stored = await store.findWithPassword('alice@example.com')
  t.ok(await hasher.verify(stored?.password ?? '', prepared('another long password')))
  t.notOk(await hasher.verify(stored?.password ?? '', prepared(alice.password)))
  t.strictSame(await audited(), ['account.created cli', 'account.password_changed cli'])
  t.match(await service.setPassword(id, 'password', 'cli'), { reason: 'password_common' })
  t.match(await service.setPassword(id.replace(/./g, '0'), 'x', 'cli'), { reason: 'not_found' })
  t.match(await service.setPassword('nobody', 'x', 'cli'), { reason: 'not_found' })
})

test('if what an account has cannot be ended, its password stays what it was', async t => {
  const { service, store, failing, audited } = await setUp(t)
  const made = await service.create(alice, 'cli')
  const id = made.ok ? made.account.id : ''
  const before = await store.findWithPassword('alice@example.com')
  failing.end = true
  await t.rejects(service.setPassword(id, 'another long password', 'cli'))
  await t.rejects(service.disable(id, 'cli'))
  t.strictSame(await store.findWithPassword('alice@example.com'), before)
  t.strictSame(await audited(), ['account.created cli'])
})

test('disabling ends what an account has, and enabling does not bring it back', async t => {
  const { service, ended, audited } = await setUp(t)
  const made = await service.create(alice, 'cli')
  const id = made.ok ? made.account.id : ''
  t.match(await service.disable(id, 'cli'), { changed: true, account: { disabledAt: Date } })
  t.match(await service.disable(id, 'cli'), { ok: true, changed: false })
  t.match(await service.enable(id, 'cli'), {
    changed: true,
    account: { disabledAt: undefined, validAfter: Date }
  })
  t.match(await service.enable(id, 'cli'), { ok: true, changed: false })
  t.strictSame(ended, [id])
  t.strictSame(await audited(), [
    'account.created cli',
    'account.disabled cli',
    'account.enabled cli'
  ])
})

test('the list comes in pages, in the order of logins', async t => {
  const { service } = await setUp(t)
  for (const login of ['cecilia', 'alice', 'bob']) await service.create({ login }, 'cli')
  const logins = async (page: { after?: string; limit: number }) =>
    (await service.list(page)).map(account => account.login)
  t.strictSame(await logins({ limit: 2 }), ['alice', 'bob'])
  t.strictSame(await logins({ after: 'bob', limit: 2 }), ['cecilia'])
})

const demo: ConfiguredAccount = { login: 'Demo@example.com', password: 'mintmark', name: 'Demo' }

test('configured accounts are created once and then left as they are', async t => {
  const { reconciler, store, audited, ended } = await setUp(t)
  const login = 'demo@example.com'
  t.strictSame(await reconciler.reconcileConfigured([demo]), [{ login, outcome: 'created' }])
  const before = await store.findWithPassword(login)
  t.equal(before?.account.seeded, true)
  t.strictSame(await reconciler.reconcileConfigured([demo]), [{ login, outcome: 'unchanged' }])
  t.strictSame(await store.findWithPassword(login), before)
  t.strictSame(await audited(), ['account.created config'])
  t.strictSame(ended, [])
})

test('a configured password that changed is set and ends what the account had; a name does not', async t => {
  const { reconciler, store, hasher, ended, audited } = await setUp(t)
  const login = 'demo@example.com'
  await reconciler.reconcileConfigured([demo])
  const renamed = { ...demo, name: 'Demonstration', locale: 'ko' }
  t.strictSame(await reconciler.reconcileConfigured([renamed]), [{ login, outcome: 'updated' }])
  t.strictSame(ended, [])
  const reset = { ...renamed, password: 'another' }
  t.strictSame(await reconciler.reconcileConfigured([reset]), [{ login, outcome: 'updated' }])
  t.equal(ended.length, 1)
  const stored = await store.findWithPassword(login)
  t.match(stored?.account, { name: 'Demonstration', locale: 'ko' })
  t.ok(await hasher.verify(stored?.password ?? '', prepared('another')))
  t.strictSame(await audited(), [
    'account.created config',
    'account.updated config',
    'account.password_changed config'
  ])
})

test('a configured account that is no longer declared is disabled, and comes back when it is', async t => {
  const { reconciler, store, ended } = await setUp(t)
  const login = 'demo@example.com'
  await reconciler.reconcileConfigured([demo])
  t.strictSame(await reconciler.reconcileConfigured([]), [{ login, outcome: 'disabled' }])
  t.ok((await store.findByLogin(login))?.disabledAt)
  t.equal(ended.length, 1)
  t.strictSame(await reconciler.reconcileConfigured([]), [])
  t.strictSame(await reconciler.reconcileConfigured([demo]), [{ login, outcome: 'updated' }])
  t.equal((await store.findByLogin(login))?.disabledAt, undefined)
})

test('an account that was made otherwise is neither taken over nor disabled by the configuration', async t => {
  const { service, reconciler, store } = await setUp(t)
  await service.create({ ...alice, login: demo.login }, 'cli')
  const before = await store.findWithPassword('demo@example.com')
  t.match(await reconciler.reconcileConfigured([demo]), [{ outcome: 'made_elsewhere' }])
  await reconciler.disableSeeded()
  await reconciler.reconcileConfigured([])
  t.strictSame(await store.findWithPassword('demo@example.com'), before)
})

test('a production start disables every seeded account and no other (D-18)', async t => {
  const { service, reconciler, store, ended } = await setUp(t)
  await service.create(alice, 'cli')
  await reconciler.reconcileConfigured([demo, { ...demo, login: 'demo2' }])
  t.strictSame((await reconciler.disableSeeded()).sort(), ['demo2', 'demo@example.com'])
  t.strictSame(await reconciler.disableSeeded(), [])
  t.equal(ended.length, 2)
  t.ok((await store.findByLogin('demo2'))?.disabledAt)
  t.equal((await store.findByLogin('alice@example.com'))?.disabledAt, undefined)
})

test('a configured account that is malformed is named, and nothing is written', async t => {
  const { reconciler, store } = await setUp(t)
  await t.rejects(reconciler.reconcileConfigured([demo, { ...demo, login: 'a b' }]), {
    code: 'configuration_invalid',
    message: /"a b".*login malformed/
  })
  t.equal(await store.findByLogin('demo@example.com'), undefined)
})
