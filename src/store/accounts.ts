// The table of people. Owns its SQL: find, create, change, disable; a changed password and a disabled account move `valid_after`, the
// line before which sessions and grants are refused. Refuses to decide anything: names are folded and passwords hashed by accounts/.

import { type Queries, sqlState } from './database.ts'

/** A person as the rest of the server knows them; `id` is the subject: random, never reused, never an e-mail address. */
export interface Account {
  id: string
  /** folded: one form per account (accounts/login-name.ts) */
  login: string
  name: string | undefined
  email: string | undefined
  emailVerified: boolean
  /** BCP 47 */
  locale: string | undefined
  /** further claims of OpenID Connect Core §5.1 under their wire names */
  claims: Record<string, unknown>
  disabledAt: Date | undefined
  /** its owner has deleted it: nothing of it lives, and the row leaves then */
  deleteAt: Date | undefined
  /** sessions and grants from before this are refused */
  validAfter: Date | undefined
  /** declared by a development configuration; a production start disables it */
  seeded: boolean
  createdAt: Date
}

/** What a person is called; members left out keep what they are on update, and are empty on create. */
export interface AccountProfile {
  name?: string | undefined
  email?: string | undefined
  emailVerified?: boolean | undefined
  /** the address as logins are folded, where it is verified: the account is found by it, and no other may have it */
  verifiedEmail?: string | undefined
  locale?: string | undefined
  claims?: Record<string, unknown> | undefined
}

/** An account with its PHC string: only for who verifies passwords. */
export interface AccountWithPassword {
  account: Account
  password: string | undefined
}

interface Row {
  id: string
  login: string
  name: string | null
  email: string | null
  email_verified: boolean
  locale: string | null
  claims: Record<string, unknown>
  disabled_at: Date | null
  delete_at: Date | null
  valid_after: Date | null
  seeded: boolean
  created_at: Date
  password: string | null
}

const columns =
  'id, login, name, email, email_verified, locale, claims, disabled_at, delete_at, valid_after, seeded, created_at'
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

function toAccount(row: Row): Account {
  return {
    id: row.id,
    login: row.login,
    name: row.name ?? undefined,
    email: row.email ?? undefined,
    emailVerified: row.email_verified,
    locale: row.locale ?? undefined,
    claims: row.claims,
    disabledAt: row.disabled_at ?? undefined,
    deleteAt: row.delete_at ?? undefined,
    validAfter: row.valid_after ?? undefined,
    seeded: row.seeded,
    createdAt: row.created_at
  }
}

/** Whether a write failed because somebody else has the login or the address as a name (migrations/0027_mail.sql). */
export function isNameTaken(error: unknown): boolean {
  if (sqlState(error) !== '23505') return false
  const { constraint } = error as { constraint?: unknown }
  return constraint === 'account_names_pkey' || constraint === 'accounts_login_key'
}

export type AccountStore = ReturnType<typeof createAccountStore>

