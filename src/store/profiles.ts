// What people say of themselves, of the table of accounts. Owns its SQL.
// Refuses to touch what they do not say: other claims stay as they are.

import type { Queries } from './database.ts'

/** Undefined: nothing is said. */
export interface EditableProfile {
  name: string | undefined
  /** BCP 47 */
  locale: string | undefined
  /** further claims of OpenID Connect Core §5.1, wire names; undefined takes one away */
  claims: Record<string, string | undefined>
}

/** Every method throws Fault `store_unavailable` when the database does not answer. */
export function createProfileStore({ sql }: { sql: Queries }) {
  return {
    /** Answers `same` where nothing differs, and then writes nothing. */
    async save(accountId: string, { name, locale, claims }: EditableProfile) {
      const { rowCount } = await sql.run(
        'profiles.save',
        `UPDATE accounts SET name = $2, locale = $3, claims = (claims - $4::text[]) || $5::jsonb, updated_at = clock_time()
         WHERE id = $1 AND disabled_at IS NULL AND (name, locale, claims)
           IS DISTINCT FROM ($2::text, $3::text, (claims - $4::text[]) || $5::jsonb)`,
        [accountId, name ?? null, locale ?? null, Object.keys(claims), JSON.stringify(claims)]
      )
      return rowCount === 1 ? 'saved' : 'same'
    }
  }
}
