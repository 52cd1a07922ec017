// Grants, consents and the deny-list: who may still do what. A grant is judged together with its account and its session, in one read,
// so that revocation, disabling and sign-out reach everything that hangs on it. Statements are given out, for the unit of work to send.

import { digest } from '../lib/secret.ts'
import { type ConsentStore, createConsentStore } from './consents.ts'
import type { Queries, Statement } from './database.ts'
import { type StatusEntry, statusListSize } from './status-lists.ts'

/** The engine's own JSON. */
export type Payload = Record<string, unknown>

/** An account as far as tokens need it. */
export interface GrantAccount {
  id: string
  login: string
  name: string | null
  email: string | null
  email_verified: boolean
  locale: string | null
  claims: Record<string, unknown>
  updated_at: Date
}

/** A grant that lives: not revoked, not expired, its account enabled, its session alive where it needs one. */
export interface LiveGrant {
  id: string
  clientId: string
  accountId: string
  sessionUid: string | undefined
  payload: Payload
  /** seconds, by the database's clock */
  remainingSeconds: number
  account: GrantAccount
  /** the grant that the client manages, which this one is an authorization of */
  managedId: string | undefined
  /** where its tokens' status stands; undefined when no resource of it asked for a list */
  status: StatusEntry | undefined
}

/** Columns and joins that judge a grant; shared by every read that needs one, so that none forgets a condition. */
export const liveGrantColumns = `
  g.id AS grant_id, g.client_id AS grant_client_id, g.session_uid AS grant_session_uid, g.payload AS grant_payload,
  g.status_list, g.status_idx, g.managed_id, extract(epoch FROM g.expires_at - clock_time())::float8 AS grant_remaining,
  a.id AS account_id, a.login, a.name, a.email, a.email_verified, a.locale, a.claims, a.updated_at AS account_updated_at`

/** Joins `g` and `a`; both are null where the grant does not live. `$grant` is an SQL expression for the grant's condition. */
export function joinLiveGrant(condition: string): string {
  return `
  LEFT JOIN (grants g JOIN accounts a ON a.id = g.account_id) ON ${condition}
    AND g.revoked_at IS NULL AND g.expires_at > clock_time()
    AND a.disabled_at IS NULL AND a.delete_at IS NULL AND (a.valid_after IS NULL OR g.created_at > a.valid_after)
    AND (g.offline OR g.session_uid IS NULL OR EXISTS (
      SELECT FROM sessions s
      WHERE s.uid = g.session_uid AND s.account_id = g.account_id AND s.expires_at > clock_time()))
    AND (g.document_digest IS NULL OR EXISTS (
      SELECT FROM client_documents d WHERE d.client_id = g.client_id AND d.digest = g.document_digest))`
}

export interface LiveGrantRow {
  grant_id: string | null
  grant_client_id: string
  grant_session_uid: string | null
  grant_payload: Payload
  grant_remaining: number
  status_list: number | null
  status_idx: number | null
  managed_id: string | null
  account_id: string
  login: string
  name: string | null
  email: string | null
  email_verified: boolean
  locale: string | null
  claims: Record<string, unknown>
  account_updated_at: Date
}

/** Maps the shared columns; undefined where the grant does not live. */
export function liveGrantOf(row: LiveGrantRow): LiveGrant | undefined {
  if (row.grant_id === null) return undefined
  return {
    id: row.grant_id,
    clientId: row.grant_client_id,
    accountId: row.account_id,
    sessionUid: row.grant_session_uid ?? undefined,
    payload: row.grant_payload,
    remainingSeconds: row.grant_remaining,
    managedId: row.managed_id ?? undefined,
    status: statusOf(row),
    account: {
      id: row.account_id,
      login: row.login,
      name: row.name,
      email: row.email,
      email_verified: row.email_verified,
      locale: row.locale,
      claims: row.claims,
      updated_at: row.account_updated_at
    }
  }
}

