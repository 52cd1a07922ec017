// Grants as administration sees them: those that live, by account or client, and ending several at once. The hot path's reads are in
// grants.ts; its conditions are used here, so that a list never shows what tokens are refused for.

import type { Queries } from './database.ts'
import { endGrants } from './ending.ts'
import { joinLiveGrant } from './grants.ts'

/** Left out means any. */
export interface GrantFilter {
  accountId?: string | undefined
  clientId?: string | undefined
}

export interface ListedGrant {
  id: string
  accountId: string
  login: string
  clientId: string
  /** survives sign-out */
  offline: boolean
  openidScope: string
  /** scope by resource */
  resources: Record<string, string>
  createdAt: Date
}

export interface EndedGrant {
  id: string
  accountId: string
  clientId: string
}

export function createGrantList({ sql }: { sql: Queries }) {
  return {
    /** The newest first. */
    async list({ accountId, clientId }: GrantFilter, limit: number): Promise<ListedGrant[]> {
      const { rows } = await sql.run<{
        id: string
        account_id: string
        login: string
        client_id: string
        offline: boolean
        openid: string | null
        resources: Record<string, string> | null
        created_at: Date
      }>(
        'grants.list',
        `SELECT g.id, g.account_id, a.login, g.client_id, g.offline, g.payload #>> '{openid,scope}' AS openid,
           g.payload -> 'resources' AS resources, g.created_at
         FROM grants wanted ${joinLiveGrant('g.id = wanted.id')}
         WHERE g.id IS NOT NULL AND ($1::uuid IS NULL OR wanted.account_id = $1)
           AND ($2::text IS NULL OR wanted.client_id = $2)
         ORDER BY g.created_at DESC, g.id LIMIT $3`,
        [accountId ?? null, clientId ?? null, limit]
      )
      return rows.map(row => ({
        id: row.id,
        accountId: row.account_id,
        login: row.login,
        clientId: row.client_id,
        offline: row.offline,
        openidScope: row.openid ?? '',
        resources: row.resources ?? {},
        createdAt: row.created_at
      }))
    },

    /** Ends grants with their refresh token families; `id` is one of them, a filter all that it means. */
    async end(which: { id: string } | GrantFilter): Promise<EndedGrant[]> {
      const { id, accountId, clientId } = { id: undefined, ...which } as {
        id?: string
      } & GrantFilter
      const rows = await endGrants(
        sql,
        'grants.end',
        `expires_at > clock_time() AND ($1::text IS NULL OR id = $1)
           AND ($2::uuid IS NULL OR account_id = $2) AND ($3::text IS NULL OR client_id = $3)`,
        [id ?? null, accountId ?? null, clientId ?? null]
      )
      await sql.run(
        'grants.end_families',
        `UPDATE refresh_families SET revoked_at = clock_time()
         WHERE grant_id = ANY ($1) AND revoked_at IS NULL`,
        [rows.map(row => row.id)]
      )
      return rows.map(row => ({ id: row.id, accountId: row.account_id, clientId: row.client_id }))
    },

    /** Forgets what was consented to, so that it is asked for again; answers whose consent to whom. */
    async forgetConsents({
      accountId,
      clientId
    }: GrantFilter): Promise<{ accountId: string; clientId: string }[]> {
      const { rows } = await sql.run<{ account_id: string; client_id: string }>(
        'consents.forget',
        `DELETE FROM consents WHERE ($1::uuid IS NULL OR account_id = $1) AND ($2::text IS NULL OR client_id = $2)
         RETURNING account_id, client_id`,
        [accountId ?? null, clientId ?? null]
      )
      return rows.map(row => ({ accountId: row.account_id, clientId: row.client_id }))
    }
  }
}
