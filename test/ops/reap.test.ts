// Clients that registered themselves and that nobody uses leave by themselves, with a line in the audit trail; whoever is used stays.

import { randomBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import { reapUnusedClients } from '../../src/ops/reap.ts'
import { createArtifactStore } from '../../src/store/artifacts.ts'
import { appendAuditRow } from '../../src/store/audit.ts'
import { createGrantStore } from '../../src/store/grants.ts'
import { createUnusedClientStore } from '../../src/store/unused-clients.ts'
import { addParties, count, turnClock } from '../store/rows.ts'
import { createTestDatabase } from '../support/postgres.ts'

const day = 86_400

async function setUp(t: Test) {
  const { database } = await createTestDatabase(t)
  let made = 0
  async function addClient(owner: 'registration' | 'cli' = 'registration') {
    const clientId = `client-${++made}`
    await database.run(
      'test.add_client',
      `INSERT INTO clients (client_id, type, owner, metadata) VALUES ($1, 'web', $2, '{}')`,
      [clientId, owner]
    )
    return clientId
  }
  const left = async () => {
    const { rows } = await database.run<{ client_id: string }>(
      'test.clients',
      `SELECT client_id FROM clients WHERE client_id LIKE 'client-_' ORDER BY 1`
    )
    return rows.map(row => row.client_id)
  }
  return { database, addClient, left }
}

t.test(
  'who was used by a token, a grant, a consent or a secret stays; who was not is gone',
  async t => {
    const { database, addClient, left } = await setUp(t)
    const { accountId } = await addParties(database)
    const unused = await addClient()
    const byTool = await addClient('cli')
    const granted = await addClient()
    const grants = createGrantStore({ sql: database })
    await database.pipeline([
      grants.saveStatement({
        id: 'grant',
        accountId,
        clientId: granted,
        sessionUid: undefined,
        offline: true,
        payload: {},
        lifetimeSeconds: 90 * day
      })
    ])
    const consented = await addClient()
    await database.pipeline([
      grants.consentStatement(accountId, consented, { openid: ['openid'], resources: {} })
    ])
    const withSecret = await addClient()
    const withToken = await addClient()
    // its registration token goes with it
    await database.pipeline([
      createArtifactStore({ sql: database }).saveStatement({
        id: randomBytes(32),
        bucket: 0,
        kind: 'RegistrationAccessToken',
        grantId: undefined,
        clientId: unused,
        userCode: undefined,
        payload: {},
        sealed: undefined,
        lifetimeSeconds: undefined,
        interval: undefined
      })
    ])
    t.equal(await reapUnusedClients(database, 30 * day), 0, 'it is too early')

    await turnClock(database, 20 * day)
    await database.run(
      'test.secret',
      `INSERT INTO client_secrets (client_id, digest, last_used_at) VALUES ($1, 'x', clock_time())`,
      [withSecret]
    )
    const issued = { type: 'token.issued', outcome: 'success', clientId: withToken } as const
    await appendAuditRow(database, {
      ...issued,
      accountId: null,
      address: null,
      requestId: null,
      data: {}
    })
    await turnClock(database, 31 * day)
    t.equal(await reapUnusedClients(database, 30 * day), 1)
    t.same(await left(), [byTool, granted, consented, withSecret, withToken])
    t.equal(await count(database, 'artifacts_lasting'), 0)
    const { rows } = await database.run(
      'test.audit',
      `SELECT outcome, client_id, data FROM audit_events WHERE type = 'client.reaped'`
    )
    t.same(rows, [{ outcome: 'success', client_id: unused, data: { unusedSeconds: 30 * day } }])

    await turnClock(database, 52 * day)
    t.equal(await reapUnusedClients(database, 30 * day), 2, 'by and by the others')
    t.same(await left(), [byTool, granted, consented])
  }
)

t.test('a client that is used between the look and the deletion stays', async t => {
  const { database, addClient, left } = await setUp(t)
  const clientId = await addClient()
  await turnClock(database, 31 * day)
  const candidates = await createUnusedClientStore({ sql: database }).list(30 * day)
  t.same(candidates, [clientId])
  const raced = {
    run: database.run,
    async transaction<T>(work: Parameters<typeof database.transaction<T>>[0]) {
      await database.run('test.use', 'UPDATE clients SET updated_at = clock_time()')
      return database.transaction(work)
    }
  }
  t.equal(await reapUnusedClients(raced, 30 * day), 0)
  t.same(await left(), [clientId])
})