function statusOf({ status_list: list, status_idx: idx }: LiveGrantRow): StatusEntry | undefined {
  return list === null || idx === null ? undefined : { list, idx }
}

/** The handle that access tokens carry as `gid`: as random as the grant's id, but accepted by no endpoint. */
export function grantHandle(grantId: string): string {
  return digest('grant handle', grantId).toString('base64url')
}

/**
 * What tokens of a client's own carry as `cgn` once all of its tokens were taken back: which of these times they came after, as the process
 * that issued them knew it. Their `iat` cannot tell: it is of that process' clock, the time of the revocation of the database's.
 */
export function clientGeneration(
  clientId: string,
  tokensNotBefore: Date | undefined
): string | undefined {
  if (tokensNotBefore === undefined) return undefined
  const hash = digest('client generation', clientId, String(tokensNotBefore.getTime()))
  return hash.toString('base64url').slice(0, 16)
}

/** What the state of an access token (RFC 9068) is judged by, besides its signature. */
export interface AccessTokenState {
  denied: boolean
  grant: LiveGrant | undefined
  /** the client lives, and did not end its tokens since this one was issued; so does each that it came through */
  clientAlive: boolean
}

export interface GrantStore extends ConsentStore {
  /** Undefined for unknown accounts, and for those that are disabled or being deleted. */
  findAccount(id: string): Promise<GrantAccount | undefined>
  find(id: string): Promise<LiveGrant | undefined>
  saveStatement(grant: {
    id: string
    accountId: string
    clientId: string
    sessionUid: string | undefined
    offline: boolean
    payload: Payload
    lifetimeSeconds: number
    /** whether a resource of it publishes the status of its tokens */
    status?: 'listed' | 'unlisted'
    /** of a client that is a metadata document: the grant counts while the document asks for the same */
    documentDigest?: Buffer | undefined
    /** of a grant that the client manages: which, and the revision of it that this authorization changes */
    managed?: { id: string; base: number } | undefined
  }): Statement
  /** Ends the grant and its refresh token families. Nothing to match is no error: it has ended already. */
  revokeStatements(id: string): Statement[]
  /** One read: deny-list, and grant (by handle) or client (of a machine token). */
  accessTokenState(token: {
    jti: string
    handle: string | undefined
    clientId: string
    issuedAt: number
    /** of a machine token */
    generation?: string | undefined
    /** of an exchanged token: the clients that it came through; the first one has the grant */
    via?: readonly string[]
  }): Promise<AccessTokenState>
  /** RFC 7009: this token alone, kept until it has expired by every clock that we tolerate. */
  denyStatement(jti: string, keepSeconds: number): Statement
}

