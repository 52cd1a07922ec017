// Behind PgBouncer in transaction mode, with nothing but its address: the whole life of tokens over two processes, time-outs, changes that
// reach other processes, and a pooler that is killed. An old one needs one setting, and says so when it is missing.

import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import t, { type Test } from 'tap'
import { createDatabase, examineDatabase } from '../../src/store/database.ts'
import { startServerOn } from '../protocol/own-cluster.ts'
import { type Answer, basic, createRequests, web } from '../protocol/requests.ts'
import { pgbouncerVersion, startPgbouncer, tracksStatements } from '../support/pgbouncer.ts'
import { createTestDatabase } from '../support/postgres.ts'
import { makePlace, mintmark, startMintmark } from '../support/process.ts'
import { startServerProcess } from '../support/processes.ts'
import { freePort } from '../support/server.ts'

const missing = pgbouncerVersion === undefined && 'there is no pgbouncer on this machine'
const old = !missing && !tracksStatements && 'this pgbouncer tracks no named statements: 1.21 does'
const young = !missing && tracksStatements && 'this pgbouncer tracks named statements'
const offline = { scope: 'openid offline_access', extra: { prompt: 'consent' } }

async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await what())) await sleep(20)
}

for (const preparedStatements of ['unnamed', 'named'] as const) {
  const skip = missing || (preparedStatements === 'named' && old)
  t.test(`tokens behind a pooler, statements ${preparedStatements}`, { skip }, async t => {
    const { url, database: direct } = await createTestDatabase(t)
    const bouncer = await startPgbouncer(t, url)
    const database = { preparedStatements }
    const main = await startServerOn(t, bouncer.url, { pool: 10, overrides: { database } })
    const other = await startServerProcess(t, main, { database })
    const requests = createRequests(main)
    const atOther = async (path: string, body?: Record<string, string>, bearer?: string) => {
      const authorization =
        bearer === undefined ? basic('web').headers['authorization'] : `Bearer ${bearer}`
      const type = { 'content-type': 'application/x-www-form-urlencoded' }
      const answer = await other.fetch(path, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { authorization: authorization ?? '', ...(body && type) },
        ...(body && { body: new URLSearchParams(body).toString() })
      })
      return { ...answer, body: JSON.parse(answer.text || '{}') as Answer['body'] }
    }
    const refreshAtOther = (refreshToken: string) =>
      atOther('/oauth/token', { grant_type: 'refresh_token', refresh_token: refreshToken })

    const first = await requests.tokens(offline)
    t.equal((await atOther('/userinfo', undefined, first.access_token)).status, 200)
    const second = await refreshAtOther(first.refresh_token)
    t.equal(second.status, 200, 'refreshed by the other process')
    const rotations = await Promise.all(
      Array.from({ length: 16 }, (_, turn) =>
        turn % 2 === 0
          ? requests.refresh(web, second.body.refresh_token)
          : refreshAtOther(second.body.refresh_token)
      )
    )
    t.same([...new Set(rotations.map(({ status }) => status))], [200])
    const successors = new Set(rotations.map(({ body }) => body.refresh_token))
    t.equal(successors.size, 1, 'sixteen at once at two processes: one successor')
    const [current = ''] = successors
    let latest = ''

    t.equal((await requests.revoke(web.caller, first.access_token)).status, 200)
    t.equal((await atOther('/userinfo', undefined, first.access_token)).status, 401, 'revoked')
    t.equal((await requests.machine('billing')).status, 200)
    const machineAtOther = () =>
      other.fetch('/oauth/token', {
        method: 'POST',
        headers: {
          ...basic('billing').headers,
          'content-type': 'application/x-www-form-urlencoded'
        },
        body: 'grant_type=client_credentials'
      })
    t.equal((await machineAtOther()).status, 200, 'and it remembers the client')
    const disable = "UPDATE clients SET disabled_at = now() WHERE client_id = 'billing'"
    await direct.run('test.disable', disable)
    // what is remembered is believed for a second at most, and this begins after it
    await sleep(1_000)
    t.equal((await machineAtOther()).status, 401, 'a disabled client, a second later')
    t.equal((await requests.machine('billing')).status, 401)

    await t.test('PgBouncer is killed: 503, no process ends, and the same token works', async t => {
      await bouncer.kill()
      await until(() => !main.store.feed.confirmed())
      for (const answer of [
        await requests.refresh(web, current),
        await refreshAtOther(current),
        await requests.introspect(web.caller, current)
      ]) {
        t.match(answer, { status: 503, body: { error: 'temporarily_unavailable' } })
      }
      t.equal((await requests.get('/readyz')).status, 503)
      await bouncer.start()
      await until(async () => (await requests.get('/readyz')).status === 200)
      await until(async () => (await other.fetch('/readyz')).status === 200)
      await until(() => main.store.feed.confirmed())
      const rotated = await requests.refresh(web, current)
      t.equal(rotated.status, 200)
      latest = rotated.body.refresh_token
      t.equal(other.child.exitCode, null, 'the other process is the same')
    })

    await t.test('the way to PostgreSQL is cut behind PgBouncer', async t => {
      const cut = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()`
      await direct.run('test.cut', cut)
      await until(async () => (await requests.get('/readyz')).status === 200)
      await until(async () => (await other.fetch('/readyz')).status === 200)
      t.equal(other.child.exitCode, null)
      // a second connection of the pool may have been cut, too: its first statement says so, and the next one works
      let answer = await refreshAtOther(latest)
      while (answer.status === 503) answer = await refreshAtOther(latest)
      t.equal(answer.status, 200)
    })
  })
}

t.test('time-outs through a pooler', { skip: missing }, async t => {
  const { url, database: direct } = await createTestDatabase(t)
  const bouncer = await startPgbouncer(t, url)
  const open = () => {
    const preparedStatements = 'unnamed' as const
    const opened = createDatabase({ url: bouncer.url, preparedStatements, onError: () => {} })
    t.teardown(() => opened.end())
    return opened
  }
  const shown = `SELECT current_setting('statement_timeout') AS statement,
    current_setting('lock_timeout') AS lock,
    current_setting('idle_in_transaction_session_timeout') AS idle,
    now() < statement_timestamp() AS begun`
  const ours = { statement: '5s', lock: '3s', idle: '5s' }
  const pooled = open()
  t.match((await pooled.run('test.shown', shown)).rows, [{ ...ours, begun: true }], 'a statement')
  const inside = await pooled.transaction(tx => tx.run('test.shown', shown))
  t.match(inside.rows, [ours], 'a transaction')
  const stranger = new pg.Client({ connectionString: bouncer.url })
  stranger.on('error', () => {})
  await stranger.connect()
  t.teardown(() => stranger.end())
  const none = { statement: '0', lock: '0', idle: '0' }
  t.match((await stranger.query(shown)).rows, [none], 'nobody else inherits them')
  t.match(await examineDatabase(bouncer.url), { pooled: true, timed: false })
  t.match(await examineDatabase(url), { pooled: false, namedStatements: 'pass' })

  await direct.run('test.row', `INSERT INTO settings VALUES ('locked', '1')`)
  await direct.transaction(async tx => {
    await tx.run('test.lock', `SELECT FROM settings WHERE name = 'locked' FOR UPDATE`)
    const waiting = pooled.run('test.wait', `DELETE FROM settings WHERE name = 'locked'`)
    await t.rejects(waiting, { code: 'store_unavailable', cause: { code: '55P03' } })
  })

  const name = new URL(bouncer.url).pathname.slice(1)
  for (const setting of [
    'statement_timeout = 4000',
    'lock_timeout = 2000',
    'idle_in_transaction_session_timeout = 4000'
  ]) {
    await direct.run(`test.${setting}`, `ALTER ROLE mintmark IN DATABASE ${name} SET ${setting}`)
  }
  // connections that PgBouncer has open keep what they began with: docs/production.md says RECONNECT
  await bouncer.kill()
  await bouncer.start()
  const byRole = { statement: '4s', lock: '2s', idle: '4s', begun: false }
  t.match((await open().run('test.shown', shown)).rows, [byRole], 'the role has them: none is set')
  t.match(await examineDatabase(bouncer.url), { pooled: true, timed: true })
})

/** A production server on `url`, whose schema is there; what it needs besides. */
function productionPlace(t: Test, url: string, port: number) {
  return makePlace(t, {
    DATABASE_URL: url,
    MINTMARK_MODE: 'production',
    MINTMARK_ISSUER: 'https://id.example.com',
    MINTMARK_PORT: String(port),
    MINTMARK_SHUTDOWN__DELAY: '0s',
    MINTMARK_MASTER_KEY: randomBytes(32).toString('hex')
  })
}

t.test('a server starts behind a pooler, and migrates through it', { skip: missing }, async t => {
  const { url, database } = await createTestDatabase(t)
  await database.run('test.empty', 'DROP SCHEMA public CASCADE')
  await database.run('test.schema', 'CREATE SCHEMA public')
  const bouncer = await startPgbouncer(t, url)
  const place = productionPlace(t, bouncer.url, await freePort())
  place.env['MINTMARK_DATABASE__PREPARED_STATEMENTS'] = 'unnamed'
  const server = await startMintmark(t, place)
  t.match(
    server.log().find(({ msg }) => String(msg).includes('no time-outs')),
    { level: 'warn' },
    'it says that the role has no time-outs'
  )
  const doctor = await mintmark(t, place, ['doctor'])
  t.match(doctor.out, /ALTER ROLE mintmark SET statement_timeout = '5s'/)
  t.equal((await server.stop()).code, 0)
})

t.test(
  'named statements that do not pass are refused in words',
  { skip: missing || young },
  async t => {
    const { url } = await createTestDatabase(t)
    const bouncer = await startPgbouncer(t, url)
    t.match(await examineDatabase(bouncer.url), { namedStatements: 'are lost' })
    const place = productionPlace(t, bouncer.url, await freePort())
    const { code, err } = await mintmark(t, place, ['start'])
    t.equal(code, 1)
    t.match(err, 'MINTMARK_DATABASE__PREPARED_STATEMENTS=unnamed')
    t.match(
      (await mintmark(t, place, ['doctor'])).out,
      'MINTMARK_DATABASE__PREPARED_STATEMENTS=unnamed'
    )
  }
)
