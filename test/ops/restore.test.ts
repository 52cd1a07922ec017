// A backup is restored (security.md, D-25): a real dump of the rows, real requests before and after it, servers that are started anew.
// What was spent, revoked or signed out since the backup must not come back.

import { randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import t, { type Test } from 'tap'
import { openStore } from '../../src/ops/parts.ts'
import { openRestoreEpoch, restore } from '../../src/ops/restore.ts'
import { createServer } from '../../src/server.ts'
import { createDatabase, type Database } from '../../src/store/database.ts'
import { createLogger } from '../../src/telemetry/logger.ts'
import { api, basic, createProver, createRequests, nobody, spa, web } from '../protocol/requests.ts'
import { testConfig } from '../support/configuration.ts'
import { createTestDatabase } from '../support/postgres.ts'
import { freePort, masterKey, person } from '../support/server.ts'

const tables = [
  'sessions',
  'session_clients',
  'grants',
  'refresh_families',
  'artifacts',
  'denied_tokens',
  'replay_records'
]

async function backup(database: Database): Promise<void> {
  for (const table of tables) {
    await database.run(
      `test.backup.${table}`,
      `CREATE TABLE backup_${table} AS SELECT * FROM ${table}`
    )
  }
}

/** The rows as they were; the epoch, too, since it is among them. */
async function putBack(database: Database): Promise<void> {
  await database.run('test.epoch', `DELETE FROM settings WHERE name = 'restore'`)
  for (const table of tables.toReversed()) {
    await database.run(`test.empty.${table}`, `DELETE FROM ${table}`)
  }
  for (const table of tables) {
    await database.run(
      `test.restore.${table}`,
      `INSERT INTO ${table} SELECT * FROM backup_${table}`
    )
  }
  await database.run(
    'test.begin',
    `INSERT INTO settings (name, value) VALUES ('restore', '{"epoch": 1}')`
  )
}

/** Servers on one database, one after the other, under one issuer. */
async function createScene(t: Test, clients: object[] = []) {
  const { url } = await createTestDatabase(t)
  const port = await freePort()
  const issuer = `http://localhost:${port}`
  const config = testConfig(issuer, { clients })

  async function serve<T>(
    configured: number,
    work: (scene: { requests: ReturnType<typeof createRequests>; database: Database }) => Promise<T>
  ): Promise<T> {
    const log = createLogger({ level: 'silent' })
    const store = openStore({ url, directUrl: url, pool: 5, log })
    await store.feed.ready()
    try {
      const restored = await openRestoreEpoch(store.database, { configured, folder: undefined })
      const server = await createServer({ config, masterKey, store, log, restored })
      try {
        await server.clients.reconcile(config.clients, { from: 'key', value: 1 })
        await server.accounts.service.create({ ...person, name: 'Ada' }, 'cli')
        await server.app.listen({ port, host: '127.0.0.1' })
        return await work({
          requests: createRequests({ issuer, store }),
          database: store.database
        })
      } finally {
        await server.close()
      }
    } finally {
      await store.end()
    }
  }

  async function withDatabase<T>(work: (database: Database) => Promise<T>): Promise<T> {
    const database = createDatabase({ url, pool: 2 })
    try {
      return await work(database)
    } finally {
      await database.end()
    }
  }
  return { serve, withDatabase, issuer }
}

const offline = { scope: 'openid offline_access', extra: { prompt: 'consent' } }
const refused = { status: 400, body: { error: 'invalid_grant' } }

t.test('after a restore nothing that was spent or revoked since comes back (D-25)', async t => {
  const { serve, withDatabase } = await createScene(t)
  const before = await serve(1, async ({ requests, database }) => {
    const spent = await requests.tokens(offline)
    const ended = await requests.tokens(offline)
    const idle = await requests.tokens(offline)
    const code = await requests.code()
    const machine = await requests.machine('billing')
    await backup(database)

    const rotated = await requests.refresh(web, spent.refresh_token)
    t.equal(rotated.status, 200)
    await requests.revoke(web.caller, ended.refresh_token)
    await requests.revoke(web.caller, idle.access_token)
    t.equal((await requests.redeem(code)).status, 200)
    await requests.signOut(requests.ada)
    return { spent, ended, idle, code, machine: machine.body, rotated: rotated.body }
  })
  await withDatabase(putBack)

  await t.rejects(
    serve(2, async () => undefined),
    { code: 'configuration_invalid', message: /mintmark restore/ },
    'the server says what to do'
  )
  await t.rejects(
    withDatabase(database =>
      restore(database, { configured: 1, folder: undefined }, 'end families')
    ),
    { code: 'configuration_invalid', message: /MINTMARK_RESTORE_EPOCH\) to 2/ }
  )
  await serve(1, async ({ database }) => {
    await t.rejects(
      restore(database, { configured: 2, folder: undefined }, 'end families'),
      { code: 'busy', message: /Stop them first/ },
      'not beside a server that remembers'
    )
  })
  const source = { configured: 2, folder: undefined }
  t.match(await withDatabase(database => restore(database, source, 'end families')), {
    epoch: 2,
    families: 3
  })
  await t.rejects(
    serve(1, async () => undefined),
    { code: 'configuration_invalid', message: /to 2/ },
    'nobody goes on with the old epoch'
  )

  await serve(2, async ({ requests, database }) => {
    const { spent, ended, idle, rotated, code, machine } = before
    for (const token of [spent, ended, idle, rotated]) {
      t.match(await requests.refresh(web, token.refresh_token), refused)
      t.equal((await requests.userinfo(token.access_token)).status, 401)
    }
    t.match(await requests.redeem(code), refused)
    t.match(await requests.introspect(web.caller, idle.access_token), { body: { active: false } })
    const introspected = await requests.introspect(basic('billing'), machine.access_token)
    t.match(introspected, { status: 200, body: { active: false } }, 'machine tokens, too')
    const { rows } = await database.run(
      'test.event',
      `SELECT data FROM audit_events WHERE type = 'database.restored'`
    )
    t.match(rows, [{ data: { epoch: 2, families: 3 } }])

    const again = await requests.tokens(offline)
    t.equal((await requests.refresh(web, again.refresh_token)).status, 200, 'and all goes on')
    t.equal((await requests.machine('billing', { resource: api })).status, 200)
  })
})

