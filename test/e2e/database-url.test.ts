// DATABASE_URL: a PostgreSQL of the operator's own, over TCP with a password; the oldest one that is supported, where the machine has it
// (Debian: postgresql-15). And what an operator reads when it is not reachable, not to be entered, or too old.

import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { pipeline, Transform } from 'node:stream'
import { refreshTokenGrant } from 'openid-client'
import pg from 'pg'
import t, { type Test } from 'tap'
import { createTestDatabase } from '../support/postgres.ts'
import { has15, password, startPostgres15 } from '../support/postgres-15.ts'
import { makePlace, mintmark, startMintmark } from '../support/process.ts'
import { signIn } from '../support/relying-party.ts'
import { freePort } from '../support/server.ts'

/** A PostgreSQL that says it is version 14: the one behind `port`, with its answer to one question changed on the way. */
async function startOldPostgres(t: Test, port: number): Promise<number> {
  const proxy = createServer(client => {
    const server = connect(port, '127.0.0.1')
    const age = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        const text = chunk.toString('latin1').replace(/15(00\d\d|\.\d+)/g, '14$1')
        done(null, Buffer.from(text, 'latin1'))
      }
    })
    pipeline(client, server, () => undefined)
    pipeline(server, age, client, () => undefined)
  })
  await once(proxy.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => proxy.close())
  return (proxy.address() as AddressInfo).port
}

t.test('PostgreSQL 15 over TCP, with a password', has15, async t => {
  const { port, process: postgres } = await startPostgres15(t)
  const url = (secret: string, at = port, database = 'postgres') =>
    `postgres://owner:${encodeURIComponent(secret)}@127.0.0.1:${at}/${database}`
  const place = makePlace(t, {
    DATABASE_URL: url(password),
    MINTMARK_PORT: `${await freePort()}`
  })
  const refused = async (DATABASE_URL: string) => {
    const { code, out, err } = await mintmark(t, place, ['start'], { env: { DATABASE_URL } })
    t.same([code, out], [1, ''])
    t.equal(err.trim().split('\n').length, 1, `one sentence: ${err}`)
    t.notOk(err.includes(encodeURIComponent(password)), 'no password')
    return err
  }

  t.match(await refused(url('wrong')), 'password authentication failed for user "owner"')
  t.match(await refused(url(password, port, 'nope')), 'database "nope" does not exist')
  const old = await startOldPostgres(t, port)
  t.match(await refused(url(password, old)), /PostgreSQL 15 or later is needed, and this is 14\./)

  const owner = new pg.Client({ connectionString: url(password) })
  await owner.connect()
  await owner.query("CREATE ROLE guest LOGIN PASSWORD 'guest'")
  await owner.end()
  const guest = `postgres://guest:guest@127.0.0.1:${port}/postgres`
  t.match(await refused(guest), /may not make tables: .*permission denied for schema public.*OWNER/)

  const migrated = await mintmark(t, place, ['migrate'])
  t.match(migrated, { code: 0, out: /^Applied: 0001_clock\.sql, /, err: '' })
  const server = await startMintmark(t, place)
  t.match(server.banner(), /Database +PostgreSQL at DATABASE_URL/)
  t.notMatch(server.banner(), '✗')
  t.notOk(server.out().includes(encodeURIComponent(password)))
  const [, login = '', secret = ''] = /sign in as (\S+) \/ (\S+)/.exec(server.banner()) ?? []
  const { config, tokens } = await signIn({
    issuer: server.issuer,
    clientId: 'demo-web',
    redirectUri: `${server.issuer}/demo/callback`,
    scope: 'openid offline_access',
    extra: { prompt: 'consent' },
    login,
    password: secret
  })
  t.ok((await refreshTokenGrant(config, tokens.refresh_token ?? '')).access_token)
  t.equal((await server.stop()).code, 0)

  postgres.kill('SIGINT')
  await once(postgres, 'exit')
  t.match(
    await refused(url(password)),
    /^mintmark cannot start: The database cannot be used: .*ECON/
  )
})

t.test('a database that cannot be used is told in one sentence', async t => {
  const { url, database } = await createTestDatabase(t)
  const place = makePlace(t)
  const closed = await freePort()
  const unreachable = /^mintmark( cannot start)?: The database cannot be used: .*DATABASE_URL.*\n$/
  for (const [args, DATABASE_URL, said] of [
    [['start'], `postgres://owner@127.0.0.1:${closed}/mintmark`, /ECONNREFUSED/],
    [['clients', 'list'], 'postgres://owner@nowhere.invalid/mintmark', /nowhere\.invalid/],
    [['migrate'], url.replace(/\/test_\w+/, '/nope'), /database "nope" does not exist/]
  ] as const) {
    const { code, out, err } = await mintmark(t, place, [...args], { env: { DATABASE_URL } })
    t.same([code, out], [1, ''])
    t.match(err, said)
    t.match(err, unreachable)
  }

  await database.run(
    'test.newer',
    "INSERT INTO migrations (name, batch, migration_time) VALUES ('9999_later.sql', 9, now())"
  )
  await database.run(
    'test.needs',
    `UPDATE settings SET value = '"9998"' WHERE name = 'schema.needs'`
  )
  const newer = await mintmark(t, place, ['start'], { env: { DATABASE_URL: url } })
  t.match(newer, { code: 1, out: '' })
  t.match(newer.err, /by another version of mintmark, which has 9999_later\.sql\. Start .*\n$/)
})
