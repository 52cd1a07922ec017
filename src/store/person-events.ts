// The security events of one account, the newest first, in pages. Owns its SQL; a page costs an index scan of its own length, however much the
// account's apps do (migrations/0032_account_pages.sql).

import type { StoredAuditEvent } from './audit.ts'
import type { Queries } from './database.ts'

/** Where a page goes on: microseconds and id of the last event of the page before. */
export type EventCursor = string

export interface EventPage {
  events: StoredAuditEvent[]
  /** undefined: nothing older */
  next: EventCursor | undefined
}

// As in the index, word by word: else the planner does not see that it may use it.
const withoutRoutine = `type NOT IN ('code.issued', 'token.issued', 'refresh.rotated', 'refresh.leeway_answered')`

const cursor = /^(\d{1,17})-(\d{1,18})$/

interface Row {
  id: string
  at: Date
  micros: string
  type: string
  outcome: 'success' | 'refused'
  account_id: string
  client_id: string | null
  address: string | null
  request_id: string | null
  data: Record<string, unknown>
}

export const personEventsText = (kind: 'of people' | 'all') => `
  SELECT id, at, (extract(epoch FROM at) * 1000000)::bigint::text AS micros, type, outcome, account_id, client_id, address,
    request_id, data
  FROM audit_events
  WHERE account_id = $1 AND at > clock_time() - make_interval(days => $2)
    ${kind === 'all' ? '' : `AND ${withoutRoutine} AND type = ANY ($6::text[])`}
    AND (at, id) < (coalesce(to_timestamp(0) + $3::bigint * interval '1 microsecond', 'infinity'), coalesce($4::bigint, 0))
  ORDER BY at DESC, id DESC LIMIT $5`

/** Every method throws Fault `store_unavailable` when the database does not answer. */
export function createPersonEventStore({ sql }: { sql: Queries }) {
  async function page(
    kind: 'of people' | 'all',
    values: readonly unknown[],
    after: EventCursor | undefined,
    limit: number
  ): Promise<EventPage> {
    const [, micros = null, id = null] = cursor.exec(after ?? '') ?? []
    const [accountId, days, ...types] = values
    const { rows } = await sql.run<Row>(
      kind === 'all' ? 'person_events.all' : 'person_events.page',
      personEventsText(kind),
      [accountId, days, micros, id, limit + 1, ...types]
    )
    const shown = rows.slice(0, limit)
    const last = shown.at(-1)
    return {
      events: shown.map(row => ({
        id: row.id,
        at: row.at,
        type: row.type,
        outcome: row.outcome,
        accountId: row.account_id,
        clientId: row.client_id,
        address: row.address,
        requestId: row.request_id,
        data: row.data
      })),
      next: rows.length > limit && last !== undefined ? `${last.micros}-${last.id}` : undefined
    }
  }

  return {
    /** Of these types, of the last days. An `after` that is none begins anew. */
    list: (
      accountId: string,
      asked: { types: readonly string[]; days: number; limit: number; after?: string | undefined }
    ) => page('of people', [accountId, asked.days, asked.types], asked.after, asked.limit),

    /** All that is kept. */
    listAll: (accountId: string, asked: { limit: number; after?: string | undefined }) =>
      page('all', [accountId, 100_000], asked.after, asked.limit)
  }
}
