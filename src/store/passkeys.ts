// The table of passkeys. Owns its SQL: whose a credential is, the counter that only rises, and the last way in, which stays. Writes that tell
// of themselves take the statement of their audit event along, so that both are there or neither.

import type { Database, Queries, Statement } from './database.ts'

/** One passkey as its owner knows it; `id` is ours, `credentialId` the authenticator's. */
export interface Passkey {
  id: string
  accountId: string
  credentialId: Buffer
  transports: string[]
  aaguid: string
  /** whether it may be copied to other devices of its owner */
  kind: 'synced' | 'device-bound'
  name: string
  createdAt: Date
  lastUsedAt: Date | undefined
}

/** The same with what a sign-in is judged by. */
export interface PasskeyWithKey extends Passkey {
  publicKey: Buffer
  userHandle: Buffer
  account: 'enabled' | 'disabled'
}

export interface NewPasskey {
  accountId: string
  credentialId: Buffer
  publicKey: Buffer
  counter: number
  transports: readonly string[]
  aaguid: string
  kind: Passkey['kind']
  backedUp: 'yes' | 'no'
  name: string
}

interface Row {
  id: string
  account_id: string
  credential_id: Buffer
  transports: string[]
  aaguid: string
  synced: boolean
  name: string
  created_at: Date
  last_used_at: Date | null
}

interface RowWithKey extends Row {
  public_key: Buffer
  handle: Buffer
  disabled: boolean
}

const columns =
  'p.id, p.account_id, p.credential_id, p.transports, p.aaguid, p.synced, p.name, p.created_at, p.last_used_at'
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

function toPasskey(row: Row): Passkey {
  return {
    id: row.id,
    accountId: row.account_id,
    credentialId: row.credential_id,
    transports: row.transports,
    aaguid: row.aaguid,
    kind: row.synced ? 'synced' : 'device-bound',
    name: row.name,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at ?? undefined
  }
}

export type PasskeyStore = ReturnType<typeof createPasskeyStore>

