// Partitions by expiry on a real PostgreSQL: made ahead, dropped when they are over, never in the way of a request, and never missing.

import { randomBytes, randomUUID } from 'node:crypto'
import pg from 'pg'
import t, { type Test } from 'tap'
import { createArtifactStore, type NewArtifact } from '../../src/store/artifacts.ts'
import { auditInsert, auditInsertMany } from '../../src/store/audit.ts'
import { createDatabase, type Database, type Queries } from '../../src/store/database.ts'
import { makingPartitions } from '../../src/store/missing-partitions.ts'
import { createPartitions, listPartitions, partitionPlans } from '../../src/store/partitions.ts'
import { createRefreshFamilyStore } from '../../src/store/refresh-families.ts'
import { createTestDatabase } from '../support/postgres.ts'
import { count, turnClock } from './rows.ts'

const day = 86_400
const plans = partitionPlans({
  familySeconds: 90 * day,
  artifactSeconds: 2 * 3_600,
  auditSeconds: 400 * day
})
const today = () => Math.floor(Date.now() / 1_000 / day)
const thisHour = () => Math.floor(Date.now() / 3_600_000)

/** A database without a single partition, the plain one and one that makes what is missing. */
async function setUp(t: Test) {
  const { url } = await createTestDatabase(t)
  const plain = createDatabase({ url, onError: () => {} })
  t.teardown(() => plain.end())
  for (const { name } of (await listPartitions(plain)).listed) {
    await plain.run(`test.drop.${name}`, `DROP TABLE ${name}`)
  }
  const partitions = createPartitions({ database: plain, plans, now: () => new Date() })
  return { url, plain, partitions, database: makingPartitions(plain, () => partitions.ensure()) }
}

const family = (bucket: number) => ({ bucket, id: randomUUID() })

function insertFamily(sql: Queries, { bucket, id }: { bucket: number; id: string }) {
  return createRefreshFamilyStore({ sql }).insertStatement({
    bucket,
    id,
    grantId: 'grant',
    accountId: randomUUID(),
    clientId: 'client',
    sessionUid: undefined,
    currentHash: randomBytes(32),
    successorSalt: randomBytes(32),
    successorKeyVersion: 1,
    jkt: undefined,
    certificate: undefined,
    payload: {},
    absoluteSeconds: 90 * day,
    idleSeconds: 30 * day
  })
}

const artifact = (bucket: number): NewArtifact => ({
  id: randomBytes(32),
  bucket,
  kind: 'AuthorizationCode',
  grantId: undefined,
  clientId: 'client',
  userCode: undefined,
  payload: {},
  sealed: undefined,
  lifetimeSeconds: 60,
  interval: undefined
})

const event = {
  type: 'sign_in.refused',
  outcome: 'refused',
  accountId: null,
  clientId: null,
  address: null,
  requestId: null,
  data: {}
} as const

/** A row in each cut table. */
function rowsOfAll(sql: Queries) {
  return [
    insertFamily(sql, family(today() + 90)),
    createArtifactStore({ sql }).saveStatement(artifact(thisHour() + 1)),
    auditInsert(event)
  ]
}

const names = async (sql: Queries) =>
  (await listPartitions(sql)).listed.map(({ name }) => name).sort()

t.test('partitions are made ahead: for what lives longest, and for two more weeks', async t => {
  const { plain, partitions, database } = await setUp(t)
  const made = await partitions.ensure()
  t.equal(await partitions.ensure(), 0, 'once')
  const all = await names(plain)
  t.equal(all.length, made)
  const families = all.filter(name => name.startsWith('refresh_families'))
  t.ok(families.length >= 15 && families.length <= 17, `${families.length} live partitions`)
  const hours = all.filter(name => name.startsWith('artifacts_')).length
  t.ok(
    hours === 9 || hours === 10,
    `${hours}: two hours, six more, and this one; for a minute the last one`
  )
  t.ok(all.filter(name => name.startsWith('audit_events_')).length <= 3)

  await database.pipeline(rowsOfAll(database))
  t.same(await names(plain), all, 'rows find their partition there')
})

