// What turns a bit of a status list on: whatever ends the grant or the client's tokens, in the same transaction, and nothing else. Each way is
// also judged as introspection judges it, so that the two agree.

import { randomUUID } from 'node:crypto'
import t from 'tap'
import { endAccount, endClients } from '../../src/store/ending.ts'
import { createGrantStore, grantHandle } from '../../src/store/grants.ts'
import { createSessionStore } from '../../src/store/sessions.ts'
import { createStatusListStore } from '../../src/store/status-lists.ts'
import { createSweeper } from '../../src/store/sweep.ts'
import { createTestDatabase } from '../support/postgres.ts'
import { createListedRows, type ListedGrant } from './listed-rows.ts'
import { addGrant, count, turnClock } from './rows.ts'

const { database } = await createTestDatabase(t)
const grants = createGrantStore({ sql: database })
const sessions = createSessionStore({ sql: database })
const lists = createStatusListStore({ sql: database })
const { empty, isOn, addListed, addSessionGrant } = createListedRows(database)

const update = (text: string, key: 'id' | 'accountId' | 'clientId') => (grant: ListedGrant) =>
  database.run(`test.end_${text.slice(0, 40)}`, text, [grant[key]])

const endings: [string, (grant: ListedGrant) => Promise<unknown>][] = [
  ['it is revoked', ({ id }) => database.pipeline(grants.revokeStatements(id))],
  ['it is deleted', update('DELETE FROM grants WHERE id = $1', 'id')],
  ['its account ends', ({ accountId }) => endAccount(accountId, database)],
  [
    'its account is disabled',
    update('UPDATE accounts SET disabled_at = clock_time() WHERE id = $1', 'accountId')
  ],
  ['its account is gone', update('DELETE FROM accounts WHERE id = $1', 'accountId')],
  [
    'its account signed out everywhere',
    update('UPDATE accounts SET valid_after = clock_time() WHERE id = $1', 'accountId')
  ],
  ['its client ends', ({ clientId }) => endClients([clientId], database)],
  [
    'its client is disabled',
    update('UPDATE clients SET disabled_at = clock_time() WHERE client_id = $1', 'clientId')
  ],
  [
    'its client’s tokens are refused',
    update('UPDATE clients SET tokens_not_before = clock_time() WHERE client_id = $1', 'clientId')
  ],
  ['its client is gone', update('DELETE FROM clients WHERE client_id = $1', 'clientId')]
]

for (const [why, end] of endings) {
  t.test(`the bit of a grant is on when ${why}, and nobody else’s`, async t => {
    await empty()
    const [grant, other] = [await addListed(), await addListed()]
    await end(grant)
    t.ok(await isOn(grant.entry))
    t.notOk(await isOn(other.entry))
    const state = await grants.accessTokenState({
      jti: 'any',
      handle: grantHandle(grant.id),
      clientId: grant.clientId,
      issuedAt: Date.now() / 1000 - 1
    })
    t.notOk(state.grant !== undefined && state.clientAlive, 'as introspection judges it')
  })
}

t.test('a transaction that is undone turns no bit on', async t => {
  await empty()
  const grant = await addListed()
  await t.rejects(
    database.transaction(async tx => {
      await endAccount(grant.accountId, tx)
      throw new Error('undone')
    })
  )
  t.notOk(await isOn(grant.entry))
})

t.test('a session ends the bits of its grants, and not those that survive it', async t => {
  await empty()
  for (const offline of [false, true]) {
    const signedOut = await addSessionGrant(offline)
    await database.pipeline(sessions.endStatements(signedOut.session.uid))
    t.equal(await isOn(signedOut.entry), !offline, 'signed out')

    const switched = await addSessionGrant(offline)
    const { accountId } = await addGrant(database)
    const { session } = switched
    await database.pipeline([sessions.updateStatement({ ...session, accountId }, session.id)])
    t.equal(await isOn(switched.entry), !offline, 'somebody else signed in')

    const expired = await addSessionGrant(offline)
    t.notOk(await isOn(expired.entry))
    await turnClock(database, 1001)
    t.equal(await isOn(expired.entry), !offline, 'expired, and not swept yet')
    await turnClock(database, 1100)
    await createSweeper({ sql: database }).sweep()
    t.equal(await count(database, 'sessions'), 0)
    t.equal(await isOn(expired.entry), !offline, 'swept')
    await turnClock(database, 0)
  }
})

t.test('a session that gets another identifier ends nothing', async t => {
  await empty()
  const { session, entry } = await addSessionGrant(false)
  const renamed = { ...session, id: Buffer.from(randomUUID()) }
  await database.pipeline([sessions.updateStatement(renamed, session.id)])
  t.notOk(await isOn(entry))
  const again = { ...session, id: Buffer.from(randomUUID()) }
  // the old row goes first: at the end of the transaction there is one
  await database.pipeline([sessions.destroyStatement(renamed.id), sessions.insertStatement(again)])
  t.notOk(await isOn(entry))
  await database.pipeline([sessions.destroyStatement(again.id)])
  t.ok(await isOn(entry))
})

t.test('a client’s own tokens: revoked ones keep their bit, later ones have another', async t => {
  const changes = [
    'UPDATE clients SET tokens_not_before = clock_time() WHERE client_id = $1',
    'UPDATE clients SET disabled_at = clock_time() WHERE client_id = $1'
  ]
  for (const change of changes) {
    await empty()
    const { clientId } = await addGrant(database)
    const first = await lists.assignToClient(clientId)
    t.notOk(await isOn(first))
    await database.run(`test.change_${change.length}`, change, [clientId])
    t.ok(await isOn(first))
    await database.run(
      'test.enable',
      'UPDATE clients SET disabled_at = NULL WHERE client_id = $1',
      [clientId]
    )
    const second = await lists.assignToClient(clientId)
    t.notSame(second, first)
    t.ok(await isOn(first))
    t.notOk(await isOn(second))
    await database.run('test.remove', 'DELETE FROM clients WHERE client_id = $1', [clientId])
    t.ok(await isOn(second), 'and deleting the client ends that one, too')
  }
})
