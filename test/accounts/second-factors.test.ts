// Codes of authenticator apps and recovery codes on a real database: good once, over all processes; guessed five times at most; and nothing in
// the tables that opens anything (RFC 6238, ASVS v5.0.0 §6.5; checks 168, 169).

import { t as root, test } from 'tap'
import { createFactorAttempts, factorLimit } from '../../src/accounts/factor-attempts.ts'
import { createRecoveryCodes, parseRecoveryCode } from '../../src/accounts/recovery-codes.ts'
import { createTotp } from '../../src/accounts/totp.ts'
import { createResealer } from '../../src/keys/reseal.ts'
import { createSealer } from '../../src/lib/seal.ts'
import { createAccountStore } from '../../src/store/accounts.ts'
import { createAttemptStore } from '../../src/store/attempts.ts'
import { createDatabase, type Database } from '../../src/store/database.ts'
import { createTestDatabase } from '../support/postgres.ts'
import { appWith } from '../support/second-factor.ts'
import { passSeconds, tally } from './sign-in-process.ts'

const { database, url } = await createTestDatabase(root)
const elsewhere = createDatabase({ url, onError: () => {} })
root.teardown(() => elsewhere.end())
const masterKey = Buffer.alloc(32, 7)
const seal = createSealer({ masterKey })
const context = { address: '192.0.2.1', requestId: 'request' }
let clock = Date.parse('2026-11-28T04:00:05Z')

/** One process, as far as second factors go. */
function processOn(sql: Database, sealer = seal) {
  const attempts = createFactorAttempts({
    attempts: createAttemptStore({ sql }),
    counterKey: Buffer.alloc(32, 3)
  })
  const parts = { database: sql, seal: sealer, attempts }
  const recoveryCodes = createRecoveryCodes(parts)
  const totp = createTotp({
    ...{ ...parts, recoveryCodes, issuer: 'mintmark', hasOther: async () => false },
    now: () => new Date(clock)
  })
  return { totp, recoveryCodes }
}

const { totp, recoveryCodes } = processOn(database)
const other = processOn(elsewhere)
let people = 0

async function newPerson() {
  people++
  const accounts = createAccountStore({ sql: database })
  const account = await accounts.create(`person-${people}`, undefined, {}, 'made')
  if (account === undefined) throw new Error('not created')
  return account.id
}

/** Somebody with an app that has shown its first code two steps ago. */
async function withApp() {
  const accountId = await newPerson()
  const enrolment = { accountId, place: 'session s' }
  const offer = totp.offer(enrolment, 'ada@example.com')
  const app = appWith(offer.secret, () => clock)
  const given = { sealed: offer.sealed, code: app.code() }
  const done = await totp.confirm(enrolment, given, 'first', context)
  if (!done.ok) throw new Error(done.reason)
  clock += 60_000
  return { accountId, app, codes: done.codes, secret: offer.secret }
}

async function events(accountId: string) {
  const { rows } = await database.run<{ type: string; data: Record<string, unknown> }>(
    'test.events',
    'SELECT type, data FROM audit_events WHERE account_id = $1 ORDER BY id',
    [accountId]
  )
  return rows
}

test('the codes are those of RFC 6238 appendix B, cut to six digits', async t => {
  const seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
  for (const [seconds, code] of [
    [59, '287082'],
    [1111111109, '081804'],
    [1234567890, '005924'],
    [20000000000, '353130']
  ] as const) {
    t.equal(appWith(seed, () => seconds * 1_000).code(), code)
  }
})

