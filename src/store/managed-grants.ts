// Grants that clients manage by `grant_id` (Grant Management for OAuth 2.0): one row each, over any number of authorizations. Owns the one
// step that changes them: when the code of an authorization is redeemed, and only if nobody changed the grant since the person saw it.
// Refuses to know a grant whose first code was never redeemed (§5.6.1).

import { randomBytes } from 'node:crypto'
import type { Queries, Statement } from './database.ts'
import { type EndedRow, endGrants } from './ending.ts'

/** What a grant holds, as the engine writes it; scopes are separated by spaces. */
export interface GrantContent {
  openid?: { scope?: string; claims?: string[] }
  resources?: Record<string, string>
  /** authorization details (RFC 9396) */
  rar?: Record<string, unknown>[]
  /** claims that were asked of userinfo one by one */
  userinfo?: string[]
}

export interface ManagedGrant {
  id: string
  accountId: string
  clientId: string
  revision: number
  content: GrantContent
  createdAt: Date
  updatedAt: Date
  expiresAt: Date
}

/** Left out means any; at least one is named. */
export interface ManagedGrantFilter {
  id?: string | undefined
  accountId?: string | undefined
  clientId?: string | undefined
}

/** A managed grant that was ended, or an authorization of one. */
export interface Ended {
  id: string
  accountId: string
  clientId: string
}

export interface ManagedGrantStore {
  /** Undefined for one of another client, of a disabled account, and for one that was never claimed, expired or was revoked. */
  find(id: string, clientId: string): Promise<ManagedGrant | undefined>
  /** A grant that nobody can use until the code of its first authorization is redeemed. */
  createStatement(grant: { id: string; accountId: string; clientId: string }): Statement
  /**
   * The grant becomes what the authorization `grantId` holds, and what came before it ends.
   * Raises `grant_changed` when it was changed or revoked since that authorization began.
   */
  claimStatements(managedId: string, grantId: string): Statement[]
}

/** §5.5: unique, URL safe, with "enough entropy to make it impractical to guess it". */
export function newManagedGrantId(): string {
  return randomBytes(32).toString('base64url')
}

/** Anything else is nobody's, and is not asked for. */
function isManagedGrantId(id: string): boolean {
  return /^[\w-]{43}$/.test(id)
}

/** How long a code and the page before it may take, with room: an authorization that nobody finishes leaves by itself. */
const unclaimedSeconds = 3_600

export function createManagedGrantStore({ sql }: { sql: Queries }): ManagedGrantStore {
  return {
    async find(id, clientId) {
      if (!isManagedGrantId(id)) return undefined
      const { rows } = await sql.run<{
        id: string
        account_id: string
        client_id: string
        revision: number
        granted: GrantContent
        created_at: Date
        updated_at: Date
        expires_at: Date
      }>(
        'managed_grants.find',
        `SELECT m.id, m.account_id, m.client_id, m.revision, m.granted, m.created_at, m.updated_at, m.expires_at
         FROM managed_grants m JOIN accounts a ON a.id = m.account_id AND a.disabled_at IS NULL AND a.delete_at IS NULL
         WHERE m.id = $1 AND m.client_id = $2 AND m.revision > 0 AND m.expires_at > clock_time()`,
        [id, clientId]
      )
      const [row] = rows
      return (
        row && {
          id: row.id,
          accountId: row.account_id,
          clientId: row.client_id,
          revision: row.revision,
          content: row.granted,
          createdAt: row.created_at,
          updatedAt: row.updated_at,
          expiresAt: row.expires_at
        }
      )
    },

    createStatement: ({ id, accountId, clientId }) => ({
      name: 'managed_grants.create',
      text: `INSERT INTO managed_grants (id, account_id, client_id, expires_at)
        VALUES ($1, $2, $3, clock_time() + make_interval(secs => ${unclaimedSeconds}))`,
      values: [id, accountId, clientId]
    }),

    claimStatements: (managedId, grantId) => [
      {
        name: 'managed_grants.claim',
        text: `WITH claimed AS (
            UPDATE managed_grants m SET revision = m.revision + 1, updated_at = clock_time(), expires_at = g.expires_at,
              granted = jsonb_strip_nulls(jsonb_build_object('openid', g.payload -> 'openid',
                'resources', g.payload -> 'resources', 'rar', g.payload -> 'rar', 'userinfo', g.payload -> 'userinfo'))
            FROM grants g
            WHERE g.id = $2 AND m.id = $1 AND g.managed_id = m.id AND m.revision = g.managed_base
              AND m.expires_at > clock_time()
            RETURNING 1)
          SELECT require_match((SELECT count(*) FROM claimed), 'grant_changed')`,
        values: [managedId, grantId]
      },
      {
        name: 'grants.supersede',
        // in the order in which everybody locks grants (ending.ts)
        text: `WITH before AS (SELECT id FROM grants WHERE managed_id = $1 AND id <> $2 AND revoked_at IS NULL
            ORDER BY id COLLATE "C" FOR NO KEY UPDATE)
          UPDATE grants g SET revoked_at = clock_time() FROM before WHERE g.id = before.id`,
        values: [managedId, grantId]
      },
      {
        name: 'refresh_families.supersede',
        text: `UPDATE refresh_families SET revoked_at = clock_time()
          WHERE revoked_at IS NULL
            AND grant_id IN (SELECT id FROM grants WHERE managed_id = $1 AND id <> $2)`,
        values: [managedId, grantId]
      }
    ]
  }
}

/**
 * Removes managed grants, and ends what hangs on them: first their rows, so that no authorization on its way can be claimed, then grants and
 * refresh token families. In a transaction.
 */
export async function endManagedGrants(
  sql: Queries,
  { id, accountId, clientId }: ManagedGrantFilter
): Promise<{ managed: Ended[]; grants: Ended[] }> {
  if (id !== undefined && !isManagedGrantId(id)) return { managed: [], grants: [] }
  const { rows } = await sql.run<EndedRow>(
    'managed_grants.lock',
    `SELECT id, account_id, client_id FROM managed_grants
     WHERE ($1::text IS NULL OR (id = $1 AND expires_at > clock_time()))
       AND ($2::uuid IS NULL OR account_id = $2) AND ($3::text IS NULL OR client_id = $3)
     ORDER BY id COLLATE "C" FOR UPDATE`,
    [id ?? null, accountId ?? null, clientId ?? null]
  )
  const ids = [rows.map(row => row.id)]
  await sql.run('managed_grants.end', 'DELETE FROM managed_grants WHERE id = ANY ($1)', ids)
  const grants = await endGrants(sql, 'managed_grants.grants', 'managed_id = ANY ($1)', ids)
  await sql.run(
    'managed_grants.end_families',
    `UPDATE refresh_families SET revoked_at = clock_time()
     WHERE grant_id = ANY ($1) AND revoked_at IS NULL`,
    [grants.map(grant => grant.id)]
  )
  return { managed: rows.map(endedOf), grants: grants.map(endedOf) }
}

function endedOf(row: EndedRow): Ended {
  return { id: row.id, accountId: row.account_id, clientId: row.client_id }
}
