// What expires leaves by itself: every table that has expiring rows, after the protocol has filled it, with the database's
// clock turned; and one process at a time that does it, followed by another one when it dies.

import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { initiateDeviceAuthorization, refreshTokenGrant, tokenRevocation } from 'openid-client'
import t from 'tap'
import { issueInitialAccessToken } from '../../src/clients/registration-token.ts'
import { startSweeping } from '../../src/ops/sweep.ts'
import { createClientDocumentStore } from '../../src/store/client-documents.ts'
import { createManagedGrantStore, newManagedGrantId } from '../../src/store/managed-grants.ts'
import { createPendingSignInStore } from '../../src/store/pending-sign-ins.ts'
import { createReplayStore } from '../../src/store/replay.ts'
import { createSweeper } from '../../src/store/sweep.ts'
import { createUpstreamRequestStore } from '../../src/store/upstream-requests.ts'
import { redirectUri, secretOf } from '../support/configuration.ts'
import { createTestDatabase, testPartitions } from '../support/postgres.ts'
import { discover, signIn } from '../support/relying-party.ts'
import { person, startTestServer } from '../support/server.ts'

const day = 86_400

/** Rows that are not swept, and what ends them. */
const othersCare = [
  'client_secrets', // two at most a client; the next rotation removes what has expired
  'consents', // those with an end are swept (test/store/sweep.test.ts), the others go with the account or the client
  'leases' // one a name
]