test('an app counts once it has shown a code, and ten recovery codes come with it', async t => {
  const accountId = await newPerson()
  const enrolment = { accountId, place: 'session s' }
  const { sealed, secret, uri } = totp.offer(enrolment, 'ada: of example')
  t.equal(URL.parse(uri)?.searchParams.get('issuer'), 'mintmark')
  t.equal(decodeURIComponent(URL.parse(uri)?.pathname ?? ''), '/mintmark:ada  of example')
  t.equal(secret.replaceAll(' ', '').length, 32, '160 bits')
  const app = appWith(secret, () => clock)
  const confirm = (code: string, place = 'session s', who = accountId) =>
    totp.confirm({ accountId: who, place }, { sealed, code }, 'first', context)
  t.strictSame(await confirm('000000'), { ok: false, reason: 'wrong_code' })
  t.notOk(await totp.enrolled(accountId))
  t.strictSame(await confirm(app.code(), 'session t'), { ok: false, reason: 'offer_over' })
  const stranger = await newPerson()
  t.strictSame(await confirm(app.code(), 'session s', stranger), {
    ok: false,
    reason: 'offer_over'
  })
  const done = await confirm(` ${app.code().slice(0, 3)} ${app.code().slice(3)}`)
  if (!done.ok) throw new Error(done.reason)
  t.equal(new Set(done.codes).size, 10)
  t.ok(done.codes.every(code => /^([0-9a-hjkmnp-tv-z]{4}-){3}[0-9a-hjkmnp-tv-z]{4}$/.test(code)))
  t.strictSame(await confirm(app.code(1)), { ok: false, reason: 'enrolled' })
  t.equal((await totp.verify(accountId, app.code(), context)).ok, false, 'the code of enrolment')
  t.strictSame(
    (await events(accountId)).map(({ type }) => type),
    ['totp.enabled', 'recovery_codes.created', 'second_factor.refused']
  )
})

test('a code is good for one step before and after, and no other (check 169)', async t => {
  for (const steps of [-2, -1, 0, 1, 2]) {
    const { accountId, app } = await withApp()
    clock += 60_000
    t.equal((await totp.verify(accountId, app.code(steps), context)).ok, Math.abs(steps) < 2)
  }
})

test('a code is good once, and so is every step before it (check 168, RFC 6238 §5.2)', async t => {
  const { accountId, app } = await withApp()
  const neighbour = await withApp()
  t.ok((await totp.verify(accountId, app.code(), context)).ok)
  for (const code of [app.code(), app.code(-1)]) {
    t.equal((await other.totp.verify(accountId, code, context)).ok, false)
  }
  t.equal((await totp.verify(neighbour.accountId, app.code(1), context)).ok, false, "another's")
  t.ok((await other.totp.verify(accountId, app.code(1), context)).ok, 'the next one is good')
  const reasons = (await events(accountId)).map(({ data }) => data['reason']).filter(Boolean)
  t.strictSame(reasons, ['used_before', 'used_before'])
})

test('of eight parallel uses over two processes exactly one succeeds (check 168)', async t => {
  for (let round = 0; round < 5; round++) {
    const { accountId, app } = await withApp()
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        (index % 2 === 0 ? totp : other.totp).verify(accountId, app.code(), context)
      )
    )
    t.equal(outcomes.filter(({ ok }) => ok).length, 1)
  }
})

test('five wrong codes lock the factor for a while, in parallel as well, and nothing else (check 169, R-52)', async t => {
  const { accountId, app, codes } = await withApp()
  const neighbour = await withApp()
  const outcomes = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      (index % 2 === 0 ? totp : other.totp).verify(accountId, '000000', context)
    )
  )
  t.strictSame(tally(outcomes), { wrong_code: 5, throttled: 15 })
  const right = await totp.verify(accountId, app.code(), context)
  t.match(right, { ok: false, reason: 'throttled' }, 'a right one tells nothing now')
  const refused = (await events(accountId)).filter(({ type }) => type === 'second_factor.refused')
  t.equal(refused.length, 6, 'and the lock is told once')
  t.ok((await totp.verify(neighbour.accountId, neighbour.app.code(), context)).ok)
  t.match(await recoveryCodes.use(accountId, codes[0] ?? '', context), { ok: true, left: 9 })
  await passSeconds(database, factorLimit.windowSeconds)
  t.ok((await totp.verify(accountId, app.code(), context)).ok, 'it ends by itself')
  await passSeconds(database, 0)
})