/** `c` is not disabled, and did not end its tokens since `wanted.issued_at`. */
export function createGrantStore({ sql }: { sql: Queries }): GrantStore {
  return {
    ...createConsentStore({ sql }),

    async findAccount(id) {
      const { rows } = await sql.run<GrantAccount>(
        'grants.find_account',
        `SELECT id, login, name, email, email_verified, locale, claims, updated_at
         FROM accounts WHERE id = $1 AND disabled_at IS NULL AND delete_at IS NULL`,
        [id]
      )
      return rows[0]
    },

    async find(id) {
      const { rows } = await sql.run<LiveGrantRow>(
        'grants.find',
        `SELECT ${liveGrantColumns} FROM (VALUES ($1::text)) AS wanted (id) ${joinLiveGrant('g.id = wanted.id')}`,
        [id]
      )
      const [row] = rows
      return row && liveGrantOf(row)
    },

    saveStatement: grant => ({
      name: 'grants.save',
      // the index travels with the grant: whoever reads one has the other
      text: `INSERT INTO grants (id, handle, account_id, client_id, session_uid, offline, payload, expires_at, status_list, status_idx,
          document_digest, managed_id, managed_base)
        SELECT $1::text, $2, $3::uuid, $4, $5, $6::boolean, $7::jsonb, fresh.expires_at, fresh.status[1], fresh.status[2],
          $10::bytea, $11::text, $12::integer
        FROM (SELECT expires_at, CASE WHEN $9::integer IS NOT NULL
            THEN take_status_entry($1, NULL, $9, expires_at + status_keep()) END AS status
          FROM (SELECT clock_time() + make_interval(secs => $8) AS expires_at) AS lifetime) AS fresh
        ON CONFLICT (id) DO UPDATE SET payload = excluded.payload, offline = excluded.offline,
          status_list = coalesce(grants.status_list, excluded.status_list),
          status_idx = coalesce(grants.status_idx, excluded.status_idx)`,
      values: [
        grant.id,
        grantHandle(grant.id),
        grant.accountId,
        grant.clientId,
        grant.sessionUid ?? null,
        grant.offline,
        JSON.stringify(grant.payload),
        grant.lifetimeSeconds,
        grant.status === 'listed' ? statusListSize : null,
        grant.documentDigest ?? null,
        grant.managed?.id ?? null,
        grant.managed?.base ?? null
      ]
    }),

    revokeStatements: id => [
      {
        name: 'grants.revoke',
        text: 'UPDATE grants SET revoked_at = clock_time() WHERE id = $1 AND revoked_at IS NULL',
        values: [id]
      },
      {
        name: 'refresh_families.revoke_by_grant',
        text: 'UPDATE refresh_families SET revoked_at = clock_time() WHERE grant_id = $1 AND revoked_at IS NULL',
        values: [id]
      }
    ],

    async accessTokenState({ jti, handle, clientId, issuedAt, generation, via = [] }) {
      const through = via.length === 0 ? null : [...new Set(via)]
      const { rows } = await sql.run<
        LiveGrantRow & {
          denied: boolean
          enabled: boolean
          through: boolean
          tokens_not_before: Date | null
        }
      >(
        'access_token.state',
        // what was denied after a backup, the restored database has forgotten
        `SELECT EXISTS (SELECT FROM denied_tokens d WHERE d.jti = wanted.jti)
             OR EXISTS (SELECT FROM settings s WHERE s.name = 'restore'
               AND to_timestamp(wanted.issued_at) < (s.value ->> 'restored_at')::timestamptz) AS denied,
           c.client_id IS NOT NULL AND c.disabled_at IS NULL AS enabled, c.tokens_not_before,
           wanted.via IS NULL OR cardinality(wanted.via) = (SELECT count(*) FROM clients v
             WHERE v.client_id = ANY (wanted.via) AND v.disabled_at IS NULL
               AND (v.tokens_not_before IS NULL OR to_timestamp(wanted.issued_at) >= v.tokens_not_before)) AS through,
           ${liveGrantColumns}
         FROM (VALUES ($1::text, $2::text, $3::text, $4::float8, $5::text[]))
           AS wanted (jti, handle, client_id, issued_at, via)
         LEFT JOIN clients c ON c.client_id = wanted.client_id
         ${joinLiveGrant('g.handle = wanted.handle AND g.client_id = coalesce(wanted.via[1], wanted.client_id)')}`,
        [jti, handle ?? null, clientId, issuedAt, through]
      )
      const [row] = rows
      if (row === undefined) return { denied: true, grant: undefined, clientAlive: false }
      const since = row.tokens_not_before ?? undefined
      // a machine token stands on its client alone; the rest on grants, which ended with the client's tokens
      const current =
        handle === undefined
          ? generation === clientGeneration(clientId, since)
          : since === undefined || issuedAt * 1000 >= since.getTime()
      return {
        denied: row.denied,
        clientAlive: row.enabled && row.through && current,
        grant: liveGrantOf(row)
      }
    },

    denyStatement: (jti, keepSeconds) => ({
      name: 'denied_tokens.add',
      text: `INSERT INTO denied_tokens (jti, expires_at) VALUES ($1, clock_time() + make_interval(secs => $2))
        ON CONFLICT (jti) DO NOTHING`,
      values: [jti, keepSeconds]
    })
  }
}