/** Every method throws Fault `store_unavailable` when the database does not answer. */
export function createAccountStore({ sql }: { sql: Queries }) {
  async function one(name: string, text: string, values: readonly unknown[]) {
    const { rows } = await sql.run<Row>(name, text, values)
    return rows[0]
  }

  async function account(name: string, text: string, values: readonly unknown[]) {
    const row = await one(name, text, values)
    return row && toAccount(row)
  }

  return {
    /** By subject; anything that is not a UUID is nobody. */
    async findById(id: string): Promise<Account | undefined> {
      if (!uuid.test(id)) return undefined
      return account('accounts.find', `SELECT ${columns} FROM accounts WHERE id = $1`, [id])
    },

    /** By folded login. */
    async findByLogin(login: string): Promise<Account | undefined> {
      return account('accounts.find_login', `SELECT ${columns} FROM accounts WHERE login = $1`, [
        login
      ])
    },

    /** By what somebody is called, folded: their login or their verified address, one account a name. With the password's PHC string. */
    async findWithPassword(called: string): Promise<AccountWithPassword | undefined> {
      const row = await one(
        'accounts.find_password',
        `SELECT ${columns}, password FROM accounts
         WHERE id = (SELECT account_id FROM account_names WHERE called = $1)`,
        [called]
      )
      return row && { account: toAccount(row), password: row.password ?? undefined }
    },

    async hasPassword(id: string): Promise<boolean> {
      const text = 'SELECT 1 FROM accounts WHERE id = $1 AND password IS NOT NULL'
      return (await sql.run('accounts.has_password', text, [id])).rows.length > 0
    },

    /** By what somebody is called, folded. */
    async findByName(called: string): Promise<Account | undefined> {
      return account(
        'accounts.find_name',
        `SELECT ${columns} FROM accounts
         WHERE id = (SELECT account_id FROM account_names WHERE called = $1)`,
        [called]
      )
    },

    /** By subject, with the password's PHC string. */
    async findWithPasswordById(id: string): Promise<AccountWithPassword | undefined> {
      const row = await one(
        'accounts.find_password_by_id',
        `SELECT ${columns}, password FROM accounts WHERE id = $1`,
        [id]
      )
      return row && { account: toAccount(row), password: row.password ?? undefined }
    },

    /**
     * The account as it is now, if it is enabled and nothing ended what it had since `seen` was read. Not by its PHC string: that
     * changes when a parallel sign-in upgrades it. JavaScript's times end at milliseconds, so the column is cut there too.
     */
    async findUnchanged(seen: Pick<Account, 'id' | 'validAfter'>): Promise<Account | undefined> {
      return account(
        'accounts.find_unchanged',
        `SELECT ${columns} FROM accounts WHERE id = $1 AND disabled_at IS NULL
           AND date_trunc('milliseconds', valid_after) IS NOT DISTINCT FROM $2::timestamptz`,
        [seen.id, seen.validAfter ?? null]
      )
    },

    /** One page in the order of logins; `after` is the last login of the page before. */
    async list(page: { after?: string | undefined; limit: number }): Promise<Account[]> {
      const { rows } = await sql.run<Row>(
        'accounts.list',
        `SELECT ${columns} FROM accounts WHERE login > $1 ORDER BY login LIMIT $2`,
        [page.after ?? '', page.limit]
      )
      return rows.map(toAccount)
    },

    /**
     * Answers undefined when the login is taken: the insert is the check, so two callers cannot both be first. What a development
     * configuration declares does without an address that somebody else has.
     * @throws pg's error when somebody else is called so (`isNameTaken`)
     */
    async create(
      login: string,
      password: string | undefined,
      profile: AccountProfile,
      origin: 'made' | 'seeded'
    ): Promise<Account | undefined> {
      return account(
        'accounts.create',
        `INSERT INTO accounts (login, password, name, email, email_verified, locale, claims, seeded, verified_email)
         VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb, $8, CASE WHEN NOT $8 THEN $9
           WHEN NOT EXISTS (SELECT FROM account_names WHERE called = $9) THEN $9 END)
         ON CONFLICT (login) DO NOTHING RETURNING ${columns}`,
        [
          login,
          password ?? null,
          profile.name ?? null,
          profile.email ?? null,
          profile.emailVerified ?? false,
          profile.locale ?? null,
          JSON.stringify(profile.claims ?? {}),
          origin === 'seeded',
          profile.emailVerified ? (profile.verifiedEmail ?? null) : null
        ]
      )
    },

    /**
     * An account from elsewhere, with the id that it had there. Answers undefined when its login or id is taken.
     * @throws pg's error when somebody else is called so (`isNameTaken`)
     */
    async createImported(
      id: string | undefined,
      login: string,
      password: string | undefined,
      profile: AccountProfile,
      state: 'enabled' | 'disabled'
    ): Promise<Account | undefined> {
      return account(
        'accounts.import',
        `INSERT INTO accounts (id, login, password, name, email, email_verified, locale, disabled_at, verified_email)
         VALUES (coalesce($1, gen_random_uuid()), $2, $3, $4, $5, $6, $7, CASE WHEN $8 THEN clock_time() END, $9)
         ON CONFLICT DO NOTHING RETURNING ${columns}`,
        [
          id ?? null,
          login,
          password ?? null,
          profile.name ?? null,
          profile.email ?? null,
          profile.emailVerified ?? false,
          profile.locale ?? null,
          state === 'disabled',
          profile.verifiedEmail ?? null
        ]
      )
    },

    /** How many accounts there are, about, and how many have imported hashes, by kind (accounts/decoys.ts). */
    async countHashes() {
      const { rows } = await sql.run<{ prefix: string; accounts: number }>(
        'accounts.imported_hashes',
        `SELECT substring(password from '^\\$(?:2[aby]\\$\\d\\d|[a-z0-9-]+\\$[a-z]+=[a-z0-9=,]+)\\$') AS prefix, count(*)::integer AS accounts
         FROM accounts WHERE password NOT LIKE '$argon2id$%' GROUP BY 1 ORDER BY 1`
      )
      const all = await sql.run<{ total: number }>(
        'accounts.estimate',
        `SELECT greatest(reltuples, (SELECT count(*) FROM (SELECT FROM accounts LIMIT 10000) few))::float8 AS total
         FROM pg_class WHERE oid = 'accounts'::regclass`
      )
      const imported = rows.filter(({ prefix }) => prefix !== null)
      return { total: all.rows[0]?.total ?? 0, imported }
    },

    /** Writes the profile as a whole and enables the account; answers undefined when nothing differs, and then writes nothing. */
    async declare(id: string, profile: AccountProfile): Promise<Account | undefined> {
      return account(
        'accounts.declare',
        `UPDATE accounts SET name = $2, email = $3, email_verified = $4, locale = $5, claims = $6::jsonb,
           verified_email = (SELECT $7::text WHERE NOT EXISTS (
             SELECT FROM account_names n WHERE n.called = $7 AND n.account_id <> accounts.id)),
           disabled_at = NULL, updated_at = clock_time()
         WHERE id = $1 AND (name, email, email_verified, locale, claims, disabled_at)
           IS DISTINCT FROM ($2::text, $3::text, $4::boolean, $5::text, $6::jsonb, NULL::timestamptz)
         RETURNING ${columns}`,
        [
          id,
          profile.name ?? null,
          profile.email ?? null,
          profile.emailVerified ?? false,
          profile.locale ?? null,
          JSON.stringify(profile.claims ?? {}),
          profile.emailVerified ? (profile.verifiedEmail ?? null) : null
        ]
      )
    },

    /**
     * Gives the account an address that its person has just proved; a login that was the address before goes with it.
     * @throws pg's error when somebody else is called so (`isNameTaken`)
     */
    async setEmail(id: string, email: string, called: string): Promise<Account | undefined> {
      return account(
        'accounts.set_email',
        `UPDATE accounts SET email = $2, email_verified = true, verified_email = $3,
           login = CASE WHEN login = coalesce(verified_email, lower(email)) THEN $3 ELSE login END, updated_at = clock_time()
         WHERE id = $1 RETURNING ${columns}`,
        [id, email, called]
      )
    },

    /** Another password, chosen by who is signed in and wants to stay so elsewhere, too; sign-ins that have begun begin anew. */
    async changePassword(id: string, password: string): Promise<Account | undefined> {
      return account(
        'accounts.change_password',
        `WITH begun AS (DELETE FROM pending_sign_ins WHERE account_id = $1)
         UPDATE accounts SET password = $2, updated_at = clock_time() WHERE id = $1 RETURNING ${columns}`,
        [id, password]
      )
    },

    /** Sets the password and refuses every session and grant from before. */
    async setPassword(id: string, password: string): Promise<Account | undefined> {
      return account(
        'accounts.set_password',
        `UPDATE accounts SET password = $2, valid_after = clock_time(), updated_at = clock_time()
         WHERE id = $1 RETURNING ${columns}`,
        [id, password]
      )
    },

    /** Refuses every session and grant from before. */
    async refuseEarlier(id: string): Promise<Account | undefined> {
      return account(
        'accounts.refuse_earlier',
        `UPDATE accounts SET valid_after = clock_time(), updated_at = clock_time()
         WHERE id = $1 RETURNING ${columns}`,
        [id]
      )
    },

    /** The same password under better parameters: sessions live on. Writes only over the string that was verified. */
    async replaceHash(id: string, from: string, to: string): Promise<'replaced' | 'changed'> {
      const { rowCount } = await sql.run(
        'accounts.replace_hash',
        'UPDATE accounts SET password = $3, updated_at = clock_time() WHERE id = $1 AND password = $2',
        [id, from, to]
      )
      return rowCount === 1 ? 'replaced' : 'changed'
    },

    /** Answers undefined when it was disabled already, or is not there. What was alive before stays refused after `enable`. */
    async disable(id: string): Promise<Account | undefined> {
      return account(
        'accounts.disable',
        `UPDATE accounts SET disabled_at = clock_time(), valid_after = clock_time(), updated_at = clock_time()
         WHERE id = $1 AND disabled_at IS NULL RETURNING ${columns}`,
        [id]
      )
    },

    /** Answers undefined when it was enabled already, or is not there. */
    async enable(id: string): Promise<Account | undefined> {
      return account(
        'accounts.enable',
        `UPDATE accounts SET disabled_at = NULL, updated_at = clock_time()
         WHERE id = $1 AND disabled_at IS NOT NULL RETURNING ${columns}`,
        [id]
      )
    },

    /** Enabled accounts that a development configuration declared, except those of these logins. */
    async listSeeded(exceptLogins: readonly string[]): Promise<Account[]> {
      const { rows } = await sql.run<Row>(
        'accounts.list_seeded',
        `SELECT ${columns} FROM accounts WHERE seeded AND disabled_at IS NULL AND login <> ALL ($1::text[])`,
        [exceptLogins]
      )
      return rows.map(toAccount)
    }
  }
}