t.test('what has expired leaves every table, and nothing else does', async t => {
  const { store, issuer, accountId } = await startTestServer(t)
  const { database } = store
  const sweeper = createSweeper({ sql: database })
  const partitions = testPartitions(database)
  /** A round of the job; answers how many rows were deleted and how many partitions dropped. */
  async function work() {
    await partitions.ensure()
    const dropped = (await partitions.dropOverdue()).length
    let deleted = 0
    for (let batch = -1; batch !== 0; deleted += batch) batch = await sweeper.sweep()
    return { dropped, deleted }
  }
  let turns = 0
  const turnClock = (seconds: number) =>
    database.run(
      `test.clock.${++turns}`,
      `CREATE OR REPLACE FUNCTION clock_time() RETURNS timestamptz LANGUAGE sql STABLE
       AS 'SELECT now() + make_interval(secs => ${seconds})'`
    )

  const { rows } = await database.run<{ name: string }>(
    'test.expiring',
    `SELECT DISTINCT c.relname AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
       AND a.attname IN ('expires_at', 'window_end') ORDER BY name`
  )
  const expiring = rows.map(({ name }) => name).filter(name => !othersCare.includes(name))
  async function counts(tables = expiring): Promise<Record<string, number>> {
    const { rows } = await database.run<Record<string, number>>(
      `test.counts.${tables.length}`,
      `SELECT ${tables.map(table => `(SELECT count(*)::int FROM ${table}) AS ${table}`)}`
    )
    return rows[0] ?? {}
  }

  const client = { issuer, clientId: 'web', clientSecret: secretOf('web') }
  const { config, tokens } = await signIn({
    ...client,
    ...person,
    redirectUri,
    scope: 'openid offline_access',
    extra: { prompt: 'consent' }
  })
  await tokenRevocation(config, tokens.access_token)
  await initiateDeviceAuthorization(await discover({ issuer, clientId: 'tv' }), { scope: 'openid' })
  const wrong = signIn({ ...client, ...person, password: 'wrong', redirectUri, scope: 'openid' })
  await t.rejects(wrong, /stopped at/)
  const replay = createReplayStore({ sql: database })
  await replay.claim('DPoP proof', 'web', 'a-jti', 60)
  await issueInitialAccessToken(database, { lifetimeSeconds: 3600 })
  await createClientDocumentStore(database).claim(
    { clientId: 'https://app.example.com/c', host: 'app.example.com', source: '192.0.2.1' },
    { perHost: 1, perSource: 1, total: 1 }
  )

  const managed = createManagedGrantStore({ sql: database })
  const begun = { id: newManagedGrantId(), accountId, clientId: 'web' }
  await database.pipeline([managed.createStatement(begun)])

  await database.run(
    'test.backchannel',
    `INSERT INTO backchannel_requests (account_id, client_id, bucket, artifact, expires_at, kept_until)
      VALUES ($1, 'web', 0, '', clock_time() + interval '1 minute', clock_time() + interval '1 minute')`,
    [accountId]
  )
  await database.run(
    'test.ping',
    `INSERT INTO ping_notices (id, client_id, account_id, sealed, expires_at, due_at)
      VALUES (gen_random_uuid(), 'web', $1, '', clock_time() + interval '1 minute', clock_time() + interval '1 day')`,
    [accountId]
  )

  await createPendingSignInStore({ sql: database }).save(
    randomBytes(32),
    { accountId, amr: ['pwd'] },
    600
  )

  const away = createUpstreamRequestStore({ sql: database })
  const [id, sealed] = [randomBytes(32), randomBytes(32)]
  await away.begin({ id, browser: id, upstream: 'work', sealed }, 600)
  await away.offer(id, sealed, 600)
  await database.run(
    'test.mail',
    `INSERT INTO mails (kind, recipient, expires_at, due_at)
      VALUES ('reset', 'ada@example.com', clock_time() + interval '1 minute', clock_time() + interval '1 day')`
  )
  await database.run(
    'test.link',
    `INSERT INTO mail_links (id, purpose, account_id, expires_at)
      VALUES ('\\x01', 'reset', $1, clock_time() + interval '1 minute')`,
    [accountId]
  )
  await database.run(
    'test.outbox',
    `INSERT INTO outbox_mails (id, sealed, expires_at)
      VALUES (gen_random_uuid(), '', clock_time() + interval '1 minute')`
  )

  const before = await counts()
  for (const table of expiring) t.not(before[table], 0, `${table} has rows`)
  t.same(await work(), { dropped: 0, deleted: 0 }, 'nothing has expired yet')
  t.same(await counts(), before)

  await turnClock(3 * 3600)
  t.ok((await work()).dropped >= 2, 'the hours of what has expired')
  const later = await counts()
  t.match(later, { artifacts: 0, user_codes: 0, replay_records: 0, denied_tokens: 0, attempts: 0 })
  t.equal(later['document_fetches'], 0)
  for (const table of ['sessions', 'session_clients', 'grants', 'refresh_families']) {
    t.equal(later[table], before[table], `${table}: what lives stays`)
  }
  const refreshed = await refreshTokenGrant(config, tokens.refresh_token ?? '')
  t.ok(refreshed.access_token)

  const kept = await counts(['accounts', 'clients', 'client_secrets', 'consents', 'signing_keys'])
  await turnClock(400 * day)
  await work()
  t.same(await counts(), Object.fromEntries(expiring.map(table => [table, 0])))
  t.same(await counts(Object.keys(kept)), kept)
})

t.test('one process sweeps; another one follows when it dies', async t => {
  const { database } = await createTestDatabase(t)
  const sweeper = createSweeper({ sql: database })
  const swept = { first: 0, second: 0 }
  const job = (name: keyof typeof swept) =>
    startSweeping({
      sweeper: {
        lead: sweeper.lead,
        async sweep() {
          swept[name] += 1
          return sweeper.sweep()
        }
      },
      log: { warn: (_data, message) => t.fail(message) },
      everySeconds: 0.02,
      leaseSeconds: 0.5
    })
  const first = job('first')
  t.teardown(() => first.end())
  while (swept.first === 0) await sleep(5)
  const second = job('second')
  t.teardown(() => second.end())
  const already = swept.first
  while (swept.first < already + 10) await sleep(5)
  t.equal(swept.second, 0, 'the lease is renewed by whoever has it')
  await first.end()
  while (swept.second === 0) await sleep(5)
  const atEnd = swept.first
  while (swept.second < 5) await sleep(5)
  t.equal(swept.first, atEnd)
})
