// Token Status Lists as rows: an index for one grant or client at a time, whoever asks at once, not used again before its time is over. What
// turns a bit on is in status-endings.test.ts.

import t, { type Test } from 'tap'
import { createDatabase, type Database, type Queries } from '../../src/store/database.ts'
import { endAccount } from '../../src/store/ending.ts'
import { createGrantStore } from '../../src/store/grants.ts'
import { createRestoreStore } from '../../src/store/restore.ts'
import { createSessionStore } from '../../src/store/sessions.ts'
import { createStatusListStore, type StatusEntry } from '../../src/store/status-lists.ts'
import { createSweeper } from '../../src/store/sweep.ts'
import { createTestDatabase } from '../support/postgres.ts'
import { createListedRows, type ListedGrant } from './listed-rows.ts'
import { addGrant, count, turnClock } from './rows.ts'

const { url, database } = await createTestDatabase(t)
const grants = createGrantStore({ sql: database })
const sessions = createSessionStore({ sql: database })
const lists = createStatusListStore({ sql: database })
const { empty, isOn, addListed, addSessionGrant } = createListedRows(database)

/** More connections than one, as processes have them. */
function others(t: Test, how = 4): Database[] {
  const pools = Array.from({ length: how }, () => createDatabase({ url, pool: 3 }))
  t.teardown(() => Promise.all(pools.map(pool => pool.end())))
  return pools
}

t.test('an index comes with the grant, once, however often it is saved', async t => {
  await empty()
  const grant = await addListed()
  t.match(grant.entry, { list: 1, idx: Number })
  await database.pipeline([grants.saveStatement({ ...grant, status: 'listed' })])
  t.same((await grants.find(grant.id))?.status, grant.entry)
  t.equal(await count(database, 'status_entries'), 1)
  t.notOk(await isOn(grant.entry))
  t.equal(await lists.find(2), undefined)
})

t.test(
  'many at once, over many connections: nobody has another’s index, and lists open as they fill',
  async t => {
    await empty()
    const pools = others(t)
    const size = 16
    const all = await Promise.all(Array.from({ length: 60 }, () => addGrant(database)))
    const entries = await Promise.all(
      all.map(({ id }, at) => {
        const sql = pools[at % pools.length] as Database
        return createStatusListStore({ sql, size }).assignToGrant(id)
      })
    )
    const names = entries.map(entry => `${entry?.list}:${entry?.idx}`)
    t.equal(new Set(names).size, 60, 'all distinct')
    t.ok(entries.every(entry => entry !== undefined && entry.idx >= 0 && entry.idx < size))
    const used = await count(database, 'status_lists')
    t.ok(used >= 4 && used <= 30, `${used} lists of ${size}`)
    t.same((await grants.find(all[0]?.id ?? ''))?.status, entries[0])
  }
)

t.test('one grant, one client, asked for by all at once: one index', async t => {
  await empty()
  const pools = others(t)
  const { id, clientId } = await addGrant(database)
  const ask = (work: (store: typeof lists) => Promise<StatusEntry | undefined>) =>
    Promise.all(
      Array.from({ length: 12 }, (_, at) =>
        work(createStatusListStore({ sql: pools[at % pools.length] as Database }))
      )
    )
  const ofGrant = await ask(store => store.assignToGrant(id))
  const ofClient = await ask(store => store.assignToClient(clientId))
  t.equal(new Set(ofGrant.map(entry => JSON.stringify(entry))).size, 1)
  t.equal(new Set(ofClient.map(entry => JSON.stringify(entry))).size, 1)
  t.equal(await count(database, 'status_entries'), 2)
  t.equal(await count(database, 'status_lists'), 1)
})

t.test('what has ended gets no index', async t => {
  await empty()
  const revoked = await addGrant(database)
  await database.pipeline(grants.revokeStatements(revoked.id))
  const disabled = await addGrant(database)
  const { accountId, clientId } = disabled
  await database.run('test.d', 'UPDATE accounts SET disabled_at = now() WHERE id = $1', [accountId])
  const expired = await addGrant(database, { lifetimeSeconds: -1 })
  const signedOut = await addSessionGrant(false)
  await database.run(
    'test.unlisted',
    'UPDATE grants SET status_list = NULL, status_idx = NULL WHERE id = $1',
    [signedOut.id]
  )
  await database.run('test.no_entries', 'DELETE FROM status_entries')
  await database.pipeline(sessions.endStatements(signedOut.session.uid))
  for (const { id } of [revoked, disabled, expired, signedOut, { id: 'nobody' }]) {
    t.equal(await lists.assignToGrant(id), undefined)
  }
  await database.run('test.dc', 'UPDATE clients SET disabled_at = now() WHERE client_id = $1', [
    clientId
  ])
  t.equal(await lists.assignToClient(clientId), undefined)
  t.equal(await lists.assignToClient('nobody'), undefined)
  t.equal(await count(database, 'status_entries'), 0)
})

