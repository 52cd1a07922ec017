// Migrations: once, in order, by one process at a time, also after one was killed in between.

import { randomUUID } from 'node:crypto'
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import pg from 'pg'
import t, { type Test } from 'tap'
import { migrate, needsOf } from '../../src/store/migrate.ts'
import { createTestDatabase } from '../support/postgres.ts'

const ours = new URL('../../migrations/', import.meta.url)
const files = readdirSync(ours)
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
  t.same(await migrate(url), { applied: [], unknown: [] })
})

/** The migrations of a version that has more of them; gone with `t`. */
function laterVersion(t: Test, more: Record<string, string>): { directory: URL } {
  const folder = mkdtempSync(join(tmpdir(), 'mm-migrations-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  for (const file of files) copyFileSync(new URL(file, ours), join(folder, file))
  for (const [name, text] of Object.entries(more)) writeFileSync(join(folder, name), text)
  return { directory: pathToFileURL(`${folder}/`) }
}

t.test('a lock that a killed migration left behind is no obstacle', async t => {
  const { url, database } = await createTestDatabase(t)
  await database.run('test.lock', 'UPDATE migrations_lock SET is_locked = 1')
  const later = laterVersion(t, { '9001_later.sql': 'CREATE TABLE later ()' })
  t.match(await migrate(url, later), { applied: ['9001_later.sql'] })
})

t.test('time-outs of the role, meant for requests, do not end a migration', async t => {
  const { url, database } = await createTestDatabase(t)
  const name = /\/(test_[0-9a-f_]+)\?/.exec(url)?.[1]
  for (const what of ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout']) {
    const alter = `ALTER ROLE mintmark IN DATABASE ${name} SET ${what} = '100ms'`
    await database.run(`test.${what}`, alter)
  }
  const later = laterVersion(t, { '9001_slow.sql': 'SELECT pg_sleep(0.5)' })
  const both = await Promise.all([migrate(url, later), migrate(url, later)])
  t.same(
    both.flatMap(({ applied }) => applied),
    ['9001_slow.sql']
  )
})

t.test('code that is older than the schema works until newer code needs more', async t => {
  const { url, database } = await createTestDatabase(t)
  const later = laterVersion(t, { '9001_adds.sql': 'CREATE TABLE added ()' })
  await migrate(url, later)
  t.same(await migrate(url), { applied: [], unknown: ['9001_adds.sql'] })

  const evenLater = laterVersion(t, {
    '9001_adds.sql': 'CREATE TABLE added ()',
    '9002_takes.sql': 'DROP TABLE added;\n-- needs 9001\n'
  })
  await migrate(url, evenLater)
  t.same(await migrate(url, later), { applied: [], unknown: ['9002_takes.sql'] }, 'it has 9001')
  const refused = { code: 'configuration_invalid', message: /9001_adds\.sql, 9002_takes\.sql/ }
  await t.rejects(migrate(url), refused)

  const { url: branched, database: there } = await createTestDatabase(t)
  await migrate(branched, later)
  const forked = laterVersion(t, { '9000_forked.sql': 'CREATE TABLE forked ()' })
  await t.rejects(migrate(branched, forked), { message: /9001_adds\.sql/ }, 'two branches')
  t.same((await there.run('test.forked', `SELECT to_regclass('forked') AS it`)).rows, [
    { it: null }
  ])
  await there.run('test.unsaid', `DELETE FROM settings WHERE name = 'schema.needs'`)
  await t.rejects(migrate(branched), { message: /9001_adds\.sql/ }, 'who does not say it, needs it')
  t.equal((await database.run('test.still', 'SELECT FROM migrations')).rowCount, files.length + 2)
})

t.test('a migration that takes something away says which code can do without', t => {
  for (const file of files) {
    const text = readFileSync(new URL(file, ours), 'utf8').replace(/--(?! needs ).*$/gm, '')
    const takes =
      /\b(DROP\s+(TABLE|COLUMN|FUNCTION|TYPE|VIEW)|RENAME|ALTER\s+COLUMN\s+\S+\s+(TYPE|SET\s+NOT))\b/i
    if (takes.test(text)) t.match(needsOf(text), /^\d{4}$/, file)
    else t.pass(`${file} only adds`)
  }
  t.end()
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
  t.same(await waiting, { applied: files, unknown: [] })
})

t.test('a database of a later version is refused, and one that is not there is told', async t => {
  const { url, database } = await createTestDatabase(t)
  await database.run(
    'test.later',
    `INSERT INTO migrations (name, batch) VALUES ('9999_later.sql', 9)`
  )
  await database.run(
    'test.needs',
    `UPDATE settings SET value = '"9998"' WHERE name = 'schema.needs'`
  )
  await t.rejects(migrate(url), { code: 'configuration_invalid', message: /9999_later\.sql/ })
  const nowhere = url.replace(/\/test_[0-9a-f_]+\?/, `/${randomUUID()}?`)
  await t.rejects(migrate(nowhere), { code: 'store_unavailable', message: /DATABASE_URL/ })
  await t.rejects(migrate('postgres://mintmark@127.0.0.1:1/none'), { code: 'store_unavailable' })
})
