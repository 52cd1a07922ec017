// Queues of notices that somebody is owed, a table each: logout tokens and pings of clients, mails of people. Claiming moves a notice's next attempt ahead, so that no two
// processes make the same one, and a process that dies with one loses only time. What stands in a notice besides is its table's.

import type { Queries } from './database.ts'

/** One that is to be delivered now. */
export interface Notice {
  id: string
  /** this attempt included */
  attempts: number
}

/** One that a client is owed. */
export interface ClientNotice extends Notice {
  clientId: string
  accountId: string
}

/** Seconds from each attempt to the next. Longer than a batch takes; the last attempt is made some 36 minutes after the first. */
export const retrySeconds: readonly number[] = [10, 60, 300, 1_800]

const largestBatch = 20

export interface NoticeQueue<N extends Notice> {
  /** Notices whose time has come, at most a batch; they are the caller's until their next attempt. */
  claim(): Promise<N[]>
  /** The notice was delivered, or is given up. */
  remove(id: string): Promise<void>
}

interface Row {
  id: string
  attempts: number
}

/** `columns`: what the table has besides, and `more` what the notice gets of it. */
export function createNoticeQueue<More extends object, Columns extends object>(deps: {
  sql: Queries
  table: string
  columns: readonly (keyof Columns & string)[]
  more(row: Columns & { id: string }): More
  /** left out: as for clients */
  retry?: readonly number[]
  batch?: number
}): NoticeQueue<Notice & More> {
  const { sql, table, retry = retrySeconds, batch = largestBatch } = deps
  const pauses = retry.map((seconds, at) => `WHEN ${at} THEN ${seconds}`).join(' ')
  const returned = ['id', 'attempts', ...deps.columns].join(', ')
  return {
    async claim() {
      const { rows } = await sql.run<Row & Columns>(
        `${table}.claim`,
        `UPDATE ${table} SET attempts = attempts + 1, due_at = clock_time()
           + make_interval(secs => CASE attempts ${pauses} ELSE 3600 END)
         WHERE id = ANY (ARRAY(SELECT id FROM ${table} WHERE due_at <= clock_time()
           ORDER BY due_at LIMIT ${batch} FOR UPDATE SKIP LOCKED))
         RETURNING ${returned}`,
        []
      )
      return rows.map(row => ({ id: row.id, attempts: row.attempts, ...deps.more(row) }))
    },

    async remove(id) {
      await sql.run(`${table}.remove`, `DELETE FROM ${table} WHERE id = $1`, [id])
    }
  }
}

/** What every queue of clients has besides. */
export interface ClientColumns {
  client_id: string
  account_id: string
}

export const clientOf = (row: ClientColumns) => ({
  clientId: row.client_id,
  accountId: row.account_id
})
