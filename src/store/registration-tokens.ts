// SQL of initial access tokens (migrations/0019_registration_tokens.sql). The value is stored as its digest; a use is one UPDATE whose condition
// is the whole rule, under the row's lock, so that any number of processes together register as many clients as it is good for.

import type { Queries } from './database.ts'

type ClientType = 'web' | 'spa' | 'native' | 'machine'

export interface TokenPolicy {
  types?: ClientType[]
  scopes?: string[]
  redirectHosts?: string[]
}

/** As administration sees it. */
export interface RegistrationToken {
  id: string
  note: string | undefined
  uses: number
  used: number
  /** clients of it at once; undefined: not limited besides `uses` */
  clientsMost: number | undefined
  policy: TokenPolicy
  createdAt: Date
  expiresAt: Date
  revokedAt: Date | undefined
}

export interface NewRegistrationToken {
  id: string
  digest: Buffer
  note: string | undefined
  uses: number
  clientsMost: number | undefined
  policy: TokenPolicy
  lifetimeSeconds: number
}

interface Row {
  id: string
  note: string | null
  uses: number
  used: number
  clients_most: number | null
  policy: TokenPolicy
  created_at: Date
  expires_at: Date
  revoked_at: Date | null
}

const columns = 'id, note, uses, used, clients_most, policy, created_at, expires_at, revoked_at'
const live = 'revoked_at IS NULL AND expires_at > clock_time() AND used < uses'

export type RegistrationTokenStore = ReturnType<typeof createRegistrationTokenStore>

export function createRegistrationTokenStore({ sql }: { sql: Queries }) {
  return {
    async insert(token: NewRegistrationToken): Promise<void> {
      await sql.run(
        'registration_tokens.insert',
        `INSERT INTO registration_tokens (id, digest, note, uses, clients_most, policy, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, clock_time() + make_interval(secs => $7))`,
        [
          token.id,
          token.digest,
          token.note ?? null,
          token.uses,
          token.clientsMost ?? null,
          JSON.stringify(token.policy),
          token.lifetimeSeconds
        ]
      )
    },

    /** Undefined for whatever cannot be used now. */
    async findLive(digest: Buffer): Promise<RegistrationToken | undefined> {
      const { rows } = await sql.run<Row>(
        'registration_tokens.find',
        `SELECT ${columns} FROM registration_tokens WHERE digest = $1 AND ${live}`,
        [digest]
      )
      return rows[0] && tokenOf(rows[0])
    },

    /**
     * Takes one use, in the transaction that makes the client. The row stays locked until its end, so that whoever is second counts the first
     * one's client, too.
     * @returns false: used up, over its quota, revoked or expired meanwhile
     */
    async use(id: string): Promise<boolean> {
      const lock = 'SELECT FROM registration_tokens WHERE id = $1 FOR UPDATE'
      await sql.run('registration_tokens.lock', lock, [id])
      // a statement of its own: it sees what the one before us has committed while we waited
      const { rowCount } = await sql.run(
        'registration_tokens.use',
        `UPDATE registration_tokens t SET used = used + 1 WHERE id = $1 AND ${live}
           AND (clients_most IS NULL
             OR (SELECT count(*) FROM clients c WHERE c.registration_token = t.id) < clients_most)`,
        [id]
      )
      return rowCount === 1
    },

    /** The newest first. */
    async list(): Promise<RegistrationToken[]> {
      const { rows } = await sql.run<Row>(
        'registration_tokens.list',
        `SELECT ${columns} FROM registration_tokens ORDER BY created_at DESC, id LIMIT 1000`
      )
      return rows.map(tokenOf)
    },

    /** False: there is none, or it was revoked before. */
    async revoke(id: string): Promise<boolean> {
      const { rowCount } = await sql.run(
        'registration_tokens.revoke',
        'UPDATE registration_tokens SET revoked_at = clock_time() WHERE id = $1 AND revoked_at IS NULL',
        [id]
      )
      return rowCount === 1
    }
  }
}

function tokenOf(row: Row): RegistrationToken {
  return {
    id: row.id,
    note: row.note ?? undefined,
    uses: row.uses,
    used: row.used,
    clientsMost: row.clients_most ?? undefined,
    policy: row.policy,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at ?? undefined
  }
}
