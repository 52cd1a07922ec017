// Storage cannot grow: every table whose rows expire is cut into partitions that are dropped (partitions.test.ts), or swept, in batches, by
// one process at a time; nothing that lives is touched.

import { randomUUID } from 'node:crypto'
import t from 'tap'
import { createGrantStore } from '../../src/store/grants.ts'
import { createSweeper, sweptTables } from '../../src/store/sweep.ts'
import { createTestDatabase, testPartitions } from '../support/postgres.ts'
import { addParties, count, turnClock } from './rows.ts'

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
    `INSERT INTO artifacts (bucket, id, kind, payload, expires_at)
      SELECT 0, uuid_send(gen_random_uuid()), 'X', '{}', e FROM ${series}`,
    `INSERT INTO user_codes SELECT uuid_send(gen_random_uuid()), 1, '', e FROM ${series}`,
    `INSERT INTO replay_records SELECT uuid_send(gen_random_uuid()), e FROM ${series}`,
    `INSERT INTO denied_tokens (jti, expires_at) SELECT gen_random_uuid(), e FROM ${series}`,
    `INSERT INTO sessions (id, uid, payload, expires_at) SELECT uuid_send(gen_random_uuid()), n, '{}', e FROM ${series}`,
    `INSERT INTO session_clients SELECT gen_random_uuid(), 'c', 's', NULL, e FROM ${series}`,
    `INSERT INTO grants (id, handle, account_id, client_id, payload, expires_at)
      SELECT gen_random_uuid(), gen_random_uuid(), '${account}', '${account}', '{}', e FROM ${series}`,
    `INSERT INTO managed_grants (id, account_id, client_id, expires_at)
      SELECT gen_random_uuid(), '${account}', '${account}', e FROM ${series}`,
    `INSERT INTO pending_sign_ins (id, account_id, amr, expires_at)
      SELECT uuid_send(gen_random_uuid()), '${account}', '{pwd}', e FROM ${series}`,
    `INSERT INTO upstream_requests (id, browser, upstream, sealed, expires_at)
      SELECT uuid_send(gen_random_uuid()), '', 'u', '', e FROM ${series}`,
    `INSERT INTO upstream_offers (id, sealed, expires_at)
      SELECT uuid_send(gen_random_uuid()), '', e FROM ${series}`,
    `INSERT INTO sign_in_devices (id, account_id, label, expires_at)
      SELECT uuid_send(gen_random_uuid()), '${account}', 'Chrome', e FROM ${series}`,
    `INSERT INTO attempts SELECT 'k', uuid_send(gen_random_uuid()), 1, e FROM ${series}`,
    `INSERT INTO document_fetches (client_id, host, source, used, expires_at)
      SELECT gen_random_uuid(), 'h', 's', false, e FROM ${series}`,
    `INSERT INTO registration_tokens (id, digest, uses, expires_at)
      SELECT gen_random_uuid(), uuid_send(gen_random_uuid()), 1, e FROM ${series}`,
    `INSERT INTO backchannel_requests (account_id, client_id, bucket, artifact, expires_at, kept_until)
      SELECT gen_random_uuid(), 'c', 0, '', e, e FROM ${series}`,
    `INSERT INTO ping_notices (id, client_id, account_id, sealed, expires_at)
      SELECT gen_random_uuid(), 'c', gen_random_uuid(), '', e FROM ${series}`,
    `INSERT INTO mails (kind, recipient, expires_at) SELECT 'k', 'r', e FROM ${series}`,
    `INSERT INTO mail_links (id, purpose, email, called, expires_at)
      SELECT uuid_send(gen_random_uuid()), 'sign_up', n, gen_random_uuid(), e FROM ${series}`,
    `INSERT INTO outbox_mails (id, sealed, expires_at) SELECT gen_random_uuid(), '', e FROM ${series}`
  ]
  for (const text of inserts) await database.run(randomUUID(), text)
}

const expiring = ['artifacts_lasting', 'user_codes', 'replay_records', 'denied_tokens', 'sessions']
expiring.push('pending_sign_ins', 'upstream_requests', 'upstream_offers', 'sign_in_devices')
expiring.push('mails', 'mail_links', 'outbox_mails')
expiring.push('session_clients', 'grants', 'managed_grants', 'attempts')
expiring.push('document_fetches', 'registration_tokens', 'backchannel_requests', 'ping_notices')

async function counts() {
  const all = await Promise.all(expiring.map(async table => [table, await count(database, table)]))
  return Object.fromEntries(all) as Record<string, number>
}

const each = (rows: number) => Object.fromEntries(expiring.map(table => [table, rows]))

t.test(
  'every table with an expiry is cut or swept: a new one must be added here and there',
  async t => {
    const { rows } = await database.run<{ name: string }>(
      'test.expiring',
      `SELECT DISTINCT c.relname AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attname IN ('expires_at', 'window_end')
       AND c.relname !~ '_[0-9]+$'`
    )
    // secrets end by hand, consents mostly (the next test), a lease is one row
    const kept = ['client_secrets', 'consents', 'leases']
    const names = rows.map(({ name }) => name).filter(name => !kept.includes(name))
    t.same(names.sort(), expiring.toSorted())
  }
)

t.test('a consent with an end leaves after it, and one without stays', async t => {
  t.teardown(() => turnClock(database, 0))
  const grants = createGrantStore({ sql: database })
  for (const lifetimeSeconds of [100, undefined]) {
    const { accountId, clientId } = await addParties(database)
    const granted = { openid: ['openid'], resources: {} }
    await database.pipeline([
      grants.consentStatement(accountId, clientId, granted, { lifetimeSeconds })
    ])
  }
  await turnClock(database, 100 + 61)
  await sweeper.sweep()
  t.equal(await count(database, 'consents'), 2)
  await turnClock(database, 100 + 3_601)
  await sweeper.sweep()
  t.equal(await count(database, 'consents'), 1)
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
    {
      ...each(0),
      ...{ artifacts_lasting: 3, user_codes: 3, grants: 3, managed_grants: 3 },
      registration_tokens: 3
    },
    'the grants of reused tokens must still be known'
  )
  await turnClock(database, 100 + 3601)
  await sweeper.sweep()
  t.same(await counts(), { ...each(0), grants: 3, registration_tokens: 3 })
  await turnClock(database, 100 + day + 1)
  t.equal(await sweeper.sweep(), 6)
  t.same(await counts(), each(0))
})

t.test('a backlog goes in batches, and two sweepers do not wait for each other', async t => {
  t.teardown(() => turnClock(database, 0))
  await fill(1_500)
  await turnClock(database, 2 * day)
  const both = await Promise.all([sweeper.sweep(), sweeper.sweep()])
  t.ok(Math.max(...both) <= sweptTables.length * 1_000, 'no more than a batch of each table')
  let more = 0
  while ((await sweeper.sweep()) > 0) more += 1
  t.ok(more <= 2)
  t.same(await counts(), each(0))
})

t.test('rows without an expiry stay', async t => {
  t.teardown(() => turnClock(database, 0))
  await database.run(
    'test.lasting',
    `INSERT INTO artifacts (bucket, id, kind, payload) VALUES (0, '\\x01', 'X', '{}')`
  )
  await turnClock(database, 3650 * day)
  t.equal(await sweeper.sweep(), 0)
  await testPartitions(database).dropOverdue()
  t.equal(await count(database, 'artifacts'), 1)
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