t.test('of several that make them at once, each finds all of them', async t => {
  const { url, plain } = await setUp(t)
  const processes = Array.from({ length: 4 }, () => {
    const database = createDatabase({ url, onError: () => {} })
    t.teardown(() => database.end())
    return createPartitions({ database, plans, now: () => new Date() })
  })
  const made = await Promise.all(processes.map(process => process.ensure()))
  t.equal(made.filter(number => number > 0).length, 1, 'one made them')
  const of = processes.map(process => process.of('refresh_families').known(today() + 90))
  t.equal(new Set(of).size, 1)
  t.ok((await names(plain)).includes(of[0] ?? ''))
})

t.test('who has to wait for the one that makes them waits longer than for a lock', async t => {
  const { url, partitions } = await setUp(t)
  const maker = new pg.Client({ connectionString: url })
  await maker.connect()
  t.teardown(() => maker.end())
  await maker.query('BEGIN')
  await maker.query('SELECT pg_advisory_xact_lock(7591013)')
  const making = partitions.ensure()
  // longer than the lock_timeout of 3 s
  await maker.query('SELECT pg_sleep(3.5)')
  await maker.query('COMMIT')
  t.ok((await making) > 0)
})

t.test('what is over is dropped with its rows, what lives stays', async t => {
  const { plain, partitions, database } = await setUp(t)
  await partitions.ensure()
  await database.pipeline(rowsOfAll(database))
  await database.pipeline([insertFamily(database, family(today()))])
  t.same(await partitions.dropOverdue(), [], 'nothing is over')

  await turnClock(plain, 9 * day)
  await partitions.ensure()
  const dropped = await partitions.dropOverdue()
  t.ok(dropped.some(({ table }) => table === 'refresh_families'))
  t.ok(dropped.filter(({ table }) => table === 'artifacts').length >= 9)
  t.equal(await count(plain, 'refresh_families'), 1)
  t.equal(await count(plain, 'artifacts'), 0)
  t.equal(await count(plain, 'audit_events'), 1, 'kept for 400 days')

  await turnClock(plain, 432 * day)
  await partitions.dropOverdue()
  t.equal(await count(plain, 'refresh_families'), 0)
  t.equal(await count(plain, 'audit_events'), 0)
})

t.test('after a month without the job, and in an empty database, no request fails', async t => {
  const { plain, database } = await setUp(t)
  t.same(await names(plain), [])
  const missing = { name: 'Refused', what: 'conflict' }
  await t.rejects(plain.pipeline(rowsOfAll(plain)), missing, 'the control: nothing makes them')
  await database.pipeline(rowsOfAll(database))
  t.equal(await count(plain, 'refresh_families'), 1)

  for (const name of await names(plain)) await plain.run(`test.gone.${name}`, `DROP TABLE ${name}`)
  await database.transaction(async tx => {
    for (const { name, text, values } of rowsOfAll(tx)) await tx.run(name, text, values)
  })
  t.same(
    [
      await count(plain, 'refresh_families'),
      await count(plain, 'artifacts'),
      await count(plain, 'audit_events')
    ],
    [1, 1, 1]
  )
  for (const name of await names(plain)) await plain.run(`test.again.${name}`, `DROP TABLE ${name}`)
  await Promise.all(
    Array.from({ length: 8 }, () => database.pipeline([auditInsert(event), auditInsert(event)]))
  )
  t.equal(await count(plain, 'audit_events'), 16, 'eight that miss them at once')
})

t.test('a bucket that names no live partition is not found, without SQL (D-13)', async t => {
  const { url } = await setUp(t)
  let asked = 0
  const onRoundTrip = () => {
    asked += 1
  }
  const sql = createDatabase({ url, onRoundTrip, onError: () => {} })
  t.teardown(() => sql.end())
  const partitions = createPartitions({ database: sql, plans, now: () => new Date() })
  await partitions.ensure()
  asked = 0
  const families = createRefreshFamilyStore({ sql, partitions: partitions.of('refresh_families') })
  const artifacts = createArtifactStore({ sql, partitions: partitions.of('artifacts') })
  for (const bucket of [0, 1, -1, 20_000, 65_535, 2 ** 31, Number.NaN, today() + 1_000]) {
    t.equal(await families.find({ bucket, id: randomUUID() }), undefined, `bucket ${bucket}`)
  }
  for (const bucket of [-1, 1, 36 ** 4 - 1, thisHour() - 5]) {
    const key = { id: randomBytes(32), bucket }
    t.equal(await artifacts.find('AuthorizationCode', key), undefined, `bucket ${bucket}`)
  }
  t.equal(asked, 0)
  t.equal(await families.find({ bucket: today() + 90, id: randomUUID() }), undefined)
  t.equal(asked, 1, 'a live one is asked')
})

