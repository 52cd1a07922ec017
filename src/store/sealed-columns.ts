// Every column that holds sealed values, and how to walk it in small batches: by key, so that a walk can be broken off and begun again
// anywhere. A value is replaced only if it is still the one that was read. A test holds the list to the schema.

import type { Queries } from './database.ts'

export interface SealedColumn {
  table: string
  column: string
  /** SQL of the key, as it is walked */
  key: string
  type: 'text' | 'bytea' | 'uuid'
  /** what expires by itself need not be sealed anew */
  expires: 'soon' | 'never'
}

export const sealedColumns: readonly SealedColumn[] = [
  { table: 'signing_keys', column: 'sealed', key: 'kid', type: 'text', expires: 'never' },
  {
    table: 'server_secrets',
    column: 'sealed',
    key: "(purpose || ':' || version)",
    type: 'text',
    expires: 'never'
  },
  {
    table: 'client_secrets',
    column: 'sealed',
    key: "(client_id || ':' || encode(digest, 'hex'))",
    type: 'text',
    expires: 'never'
  },
  { table: 'totp_factors', column: 'sealed', key: 'account_id', type: 'uuid', expires: 'never' },
  {
    table: 'recovery_code_sets',
    column: 'sealed',
    key: 'account_id',
    type: 'uuid',
    expires: 'never'
  },
  { table: 'sessions', column: 'sealed', key: 'id', type: 'bytea', expires: 'soon' },
  { table: 'artifacts', column: 'sealed', key: 'id', type: 'bytea', expires: 'soon' },
  { table: 'ping_notices', column: 'sealed', key: 'id', type: 'uuid', expires: 'soon' },
  { table: 'upstream_requests', column: 'sealed', key: 'id', type: 'bytea', expires: 'soon' },
  { table: 'upstream_offers', column: 'sealed', key: 'id', type: 'bytea', expires: 'soon' },
  { table: 'mails', column: 'sealed', key: 'id', type: 'uuid', expires: 'soon' },
  { table: 'outbox_mails', column: 'sealed', key: 'id', type: 'uuid', expires: 'soon' }
]

export interface SealedValue {
  key: string | Buffer
  sealed: Buffer
}

const batch = 200

/** The next batch after `after`; empty at the end. @throws Fault `store_unavailable` */
export async function nextSealedValues(
  sql: Queries,
  { table, column, key, type }: SealedColumn,
  after: string | Buffer | undefined
): Promise<SealedValue[]> {
  const { rows } = await sql.run<SealedValue>(
    `sealed.next.${table}.${column}`,
    `SELECT ${key} AS key, ${column} AS sealed FROM ${table}
      WHERE length(${column}) > 0 AND ($1::${type} IS NULL OR ${key} > $1) ORDER BY ${key} LIMIT ${batch}`,
    [after ?? null]
  )
  return rows
}

/** Replaces what is still as it was read; answers how many were. @throws Fault `store_unavailable` */
export async function replaceSealedValues(
  sql: Queries,
  { table, column, key, type }: SealedColumn,
  values: readonly (SealedValue & { anew: Buffer })[]
): Promise<number> {
  const { rowCount } = await sql.run(
    `sealed.replace.${table}.${column}`,
    // a row that a request holds is left for the next walk: who never waits is part of no deadlock
    `WITH free AS MATERIALIZED (
       SELECT ${key} AS k FROM ${table} WHERE ${key} = ANY ($1::${type}[]) FOR UPDATE SKIP LOCKED)
     UPDATE ${table} SET ${column} = v.anew
       FROM unnest($1::${type}[], $2::bytea[], $3::bytea[]) AS v(k, before, anew) JOIN free USING (k)
      WHERE ${key} = v.k AND ${column} = v.before`,
    [values.map(value => value.key), values.map(value => value.sealed), values.map(v => v.anew)]
  )
  return rowCount
}