const racing: [string, (subject: ListedGrant, sql: Queries) => Promise<unknown>][] = [
  ['the grant', ({ id }, sql) => runAll(sql, grants.revokeStatements(id))],
  ['the account', ({ accountId }, sql) => endAccount(accountId, sql)],
  [
    'the account’s state',
    ({ accountId }, sql) =>
      sql.run('test.ds', 'UPDATE accounts SET disabled_at = clock_time() WHERE id = $1', [
        accountId
      ])
  ]
]

async function runAll(sql: Queries, statements: ReturnType<typeof grants.revokeStatements>) {
  for (const { name, text, values } of statements) await sql.run(name, text, values)
}

async function waiting() {
  for (;;) {
    const { rowCount } = await database.run(
      'test.waiting',
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
    )
    if (rowCount > 0) return
  }
}

for (const [what, end] of racing) {
  t.test(
    `an index that is taken while ${what} ends: no bit is forgotten, in either order`,
    async t => {
      await empty()
      const [pool] = others(t, 1) as [Database]
      for (const first of ['assign', 'end'] as const) {
        const subject = { ...(await addGrant(database)), entry: undefined }
        let late: Promise<unknown> = Promise.resolve()
        let entry: StatusEntry | undefined
        await pool.transaction(async tx => {
          const store = createStatusListStore({ sql: tx })
          if (first === 'assign') entry = await store.assignToGrant(subject.id)
          else await end(subject, tx)
          late =
            first === 'assign'
              ? database.transaction(sql => end(subject, sql))
              : lists.assignToGrant(subject.id).then(taken => {
                  entry = taken
                })
          await waiting()
        })
        await late
        if (first === 'assign') t.ok(await isOn(entry))
        else t.equal(entry, undefined)
      }
    }
  )
}

t.test('an index is not used again before the last token of it has expired', async t => {
  await empty()
  const { id, entry } = await addListed({ lifetimeSeconds: 90 * 86_400 })
  const sweeper = createSweeper({ sql: database })
  const kept = async () => {
    await sweeper.sweep()
    return count(database, 'status_entries')
  }
  await turnClock(database, 89 * 86_400)
  t.equal(await kept(), 1, 'it lives')
  await turnClock(database, 0)
  await database.pipeline(grants.revokeStatements(id))
  t.ok(await isOn(entry))
  // the longest access token lives an hour, and no clock is tolerated for another
  await turnClock(database, 2 * 3600 - 5)
  t.equal(await kept(), 1)
  t.ok(await isOn(entry))
  await turnClock(database, 2 * 3600 + 5)
  t.notOk(await isOn(entry), 'every token of it has expired')
  t.equal(await kept(), 1, 'somebody may still have a copy that says so')
  await turnClock(database, 3 * 3600 + 5)
  t.equal(await kept(), 0)
  await turnClock(database, 0)
})

t.test(
  'after a restore whatever names a list of before has ended, and what is kept is listed anew',
  async t => {
    await empty()
    const { id, entry } = await addListed()
    const { clientId } = await addGrant(database)
    const ofClient = await lists.assignToClient(clientId)
    await database.transaction(tx =>
      createRestoreStore({ sql: tx }).endWhatIsDoubtful(tx, 2, 'keep families')
    )
    t.equal((await lists.find(1))?.ended, 'all')
    const [grantAgain, clientAgain] = [
      await lists.assignToGrant(id),
      await lists.assignToClient(clientId)
    ]
    for (const again of [grantAgain, clientAgain]) {
      t.equal(again?.list, 2_000_001, 'a number that no list since the backup had')
      t.notOk(await isOn(again))
    }
    t.notSame(grantAgain, entry)
    t.notSame(clientAgain, ofClient)
    await turnClock(database, 2 * 3600 + 5)
    t.same(
      await lists.find(1),
      { size: 131_072, ended: [] },
      'when every token of before has expired'
    )
    await turnClock(database, 0)
  }
)

t.test('a list that has emptied is opened again', async t => {
  await empty()
  const size = 8
  const store = createStatusListStore({ sql: database, size })
  const taken: StatusEntry[] = []
  while ((await count(database, 'status_lists')) < 2) {
    const entry = await store.assignToGrant((await addGrant(database)).id)
    if (entry !== undefined) taken.push(entry)
  }
  await database.run('test.emptied', 'DELETE FROM status_entries WHERE list = 1')
  let again = 0
  for (let at = 0; at < 24 && again === 0; at++) {
    const entry = await store.assignToGrant((await addGrant(database)).id)
    if (entry?.list === 1) again += 1
  }
  t.equal(again, 1)
  t.equal(await count(database, 'status_lists'), 2, 'and no third one is needed')
})
