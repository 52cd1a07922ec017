// A new master key on a real PostgreSQL: everything is sealed anew in place, in batches, and can be broken off anywhere. Refuses to
// overwrite what changed meanwhile. The list of sealed columns is held to the schema.

import { t as root, test } from 'tap'
import type { ClientMetadata } from '../../src/clients/client.ts'
import { openSecret, sealSecret } from '../../src/clients/sealed-secrets.ts'
import { createResealer, isResealed } from '../../src/keys/reseal.ts'
import { createSealer } from '../../src/lib/seal.ts'
import { createClientStore } from '../../src/store/clients.ts'
import type { Queries } from '../../src/store/database.ts'
import { sealedColumns } from '../../src/store/sealed-columns.ts'
import { createTestDatabase } from '../support/postgres.ts'
import { createKeyProcess, emptyKeys, masterKey } from './rotation-support.ts'

const { database } = await createTestDatabase(root)
const newKey = Buffer.alloc(32, 9)
const before = createSealer({ masterKey })
const during = createSealer({ masterKey: newKey, previous: [masterKey] })
const after = createSealer({ masterKey: newKey })
const rows = 220

/** Keys, secrets, and so many sessions and artifacts that there is more than one batch of each. */
async function seed() {
  await emptyKeys(database)
  const process = createKeyProcess(database)
  await process.start([{ purpose: 'access_token', alg: 'ES256' }])
  await process.secrets.ensure(['cookie', 'rotation'])
  for (const table of ['sessions', 'artifacts']) {
    await database.run(`test.empty.${table}`, `DELETE FROM ${table}`)
  }
  await database.run('test.empty.clients', 'DELETE FROM clients')
  await createClientStore({ sql: database }).insert({
    clientId: 'hmac',
    type: 'machine',
    owner: 'cli',
    metadata: {},
    seeded: false
  })
  const secret = { secret: 'a secret of 43 characters', digest: Buffer.alloc(32, 1) }
  const metadata = { token_endpoint_auth_method: 'client_secret_jwt' } as ClientMetadata
  const sealed = await sealSecret(async () => before, { clientId: 'hmac', metadata }, secret)
  await createClientStore({ sql: database }).putSecret('hmac', secret.digest, sealed)
  for (let index = 0; index < rows; index++) {
    const id = Buffer.alloc(32)
    id.writeUInt32BE(index)
    const sealedIn = (table: string) =>
      before.seal(`${table} ${index}`, { table, column: 'sealed', key: id.toString('hex') })
    await database.run(
      'test.session',
      `INSERT INTO sessions (id, uid, payload, sealed, expires_at) VALUES ($1, $2, '{}', $3, clock_time() + interval '1 day')`,
      [id, String(index), sealedIn('sessions')]
    )
    await database.run(
      'test.artifact',
      // the bucket of what does not expire: always there
      `INSERT INTO artifacts (bucket, id, kind, payload, sealed) VALUES (0, $1, 'Interaction', '{}', $2)`,
      // every other one has nothing that would open something
      [id, index % 2 === 0 ? sealedIn('artifacts') : null]
    )
  }
}

test('every column that holds sealed values is walked', async t => {
  const { rows } = await database.run<{ table: string }>(
    'test.sealed',
    // partitions are walked with the table that they are of
    `SELECT c.relname AS table FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
      WHERE c.relnamespace = 'public'::regnamespace AND a.attname = 'sealed' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      ORDER BY 1`
  )
  t.same(
    rows.map(({ table }) => table),
    sealedColumns.map(({ table }) => table).sort()
  )
})

