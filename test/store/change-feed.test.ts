// The change feed: what another process changed is heard; while it may not be heard, nothing cached is believed (D-22).

import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createChangeFeed } from '../../src/store/change-feed.ts'
import type { Database } from '../../src/store/database.ts'
import { basic, createRequests } from '../protocol/requests.ts'
import { createTestDatabase } from '../support/postgres.ts'
import { startServerProcess } from '../support/processes.ts'
import { startTestServer } from '../support/server.ts'

/** Waits for what must come; the test's own time-out ends it if it does not. */
async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await what())) await sleep(10)
}

async function startFeed(t: Test, url: string, pooler?: 'transaction') {
  const heard: string[] = []
  const errors: Error[] = []
  const feed = createChangeFeed({ url, pooler, onError: error => void errors.push(error) })
  t.teardown(() => feed.end())
  for (const table of ['clients', 'client_secrets', 'signing_keys', 'server_secrets'] as const) {
    feed.on(table, key => void heard.push(`${table}:${key}`))
  }
  let gaps = 0
  feed.onGap(() => {
    gaps += 1
  })
  t.notOk(feed.confirmed(), 'not before it is connected')
  await feed.ready()
  return { feed, heard, errors, gaps: () => gaps }
}

const feedPids = async (database: Database) => {
  const { rows } = await database.run<{ pid: number }>(
    'test.feeds',
    `SELECT pid FROM pg_stat_activity
     WHERE application_name = 'mintmark-feed' AND datname = current_database()`
  )
  return rows.map(({ pid }) => pid)
}

