// Whoever ends something at the same moment as others waits for them, and never in a circle: all ways of revoking, each on a connection of its
// own, with room between the statements for the others. PostgreSQL counts the circles that it had to break.

import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createGrantAdministration } from '../../src/grants/administer.ts'
import { createAccountStore } from '../../src/store/accounts.ts'
import { createClientStore } from '../../src/store/clients.ts'
import {
  createDatabase,
  type Database,
  type Queries,
  Refused,
  type Statement,
  sqlState
} from '../../src/store/database.ts'
import { endAccount, endClients, inLockOrder } from '../../src/store/ending.ts'
import { createGrantStore } from '../../src/store/grants.ts'
import {
  createManagedGrantStore,
  endManagedGrants,
  newManagedGrantId
} from '../../src/store/managed-grants.ts'
import { createRefreshFamilyStore } from '../../src/store/refresh-families.ts'
import { createSessionStore } from '../../src/store/sessions.ts'
import { createTestDatabase } from '../support/postgres.ts'
import { addParties } from './rows.ts'

/** The order in which a request's statements are sent. */
type Order = (gathered: readonly Statement[]) => readonly Statement[]

const asGathered: Order = gathered => gathered
const many = 4
const day = 86_400

/** Others get a turn before each statement, now these and now those. */
function slowly(database: Database): Database {
  return {
    ...database,
    transaction: work =>
      database.transaction(tx =>
        work({
          async run(...given) {
            await sleep(10 * Math.random())
            return tx.run(...given)
          }
        })
      )
  }
}

async function send(database: Database, statements: readonly Statement[]) {
  await database.transaction(async tx => {
    for (const { name, text, values } of statements) await tx.run(name, text, values)
  })
}

/** One session of a person at one client, with several grants that have a family and a place in a status list each. */
async function addScene(database: Database) {
  const { accountId, clientId } = await addParties(database)
  const uid = randomUUID()
  const grants = createGrantStore({ sql: database })
  const families = createRefreshFamilyStore({ sql: database })
  const common = { accountId, clientId, sessionUid: uid, payload: {} }
  const given = Array.from({ length: many }, () => ({
    grantId: `grant-${randomUUID()}`,
    family: { bucket: Math.floor(Date.now() / 1000 / day) + 30, id: randomUUID() },
    hash: randomBytes(32)
  }))
  const managed = createManagedGrantStore({ sql: database })
  const managedId = newManagedGrantId()
  const sessions = createSessionStore({ sql: database })
  const session = { id: randomBytes(32), uid, accountId, payload: {}, sealed: undefined }
  const signedIn = { uid, clientId, sid: 'sid', grantId: undefined, lifetimeSeconds: 1000 }
  await database.pipeline([
    sessions.insertStatement({ ...session, lifetimeSeconds: 1000 }),
    sessions.clientStatement(signedIn),
    managed.createStatement({ id: managedId, accountId, clientId }),
    ...given.flatMap(({ grantId, family, hash }) => [
      grants.saveStatement({
        ...{ ...common, id: grantId, offline: false, lifetimeSeconds: 1000, status: 'listed' },
        managed: { id: managedId, base: 0 }
      }),
      families.insertStatement({
        ...{ ...family, ...common, grantId, currentHash: hash, successorSalt: randomBytes(32) },
        ...{ successorKeyVersion: 1, jkt: undefined, certificate: undefined },
        ...{ absoluteSeconds: day, idleSeconds: day }
      })
    ])
  ])
  return { accountId, clientId, uid, given, session, signedIn, managedId }
}

type Scene = Awaited<ReturnType<typeof addScene>>

