// Storage cannot grow: every table whose rows expire is swept, in batches, by one process at a time; nothing that lives is touched.

import { randomUUID } from 'node:crypto'
import t from 'tap'
import { createSweeper } from '../../src/store/sweep.ts'
import { createTestDatabase } from '../support/postgres.ts'
import { count, turnClock } from './rows.ts'

const { database } = await createTestDatabase(t)
const sweeper = createSweeper({ sql: database })
const day = 86_400

/** Rows that expire in 100 s, made `many` times. */
async function fill(many: number) {
  const series = `(SELECT now() + interval '100 s' AS e, generate_series(1, ${many})::text AS n) x`
  const account = randomUUID()
  const inserts = [
    `INSERT INTO accounts (id, login) VALUES ('${account}', '${account}')`,
    `INSERT INTO clients (client_id, type, owner, metadata) VALUES ('${account}', 'web', 'cli', '{}')`,
    `INSERT INTO artifacts (id, kind, payload, expires_at) SELECT uuid_send(gen_random_uuid()), 'X', '{}', e FROM ${series}`,
    `INSERT INTO replay_records SELECT uuid_send(gen_random_uuid()), e FROM ${series}`,
    `INSERT INTO denied_tokens (jti, expires_at) SELECT gen_random_uuid(), e FROM ${series}`,
    `INSERT INTO sessions (id, uid, payload, expires_at) SELECT uuid_send(gen_random_uuid()), n, '{}', e FROM ${series}`,
    `INSERT INTO session_clients SELECT gen_random_uuid(), 'c', 's', NULL, e FROM ${series}`,
    `INSERT INTO grants (id, handle, account_id, client_id, payload, expires_at)
      SELECT gen_random_uuid(), gen_random_uuid(), '${account}', '${account}', '{}', e FROM ${series}`,
    `INSERT INTO refresh_families (bucket, id, grant_id, account_id, client_id, current_hash, successor_salt,
      successor_key_version, payload, expires_at, idle_expires_at)
      SELECT 1, gen_random_uuid(), 'g', '${account}', 'c', '', '', 1, '{}', e, now() FROM ${series}`,
    `INSERT INTO attempts SELECT 'k', uuid_send(gen_random_uuid()), 1, e FROM ${series}`
  ]
  for (const text of inserts) await database.run(randomUUID(), text)
}

const expiring = ['artifacts', 'replay_records', 'denied_tokens', 'sessions', 'session_clients']
expiring.push('grants', 'refresh_families', 'attempts')

async function counts() {
  const all = await Promise.all(expiring.map(async table => [table, await count(database, table)]))
  return Object.fromEntries(all) as Record<string, number>
}

const each = (rows: number) => Object.fromEntries(expiring.map(table => [table, rows]))

t.test('every table with an expiry is swept: a new one must be added here and there', async t => {
  const { rows } = await database.run<{ name: string }>(
    'test.expiring',
    `SELECT DISTINCT table_name AS name FROM information_schema.columns
     WHERE table_schema = 'public' AND column_name IN ('expires_at', 'window_end')`
  )
  // secrets and consents end by hand, a lease is one row
  const kept = ['client_secrets', 'consents', 'leases']
  const names = rows.map(({ name }) => name).filter(name => !kept.includes(name))
  t.same(names.sort(), expiring.toSorted())
})

t.test('what expired leaves when its time to be recognised is over, and no sooner', async t => {
  t.teardown(() => turnClock(database, 0))
  await fill(3)
  t.equal(await sweeper.sweep(), 0, 'nothing has expired')
  t.same(await counts(), each(3))
  await turnClock(database, 100 + 61)
  await sweeper.sweep()
  t.same(
    await counts(),
    { ...each(0), artifacts: 3, grants: 3, refresh_families: 3 },
    'spent codes, reused tokens and their grants must still be known'
  )
  await turnClock(database, 100 + 3601)
  await sweeper.sweep()
  t.same(await counts(), { ...each(0), grants: 3, refresh_families: 3 })
  await turnClock(database, 100 + day + 1)
  t.equal(await sweeper.sweep(), 6)
  t.same(await counts(), each(0))
})

t.test('a backlog goes in batches, and two sweepers do not wait for each other', async t => {
  t.teardown(() => turnClock(database, 0))
  await fill(1_500)
  await turnClock(database, 2 * day)
  const both = await Promise.all([sweeper.sweep(), sweeper.sweep()])
  t.ok(Math.max(...both) <= expiring.length * 1_000, 'no more than a batch of each table')
  let more = 0
  while ((await sweeper.sweep()) > 0) more += 1
  t.ok(more <= 2)
  t.same(await counts(), each(0))
})

t.test('rows without an expiry stay', async t => {
  t.teardown(() => turnClock(database, 0))
  await database.run(
    'test.lasting',
    `INSERT INTO artifacts (id, kind, payload) VALUES ('\\x01', 'X', '{}')`
  )
  await turnClock(database, 3650 * day)
  t.equal(await sweeper.sweep(), 0)
})

t.test('one process leads; when it dies, its lease runs out and another takes it', async t => {
  t.teardown(() => turnClock(database, 0))
  const first = await Promise.all(['a', 'b', 'c'].map(holder => sweeper.lead(holder, 60)))
  t.equal(first.filter(Boolean).length, 1)
  const leader = ['a', 'b', 'c'][first.indexOf(true)] ?? ''
  t.ok(await sweeper.lead(leader, 60), 'it renews')
  t.notOk(await sweeper.lead('z', 60))
  await turnClock(database, 61)
  t.ok(await sweeper.lead('z', 60))
  t.notOk(await sweeper.lead(leader, 60), 'who comes back late is not the leader any more')
})
