// What a person consented to, one row per account and client: scopes and details, what they declined of it, until when, and as what they knew
// the client. Scopes add up; what is declined later is taken out, and what is allowed later comes back. A row whose time is over counts for
// nothing, and nothing of it comes back with the next one.

import type { AuthorizationDetail } from '../oauth/authorization-details.ts'
import type { Queries, Statement } from './database.ts'

export interface ConsentedScopes {
  openid: string[]
  resources: Record<string, string[]>
  /** authorization details (RFC 9396); absent in rows of before there were any */
  details?: AuthorizationDetail[]
}

/** What is remembered. */
export interface Consent extends ConsentedScopes {
  declined: ConsentedScopes
  /** as what the person knew the client (protocol/consent-choice.ts) */
  knownAs: string[]
  /** by the database's clock; undefined: until it is removed */
  remainingSeconds: number | undefined
}

/** What a person chose beside allowing. */
export interface ConsentChoice {
  declined?: ConsentedScopes | undefined
  knownAs?: string | undefined
  /** undefined: until it is removed */
  lifetimeSeconds?: number | undefined
}

export interface ConsentStore {
  findConsent(accountId: string, clientId: string): Promise<Consent | undefined>
  /** Adds to what was consented before. */
  consentStatement(
    accountId: string,
    clientId: string,
    granted: ConsentedScopes,
    choice?: ConsentChoice
  ): Statement
  /** Grants that live longer end with the consent; those that the client manages have an end of their own. Goes before the consent: order of locks. */
  shortenStatement(accountId: string, clientId: string, lifetimeSeconds: number): Statement
}

/** Details that are remembered of a client at most; the oldest ones are asked for again. */
const mostRememberedDetails = 50

const nothing: ConsentedScopes = { openid: [], resources: {} }

export function createConsentStore({ sql }: { sql: Queries }): ConsentStore {
  return {
    async findConsent(accountId, clientId) {
      const { rows } = await sql.run<{
        granted: ConsentedScopes
        declined: ConsentedScopes
        known_as: string[]
        remaining: number | null
      }>(
        'consents.find',
        `SELECT granted, declined, known_as, extract(epoch FROM expires_at - clock_time())::float8 AS remaining FROM consents
         WHERE account_id = $1 AND client_id = $2 AND (expires_at IS NULL OR expires_at > clock_time())`,
        [accountId, clientId]
      )
      const [row] = rows
      return (
        row && {
          ...row.granted,
          declined: row.declined,
          knownAs: row.known_as,
          remainingSeconds: row.remaining ?? undefined
        }
      )
    },

    consentStatement: (accountId, clientId, granted, choice = {}) => ({
      name: 'consents.save',
      text: `INSERT INTO consents (account_id, client_id, granted, declined, known_as, expires_at)
        VALUES ($1, $2, $3, $4, $5, clock_time() + make_interval(secs => $6))
        ON CONFLICT (account_id, client_id) DO UPDATE SET (granted, declined, known_as, updated_at, expires_at) = (
          SELECT consent_scopes_without(consent_scopes_with(before.granted, excluded.granted), excluded.declined)
              || jsonb_build_object('details', (SELECT coalesce(jsonb_agg(detail ORDER BY place), '[]') FROM (
                SELECT detail, max(place) AS place FROM jsonb_array_elements(
                  coalesce(before.granted -> 'details', '[]') || coalesce(excluded.granted -> 'details', '[]'))
                  WITH ORDINALITY AS both_lists (detail, place)
                GROUP BY detail ORDER BY max(place) DESC LIMIT ${mostRememberedDetails}) AS newest)),
            consent_scopes_with(consent_scopes_without(before.declined, excluded.granted), excluded.declined),
            ARRAY(SELECT DISTINCT unnest(before.known_as || excluded.known_as)), clock_time(), excluded.expires_at
          FROM (SELECT CASE WHEN over.is THEN '{}' ELSE consents.granted END AS granted,
              CASE WHEN over.is THEN '{}' ELSE consents.declined END AS declined,
              CASE WHEN over.is THEN '{}' ELSE consents.known_as END AS known_as
            FROM (SELECT coalesce(consents.expires_at <= clock_time(), false) AS is) AS over) AS before)`,
      values: [
        accountId,
        clientId,
        JSON.stringify(granted),
        JSON.stringify(choice.declined ?? nothing),
        choice.knownAs === undefined ? [] : [choice.knownAs],
        choice.lifetimeSeconds ?? null
      ]
    }),

    shortenStatement: (accountId, clientId, lifetimeSeconds) => ({
      name: 'grants.shorten',
      text: `WITH longer AS (SELECT id FROM grants
          WHERE account_id = $1 AND client_id = $2 AND managed_id IS NULL AND revoked_at IS NULL
            AND expires_at > clock_time() + make_interval(secs => $3)
          ORDER BY id COLLATE "C" FOR NO KEY UPDATE)
        UPDATE grants g SET expires_at = clock_time() + make_interval(secs => $3) FROM longer WHERE g.id = longer.id`,
      values: [accountId, clientId, lifetimeSeconds]
    })
  }
}
