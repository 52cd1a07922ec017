// Grants with a place in a status list, and whether their bit is on: what the tests of status lists stand on.

import { randomUUID } from 'node:crypto'
import type { Database } from '../../src/store/database.ts'
import { createGrantStore } from '../../src/store/grants.ts'
import { createSessionStore } from '../../src/store/sessions.ts'
import { createStatusListStore, type StatusEntry } from '../../src/store/status-lists.ts'
import { addGrant, turnClock } from './rows.ts'

export type ListedGrant = Awaited<ReturnType<ReturnType<typeof createListedRows>['addListed']>>

export function createListedRows(database: Database) {
  const grants = createGrantStore({ sql: database })
  const sessions = createSessionStore({ sql: database })
  const lists = createStatusListStore({ sql: database })

  async function empty() {
    await turnClock(database, 0)
    await database.run(
      'test.empty',
      'TRUNCATE status_entries, status_lists, grants, accounts CASCADE'
    )
  }

  async function isOn(entry: StatusEntry | undefined): Promise<boolean> {
    if (entry === undefined) throw new Error('no entry')
    const row = await lists.find(entry.list)
    return row?.ended === 'all' || (row?.ended.includes(entry.idx) ?? false)
  }

  /** A grant that was saved with an index, as an authorization does. */
  async function addListed(given: Parameters<typeof addGrant>[1] = {}) {
    const grant = await addGrant(database, given)
    const { accountId, clientId } = grant
    const id = `grant-${randomUUID()}`
    await database.pipeline([
      grants.saveStatement({ ...grant, id, accountId, clientId, status: 'listed' })
    ])
    const entry = (await grants.find(id))?.status
    return { ...grant, id, entry }
  }

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

  async function addSessionGrant(offline: boolean) {
    const { accountId, clientId } = await addGrant(database)
    const session = await addSession(accountId)
    const id = `grant-${randomUUID()}`
    await database.pipeline([
      grants.saveStatement({
        id,
        accountId,
        clientId,
        sessionUid: session.uid,
        offline,
        payload: {},
        lifetimeSeconds: 1000,
        status: 'listed'
      })
    ])
    return { id, accountId, session, entry: (await grants.find(id))?.status }
  }

  return { empty, isOn, addListed, addSessionGrant }
}