test('everything is sealed anew, and the key of before opens nothing any more', async t => {
  await seed()
  const resealer = createResealer({ sql: database, seal: during })
  const looked = await resealer.walk('look')
  t.same(
    looked.map(({ table, remaining }) => [table, remaining]),
    [
      ['signing_keys', 1],
      ['server_secrets', 2],
      ['client_secrets', 1],
      ['totp_factors', 0],
      ['recovery_code_sets', 0],
      ['sessions', rows],
      ['artifacts', rows / 2],
      ['ping_notices', 0],
      ['upstream_requests', 0],
      ['upstream_offers', 0],
      ['mails', 0],
      ['outbox_mails', 0]
    ]
  )
  t.notOk(isResealed(looked))
  const walked = await resealer.walk('reseal')
  t.same(
    walked.map(({ table, resealed }) => [table, resealed]),
    looked.map(({ table, remaining }) => [table, remaining])
  )
  t.ok(isResealed(walked))
  t.ok((await resealer.walk('reseal')).every(({ resealed }) => resealed === 0))
  const { rows: told } = await database.run<{ data: object }>(
    'test.told',
    "SELECT data FROM audit_events WHERE type = 'master_key.replaced'"
  )
  t.same(told, [{ data: { values: 4 + rows * 1.5 } }])

  const anew = createKeyProcess(database, { sealer: after })
  await anew.ring.load()
  await anew.secrets.load()
  t.equal(anew.ring.keys().length, 1)
  const { rows: sessions } = await database.run<{ id: Buffer; sealed: Buffer }>(
    'test.sessions',
    'SELECT id, sealed FROM sessions ORDER BY id'
  )
  for (const [index, { id, sealed }] of sessions.entries()) {
    const context = { table: 'sessions', column: 'sealed', key: id.toString('hex') }
    t.equal(after.open(sealed, context).toString(), `sessions ${index}`)
  }
  const stored = await createClientStore({ sql: database }).find('hmac')
  const [secret] = stored?.secrets ?? []
  t.equal(secret && openSecret(after, 'hmac', secret)?.toString(), 'a secret of 43 characters')
  t.throws(
    () =>
      createSealer({ masterKey }).open(sessions[0]?.sealed ?? Buffer.alloc(0), {
        table: 'sessions',
        column: 'sealed',
        key: sessions[0]?.id.toString('hex') ?? ''
      }),
    { code: 'seal_broken' }
  )
})

test('a walk that was broken off goes on, and every value opens in between', async t => {
  await seed()
  let left = 4
  const dying: Queries = {
    run: async (name, text, values) => {
      if (name.startsWith('sealed.replace') && --left < 0) throw new Error('the process died')
      return database.run(name, text, values)
    }
  }
  await t.rejects(createResealer({ sql: dying, seal: during }).walk('reseal'), /died/)
  const half = createKeyProcess(database, { sealer: during })
  await half.ring.load()
  await half.secrets.load()
  const walked = await createResealer({ sql: database, seal: during }).walk('reseal')
  t.ok(isResealed(walked))
  const resealed = walked.reduce((sum, each) => sum + each.resealed, 0)
  t.ok(resealed > 0 && resealed < rows * 1.5, 'the rest, and only the rest')
})

test('what is written in the middle of a walk stays as it was written', async t => {
  await seed()
  const written = after.seal('written meanwhile', {
    table: 'sessions',
    column: 'sealed',
    key: Buffer.alloc(32).toString('hex')
  })
  let batches = 0
  const racing: Queries = {
    run: async (name, text, values) => {
      if (name === 'sealed.replace.sessions.sealed' && ++batches === 1) {
        await database.run('test.write', 'UPDATE sessions SET sealed = $1 WHERE id = $2', [
          written,
          Buffer.alloc(32)
        ])
      }
      return database.run(name, text, values)
    }
  }
  await createResealer({ sql: racing, seal: during }).walk('reseal')
  const { rows } = await database.run<{ sealed: Buffer }>(
    'test.written',
    'SELECT sealed FROM sessions WHERE id = $1',
    [Buffer.alloc(32)]
  )
  t.same(rows[0]?.sealed, written)
})

test('a row that a request holds makes nobody wait, and is sealed anew in the next walk', async t => {
  await seed()
  const resealer = createResealer({ sql: database, seal: during })
  await database.transaction(async tx => {
    await tx.run('test.hold', 'SELECT FROM sessions WHERE id = $1 FOR UPDATE', [Buffer.alloc(32)])
    const walked = await resealer.walk('reseal')
    t.equal(walked.find(({ table }) => table === 'sessions')?.remaining, 1)
    t.notOk(isResealed(walked))
  })
  const walked = await resealer.walk('reseal')
  t.equal(walked.find(({ table }) => table === 'sessions')?.resealed, 1)
  t.ok(isResealed(walked))
})

test('what opens with no key that is configured is told, and left alone', async t => {
  await seed()
  const lost = createSealer({ masterKey: newKey, previous: [Buffer.alloc(32, 1)] })
  const walked = await createResealer({ sql: database, seal: lost }).walk('reseal')
  t.same(
    walked.map(({ resealed, unreadable }) => [resealed, unreadable]),
    [
      [0, 1],
      [0, 2],
      [0, 1],
      [0, 0],
      [0, 0],
      [0, rows],
      [0, rows / 2],
      [0, 0],
      [0, 0],
      [0, 0],
      [0, 0],
      [0, 0]
    ]
  )
  await createKeyProcess(database).ring.load()
})
