// How a security event gets into the trail: as a statement of the caller's transaction, or appended at once (refusals are evidence and
// stand even when everything else of the request is dropped).

import { appendAuditRow, auditInsert } from '../store/audit.ts'
import type { Queries, Statement } from '../store/database.ts'
import { type AuditEvent, auditRow } from './events.ts'

/** The INSERT of an event, for the unit of work: it commits with what it tells of, or not at all. */
export function auditStatement(event: AuditEvent): Statement {
  return auditInsert(auditRow(event))
}

/**
 * Appends an event now.
 * @throws Fault `store_unavailable`
 */
export async function appendAuditEvent(sql: Queries, event: AuditEvent): Promise<void> {
  await appendAuditRow(sql, auditRow(event))
}
