// The security events of one person, in pages, the newest first. Owns how far back they go.
// Refuses types that are not for people.

import type { StoredAuditEvent } from '../store/audit.ts'
import type { Queries } from '../store/database.ts'
import { createPersonEventStore, type EventCursor } from '../store/person-events.ts'
import { personEvents } from './person-events.ts'

export interface EventsOfPerson {
  /** `after`: the `next` of the page before; what is none begins anew. @throws Fault `store_unavailable` */
  list(
    accountId: string,
    limit: number,
    after?: string
  ): Promise<{ events: StoredAuditEvent[]; next: EventCursor | undefined }>
}

const days = 30

export function createEventsOfPerson({ sql }: { sql: Queries }): EventsOfPerson {
  const store = createPersonEventStore({ sql })
  return {
    list: (accountId, limit, after) =>
      store.list(accountId, { types: personEvents, days, limit, after })
  }
}
