// Token Status Lists as rows (migrations/0014_status_lists.sql): which index stands for which grant or machine client, and which bits are on.
// The database's triggers turn bits on, in the transaction that ends something, so that no way of ending it is forgotten here.

import type { Queries } from './database.ts'

/** Where a token's status stands. */
export interface StatusEntry {
  list: number
  idx: number
}

export interface ListRow {
  /** entries that the list has room for */
  size: number
  /** indices whose bit is on, in no order; or all of them */
  ended: number[] | 'all'
}

/** Entries of a new list: 16 KiB of bits. Old lists keep their size. */
export const statusListSize = 131_072

export interface StatusListStore {
  /** Undefined: there is no such list. */
  find(list: number): Promise<ListRow | undefined>
  /** The entry of a grant that was made without one; undefined when the grant has ended. The same to all who ask. */
  assignToGrant(grantId: string): Promise<StatusEntry | undefined>
  /** The entry of a client's own tokens; undefined when the client is disabled or gone. The same to all who ask. */
  assignToClient(clientId: string): Promise<StatusEntry | undefined>
}

export function createStatusListStore({
  sql,
  size = statusListSize
}: {
  sql: Queries
  size?: number
}): StatusListStore {
  async function assign(name: string, text: string, subject: string) {
    const { rows } = await sql.run<{ taken: [number, number] | null }>(name, text, [subject, size])
    const taken = rows[0]?.taken
    return taken ? { list: taken[0], idx: taken[1] } : undefined
  }

  return {
    async find(list) {
      // A session that has expired, and was not swept yet, ended its grants without a write that a trigger could see.
      const { rows } = await sql.run<{ size: number; dead: boolean; ended: Buffer | null }>(
        'status_lists.find',
        `SELECT l.size, coalesce(l.dead_until > clock_time(), false) AS dead, (
           SELECT string_agg(int4send(idx), '') FROM (
             SELECT e.idx FROM status_entries e
             WHERE e.list = l.id AND e.ended_at IS NOT NULL AND e.free_at > clock_time()
             UNION ALL
             SELECT e.idx FROM sessions s
               JOIN grants g ON g.session_uid = s.uid AND g.account_id = s.account_id AND NOT g.offline
               JOIN status_entries e ON e.grant_id = g.id
             WHERE s.expires_at <= clock_time() AND e.list = l.id AND e.ended_at IS NULL
               AND NOT EXISTS (SELECT FROM sessions o
                 WHERE o.uid = s.uid AND o.account_id = s.account_id AND o.expires_at > clock_time())
           ) AS bits) AS ended
         FROM status_lists l WHERE l.id = $1`,
        [list]
      )
      const [row] = rows
      return row && { size: row.size, ended: row.dead ? 'all' : integers(row.ended) }
    },

    assignToGrant: grantId =>
      assign(
        'status_lists.assign_to_grant',
        'SELECT assign_grant_status($1, $2) AS taken',
        grantId
      ),

    assignToClient: clientId =>
      assign(
        'status_lists.assign_to_client',
        'SELECT assign_client_status($1, $2) AS taken',
        clientId
      )
  }
}

/** Four bytes each: a hundred thousand of them are read in a millisecond. */
function integers(packed: Buffer | null): number[] {
  const count = (packed?.length ?? 0) / 4
  return Array.from({ length: count }, (_, at) => packed?.readInt32BE(at * 4) ?? 0)
}
