// Ending everything that an account or a client holds, in the transaction that disables it: grants, refresh token families, sessions. What
// ended stays ended when it is enabled again.

import type { Queries } from './database.ts'
import { endAccountClients } from './logout-notices.ts'

/** Ends sessions, grants and refresh families of an account; clients that asked to be told are told. */
export async function endAccount(accountId: string, sql: Queries): Promise<void> {
  await endAccountClients(accountId, sql)
  await sql.run('ending.account_sessions', 'DELETE FROM sessions WHERE account_id = $1', [
    accountId
  ])
  await sql.run(
    'ending.account_families',
    `UPDATE refresh_families SET revoked_at = clock_time()
     WHERE account_id = $1 AND revoked_at IS NULL`,
    [accountId]
  )
  await sql.run(
    'ending.account_grants',
    'UPDATE grants SET revoked_at = clock_time() WHERE account_id = $1 AND revoked_at IS NULL',
    [accountId]
  )
}

/** Ends grants and refresh families of a client. */
export async function endClient(clientId: string, sql: Queries): Promise<void> {
  await sql.run(
    'ending.client_families',
    `UPDATE refresh_families SET revoked_at = clock_time()
     WHERE client_id = $1 AND revoked_at IS NULL`,
    [clientId]
  )
  await sql.run(
    'ending.client_grants',
    'UPDATE grants SET revoked_at = clock_time() WHERE client_id = $1 AND revoked_at IS NULL',
    [clientId]
  )
}
