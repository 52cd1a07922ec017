// What an operator, or the person, does with grants: looking at those that live, and ending one, or all of an account, of a client, or of both. Owns what
// belongs together in one transaction: grants, their refresh token families, consents, and the audit trail.

import { appendAuditEvent } from '../audit/record.ts'
import type { Database } from '../store/database.ts'
import { createGrantList, type GrantFilter, type ListedGrant } from '../store/grant-list.ts'
import { type Asked, type EndedBy, revokeManagedGrants } from './managed.ts'

export type { GrantFilter, ListedGrant } from '../store/grant-list.ts'

export interface GrantAdministration {
  /** Those that live, the newest first. */
  list(filter: GrantFilter, limit: number): Promise<ListedGrant[]>
  /** Ends one; false when it had ended, or never was. The consent stays: the client may ask again. */
  revoke(id: string): Promise<boolean>
  /** Ends all that the filter means and forgets the consents behind them; answers how many grants. */
  revokeAll(filter: GrantFilter, by?: EndedBy, asked?: Asked): Promise<number>
}

export function createGrantAdministration({
  database
}: {
  database: Database
}): GrantAdministration {
  function endAll(
    which: { id: string } | GrantFilter,
    by: EndedBy = 'operator',
    asked: Asked = {}
  ): Promise<number> {
    return database.transaction(async tx => {
      const grants = createGrantList({ sql: tx })
      // their authorizations are told of there; the consent of a single one stays
      const before = 'id' in which ? 0 : await revokeManagedGrants(tx, which, by, asked)
      const ended = await grants.end(which)
      for (const { id, accountId, clientId } of ended) {
        const data = { grantId: id, reason: by }
        await appendAuditEvent(tx, { type: 'grant.revoked', accountId, clientId, ...asked, data })
      }
      const forgotten = 'id' in which ? [] : await grants.forgetConsents(which)
      for (const whose of forgotten) {
        await appendAuditEvent(tx, { type: 'consent.withdrawn', ...whose, ...asked, data: {} })
      }
      return before + ended.length
    })
  }

  return {
    list: (filter, limit) => createGrantList({ sql: database }).list(filter, limit),
    revoke: async id => (await endAll({ id })) === 1,

    async revokeAll(filter, by, asked) {
      if (filter.accountId === undefined && filter.clientId === undefined) {
        throw new TypeError('an account or a client must be named')
      }
      return endAll(filter, by, asked)
    }
  }
}
