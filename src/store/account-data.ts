// What an account has allowed, in full, for the copy that its owner takes home: one page of rows at a time, so that no answer is held in memory
// whole. Owns its SQL. Refuses identifiers that belong to the server alone, and everything that opens something.

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
    }
  }
}
