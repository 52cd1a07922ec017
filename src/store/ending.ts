// Ending what an account or clients hold, in the transaction that disables them: sessions, grants, refresh token families. What ended stays
// ended when it is enabled again. And the order in which whoever ends something locks rows, so that no two of them wait for each other.

import type { Queries, Statement } from './database.ts'
import { endAccountClients } from './logout-notices.ts'

// The order of locks, for every transaction that takes more than one of these:
//   accounts, clients -> clients of sessions -> sessions -> managed grants (by id) -> grants (by id) -> bits of status lists (by grant) -> refresh token families
// Two that end the same things meet at the first one that they share; the later one waits there, with nothing in hand that the other wants.
// Bits follow their grants by triggers, and accounts, clients and sessions at the end of the transaction (migrations/0014_status_lists.sql,
// 0016_lock_order.sql). A rotation locks its family alone, which is the last.

export interface EndedRow {
  id: string
  account_id: string
  client_id: string
}

/** Ends the grants that fulfil an SQL condition; answers which. In a transaction. */
export async function endGrants(
  sql: Queries,
  name: string,
  condition: string,
  values: readonly unknown[]
): Promise<EndedRow[]> {
  // byte order, as inLockOrder has it
  const { rows } = await sql.run<EndedRow>(
    `${name}.lock`,
    `SELECT id, account_id, client_id FROM grants
     WHERE revoked_at IS NULL AND ${condition} ORDER BY id COLLATE "C" FOR NO KEY UPDATE`,
    values
  )
  const ids = [rows.map(({ id }) => id)]
  await sql.run(
    'ending.lock_bits',
    `SELECT FROM status_entries WHERE grant_id = ANY ($1) AND ended_at IS NULL
     ORDER BY grant_id COLLATE "C" FOR NO KEY UPDATE`,
    ids
  )
  await sql.run(
    'ending.grants',
    'UPDATE grants SET revoked_at = clock_time() WHERE id = ANY ($1)',
    ids
  )
  return rows
}

/** Ends sessions, grants and refresh families of an account, whose row the caller has locked; clients that asked to be told are told. */
export async function endAccount(accountId: string, sql: Queries): Promise<void> {
  await endAccountClients(accountId, sql)
  await sql.run('ending.account_sessions', 'DELETE FROM sessions WHERE account_id = $1', [
    accountId
  ])
  await endGrants(sql, 'ending.account_grants', 'account_id = $1', [accountId])
  await sql.run(
    'ending.account_families',
    `UPDATE refresh_families SET revoked_at = clock_time()
     WHERE account_id = $1 AND revoked_at IS NULL`,
    [accountId]
  )
}

/** Ends what was given to a client that is a metadata document, and what people said to it: it asks for something else now. */
export async function endDocument(clientId: string, sql: Queries): Promise<void> {
  // the managed grants first, as in the order above: what comes after them is ended by the client already
  await sql.run(
    'ending.document_managed_grants',
    `WITH locked AS (SELECT id FROM managed_grants WHERE client_id = $1 ORDER BY id COLLATE "C" FOR UPDATE)
     DELETE FROM managed_grants m USING locked WHERE m.id = locked.id`,
    [clientId]
  )
  await endClients([clientId], sql)
  await sql.run('ending.document_consents', 'DELETE FROM consents WHERE client_id = $1', [clientId])
}

/** Ends grants and refresh families of clients, whose rows the caller has locked; all at once, since grants come in one order. */
export async function endClients(clientIds: readonly string[], sql: Queries): Promise<void> {
  await endGrants(sql, 'ending.client_grants', 'client_id = ANY ($1)', [clientIds])
  await sql.run(
    'ending.client_families',
    `UPDATE refresh_families SET revoked_at = clock_time()
     WHERE client_id = ANY ($1) AND revoked_at IS NULL`,
    [clientIds]
  )
}

/** What a request gathers comes in the engine's order: a family before its grant, grants before the session, that before its clients. */
const ranks: Record<string, number> = {
  'session_clients.save': -1,
  'session_clients.end': -1,
  'grants.save': 1,
  'grants.supersede': 1.5,
  'grants.revoke': 2,
  'refresh_families.revoke': 3,
  'refresh_families.revoke_by_grant': 3,
  'refresh_families.supersede': 3
}

/**
 * Statements of one transaction in the order of locks. Those that are moved change nothing that another one looks at, and what a revocation
 * ends does not come back: that it comes later is no harm.
 */
export function inLockOrder(statements: readonly Statement[]): readonly Statement[] {
  const rank = ({ name }: Statement) => ranks[name] ?? 0
  if (statements.every(one => rank(one) === 0)) return statements
  return [...statements].sort((one, other) => {
    const difference = rank(one) - rank(other)
    if (difference !== 0 || one.name !== 'grants.revoke') return difference
    return String(one.values[0]) < String(other.values[0]) ? -1 : 1
  })
}
