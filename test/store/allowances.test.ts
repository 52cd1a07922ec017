// What is left of a cap is one number for all processes: two that ask at the same moment get no more together than there is.

import t from 'tap'
import { createAllowanceStore, type RowBudget } from '../../src/store/allowances.ts'
import { createTestDatabase } from '../support/postgres.ts'
import { turnClock } from './rows.ts'

const { database } = await createTestDatabase(t)
const budget: RowBudget = { kind: 'authorize', rows: 100, staySeconds: 1200 }

t.test('two processes that ask at once', async t => {
  const together: Promise<number>[] = []
  await database.transaction(async tx => {
    together.push(createAllowanceStore({ sql: tx }).take(budget, 70))
    t.equal(await together[0], 70)
    // asks while nobody has committed
    together.push(createAllowanceStore({ sql: database }).take(budget, 70))
    const waiting = `SELECT count(*)::int AS waiting FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock'`
    const answered = together[1]?.then(() => 'answered')
    let found = 0
    while (
      found === 0 &&
      (await Promise.race([answered, Promise.resolve('not yet')])) !== 'answered'
    ) {
      const { rows } = await database.run<{ waiting: number }>('test.waiting', waiting)
      found = rows[0]?.waiting ?? 0
    }
  })
  t.same(await Promise.all(together), [70, 30])
})

t.test(
  'another kind has its own, and what was taken comes back when its rows have left',
  async t => {
    const store = createAllowanceStore({ sql: database })
    t.teardown(() => turnClock(database, 0))
    t.equal(await store.take(budget, 1), 0)
    t.equal(await store.take({ ...budget, kind: 'devices' }, 100), 100)
    await turnClock(database, 1200)
    t.equal(await store.take(budget, 1), 0, 'what was taken last may still be there')
    await turnClock(database, 1200 + 300)
    t.equal(await store.take(budget, 200), 100)
  }
)
