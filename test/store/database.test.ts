// The door to PostgreSQL: what goes through, what is all or nothing, and in which of three kinds a failure comes out.

import t from 'tap'
import { createDatabase, type Statement } from '../../src/store/database.ts'
import { createTestDatabase } from '../support/postgres.ts'
import { count, turnClock } from './rows.ts'

const { url, database } = await createTestDatabase(t)
const setting = (name: string): Statement => ({
  name: 'test.insert',
  text: `INSERT INTO settings (name, value) VALUES ($1, '1')`,
  values: [name]
})
const lost = (what: string): Statement => ({
  name: 'test.lost',
  text: 'SELECT require_match(0, $1)',
  values: [what]
})
const found: Statement = { name: 'test.found', text: 'SELECT require_match(1, $1)', values: ['x'] }

t.test('a pipeline is one round trip and one transaction, in order', async t => {
  const seen: (readonly string[])[] = []
  const counted = createDatabase({ url, onRoundTrip: names => void seen.push(names) })
  t.teardown(() => counted.end())
  const write = (value: number): Statement => ({
    name: 'test.write',
    text: `INSERT INTO settings VALUES ('order', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
    values: [value]
  })
  await counted.pipeline([write(1), write(2), found, write(3)])
  t.same(seen, [['test.write', 'test.write', 'test.found', 'test.write']])
  const sql = `SELECT value, xmin::text FROM settings WHERE name = 'order'`
  t.match((await counted.run('test.order', sql)).rows, [{ value: 3 }])
  await counted.pipeline([write(4)])
  t.same(seen.slice(2), [['test.write']], 'one alone goes alone')
  await counted.pipeline([])
  t.equal(seen.length, 3, 'none goes not at all')
})

t.test(
  'a conditional write that matches nothing undoes the whole pipeline, and says which it was',
  async t => {
    const before = await count(database, 'settings')
    for (const statements of [
      [setting('a'), lost('first'), setting('b')],
      [lost('first'), setting('a'), lost('second')],
      [setting('a'), setting('b'), lost('first')]
    ]) {
      await t.rejects(database.pipeline(statements), { name: 'Refused', what: 'first' })
    }
    await t.rejects(database.pipeline([lost('alone')]), { name: 'Refused', what: 'alone' })
    t.equal(await count(database, 'settings'), before)
  }
)

t.test('a transaction whose failure somebody swallowed does not look committed', async t => {
  const committing = database.transaction(async tx => {
    await tx.run('test.insert', setting('').text, ['swallowed'])
    await tx.run('test.lost', lost('').text, ['x']).catch(() => undefined)
    return 'done'
  })
  await t.rejects(committing, { name: 'Fault', code: 'store_unavailable' })
  t.same(
    (await database.run('test.x', `SELECT FROM settings WHERE name = 'swallowed'`)).rowCount,
    0
  )
})

t.test('what work throws rolls its transaction back, and comes out as it is', async t => {
  const problem = new Error('of our own')
  const working = database.transaction(async tx => {
    await tx.run('test.insert', setting('').text, ['rolled back'])
    throw problem
  })
  t.equal(await working.catch(error => error), problem, 'a mistake is not taken for an outage')
  t.same(
    (await database.run('test.y', `SELECT FROM settings WHERE name = 'rolled back'`)).rowCount,
    0
  )
})

t.test('inside a transaction a statement fails as it does outside', async t => {
  const inside = (text: string, values: unknown[] = []) =>
    database.transaction(tx => tx.run(`test.in.${text.slice(0, 30)}`, text, values))
  await t.rejects(inside('SELECT require_match(0, $1)', ['mine']), {
    name: 'Refused',
    what: 'mine'
  })
  await t.rejects(inside(`SELECT 'x'::uuid`), { code: '22P02' })
  const fault = { name: 'Fault', code: 'store_unavailable' }
  await t.rejects(inside('SELECT pg_terminate_backend(pg_backend_pid())'), fault)
})

t.test('three kinds of failure: ours, the caller’s, the database’s', async t => {
  const run = (text: string, values: unknown[] = []) =>
    database.run(`test.${text.slice(0, 40)}`, text, values)
  await t.rejects(run('SELECT require_match(0, $1)', ['mine']), { name: 'Refused', what: 'mine' })
  await database.pipeline([setting('taken')])
  // what was gathered is in conflict with what is there by now: the caller lost, and nothing is broken
  await t.rejects(database.pipeline([setting('taken')]), { name: 'Refused', what: 'conflict' })
  await t.rejects(database.pipeline([setting('free'), setting('taken')]), {
    name: 'Refused',
    what: 'conflict'
  })
  await t.rejects(run('SELECT 1 FROM no_such_table'), { code: '42P01' })
  await t.rejects(run(`SELECT 'x'::uuid`), { code: '22P02' })
  const fault = { name: 'Fault', code: 'store_unavailable' }
  await t.rejects(run('SELECT pg_terminate_backend(pg_backend_pid())'), fault)
  await t.rejects(
    run(`SELECT set_config('statement_timeout', '10', false), pg_sleep(0)`).then(() =>
      run('SELECT pg_sleep(1)')
    ),
    fault
  )
  const nowhere = createDatabase({ url: 'postgres://mintmark@127.0.0.1:1/none' })
  t.teardown(() => nowhere.end())
  await t.rejects(nowhere.run('test.one', 'SELECT 1'), fault)
  t.equal((await run('SELECT 1')).rowCount, 1, 'and the pool goes on')
})

t.test('a lock that is held elsewhere ends in a fault, not in waiting', async t => {
  await database.pipeline([setting('locked')])
  await database.transaction(async tx => {
    await tx.run('test.lock', `SELECT FROM settings WHERE name = 'locked' FOR UPDATE`)
    const waiting = database.run('test.wait', `DELETE FROM settings WHERE name = 'locked'`)
    await t.rejects(waiting, { code: 'store_unavailable', cause: { code: '55P03' } })
  })
})

t.test('the clock of the tests turns every comparison with a stored time', async t => {
  await turnClock(database, 3600)
  const ahead = await database.run<{ seconds: number }>(
    'test.ahead',
    'SELECT extract(epoch FROM clock_time() - now())::float8 AS seconds'
  )
  t.same(ahead.rows, [{ seconds: 3600 }])
  await turnClock(database, 0)
})