t.test('a partition that another process made or dropped is no error', async t => {
  const { plain, partitions, url } = await setUp(t)
  const late = partitions.of('refresh_families')
  t.equal(late.known(today() + 90), undefined)
  const other = createDatabase({ url, onError: () => {} })
  t.teardown(() => other.end())
  await createPartitions({ database: other, plans, now: () => new Date() }).ensure()
  const made = family(today() + 90)
  await plain.pipeline([insertFamily(plain, made)])
  const families = createRefreshFamilyStore({ sql: plain, partitions: late })
  t.match(await families.find(made), { row: { id: made.id } }, 'it looks before it says no')

  await other.run('test.drop', `DROP TABLE ${late.known(made.bucket)}`)
  t.equal(await families.find(made), undefined)
  t.equal(late.known(made.bucket), undefined, 'and does not ask again')
})

t.test('the hot path names one partition', async t => {
  const { plain, partitions } = await setUp(t)
  await partitions.ensure()
  const map = partitions.of('refresh_families')
  const families = createRefreshFamilyStore({ sql: plain, partitions: map })
  const bucket = today() + 40
  const name = map.known(bucket)
  t.match(name, /^refresh_families_\d+$/)
  t.match(families.revokeStatement(family(bucket)), { partition: name, text: `UPDATE ${name} ` })
  const artifacts = createArtifactStore({ sql: plain, partitions: partitions.of('artifacts') })
  const spend = artifacts.consumeStatement(artifact(thisHour()), 'spent')
  t.match(spend, { partition: `artifacts_${thisHour()}`, text: `UPDATE artifacts_${thisHour()} ` })

  // an interaction may be in one of two: the others are pruned before they are read
  const first = thisHour()
  const { rows } = await plain.run<{ 'QUERY PLAN': string }>(
    'test.explain',
    `EXPLAIN (COSTS off) SELECT FROM artifacts t WHERE t.id = '\\x01' AND t.bucket BETWEEN ${first} AND ${first + 1}`
  )
  const plan = rows.map(row => row['QUERY PLAN']).join('\n')
  t.equal(plan.match(/Scan using/g)?.length, 2, plan)
})

/** Somebody who reads and writes and takes their time. */
async function slowReader(t: Test, url: string) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  t.teardown(() => client.end())
  await client.query('BEGIN')
  await client.query('SELECT count(*) FROM refresh_families')
  await client.query('UPDATE refresh_families SET revoked_at = now()')
  return client
}

/** A row through the parent, by somebody who waits for no lock longer than that. */
async function insertHurriedly(url: string): Promise<'written' | 'waited'> {
  const client = new pg.Client({ connectionString: url, lock_timeout: 500 })
  await client.connect()
  try {
    const { text, values } = insertFamily({} as Database, family(today() + 90))
    await client.query(text, [...values])
    return 'written'
  } catch (error) {
    if ((error as pg.DatabaseError).code === '55P03') return 'waited'
    throw error
  } finally {
    await client.end()
  }
}

t.test('making and dropping does not make traffic wait, nor wait in its way', async t => {
  const { url, plain, partitions, database } = await setUp(t)
  await partitions.ensure()
  await database.pipeline([insertFamily(database, family(today() + 90))])
  const reader = await slowReader(t, url)

  // made: beside an open transaction that holds locks on the parent
  const longer = partitionPlans({
    familySeconds: 120 * day,
    artifactSeconds: 7_200,
    auditSeconds: 400 * day
  })
  const more = createPartitions({ database: plain, plans: longer, now: () => new Date() })
  t.ok((await more.ensure()) > 0)
  t.equal(await insertHurriedly(url), 'written')

  // dropped: it waits until the reader has ended, and nobody waits behind it
  await turnClock(plain, 9 * day)
  const dropping = partitions.dropOverdue().catch(() => [])
  await untilDetaching(plain)
  t.equal(await insertHurriedly(url), 'written')
  await reader.query('COMMIT')
  await dropping
  await partitions.dropOverdue()
  t.ok(!(await names(plain)).includes(`refresh_families_${Math.floor(today() / 7) * 7}`))
})

