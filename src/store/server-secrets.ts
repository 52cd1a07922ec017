// Rows of the server's symmetric secrets, versioned per purpose. Owns their SQL; the primary key
// decides between processes that make the same version at once. It never sees a secret, only what
// is sealed.

import type { Queries } from './database.ts'

/** A row as it is stored. */
export interface ServerSecretRow {
  purpose: string
  version: number
  state: 'pending' | 'active' | 'retiring'
  sealed: Buffer
}

/** A secret to be stored; it is in use from now on. */
export interface NewServerSecret {
  purpose: string
  version: number
  sealed: Buffer
}

export interface ServerSecretRows {
  /**
   * All versions of all purposes, newest first.
   * @throws Fault `store_unavailable`
   */
  list(): Promise<ServerSecretRow[]>
  /**
   * Stores a version as active. `taken`: that version exists already, and nothing was stored.
   * @throws Fault `store_unavailable`
   */
  insertActive(secret: NewServerSecret): Promise<'inserted' | 'taken'>
}

const listText = `
SELECT purpose, version, state, sealed
  FROM server_secrets
 ORDER BY purpose, version DESC`

const insertActiveText = `
INSERT INTO server_secrets (purpose, version, state, sealed)
VALUES ($1, $2, 'active', $3)
ON CONFLICT (purpose, version) DO NOTHING`

/** Makes the store of server secrets on one database. */
export function createServerSecretRows({ sql }: { sql: Queries }): ServerSecretRows {
  return {
    async list() {
      const { rows } = await sql.run<ServerSecretRow>('server_secrets.list', listText)
      return rows
    },

    async insertActive({ purpose, version, sealed }) {
      const values = [purpose, version, sealed]
      const { rowCount } = await sql.run('server_secrets.insert_active', insertActiveText, values)
      return rowCount === 1 ? 'inserted' : 'taken'
    }
  }
}
