// Sessions as the engine sees them. Its model rewrites the whole session at each request, so parallel tabs would lose each other's
// clients: those are rows of their own here, first writer wins, and merged back in when a session is read. A session that ended
// meanwhile is never written back.

import { type Adapter, type AdapterPayload, Provider } from 'oidc-provider'
import { deviceOf } from '../accounts/device-label.ts'
import type { Sealer } from '../lib/seal.ts'
import { digest } from '../lib/secret.ts'
import type { Payload } from '../store/grants.ts'
import type { SavedSession, SessionRow, SessionStore } from '../store/sessions.ts'
import type { UnitOfWork } from './unit-of-work.ts'

/** That a session is used is noted this often where nothing else of it is written. */
const seenEverySeconds = 300

export type Guarded = <T>(work: (unit: UnitOfWork) => Promise<T>) => Promise<T>

export interface SessionAdapter {
  adapter(guarded: Guarded): Partial<Adapter>
  /** Signs out: every row of the session goes with this request, also those that parallel tabs made. */
  end(unit: Pick<UnitOfWork, 'evidence'>, uid: string): void
}

type Authorizations = Record<string, { sid?: string; grantId?: string; persistsLogout?: boolean }>

export function createSessionAdapter(deps: {
  sessions: SessionStore
  seal: Sealer
  now: () => Date
}): SessionAdapter {
  const { sessions, seal } = deps
  const idOf = (value: string) => digest('session', value)
  const contextOf = (id: Buffer) => ({
    table: 'sessions',
    column: 'sealed',
    key: id.toString('hex')
  })

  function open(unit: UnitOfWork, row: SessionRow, value: string | undefined): AdapterPayload {
    unit.sessionIds.set(row.uid, row.id)
    if (row.unseenSeconds > seenEverySeconds) unit.unseenSessions.add(row.uid)
    const authorizations: Authorizations = {}
    const stored = (row.payload['authorizations'] ?? {}) as Authorizations
    for (const { clientId, sid } of row.clients) {
      authorizations[clientId] = { ...stored[clientId], sid }
    }
    const state = row.sealed
      ? JSON.parse(seal.open(row.sealed, contextOf(row.id)).toString('utf8'))
      : undefined
    return {
      ...row.payload,
      ...(row.clients.length > 0 ? { authorizations } : {}),
      ...(state === undefined ? {} : { state }),
      ...(value === undefined ? {} : { jti: value }),
      kind: 'Session',
      exp: Math.floor(deps.now().getTime() / 1000) + Math.ceil(row.remainingSeconds)
    } as AdapterPayload
  }

  function save(unit: UnitOfWork, value: string, payload: Payload, ttl: number): void {
    const { state, jti: _, exp: __, ...plain } = payload
    const uid = String(plain['uid'])
    const previous = unit.sessionIds.get(uid)
    const id = (unit.takenSessions.has(uid) ? previous : undefined) ?? idOf(value)
    const session: SavedSession = {
      id,
      uid,
      accountId: typeof plain['accountId'] === 'string' ? plain['accountId'] : undefined,
      payload: plain,
      sealed: state === undefined ? undefined : seal.seal(JSON.stringify(state), contextOf(id)),
      lifetimeSeconds: ttl,
      ...deviceOf(unit.request.userAgent),
      address: unit.request.address
    }
    unit.evidence.push(
      previous === undefined
        ? sessions.insertStatement(session)
        : sessions.updateStatement(session, previous)
    )
    unit.sessionIds.set(uid, id)
    for (const [clientId, entry] of Object.entries(
      (plain['authorizations'] ?? {}) as Authorizations
    )) {
      if (entry.sid === undefined) continue
      unit.evidence.push(
        sessions.clientStatement({
          uid,
          clientId,
          sid: entry.sid,
          grantId: entry.grantId,
          lifetimeSeconds: ttl
        })
      )
    }
  }

  function end(unit: Pick<UnitOfWork, 'evidence'>, uid: string): void {
    unit.evidence.push(...sessions.endStatements(uid))
  }

  return {
    end,
    adapter: guarded => ({
      upsert: (value, payload, ttl) =>
        guarded(async unit => save(unit, value, payload as Payload, ttl ?? 1)),
      find: value =>
        guarded(async unit => {
          const row = await sessions.find(idOf(value))
          return row && open(unit, row, value)
        }),
      findByUid: uid =>
        guarded(async unit => {
          const row = await sessions.findByUid(uid)
          return row && open(unit, row, undefined)
        }),
      destroy: value =>
        guarded(async unit => {
          const session = Provider.ctx?.oidc?.session
          // Signing out destroys the session under the identifier that it has. Who stays signed in gets a new one, and only the old one dies.
          if (session?.jti === value) {
            end(unit, session.uid)
            return
          }
          // A new identifier: the update that follows takes the row over from the old one. Nothing to write where it was never stored.
          if (![...unit.sessionIds.values()].some(id => id.equals(idOf(value)))) {
            unit.evidence.push(sessions.destroyStatement(idOf(value)))
          }
        })
    })
  }
}
