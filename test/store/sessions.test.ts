// Sign-in sessions: what ended is never written back, and parallel tabs agree.

import { randomBytes, randomUUID } from 'node:crypto'
import t from 'tap'
import { createSessionStore } from '../../src/store/sessions.ts'
import { createTestDatabase } from '../support/postgres.ts'
import { addParties, turnClock } from './rows.ts'

const { database } = await createTestDatabase(t)
const sessions = createSessionStore({ sql: database })

async function add(accountId: string | undefined = undefined, lifetimeSeconds = 100) {
  const session = {
    id: randomBytes(32),
    uid: randomUUID(),
    accountId,
    payload: { loginTs: 1 },
    sealed: undefined,
    lifetimeSeconds
  }
  await database.pipeline([sessions.insertStatement(session)])
  return session
}

t.test('a session that ended meanwhile is not written back', async t => {
  const session = await add()
  t.match(await sessions.find(session.id), { uid: session.uid, payload: { loginTs: 1 } })
  await database.pipeline(sessions.endStatements(session.uid))
  await database.pipeline([sessions.updateStatement(session, session.id)])
  t.equal(await sessions.find(session.id), undefined)
  t.equal(await sessions.findByUid(session.uid), undefined)
})

t.test('a new identifier takes the row over; the old one is found no more', async t => {
  const session = await add()
  const renewed = { ...session, id: randomBytes(32), payload: { loginTs: 2 } }
  await database.pipeline([sessions.updateStatement(renewed, session.id)])
  t.equal(await sessions.find(session.id), undefined)
  t.match(await sessions.findByUid(session.uid), { id: renewed.id, payload: { loginTs: 2 } })
  const stolen = { ...session, uid: randomUUID() }
  await database.pipeline([sessions.updateStatement(stolen, renewed.id)])
  t.match(await sessions.find(renewed.id), { uid: session.uid }, 'nor is it taken by another uid')
})

t.test('parallel tabs keep each other’s clients, and agree on one sid for each (D-24)', async t => {
  const session = await add()
  const tab = (clientId: string, sid: string) =>
    sessions.clientStatement({
      uid: session.uid,
      clientId,
      sid,
      grantId: undefined,
      lifetimeSeconds: 100
    })
  const tabs = ['a', 'b', 'c', 'a', 'a'].map((client, at) =>
    database.pipeline([tab(client, `${at}`)])
  )
  await Promise.all(tabs)
  const first = (await sessions.find(session.id))?.clients ?? []
  t.same(first.map(({ clientId }) => clientId).sort(), ['a', 'b', 'c'])
  await database.pipeline([tab('a', 'later')])
  const sids = (clients: typeof first) =>
    clients.map(({ clientId, sid }) => `${clientId} ${sid}`).sort()
  t.same(sids((await sessions.find(session.id))?.clients ?? []), sids(first))
  await database.pipeline(sessions.endStatements(session.uid))
  const left = await database.run(
    'test.clients',
    'SELECT FROM session_clients WHERE session_uid = $1',
    [session.uid]
  )
  t.equal(left.rowCount, 0)
})

t.test(
  'expired, of a disabled account, or from before “sign out everywhere”: not found',
  async t => {
    t.teardown(() => turnClock(database, 0))
    const { accountId } = await addParties(database)
    const session = await add(accountId)
    const set = (name: string, text: string) =>
      database.run(`test.${name}`, `UPDATE accounts SET ${text} WHERE id = $1`, [accountId])
    t.ok(await sessions.find(session.id))
    await set('disable', 'disabled_at = clock_time()')
    t.equal(await sessions.find(session.id), undefined)
    t.equal(await sessions.findByUid(session.uid), undefined)
    await set('enable', 'disabled_at = NULL')
    await set('everywhere', 'valid_after = clock_time()')
    t.equal(await sessions.find(session.id), undefined)
    t.ok(await sessions.find((await add(accountId)).id), 'a new one is')
    const short = await add(undefined, 10)
    await turnClock(database, 11)
    t.equal(await sessions.find(short.id), undefined)
  }
)

t.test('signing in begins the session anew: “everywhere” before it does not end it', async t => {
  const { accountId } = await addParties(database)
  const session = await add()
  await database.run('test.after', 'UPDATE accounts SET valid_after = clock_time() WHERE id = $1', [
    accountId
  ])
  await database.pipeline([sessions.updateStatement({ ...session, accountId }, session.id)])
  t.ok(await sessions.find(session.id))
})
