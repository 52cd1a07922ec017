// The audit trail's table: appended only. Owns the INSERT, as a statement for the unit of work (so that an event commits with what it
// tells of) and as one for a batch. What a row may contain is decided by audit/events.ts.

import type { Queries, Statement } from './database.ts'
import { eventMails } from './mails.ts'

/** A row of `audit_events`, cleaned; the database adds id and time. */
export interface AuditRow {
  type: string
  outcome: 'success' | 'refused'
  accountId: string | null
  clientId: string | null
  address: string | null
  requestId: string | null
  data: Record<string, unknown>
  /** present where the account is told by mail (audit/told-by-mail.ts) */
  told?: { alsoTo: string | null }
}

export interface StoredAuditEvent extends AuditRow {
  id: string
  at: Date
}

const insert = `INSERT INTO audit_events (type, outcome, account_id, client_id, address, request_id, data)
  VALUES ($1, $2, $3::uuid, $4, $5, $6, $7::jsonb)`

// Whoever must be told of an event is told because it is recorded, wherever that happens: the mail is queued by the statement that appends the
// row, and so commits with what it tells of. Other events keep their own statement, which costs nothing more.
const insertTold = `WITH event AS (${insert} RETURNING account_id, type, at, address, data, $8::text AS also_to)
  ${eventMails('event')}`

// A batch waits before it is sent: the age puts each event back to when it happened, on the database's clock.
const insertMany = `WITH event AS (INSERT INTO audit_events (at, type, outcome, account_id, client_id, address, request_id, data)
  SELECT clock_time() - make_interval(secs => e.age), e.type, e.outcome, e.account_id, e.client_id, e.address, e.request_id, e.data
  FROM jsonb_to_recordset($1::jsonb) AS e(age double precision, type text, outcome text, account_id uuid, client_id text,
    address text, request_id text, data jsonb)
  RETURNING account_id, type, at, address, data, NULL::text AS also_to),
  told AS (SELECT * FROM event WHERE type = ANY ($2))
  ${eventMails('told')}`

/** The INSERT of one event, to travel in the transaction of what it tells of. */
export function auditInsert(row: AuditRow): Statement {
  const values = [
    row.type,
    row.outcome,
    row.accountId,
    row.clientId,
    row.address,
    row.requestId,
    JSON.stringify(row.data)
  ]
  if (row.told === undefined) return { name: 'audit.append', text: insert, values }
  return { name: 'audit.append_told', text: insertTold, values: [...values, row.told.alsoTo] }
}

/** The INSERT of many events at once; `ageSeconds` is how long ago each happened. */
export function auditInsertMany(rows: readonly { row: AuditRow; ageSeconds: number }[]): Statement {
  const list = rows.map(({ row, ageSeconds }) => ({
    age: ageSeconds,
    type: row.type,
    outcome: row.outcome,
    account_id: row.accountId,
    client_id: row.clientId,
    address: row.address,
    request_id: row.requestId,
    data: row.data
  }))
  const told = rows.flatMap(({ row }) => (row.told === undefined ? [] : [row.type]))
  const values = [JSON.stringify(list), [...new Set(told)]]
  return { name: 'audit.append_many', text: insertMany, values }
}

/** Appends one row now, in a transaction of its own or in the one that `sql` stands for. */
export async function appendAuditRow(sql: Queries, row: AuditRow): Promise<void> {
  const { name, text, values } = auditInsert(row)
  await sql.run(name, text, values)
}
