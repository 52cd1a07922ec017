// Grants: who may still do what, in one read. Every condition that ends a grant is tried alone.

import { randomUUID } from 'node:crypto'
import t from 'tap'
import { createClientStore } from '../../src/store/clients.ts'
import { clientGeneration, createGrantStore, grantHandle } from '../../src/store/grants.ts'
import {
  createManagedGrantStore,
  endManagedGrants,
  newManagedGrantId
} from '../../src/store/managed-grants.ts'
import { createRefreshFamilyStore } from '../../src/store/refresh-families.ts'
import { createSessionStore } from '../../src/store/sessions.ts'
import { createTestDatabase } from '../support/postgres.ts'
import { addGrant, addParties, count, turnClock } from './rows.ts'

const { database } = await createTestDatabase(t)
const grants = createGrantStore({ sql: database })
const sessions = createSessionStore({ sql: database })
const now = () => Math.floor(Date.now() / 1000)

async function addSession(accountId: string) {
  const session = {
    id: Buffer.from(randomUUID()),
    uid: randomUUID(),
    accountId,
    payload: {},
    sealed: undefined,
    lifetimeSeconds: 1000
  }
  await database.pipeline([sessions.insertStatement(session)])
  return session
}

type Grant = Awaited<ReturnType<typeof addGrant>>
const update = (text: string, key: 'id' | 'accountId' | 'clientId') => (grant: Grant) =>
  database.run(`test.${text}`, text, [grant[key]])

const endings: [string, (grant: Grant) => Promise<unknown>][] = [
  ['it is revoked', ({ id }) => database.pipeline(grants.revokeStatements(id))],
  ['it has expired', update(`UPDATE grants SET expires_at = clock_time() WHERE id = $1`, 'id')],
  [
    'its account is disabled',
    update('UPDATE accounts SET disabled_at = now() WHERE id = $1', 'accountId')
  ],
  ['its account is gone', update('DELETE FROM accounts WHERE id = $1', 'accountId')],
  [
    'its account signed out everywhere',
    update('UPDATE accounts SET valid_after = now() WHERE id = $1', 'accountId')
  ],
  ['its client is gone', update('DELETE FROM clients WHERE client_id = $1', 'clientId')]
]

for (const [why, end] of endings) {
  t.test(`a grant does not live when ${why}, and nor do its access tokens`, async t => {
    const grant = await addGrant(database)
    const token = {
      jti: randomUUID(),
      handle: grantHandle(grant.id),
      clientId: grant.clientId,
      issuedAt: now()
    }
    t.match(await grants.find(grant.id), { id: grant.id, accountId: grant.accountId })
    t.match(await grants.accessTokenState(token), { denied: false, grant: { id: grant.id } })
    await end(grant)
    t.equal(await grants.find(grant.id), undefined)
    t.equal((await grants.accessTokenState(token)).grant, undefined)
  })
}

t.test(
  'without offline_access a grant lives while its session lives; an offline one survives it',
  async t => {
    for (const offline of [false, true]) {
      const grant = await addGrant(database, { offline })
      const session = await addSession(grant.accountId)
      await database.run('test.session', 'UPDATE grants SET session_uid = $2 WHERE id = $1', [
        grant.id,
        session.uid
      ])
      t.ok(await grants.find(grant.id))
      await database.pipeline(sessions.endStatements(session.uid))
      t.equal((await grants.find(grant.id)) !== undefined, offline)
    }
  }
)

t.test('a session of somebody else keeps no grant alive', async t => {
  const grant = await addGrant(database, { offline: false })
  const { uid } = await addSession((await addParties(database)).accountId)
  await database.run('test.session', 'UPDATE grants SET session_uid = $2 WHERE id = $1', [
    grant.id,
    uid
  ])
  t.equal(await grants.find(grant.id), undefined)
})

t.test('saving a revoked grant again does not revive it', async t => {
  const grant = await addGrant(database)
  await database.pipeline(grants.revokeStatements(grant.id))
  await database.pipeline([grants.saveStatement(grant)])
  t.equal(await grants.find(grant.id), undefined)
})

t.test(
  'the handle in an access token is not the grant’s id, and belongs to one client',
  async t => {
    const grant = await addGrant(database)
    t.not(grantHandle(grant.id), grant.id)
    t.equal(await grants.find(grantHandle(grant.id)), undefined)
    const state = (clientId: string, handle: string) =>
      grants.accessTokenState({ jti: 'x', handle, clientId, issuedAt: now() })
    t.equal((await state('another', grantHandle(grant.id))).grant, undefined)
    t.equal((await state(grant.clientId, grant.id)).grant, undefined)
  }
)