/** Everything that ends them, as the server does it; `order` is that of what a request gathers. */
function endings(database: Database, scene: Scene, order: Order): (() => Promise<unknown>)[] {
  const { accountId, clientId, uid, given, session, signedIn, managedId } = scene
  const managed = createManagedGrantStore({ sql: database })
  const grants = createGrantStore({ sql: database })
  const families = createRefreshFamilyStore({ sql: database })
  const sessions = createSessionStore({ sql: database })
  const change = (work: (tx: Queries) => Promise<void>) => () => database.transaction(work)
  const revokeToken = (which: Scene['given'][number]) => () =>
    send(
      database,
      order([families.revokeStatement(which.family), ...grants.revokeStatements(which.grantId)])
    )
  return [
    change(async tx => {
      await createAccountStore({ sql: tx }).refuseEarlier(accountId)
      await endAccount(accountId, tx)
    }),
    change(async tx => {
      const clients = createClientStore({ sql: tx })
      await clients.lock(clientId)
      await clients.refuseEarlierTokens(clientId)
      await endClients([clientId], tx)
    }),
    () => createGrantAdministration({ database }).revokeAll({ accountId, clientId }),
    ...given.map(revokeToken),
    // a client that gives its grant up, and others that redeem their codes for it
    change(async tx => void (await endManagedGrants(tx, { id: managedId, clientId }))),
    ...given.map(({ grantId, family }) => async () => {
      const gathered = [
        ...managed.claimStatements(managedId, grantId),
        families.revokeStatement(family)
      ]
      await send(database, order(gathered)).catch(error => {
        if (!(error instanceof Refused)) throw error
      })
    }),
    // another authorization in the session
    () =>
      send(
        database,
        order([
          sessions.updateStatement({ ...session, lifetimeSeconds: 1000 }, session.id),
          sessions.clientStatement(signedIn)
        ])
      ),
    // signing out, as the engine does it: each grant, then the session
    () =>
      send(
        database,
        order([
          ...given.toReversed().flatMap(({ grantId }) => grants.revokeStatements(grantId)),
          ...sessions.endStatements(uid)
        ])
      ),
    ...given.map(({ family, hash }) => async () => {
      const rotating = families.rotateStatement({
        ...{ ...family, presentedHash: hash, newHash: randomBytes(32), newSalt: randomBytes(32) },
        ...{ newKeyVersion: 1, payload: {}, jkt: undefined, certificate: undefined },
        ...{ leewaySeconds: 0, idleSeconds: day, address: undefined }
      })
      await send(database, [rotating]).catch(error => {
        if (!(error instanceof Refused)) throw error
      })
    })
  ]
}

async function deadlocks({ run }: Queries): Promise<number> {
  const { rows } = await run<{ deadlocks: number }>(
    'test.deadlocks',
    'SELECT deadlocks::int FROM pg_stat_database WHERE datname = current_database()'
  )
  return rows[0]?.deadlocks ?? 0
}

/** On a busy machine somebody may wait for longer than anybody is let wait; the others end what it would have. */
function gaveUp(failure: unknown): boolean {
  // 55P03 lock_not_available, 57014 query_canceled
  return ['55P03', '57014'].includes(sqlState((failure as Error).cause) ?? '')
}

/** Rounds until one had a deadlock, `rounds` at most; on connections that are closed at the end, since they tell what they counted then. */
async function collide(t: Test, order: Order, rounds: number) {
  const { url, database } = await createTestDatabase(t)
  const before = await deadlocks(database)
  const pool = createDatabase({ url, pool: 20 })
  const failures: unknown[] = []
  let scenes = 0
  let left = 0
  while (scenes < rounds && failures.length === 0) {
    const scene = await addScene(database)
    scenes += 1
    // whoever begins first has no advantage for ever
    const ways = endings(slowly(pool), scene, order)
    const turned = [...ways.slice(scenes % ways.length), ...ways.slice(0, scenes % ways.length)]
    const outcomes = await Promise.allSettled(turned.map(way => way()))
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected' && !gaveUp(outcome.reason)) failures.push(outcome.reason)
    }
    left += await alive(database, scene)
  }
  await pool.end()
  return { deadlocks: (await deadlocks(database)) - before, failures, scenes, left }
}

/** Grants and families that nobody ended, and bits that are off. */
async function alive(database: Database, { clientId }: Scene): Promise<number> {
  const { rows } = await database.run<{ alive: number }>(
    'test.alive',
    `SELECT (SELECT count(*) FROM grants WHERE client_id = $1 AND revoked_at IS NULL)::int
       + (SELECT count(*) FROM refresh_families WHERE client_id = $1 AND revoked_at IS NULL)::int
       + (SELECT count(*) FROM status_entries e JOIN grants g ON g.id = e.grant_id
          WHERE g.client_id = $1 AND e.ended_at IS NULL)::int AS alive`,
    [clientId]
  )
  return rows[0]?.alive ?? 0
}

t.test('all ways of ending a grant at once: nobody waits in a circle', async t => {
  const met = await collide(t, inLockOrder, 25)
  t.same(met, { deadlocks: 0, failures: [], scenes: 25, left: 0 })
})

t.test('the control: statements in the order in which the engine gathers them', async t => {
  const met = await collide(t, asGathered, 25)
  t.ok(met.deadlocks > 0, `${met.deadlocks} deadlocks in ${met.scenes} rounds`)
  const states = met.failures.map(failure => sqlState((failure as Error).cause))
  t.ok(states.includes('40P01'), states.join())
})