/** Every method throws Fault `store_unavailable` when the database does not answer. */
export function createPasskeyStore({ sql }: { sql: Database }) {
  const tell = (tx: Queries, { name, text, values }: Statement) => tx.run(name, text, values)

  return {
    /** What the account's authenticators know it by; `fresh` becomes that where nothing is yet. */
    async userHandle(accountId: string, fresh: Buffer): Promise<Buffer> {
      // the update that changes nothing answers with the row that was there, to parallel callers too
      const { rows } = await sql.run<{ handle: Buffer }>(
        'passkeys.user_handle',
        `INSERT INTO passkey_users AS u (account_id, handle) VALUES ($1, $2)
         ON CONFLICT (account_id) DO UPDATE SET handle = u.handle RETURNING handle`,
        [accountId, fresh]
      )
      return rows[0]?.handle ?? fresh
    },

    /** In the order in which they were made. */
    async list(accountId: string): Promise<Passkey[]> {
      const { rows } = await sql.run<Row>(
        'passkeys.list',
        `SELECT ${columns} FROM passkeys p WHERE p.account_id = $1 ORDER BY p.created_at, p.id`,
        [accountId]
      )
      return rows.map(toPasskey)
    },

    has: (accountId: string): Promise<boolean> => hasPasskey(sql, accountId),

    async findByCredential(credentialId: Buffer): Promise<PasskeyWithKey | undefined> {
      const { rows } = await sql.run<RowWithKey>(
        'passkeys.find',
        `SELECT ${columns}, p.public_key, u.handle, a.disabled_at IS NOT NULL AS disabled
         FROM passkeys p JOIN accounts a ON a.id = p.account_id
           JOIN passkey_users u ON u.account_id = p.account_id
         WHERE p.credential_id = $1`,
        [credentialId]
      )
      const row = rows[0]
      if (row === undefined) return undefined
      return {
        ...toPasskey(row),
        publicKey: row.public_key,
        userHandle: row.handle,
        account: row.disabled ? 'disabled' : 'enabled'
      }
    },

    /**
     * Takes a use down. `counter went back`: another copy of the key is about, or this use is an old one (Web Authentication §6.1.1), and
     * nothing is written; `gone`: removed meanwhile, or its account disabled.
     */
    async use(
      { id, accountId }: Pick<Passkey, 'id' | 'accountId'>,
      seen: { counter: number; backedUp: 'yes' | 'no' }
    ): Promise<'used' | 'counter went back' | 'gone'> {
      const used = await sql.run(
        'passkeys.use',
        `UPDATE passkeys p SET counter = $3, backed_up = $4, last_used_at = clock_time()
         FROM accounts a
         WHERE p.id = $1 AND p.account_id = $2 AND a.id = p.account_id AND a.disabled_at IS NULL
           AND (p.counter < $3 OR (p.counter = 0 AND $3 = 0))`,
        [id, accountId, seen.counter, seen.backedUp === 'yes']
      )
      if (used.rowCount === 1) return 'used'
      const { rowCount } = await sql.run(
        'passkeys.usable',
        `SELECT FROM passkeys p JOIN accounts a ON a.id = p.account_id
         WHERE p.id = $1 AND a.disabled_at IS NULL`,
        [id]
      )
      return rowCount === 1 ? 'counter went back' : 'gone'
    },

    /**
     * `known`: the credential is there already, whoever's it is; `too many`: the account has `limit` of them. `beside` is done in the same
     * transaction.
     */
    async add<T>(
      passkey: NewPasskey,
      limit: number,
      event: Statement,
      beside: (tx: Queries) => Promise<T>
    ): Promise<{ added: T } | 'known' | 'too many'> {
      return sql.transaction(async tx => {
        await lockAccount(tx, passkey.accountId)
        if ((await countOf(tx, passkey.accountId)) >= limit) return 'too many'
        const { rowCount } = await tx.run(
          'passkeys.add',
          `INSERT INTO passkeys (account_id, credential_id, public_key, counter, transports, aaguid, synced, backed_up, name)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (credential_id) DO NOTHING`,
          [
            passkey.accountId,
            passkey.credentialId,
            passkey.publicKey,
            passkey.counter,
            passkey.transports,
            passkey.aaguid,
            passkey.kind === 'synced',
            passkey.backedUp === 'yes',
            passkey.name
          ]
        )
        if (rowCount === 0) return 'known'
        await tell(tx, event)
        return { added: await beside(tx) }
      })
    },

    async rename(
      accountId: string,
      id: string,
      name: string,
      event: Statement
    ): Promise<'renamed' | 'gone'> {
      if (!uuid.test(id)) return 'gone'
      return sql.transaction(async tx => {
        const { rowCount } = await tx.run(
          'passkeys.rename',
          'UPDATE passkeys SET name = $3 WHERE id = $1 AND account_id = $2',
          [id, accountId, name]
        )
        if (rowCount === 0) return 'gone'
        await tell(tx, event)
        return 'renamed'
      })
    },

    /**
     * `last`: it is the only way into the account, so it stays; `hasOther` says whether there is one besides passkeys. `event` is of the
     * passkey's name; `afterLast` is done in the same transaction where no passkey is left.
     */
    async remove(
      accountId: string,
      id: string,
      event: (name: string) => Statement,
      ways: {
        hasOther: (tx: Queries) => Promise<boolean>
        afterLast: (tx: Queries) => Promise<void>
      }
    ): Promise<'removed' | 'last' | 'gone'> {
      if (!uuid.test(id)) return 'gone'
      return sql.transaction(async tx => {
        // two removals at once must not each take the other's way in for the one that stays
        await lockAccount(tx, accountId)
        const left = (await countOf(tx, accountId)) - 1
        if (left < 1 && !(await ways.hasOther(tx))) return 'last'
        const { rows } = await tx.run<{ name: string }>(
          'passkeys.remove',
          'DELETE FROM passkeys WHERE id = $1 AND account_id = $2 RETURNING name',
          [id, accountId]
        )
        const row = rows[0]
        if (row === undefined) return 'gone'
        await tell(tx, event(row.name))
        if (left === 0) await ways.afterLast(tx)
        return 'removed'
      })
    }
  }
}

/** All of an account's, in the transaction of somebody else, the last way in among them; answers their names. */
export async function removePasskeys(tx: Queries, accountId: string): Promise<string[]> {
  await lockAccount(tx, accountId)
  const { rows } = await tx.run<{ name: string }>(
    'passkeys.remove_all',
    'DELETE FROM passkeys WHERE account_id = $1 RETURNING name',
    [accountId]
  )
  return rows.map(({ name }) => name)
}

/** Also inside the transaction of somebody else. */
export async function hasPasskey(sql: Queries, accountId: string): Promise<boolean> {
  const { rowCount } = await sql.run(
    'passkeys.has',
    'SELECT FROM passkeys WHERE account_id = $1 LIMIT 1',
    [accountId]
  )
  return rowCount > 0
}

/** One change of an account's ways in at a time. */
async function lockAccount(tx: Queries, accountId: string): Promise<void> {
  await tx.run('passkeys.lock_account', 'SELECT FROM accounts WHERE id = $1 FOR NO KEY UPDATE', [
    accountId
  ])
}

async function countOf(tx: Queries, accountId: string): Promise<number> {
  const { rows } = await tx.run<{ count: number }>(
    'passkeys.count',
    'SELECT count(*)::integer AS count FROM passkeys WHERE account_id = $1',
    [accountId]
  )
  return rows[0]?.count ?? 0
}