const terminateFeeds = (database: Database) =>
  database.run(
    'test.terminate',
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE application_name = 'mintmark-feed' AND datname = current_database()`
  )

for (const [how, pooler] of [
  ['heard', undefined],
  ['found by asking, behind a pooler,', 'transaction']
] as const)
  t.test(`changes are ${how} by table and key, after commit and not otherwise`, async t => {
    const { url, database } = await createTestDatabase(t)
    const { feed, heard, gaps } = await startFeed(t, url, pooler)
    t.ok(feed.confirmed())
    t.equal(gaps(), 1, 'what changed before it listened is unknown')
    const insert = `INSERT INTO clients (client_id, type, owner, metadata) VALUES ($1, 'web', 'cli', '{}')`
    const undone = database.transaction(async tx => {
      await tx.run('test.insert', insert, ['never'])
      throw new Error('undone')
    })
    await t.rejects(undone)
    await database.run('test.insert', insert, ['a:b'])
    await database.run('test.secret', `INSERT INTO client_secrets VALUES ('a:b', '\\x00')`)
    await database.run('test.used', `UPDATE client_secrets SET last_used_at = now()`)
    await database.run(
      'test.disable',
      `UPDATE clients SET disabled_at = now() WHERE client_id = 'a:b'`
    )
    await database.run(
      'test.key',
      `INSERT INTO server_secrets (purpose, version, state, sealed) VALUES ('rotation', 1, 'active', '')`
    )
    await until(() => heard.includes('server_secrets:rotation'))
    t.same(heard, ['clients:a:b', 'client_secrets:a:b', 'clients:a:b', 'server_secrets:rotation'])
  })

t.test('behind a pooler, what commits late is told all the same, and nothing twice', async t => {
  const { url, database } = await createTestDatabase(t)
  const { feed, heard } = await startFeed(t, url, 'transaction')
  const insert = `INSERT INTO clients (client_id, type, owner, metadata) VALUES ($1, 'web', 'cli', '{}')`
  let looks = 0
  const looked = async () => {
    const asked = `SELECT count(*)::int AS looks FROM pg_stat_activity
      WHERE application_name = 'mintmark-feed' AND datname = current_database() AND query_start > $1`
    const { rows } = await database.run<{ now: Date }>(
      'test.now',
      'SELECT clock_timestamp() AS now'
    )
    await until(async () => {
      const seen = await database.run<{ looks: number }>('test.looks', asked, [rows[0]?.now])
      return (seen.rows[0]?.looks ?? 0) > 0
    })
    looks += 1
  }
  await database.transaction(async tx => {
    await tx.run('test.insert', insert, ['late'])
    await database.run('test.insert', insert, ['early'])
    await until(() => heard.includes('clients:early'))
    await looked()
    await looked()
    t.same(heard, ['clients:early'], 'once, and the other has not been committed')
  })
  await until(() => heard.includes('clients:late'))
  await looked()
  t.same(heard, ['clients:early', 'clients:late'])
  t.equal(looks, 3)
  t.ok(feed.confirmed())
})

t.test('a lost connection: nothing is believed until it is back, and the gap is told', async t => {
  const { url, database } = await createTestDatabase(t)
  const { feed, errors, gaps } = await startFeed(t, url)
  await terminateFeeds(database)
  await until(() => !feed.confirmed())
  t.equal(gaps(), 1)
  await until(() => feed.confirmed())
  t.equal(gaps(), 2, 'told before it is believed again')
  t.ok(errors.length >= 1)
})

t.test('a connection that falls silent is not believed, and replaced', async t => {
  const { url, database } = await createTestDatabase(t)
  const { feed, gaps } = await startFeed(t, url)
  const [pid = 0] = await feedPids(database)
  process.kill(pid, 'SIGSTOP')
  try {
    await until(() => !feed.confirmed())
    await until(() => feed.confirmed())
    t.equal(gaps(), 2)
    t.ok((await feedPids(database)).some(other => other !== pid))
  } finally {
    process.kill(pid, 'SIGCONT')
  }
})

t.test('a feed that cannot connect is not confirmed, and ends when told to', async t => {
  const errors: Error[] = []
  const url = 'postgres://mintmark@127.0.0.1:1/none'
  const feed = createChangeFeed({ url, onError: error => void errors.push(error) })
  await until(() => errors.length === 1)
  // two more tries
  await sleep(1_200)
  t.equal(errors.length, 1, 'told once an outage')
  t.notOk(feed.confirmed())
  await feed.end()
})

t.test(
  'a client that another process disables is refused here, feed or no feed (D-22)',
  async t => {
    const main = await startTestServer(t)
    const other = await startServerProcess(t, main)
    const requests = createRequests(main)
    const { database, feed } = main.store
    const token = async () => (await requests.machine('billing')).status
    const tokenOf = async (process: typeof other) => {
      const { headers } = basic('billing')
      const form = { 'content-type': 'application/x-www-form-urlencoded' }
      const body = 'grant_type=client_credentials'
      const sent = { method: 'POST', headers: { ...headers, ...form }, body }
      return (await process.fetch('/oauth/token', sent)).status
    }
    t.equal(await tokenOf(other), 200)
    /** Through a process that is not this one: what it commits is all that this one can know. */
    const disable = (yes: boolean) =>
      database.run(
        `test.disable.${yes}`,
        `UPDATE clients SET disabled_at = ${yes ? 'now()' : 'NULL'} WHERE client_id = 'billing'`
      )
    const heard = () => new Promise<void>(resolve => feed.on('clients', () => resolve()))

    t.equal(await token(), 200)
    const change = heard()
    await disable(true)
    await change
    t.equal(await token(), 401, 'heard')
    await disable(false)
    await until(async () => (await token()) === 200)

    const pids = await feedPids(database)
    t.equal(pids.length, 2, 'one for each process')
    for (const pid of pids) process.kill(pid, 'SIGSTOP')
    try {
      await disable(true)
      await until(() => !feed.confirmed())
      t.equal(await token(), 401, 'not heard, but asked')
      await until(async () => (await tokenOf(other)) !== 200)
      t.equal(await tokenOf(other), 401)
    } finally {
      for (const pid of pids) process.kill(pid, 'SIGCONT')
    }
    await until(() => feed.confirmed())
    t.equal(await token(), 401, 'and what was remembered before is forgotten')

    await disable(false)
    await until(async () => (await token()) === 200)
    await terminateFeeds(database)
    await disable(true)
    await until(() => !feed.confirmed())
    t.equal(await token(), 401)
  }
)