t.test('a machine token lives while its client does, and was not ended since', async t => {
  const { clientId } = await addParties(database)
  const issuedAt = now()
  const alive = async (generation?: string, at = issuedAt) =>
    (
      await grants.accessTokenState({
        ...{ jti: 'm', handle: undefined, clientId, issuedAt: at, generation }
      })
    ).clientAlive
  t.ok(await alive())
  const set = (text: string) =>
    database.run(`test.${text}`, `UPDATE clients SET ${text} WHERE client_id = $1`, [clientId])
  const generation = async () => {
    const stored = await createClientStore({ sql: database }).find(clientId)
    return clientGeneration(clientId, stored?.tokensNotBefore)
  }
  t.equal(await generation(), undefined)
  await set('tokens_not_before = clock_time()')
  const second = await generation()
  t.notOk(await alive())
  t.notOk(await alive(undefined, now() + 3600), 'whatever the clock said that stamped it')
  t.ok(await alive(second, issuedAt - 3600))
  await set("tokens_not_before = clock_time() + interval '1 second'")
  t.notOk(await alive(second))
  t.ok(await alive(await generation()))
  await set('disabled_at = clock_time()')
  t.notOk(await alive(await generation()))
})

t.test('a token is denied alone, and denying twice is no error (RFC 7009 §2.2)', async t => {
  const { clientId } = await addParties(database)
  const denied = async (jti: string) =>
    (await grants.accessTokenState({ jti, handle: undefined, clientId, issuedAt: now() })).denied
  await Promise.all([1, 2].map(() => database.pipeline([grants.denyStatement('one', 60)])))
  t.ok(await denied('one'))
  t.notOk(await denied('two'))
  t.equal(await count(database, 'denied_tokens'), 1)
})

t.test('consent adds up, also when two pages say yes at once', async t => {
  const { accountId, clientId } = await addParties(database)
  t.equal(await grants.findConsent(accountId, clientId), undefined)
  const say = (openid: string[], resources: Record<string, string[]>) =>
    database.pipeline([grants.consentStatement(accountId, clientId, { openid, resources })])
  await Promise.all([
    say(['openid', 'email'], { 'https://a.example': ['read'] }),
    say(['openid', 'profile'], { 'https://a.example': ['write'], 'https://b.example': ['read'] })
  ])
  await say([], {})
  const consented = await grants.findConsent(accountId, clientId)
  t.same(consented?.openid.toSorted(), ['email', 'openid', 'profile'])
  t.same(consented?.resources['https://a.example']?.toSorted(), ['read', 'write'])
  t.same(consented?.resources['https://b.example'], ['read'])
})

t.test('how long a grant lives is told by the database’s clock', async t => {
  t.teardown(() => turnClock(database, 0))
  const { id } = await addGrant(database, { lifetimeSeconds: 100 })
  await turnClock(database, 40)
  const { remainingSeconds = 0 } = (await grants.find(id)) ?? {}
  t.ok(remainingSeconds > 50 && remainingSeconds <= 60)
  await turnClock(database, 101)
  t.equal(await grants.find(id), undefined)
})

t.test('a managed grant is changed once from one state, and what was before it ends', async t => {
  const { accountId, clientId } = await addParties(database)
  const managed = createManagedGrantStore({ sql: database })
  const families = createRefreshFamilyStore({ sql: database })
  const id = newManagedGrantId()
  await database.pipeline([managed.createStatement({ id, accountId, clientId })])
  const begin = async (base: number, scope: string) => {
    const grantId = `grant-${randomUUID()}`
    const family = { bucket: Math.floor(now() / 86_400) + 30, id: randomUUID() }
    const common = { accountId, clientId, sessionUid: undefined }
    await database.pipeline([
      grants.saveStatement({
        ...{ ...common, id: grantId, offline: true, payload: { openid: { scope } } },
        ...{ lifetimeSeconds: 1000, managed: { id, base } }
      }),
      families.insertStatement({
        ...{ ...common, ...family, grantId, payload: {}, jkt: undefined, certificate: undefined },
        ...{ currentHash: Buffer.from(family.id), successorSalt: Buffer.from('salt') },
        ...{ successorKeyVersion: 1, absoluteSeconds: 1000, idleSeconds: 1000 }
      })
    ])
    return { grantId, family }
  }
  const claim = ({ grantId }: { grantId: string }) =>
    database.pipeline(managed.claimStatements(id, grantId))
  const ended = async ({ family }: { family: { bucket: number; id: string } }) =>
    (await families.find(family))?.row.revoked

  t.equal(await managed.find(id, clientId), undefined, 'nobody has redeemed a code')
  const first = await begin(0, 'openid')
  await claim(first)
  t.match(await managed.find(id, clientId), {
    revision: 1,
    content: { openid: { scope: 'openid' } }
  })
  t.equal(await managed.find(id, 'another'), undefined)

  const rivals = [await begin(1, 'openid email'), await begin(1, 'openid profile')]
  const outcomes = await Promise.allSettled(rivals.map(claim))
  const lost = outcomes.filter(outcome => outcome.status === 'rejected')
  t.match(lost, [{ reason: { what: 'grant_changed' } }])
  t.equal(await ended(first), true)
  t.same((await Promise.all(rivals.map(ended))).sort(), [false, true])
  t.match(await managed.find(id, clientId), { revision: 2 })
  await t.rejects(claim(first), /grant_changed/, 'a state of before')

  const { managed: gone } = await database.transaction(tx => endManagedGrants(tx, { id, clientId }))
  t.match(gone, [{ id, accountId }])
  const late = await begin(2, 'openid')
  await t.rejects(claim(late), /grant_changed/, 'it was given up meanwhile')
})
