// What an account has allowed, by client: grants that live, consents that are remembered, and grants that clients manage. One read for the
// page of the account; whoever has signed in a thousand times gets one row a client.

import type { Queries } from './database.ts'
import { joinLiveGrant } from './grants.ts'

/** Of one client, as far as the database knows. */
export interface ConnectedApp {
  clientId: string
  /** something of it survives sign-out */
  offline: boolean
  /** the person wanted it to end then; undefined: until it is removed */
  endsAt: Date | undefined
  firstAllowedAt: Date
  /** when tokens were last issued of what lives; undefined: nothing lives now, and the client may come back without asking */
  lastUsedAt: Date | undefined
  openid: string[]
  /** scopes by resource */
  resources: Record<string, string[]>
  /** authorization details (RFC 9396) */
  details: Record<string, unknown>[]
}

/** As a grant or a consent holds it: a list, or a string with spaces. */
interface Held {
  openid?: string[] | string | null
  resources?: Record<string, string[] | string> | null
  rar?: Record<string, unknown>[] | null
}

/** Those whose name nobody can read in a page are no help to anybody. */
const most = 500

export function createConnectedAppStore({ sql }: { sql: Queries }) {
  return {
    /** The one that was used last comes first. */
    async list(accountId: string): Promise<ConnectedApp[]> {
      const { rows } = await sql.run<{
        client_id: string
        offline: boolean
        first_at: Date
        ends_at: Date | null
        last_at: Date | null
        held: Held[]
      }>(
        'connected_apps.list',
        `WITH allowed AS (
           SELECT g.client_id, g.offline, g.created_at AS first_at, g.created_at AS last_at, NULL::timestamptz AS ends_at, jsonb_build_object(
               'openid', g.payload #> '{openid,scope}', 'resources', g.payload -> 'resources', 'rar', g.payload -> 'rar') AS held
           FROM grants wanted ${joinLiveGrant('g.id = wanted.id')}
           WHERE g.id IS NOT NULL AND wanted.account_id = $1
           UNION ALL
           SELECT client_id, false, created_at, NULL, expires_at, granted || jsonb_build_object('rar', granted -> 'details') FROM consents
           WHERE account_id = $1 AND (expires_at IS NULL OR expires_at > clock_time())
           UNION ALL
           SELECT client_id, false, created_at, NULL, NULL, jsonb_build_object(
               'openid', granted #> '{openid,scope}', 'resources', granted -> 'resources', 'rar', granted -> 'rar')
           FROM managed_grants WHERE account_id = $1 AND revision > 0 AND expires_at > clock_time()),
         used AS (
           SELECT client_id, max(rotated_at) AS last_at FROM refresh_families
           WHERE account_id = $1 AND revoked_at IS NULL GROUP BY client_id)
         SELECT a.client_id, bool_or(a.offline) AS offline, min(a.first_at) AS first_at, max(a.ends_at) AS ends_at,
           CASE WHEN max(a.last_at) IS NOT NULL THEN greatest(max(a.last_at), max(u.last_at)) END AS last_at,
           jsonb_agg(DISTINCT a.held) AS held
         FROM allowed a LEFT JOIN used u ON u.client_id = a.client_id
         GROUP BY a.client_id ORDER BY last_at DESC NULLS LAST, a.client_id LIMIT ${most}`,
        [accountId]
      )
      return rows.map(row => ({
        clientId: row.client_id,
        offline: row.offline,
        endsAt: row.ends_at ?? undefined,
        firstAllowedAt: row.first_at,
        lastUsedAt: row.last_at ?? undefined,
        ...combined(row.held)
      }))
    }
  }
}

function words(scopes: string[] | string | null | undefined): string[] {
  return Array.isArray(scopes) ? scopes : (scopes ?? '').split(' ').filter(Boolean)
}

function combined(held: Held[]): Pick<ConnectedApp, 'openid' | 'resources' | 'details'> {
  const resources = new Map<string, Set<string>>()
  for (const [identifier, scopes] of held.flatMap(one => Object.entries(one.resources ?? {}))) {
    const known = resources.get(identifier) ?? new Set()
    resources.set(identifier, new Set([...known, ...words(scopes)]))
  }
  const details = new Map(held.flatMap(one => one.rar ?? []).map(one => [JSON.stringify(one), one]))
  return {
    openid: [...new Set(held.flatMap(one => words(one.openid)))],
    resources: Object.fromEntries([...resources].map(([name, scopes]) => [name, [...scopes]])),
    details: [...details.values()]
  }
}
