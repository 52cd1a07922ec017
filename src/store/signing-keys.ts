// Rows of signing keys. Owns their SQL, and with it the promise of one active key per purpose and
// algorithm: the unique index decides between processes, not a look beforehand. It never sees a
// private key, only what is sealed.

import { type Database, Refused, type Statement } from './database.ts'

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
  /** the longest life of what it signs, in seconds */
  longestSeconds?: number
}

export interface SigningKeyRows {
  /**
   * All keys that are not retired, oldest first.
   * @throws Fault `store_unavailable`
   */
  list(): Promise<SigningKeyRow[]>
  /**
   * Stores a key as the active one. `taken`: its purpose and algorithm have an active key already,
   * of another process perhaps, and nothing was stored. `also` goes with it, or not at all.
   * @throws Fault `store_unavailable`
   */
  insertActive(key: NewSigningKey, also?: readonly Statement[]): Promise<'inserted' | 'taken'>
}

const listText = `
SELECT kid, purpose, alg, state, sealed
  FROM signing_keys
 WHERE state <> 'retired'
 ORDER BY created_at, kid`

// waits for another transaction that is inserting the same pair, so `taken` is never too early
const insertActiveText = `
WITH done AS (
  INSERT INTO signing_keys (kid, purpose, alg, state, sealed, activated_at, token_seconds, wanted_at)
  VALUES ($1, $2, $3, 'active', $4, clock_time(), $5, clock_time())
  ON CONFLICT (purpose, alg) WHERE state = 'active' DO NOTHING RETURNING 1)
SELECT require_match((SELECT count(*) FROM done), 'signing_key_taken')`

/** The INSERT of a key that signs from now on; raises where its purpose and algorithm have one already. */
export function insertActiveKey(key: NewSigningKey): Statement {
  const { kid, purpose, alg, sealed, longestSeconds = 0 } = key
  return {
    name: 'signing_keys.insert_active',
    text: insertActiveText,
    values: [kid, purpose, alg, sealed, longestSeconds]
  }
}

/** Makes the store of signing keys on one database. */
export function createSigningKeyRows(deps: {
  sql: Pick<Database, 'run' | 'pipeline'>
}): SigningKeyRows {
  const { sql } = deps
  return {
    async list() {
      const { rows } = await sql.run<SigningKeyRow>('signing_keys.list', listText)
      return rows
    },

    async insertActive(key, also = []) {
      try {
        await sql.pipeline([insertActiveKey(key), ...also])
        return 'inserted'
      } catch (error) {
        if (error instanceof Refused) return 'taken'
        throw error
      }
    }
  }
}
