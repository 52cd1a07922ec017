// Seeds of TOTP and recovery codes. Owns their SQL, and with it the two answers that only one of many parallel uses gets: a time step is
// claimed by a conditional UPDATE, a recovery code is used by a DELETE. Refuses to know what a seed or a code is.

import type { Queries } from './database.ts'

/** A seed as it lies: sealed for `totp_factors`, `sealed`, the account. */
export interface TotpRow {
  sealed: Buffer
  lastStep: number
}

export interface SecondFactorStore {
  findTotp(accountId: string): Promise<TotpRow | undefined>
  /**
   * `first`: false where the account has a seed; `replace`: false where it has used this step, or a later one, already.
   */
  setTotp(
    accountId: string,
    sealed: Buffer,
    step: number,
    mode: 'first' | 'replace'
  ): Promise<boolean>
  /**
   * Claims a step, for the seed that was read: true for exactly one caller, over all processes, and never again for it or one before it.
   * A seed that is sealed anew meanwhile counts as another one.
   */
  claimStep(accountId: string, sealed: Buffer, step: number): Promise<boolean>
  removeTotp(accountId: string): Promise<boolean>

  findCodeKey(accountId: string): Promise<Buffer | undefined>
  /** New codes under a new key, in place of those of before. Wants a transaction. */
  setCodes(accountId: string, sealedKey: Buffer, macs: readonly Buffer[]): Promise<void>
  /** Uses one: true for exactly one caller. */
  useCode(accountId: string, mac: Buffer): Promise<boolean>
  countCodes(accountId: string): Promise<number>
  removeCodes(accountId: string): Promise<boolean>
}

/** Every method throws Fault `store_unavailable` when the database does not answer. */
export function createSecondFactorStore({ sql }: { sql: Queries }): SecondFactorStore {
  const changed = async (name: string, text: string, values: readonly unknown[]) =>
    (await sql.run(name, text, values)).rowCount > 0

  return {
    async findTotp(accountId) {
      const { rows } = await sql.run<{ sealed: Buffer; last_step: string }>(
        'totp.find',
        'SELECT sealed, last_step FROM totp_factors WHERE account_id = $1',
        [accountId]
      )
      const row = rows[0]
      return row && { sealed: row.sealed, lastStep: Number(row.last_step) }
    },

    setTotp: (accountId, sealed, step, mode) =>
      changed(
        'totp.set',
        `INSERT INTO totp_factors AS f (account_id, sealed, last_step) VALUES ($1, $2, $3)
         ON CONFLICT (account_id) DO UPDATE SET sealed = excluded.sealed,
           last_step = excluded.last_step, created_at = clock_time()
         WHERE $4 = 'replace' AND f.last_step < excluded.last_step`,
        [accountId, sealed, step, mode]
      ),

    claimStep: (accountId, sealed, step) =>
      changed(
        'totp.claim',
        `UPDATE totp_factors SET last_step = $3
         WHERE account_id = $1 AND sealed = $2 AND last_step < $3`,
        [accountId, sealed, step]
      ),

    removeTotp: accountId =>
      changed('totp.remove', 'DELETE FROM totp_factors WHERE account_id = $1', [accountId]),

    async findCodeKey(accountId) {
      const { rows } = await sql.run<{ sealed: Buffer }>(
        'recovery_codes.key',
        'SELECT sealed FROM recovery_code_sets WHERE account_id = $1',
        [accountId]
      )
      return rows[0]?.sealed
    },

    async setCodes(accountId, sealedKey, macs) {
      await sql.run(
        'recovery_codes.set',
        `INSERT INTO recovery_code_sets (account_id, sealed) VALUES ($1, $2)
         ON CONFLICT (account_id) DO UPDATE SET sealed = excluded.sealed, created_at = clock_time()`,
        [accountId, sealedKey]
      )
      await sql.run('recovery_codes.clear', 'DELETE FROM recovery_codes WHERE account_id = $1', [
        accountId
      ])
      await sql.run(
        'recovery_codes.add',
        'INSERT INTO recovery_codes (account_id, mac) SELECT $1, unnest($2::bytea[])',
        [accountId, macs]
      )
    },

    useCode: (accountId, mac) =>
      changed(
        'recovery_codes.use',
        'DELETE FROM recovery_codes WHERE account_id = $1 AND mac = $2',
        [accountId, mac]
      ),

    async countCodes(accountId) {
      const { rows } = await sql.run<{ count: number }>(
        'recovery_codes.count',
        'SELECT count(*)::integer AS count FROM recovery_codes WHERE account_id = $1',
        [accountId]
      )
      return rows[0]?.count ?? 0
    },

    removeCodes: accountId =>
      changed('recovery_codes.remove', 'DELETE FROM recovery_code_sets WHERE account_id = $1', [
        accountId
      ])
  }
}
