// Migrations: once, in order, by one process at a time, also after one was killed in between.

import { randomUUID } from 'node:crypto'
import { readdirSync } from 'node:fs'
import pg from 'pg'
import t, { type Test } from 'tap'
import { migrate } from '../../src/store/migrate.ts'
import { createTestDatabase } from '../support/postgres.ts'

const files = readdirSync(new URL('../../migrations/', import.meta.url))
  .filter(file => file.endsWith('.sql'))
  .sort()

/** A schema of its own in a test's database stands for an empty database. */
async function emptyDatabase(t: Test) {
  const { url, database } = await createTestDatabase(t)
  await database.run('test.empty', 'DROP SCHEMA public CASCADE')
  await database.run('test.schema', 'CREATE SCHEMA public')
  return { url, database }
}

t.test('migrations are applied once, in order, whoever starts at the same time', async t => {
  const { url } = await emptyDatabase(t)
  const reports = await Promise.all([migrate(url), migrate(url), migrate(url)])
  t.same(
    reports.map(({ applied }) => applied).sort((a, b) => a.length - b.length),
    [[], [], files]
  )
  t.same(await migrate(url), { applied: [] })
})

t.test('a lock that a killed migration left behind is no obstacle', async t => {
  const { url, database } = await emptyDatabase(t)
  await migrate(url)
  await database.run('test.lock', 'UPDATE migrations_lock SET is_locked = 1')
  await database.run('test.forget', 'DELETE FROM migrations')
  await database.run(
    'test.undo',
    `DO $$ DECLARE statement text; BEGIN
       FOR statement IN
         SELECT format('DROP TABLE %s CASCADE', oid::regclass) FROM pg_class WHERE relnamespace = 'public'::regnamespace
           AND relkind IN ('r', 'p') AND NOT relispartition AND relname NOT LIKE 'migrations%'
         UNION ALL SELECT format('DROP SEQUENCE %s', oid::regclass) FROM pg_class
           WHERE relnamespace = 'public'::regnamespace AND relkind = 'S' AND relname NOT LIKE 'migrations%'
         UNION ALL SELECT format('DROP FUNCTION %s CASCADE', oid::regprocedure) FROM pg_proc
           WHERE pronamespace = 'public'::regnamespace
       LOOP EXECUTE statement; END LOOP;
     END $$`
  )
  t.same(await migrate(url), { applied: files })
})

t.test('whoever migrates waits for whoever does already', async t => {
  const { url } = await emptyDatabase(t)
  const holder = new pg.Client({ connectionString: url })
  await holder.connect()
  t.teardown(() => holder.end())
  await holder.query('BEGIN')
  await holder.query('SELECT pg_advisory_xact_lock(7305119424)')
  let done = false
  const waiting = migrate(url).finally(() => {
    done = true
  })
  const ask = `SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database =
    (SELECT oid FROM pg_database WHERE datname = current_database())`
  while ((await holder.query(ask)).rowCount === 0);
  t.notOk(done)
  t.same((await holder.query(`SELECT to_regclass('public.clients') AS it`)).rows, [{ it: null }])
  await holder.query('COMMIT')
  t.same(await waiting, { applied: files })
})

t.test('a database of a later version is refused, and one that is not there is told', async t => {
  const { url, database } = await createTestDatabase(t)
  await database.run(
    'test.later',
    `INSERT INTO migrations (name, batch) VALUES ('9999_later.sql', 9)`
  )
  await t.rejects(migrate(url), { code: 'configuration_invalid', message: /9999_later\.sql/ })
  const nowhere = url.replace(/\/test_[0-9a-f_]+\?/, `/${randomUUID()}?`)
  await t.rejects(migrate(nowhere), { code: 'store_unavailable', message: /DATABASE_URL/ })
  await t.rejects(migrate('postgres://mintmark@127.0.0.1:1/none'), { code: 'store_unavailable' })
})