test('a recovery code is good once, however it is typed, of many at once too (check 169)', async t => {
  const { accountId, codes } = await withApp()
  const neighbour = await withApp()
  const [first = '', second = ''] = codes
  t.match(await recoveryCodes.use(neighbour.accountId, first, context), { ok: false })
  const outcomes = await Promise.all(
    Array.from({ length: 5 }, (_, index) =>
      (index % 2 === 0 ? recoveryCodes : other.recoveryCodes).use(accountId, first, context)
    )
  )
  t.strictSame(tally(outcomes), { ok: 1, wrong_code: 4 })
  const typed = second.toUpperCase().replaceAll('-', ' ').replaceAll('0', 'o').replaceAll('1', 'I')
  t.match(await recoveryCodes.use(accountId, typed, context), { ok: true, left: 8 })
  t.match(await recoveryCodes.use(accountId, second, context), { ok: false })
  for (const wrong of ['', 'x', `${second}0`, '\u0000'.repeat(16), 'u'.repeat(16)]) {
    t.equal(parseRecoveryCode(wrong), undefined)
  }
  const used = (await events(accountId)).filter(({ type }) => type === 'recovery_code.used')
  t.strictSame(
    used.map(({ data }) => data),
    [{ left: 9 }, { left: 8 }]
  )
})

test('new recovery codes end those of before; removing the app ends them all', async t => {
  const { accountId, app, codes } = await withApp()
  const anew = await recoveryCodes.renew(accountId, context)
  t.match(await recoveryCodes.use(accountId, codes[0] ?? '', context), { ok: false })
  t.match(await recoveryCodes.use(accountId, anew[0] ?? '', context), { ok: true, left: 9 })
  t.ok(await totp.remove(accountId, context))
  t.notOk(await totp.remove(accountId, context))
  t.equal(await recoveryCodes.left(accountId), 0)
  t.match(await totp.verify(accountId, app.code(), context), { ok: false, reason: 'wrong_code' })
})

test('a seed is replaced by one that has shown a code, at a step that was not used', async t => {
  const { accountId, app } = await withApp()
  t.ok((await totp.verify(accountId, app.code(), context)).ok)
  const enrolment = { accountId, place: 'session s' }
  const offer = totp.offer(enrolment, 'ada')
  const next = appWith(offer.secret, () => clock)
  const confirm = (code: string) =>
    totp.confirm(enrolment, { sealed: offer.sealed, code }, 'replace', context)
  t.equal((await confirm(next.code())).ok, false, 'this step was used')
  t.strictSame(await confirm(next.code(1)), { ok: true, codes: [] }, 'there are codes already')
  clock += 60_000
  t.equal((await totp.verify(accountId, app.code(), context)).ok, false, 'the seed of before')
  t.ok((await totp.verify(accountId, next.code(), context)).ok)
})

test('a copy of the tables has no seed and no code, and a new master key opens what it must', async t => {
  const { accountId, app, codes, secret } = await withApp()
  const { rows } = await database.run(
    'test.dump',
    `SELECT (SELECT json_agg(f) FROM totp_factors f)::text || (SELECT json_agg(s) FROM recovery_code_sets s)::text
       || (SELECT json_agg(c) FROM recovery_codes c)::text || (SELECT json_agg(e) FROM audit_events e)::text AS dump`
  )
  const dump = JSON.stringify(rows).toLowerCase()
  t.ok(dump.length > 1_000)
  const plain = secret.replaceAll(' ', '')
  const { Secret } = await import('otpauth')
  for (const value of [plain, Secret.fromBase32(plain).hex, ...codes]) {
    t.notOk(dump.includes(value.toLowerCase()))
    t.notOk(dump.includes(value.toLowerCase().replaceAll('-', '')))
  }
  const fresh = Buffer.alloc(32, 9)
  const during = createSealer({ masterKey: fresh, previous: [masterKey] })
  const walked = await createResealer({ sql: database, seal: during }).walk('reseal')
  t.ok(walked.find(({ table }) => table === 'totp_factors')?.resealed)
  t.ok(walked.find(({ table }) => table === 'recovery_code_sets')?.resealed)
  const later = processOn(database, createSealer({ masterKey: fresh }))
  t.ok((await later.totp.verify(accountId, app.code(), context)).ok)
  t.ok((await later.recoveryCodes.use(accountId, codes[3] ?? '', context)).ok)
})