t.test('families may be kept: those that rotated since end at their first sight', async t => {
  const { serve, withDatabase } = await createScene(t)
  const before = await serve(1, async ({ requests, database }) => {
    const [honest, thief, idle] = [
      await requests.tokens(offline),
      await requests.tokens({ ...offline, app: spa }),
      await requests.tokens(offline)
    ]
    await backup(database)
    const rotated = (await requests.refresh(web, honest.refresh_token)).body
    const stolen = (await requests.refresh(spa, thief.refresh_token)).body
    return { idle, rotated, honest, thief, stolen }
  })
  await withDatabase(putBack)
  const source = { configured: 2, folder: undefined }
  t.match(await withDatabase(database => restore(database, source, 'keep families')), {
    epoch: 2,
    families: 0
  })
  await serve(2, async ({ requests }) => {
    t.equal((await requests.refresh(web, before.idle.refresh_token)).status, 200, 'goes on')
    t.equal((await requests.userinfo(before.idle.access_token)).status, 401, 'by a new token')
    t.match(await requests.refresh(web, before.rotated.refresh_token), refused)
    t.match(await requests.refresh(web, before.honest.refresh_token), refused, 'the family is over')

    // whoever copied the token that was spent after the backup comes first
    const forked = await requests.refresh(spa, before.thief.refresh_token)
    t.equal(forked.status, 200)
    t.not(forked.body.refresh_token, before.stolen.refresh_token, 'never the same token twice')
    t.match(await requests.refresh(spa, before.stolen.refresh_token), refused)
    t.match(await requests.refresh(spa, forked.body.refresh_token), refused, 'and is found out')
  })
})

t.test('what was used once before a restore is not taken again after it (RFC 7523 §3)', async t => {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' }] }
  const signer = {
    client_id: 'signer',
    type: 'machine',
    token_endpoint_auth_method: 'private_key_jwt',
    jwks
  }
  const { serve, withDatabase, issuer } = await createScene(t, [signer])
  const seconds = () => Math.floor(Date.now() / 1000)
  const assertion = (iat: number | undefined) =>
    new SignJWT({
      iss: 'signer',
      sub: 'signer',
      aud: issuer,
      jti: randomUUID(),
      exp: seconds() + 120,
      ...(iat === undefined ? {} : { iat })
    })
      .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
      .sign(privateKey)
  const prover = await createProver()
  const [dated, undated, proof] = [
    await assertion(seconds()),
    await assertion(undefined),
    await prover.proof({ url: `${issuer}/oauth/token` })
  ]
  const grant = { grant_type: 'client_credentials' }
  type Requests = ReturnType<typeof createRequests>
  const asserted = (requests: Requests, client_assertion: string) =>
    requests.token(nobody, {
      ...grant,
      client_assertion,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
    })
  const proved = (requests: Requests, dpop: string) =>
    requests.token(basic('billing'), grant, { dpop })

  await serve(1, async ({ requests, database }) => {
    await backup(database)
    t.equal((await asserted(requests, dated)).status, 200)
    t.equal((await asserted(requests, undated)).status, 200)
    t.equal((await proved(requests, proof)).status, 200)
  })
  await withDatabase(putBack)
  const source = { configured: 2, folder: undefined }
  await withDatabase(database => restore(database, source, 'keep families'))
  await serve(2, async ({ requests }) => {
    t.match(await asserted(requests, dated), { status: 401, body: { error: 'invalid_client' } })
    t.match(await asserted(requests, undated), { status: 401, body: { error: 'invalid_client' } })
    t.match(await proved(requests, proof), { status: 400, body: { error: 'invalid_dpop_proof' } })

    // the second in which the restore was done must be over
    const ahead = seconds() + 1
    const claims = { iat: ahead }
    t.equal((await asserted(requests, await assertion(ahead))).status, 200)
    const url = `${issuer}/oauth/token`
    t.equal((await proved(requests, await prover.proof({ url, claims }))).status, 200)
  })
})
