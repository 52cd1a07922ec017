// Reaps clients that registered themselves and that nobody uses: whoever has an initial access token could fill the table for ever. One
// transaction a client, with its line in the audit trail; a client that is used at that moment stays.

import { appendAuditEvent } from '../audit/record.ts'
import type { Database } from '../store/database.ts'
import { createUnusedClientStore } from '../store/unused-clients.ts'

/** Deletes some of the clients that were unused for `unusedSeconds`; answers how many. */
export async function reapUnusedClients(
  database: Pick<Database, 'run' | 'transaction'>,
  unusedSeconds: number
): Promise<number> {
  const candidates = await createUnusedClientStore({ sql: database }).list(unusedSeconds)
  let reaped = 0
  for (const clientId of candidates) {
    const gone = await database.transaction(async tx => {
      const store = createUnusedClientStore({ sql: tx })
      if (!(await store.lock(clientId, unusedSeconds))) return false
      await store.remove(clientId)
      await appendAuditEvent(tx, { type: 'client.reaped', clientId, data: { unusedSeconds } })
      return true
    })
    if (gone) reaped += 1
  }
  return reaped
}
