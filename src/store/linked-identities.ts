// Which identities at other providers belong to which account. Owns its SQL. Refuses to move an identity from one account to another: the
// primary key is the check, so two callers cannot both be first.

import type { Queries } from './database.ts'

/** Who somebody is elsewhere (OpenID Connect Core §5.7: issuer and subject together, and nothing else). */
export interface IdentityKey {
  issuer: string
  subject: string
}

export interface LinkedIdentity extends IdentityKey {
  /** the id under which the provider was configured when it was linked */
  upstream: string
  /** how the person knows it; no identifier */
  label: string | undefined
  linkedAt: Date
  usedAt: Date | undefined
}

interface Row {
  issuer: string
  subject: string
  upstream: string
  label: string | null
  linked_at: Date
  used_at: Date | null
}

export type LinkedIdentityStore = ReturnType<typeof createLinkedIdentityStore>

/** Every method throws Fault `store_unavailable` when the database does not answer. */
export function createLinkedIdentityStore({ sql }: { sql: Queries }) {
  return {
    /** Whose it is; it is used now, and known by this label from now on. */
    async use(
      { issuer, subject }: IdentityKey,
      label: string | undefined
    ): Promise<{ accountId: string; enabled: boolean } | undefined> {
      const { rows } = await sql.run<{ account_id: string; enabled: boolean }>(
        'linked_identities.use',
        `UPDATE linked_identities i SET used_at = clock_time(), label = coalesce($3, i.label)
         FROM accounts a WHERE i.issuer = $1 AND i.subject = $2 AND a.id = i.account_id
         RETURNING i.account_id, a.disabled_at IS NULL AS enabled`,
        [issuer, subject, label ?? null]
      )
      const row = rows[0]
      return row && { accountId: row.account_id, enabled: row.enabled }
    },

    async list(accountId: string): Promise<LinkedIdentity[]> {
      const { rows } = await sql.run<Row>(
        'linked_identities.list',
        `SELECT issuer, subject, upstream, label, linked_at, used_at FROM linked_identities
         WHERE account_id = $1 ORDER BY linked_at, issuer, subject`,
        [accountId]
      )
      return rows.map(row => ({
        issuer: row.issuer,
        subject: row.subject,
        upstream: row.upstream,
        label: row.label ?? undefined,
        linkedAt: row.linked_at,
        usedAt: row.used_at ?? undefined
      }))
    },

    /** `taken`: it belongs to another account; `already`: to this one. */
    async link(
      accountId: string,
      identity: IdentityKey & { upstream: string; label: string | undefined }
    ): Promise<'linked' | 'already' | 'taken'> {
      const { issuer, subject, upstream, label } = identity
      const { rowCount } = await sql.run(
        'linked_identities.link',
        `INSERT INTO linked_identities (issuer, subject, account_id, upstream, label)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
        [issuer, subject, accountId, upstream, label ?? null]
      )
      if (rowCount === 1) return 'linked'
      const { rows } = await sql.run<{ account_id: string }>(
        'linked_identities.owner',
        'SELECT account_id FROM linked_identities WHERE issuer = $1 AND subject = $2',
        [issuer, subject]
      )
      return rows[0]?.account_id === accountId ? 'already' : 'taken'
    },

    async unlink(
      accountId: string,
      { issuer, subject }: IdentityKey
    ): Promise<'gone' | 'unlinked'> {
      const { rowCount } = await sql.run(
        'linked_identities.unlink',
        'DELETE FROM linked_identities WHERE account_id = $1 AND issuer = $2 AND subject = $3',
        [accountId, issuer, subject]
      )
      return rowCount === 1 ? 'unlinked' : 'gone'
    },

    /** Until the transaction ends nobody else changes the ways in which this account signs in. */
    async lock(accountId: string): Promise<void> {
      await sql.run('linked_identities.lock', 'SELECT 1 FROM accounts WHERE id = $1 FOR UPDATE', [
        accountId
      ])
    }
  }
}
