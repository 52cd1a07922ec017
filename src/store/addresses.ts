// Whether an address is somebody's here: their login, or verified as theirs. Owns its SQL. An address that nobody has verified counts for
// nobody: anybody can write one down.

import type { Queries } from './database.ts'

/** Every method throws Fault `store_unavailable` when the database does not answer. */
export function createAddressBook({ sql }: { sql: Queries }) {
  return {
    /** `folded` by accounts/login-name.ts. */
    async isKnown(folded: string): Promise<boolean> {
      const { rows } = await sql.run(
        'addresses.known',
        'SELECT 1 FROM account_names WHERE called = $1',
        [folded]
      )
      return rows.length > 0
    }
  }
}
