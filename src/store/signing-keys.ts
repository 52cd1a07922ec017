// Rows of signing keys. Owns their SQL, and with it the promise of one active key per purpose and
// algorithm: the unique index decides between processes, not a look beforehand. It never sees a
// private key, only what is sealed.

import type { Queries } from './database.ts'

/** A row as it is stored. Typed as text where the database could hold anything: the ring checks. */
export interface SigningKeyRow {
  kid: string
  purpose: string
  alg: string
  state: string
  sealed: Buffer
}

/** A key to be stored; it signs from now on. */
export interface NewSigningKey {
  kid: string
  purpose: string
  alg: string
  sealed: Buffer
}

export interface SigningKeyRows {
  /**
   * All keys that are not retired, oldest first.
   * @throws Fault `store_unavailable`
   */
  list(): Promise<SigningKeyRow[]>
  /**
   * Stores a key as the active one. `taken`: its purpose and algorithm have an active key already,
   * of another process perhaps, and nothing was stored.
   * @throws Fault `store_unavailable`
   */
  insertActive(key: NewSigningKey): Promise<'inserted' | 'taken'>
}

const listText = `
SELECT kid, purpose, alg, state, sealed
  FROM signing_keys
 WHERE state <> 'retired'
 ORDER BY created_at, kid`

// waits for another transaction that is inserting the same pair, so `taken` is never too early
const insertActiveText = `
INSERT INTO signing_keys (kid, purpose, alg, state, sealed, activated_at)
VALUES ($1, $2, $3, 'active', $4, clock_time())
ON CONFLICT (purpose, alg) WHERE state = 'active' DO NOTHING`

/** Makes the store of signing keys on one database. */
export function createSigningKeyRows({ sql }: { sql: Queries }): SigningKeyRows {
  return {
    async list() {
      const { rows } = await sql.run<SigningKeyRow>('signing_keys.list', listText)
      return rows
    },

    async insertActive({ kid, purpose, alg, sealed }) {
      const values = [kid, purpose, alg, sealed]
      const { rowCount } = await sql.run('signing_keys.insert_active', insertActiveText, values)
      return rowCount === 1 ? 'inserted' : 'taken'
    }
  }
}
