// What an account has allowed and what it signs in by, in full, for the copy that its owner takes home; what may be long one page of rows at a
// time, so that no answer is held in memory whole. Owns its SQL. Refuses identifiers that belong to the server alone, and everything that opens
// something.

import type { Queries } from './database.ts'
import { joinLiveGrant } from './grants.ts'

/** Every method throws Fault `store_unavailable` when the database does not answer. Rows are objects of wire names. */
export function createAccountDataStore({ sql }: { sql: Queries }) {
  return {
    /** Authorizations that live, by id; `after` is the id of the last one of the page before. */
    async grants(accountId: string, after: string, limit: number) {
      const { rows } = await sql.run<{ id: string; told: object }>(
        'account_data.grants',
        `SELECT wanted.id, jsonb_build_object('client_id', g.client_id, 'scope', g.payload #> '{openid,scope}',
           'resources', g.payload -> 'resources', 'authorization_details', g.payload -> 'rar', 'offline_access', g.offline,
           'created_at', g.created_at, 'expires_at', g.expires_at) AS told
         FROM grants wanted ${joinLiveGrant('g.id = wanted.id')}
         WHERE g.id IS NOT NULL AND wanted.account_id = $1 AND wanted.id COLLATE "C" > $2
         ORDER BY wanted.id COLLATE "C" LIMIT $3`,
        [accountId, after, limit]
      )
      return rows
    },

    /** What is remembered of consents, by client. */
    async consents(accountId: string, after: string, limit: number) {
      const { rows } = await sql.run<{ id: string; told: object }>(
        'account_data.consents',
        `SELECT client_id AS id, jsonb_build_object('client_id', client_id, 'allowed', granted, 'created_at', created_at,
           'updated_at', updated_at, 'expires_at', expires_at) AS told
         FROM consents WHERE account_id = $1 AND client_id COLLATE "C" > $2
         ORDER BY client_id COLLATE "C" LIMIT $3`,
        [accountId, after, limit]
      )
      return rows
    },

    /** Identities at other providers; there are a handful at most. */
    async linkedIdentities(accountId: string): Promise<object[]> {
      const { rows } = await sql.run<{ told: object }>(
        'account_data.linked_identities',
        `SELECT jsonb_build_object('issuer', issuer, 'subject', subject, 'provider', upstream, 'label', label,
           'linked_at', linked_at, 'last_used_at', used_at) AS told
         FROM linked_identities WHERE account_id = $1 ORDER BY linked_at, issuer, subject`,
        [accountId]
      )
      return rows.map(({ told }) => told)
    },

    /** Browsers that the account has been signed in at and that are still known (store/sign-in-devices.ts bounds them). */
    async browsers(accountId: string): Promise<object[]> {
      const { rows } = await sql.run<{ told: object }>(
        'account_data.browsers',
        `SELECT jsonb_build_object('browser', label, 'first_seen_at', first_seen, 'last_seen_at', last_seen,
           'known_until', expires_at) AS told
         FROM sign_in_devices WHERE account_id = $1 ORDER BY first_seen, id`,
        [accountId]
      )
      return rows.map(({ told }) => told)
    },

    async secondFactors(accountId: string): Promise<object[]> {
      const { rows } = await sql.run<{ told: object }>(
        'account_data.second_factors',
        `SELECT jsonb_build_object('kind', 'totp', 'added_at', created_at) AS told FROM totp_factors WHERE account_id = $1
         UNION ALL
         SELECT jsonb_build_object('kind', 'recovery_codes', 'made_at', created_at,
           'left', (SELECT count(*) FROM recovery_codes c WHERE c.account_id = s.account_id))
         FROM recovery_code_sets s WHERE account_id = $1`,
        [accountId]
      )
      return rows.map(({ told }) => told)
    }
  }
}
