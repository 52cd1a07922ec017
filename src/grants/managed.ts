// Ending grants that clients manage by `grant_id`, whoever asks for it: the grant, every authorization of it with its tokens, and what the
// audit trail says of them, in one transaction.

import { appendAuditEvent } from '../audit/record.ts'
import type { Database, Queries } from '../store/database.ts'
import { endManagedGrants, type ManagedGrantFilter } from '../store/managed-grants.ts'

export type EndedBy = 'client' | 'account' | 'operator'

/** Who asks, for the audit trail. */
export interface Asked {
  requestId?: string | undefined
  address?: string | undefined
}

/** In a transaction; before other grants are ended (store/ending.ts). Answers how many there were. */
export async function revokeManagedGrants(
  tx: Queries,
  which: ManagedGrantFilter,
  by: EndedBy,
  { requestId, address }: Asked = {}
): Promise<number> {
  const { managed, grants } = await endManagedGrants(tx, which)
  for (const { id, ...whose } of managed) {
    const data = { grant: id, by }
    const event = { type: 'managed_grant.revoked', ...whose, requestId, address, data } as const
    await appendAuditEvent(tx, event)
  }
  for (const { id, ...whose } of grants) {
    const data = { grantId: id, reason: by }
    const event = { type: 'grant.revoked', ...whose, requestId, address, data } as const
    await appendAuditEvent(tx, event)
  }
  return managed.length
}

export interface ManagedGrantRevocation {
  /** By the client itself (Grant Management for OAuth 2.0 §6.5); false: it has no such grant. */
  revoke(grant: { id: string; clientId: string }, asked: Asked): Promise<boolean>
}

export function createManagedGrantRevocation({
  database
}: {
  database: Pick<Database, 'transaction'>
}): ManagedGrantRevocation {
  return {
    async revoke({ id, clientId }, asked) {
      const ended = await database.transaction(tx =>
        revokeManagedGrants(tx, { id, clientId }, 'client', asked)
      )
      return ended === 1
    }
  }
}