t.test('the control: a plain DROP queues everybody behind an open transaction', async t => {
  const { url, plain, partitions, database } = await setUp(t)
  await partitions.ensure()
  await database.pipeline([insertFamily(database, family(today() + 90))])
  const reader = await slowReader(t, url)
  const dropper = new pg.Client({ connectionString: url })
  await dropper.connect()
  t.teardown(() => dropper.end())
  const oldest = partitions.of('refresh_families').known(today())
  const dropping = dropper.query(`DROP TABLE ${oldest}`)
  await untilWaiting(plain)
  t.equal(await insertHurriedly(url), 'waited')
  await reader.query('COMMIT')
  await dropping
})

t.test('a detach that was cut short is finished in the next round', async t => {
  const { url, plain, partitions, database } = await setUp(t)
  await partitions.ensure()
  await database.pipeline([insertFamily(database, family(today() + 90))])
  const reader = await slowReader(t, url)
  const oldest = partitions.of('refresh_families').known(today()) ?? ''
  const cut = new pg.Client({ connectionString: url, statement_timeout: 300 })
  await cut.connect()
  t.teardown(() => cut.end())
  const detach = `ALTER TABLE refresh_families DETACH PARTITION ${oldest} CONCURRENTLY`
  await t.rejects(cut.query(detach), { code: '57014' })
  t.ok((await listPartitions(plain)).listed.some(({ pending }) => pending))
  await reader.query('COMMIT')

  await turnClock(plain, 16 * day)
  const dropped = await partitions.dropOverdue()
  t.ok(dropped.some(({ name }) => name === oldest))
  t.ok(dropped.filter(({ table }) => table === 'refresh_families').length >= 2, 'and the others')
  t.notOk((await listPartitions(plain)).listed.some(({ pending }) => pending))
})

t.test('a process that died between detaching and dropping leaves nothing behind', async t => {
  const { plain, partitions } = await setUp(t)
  await partitions.ensure()
  const oldest = partitions.of('refresh_families').known(today()) ?? ''
  const detach = `ALTER TABLE refresh_families DETACH PARTITION ${oldest} CONCURRENTLY`
  await plain.run('test.detach', detach)
  const there = async () => {
    const { rowCount } = await plain.run('test.there', 'SELECT FROM pg_class WHERE relname = $1', [
      oldest
    ])
    return rowCount
  }
  t.equal(await there(), 1)
  await partitions.dropOverdue()
  t.equal(await there(), 0)
})

t.test('events that waited for the database find a place, also in a new one', async t => {
  const { plain, database } = await setUp(t)
  // the first minute of a period of 30 days
  const period = 30 * day
  const now = Date.now() / 1_000
  await turnClock(plain, Math.ceil(now / period) * period - now + 30)
  const late = auditInsertMany([{ row: event, ageSeconds: 600 }])
  await database.pipeline([late])
  t.equal(await count(plain, 'audit_events'), 1)
})

async function until(plain: Database, name: string, condition: string): Promise<void> {
  for (;;) {
    const { rowCount } = await plain.run(name, `SELECT FROM pg_stat_activity WHERE ${condition}`)
    if (rowCount > 0) return
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

const here = 'datname = current_database() AND pid <> pg_backend_pid()'
const untilDetaching = (plain: Database) =>
  until(
    plain,
    'test.detaching',
    `${here} AND query LIKE '%CONCURRENTLY' AND wait_event IS NOT NULL
    AND state = 'active'`
  )
const untilWaiting = (plain: Database) =>
  until(plain, 'test.waiting', `${here} AND query LIKE 'DROP%' AND wait_event_type = 'Lock'`)
