// Poolers in transaction mode, as PgBouncer: how one is noticed, and what does not pass it. There a connection has no session of its own:
// LISTEN hears nothing, settings of a session are somebody else's a moment later, and named statements need a pooler that tracks them.

import type pg from 'pg'

/** Milliseconds. A caller waits no longer than this for a statement, for a lock; a transaction idles no longer than this. */
export const timeouts = {
  statement_timeout: 5_000,
  lock_timeout: 3_000,
  idle_in_transaction_session_timeout: 5_000
} as const

/** What configuration says of the way to the database; left out: found out at each connection. */
export type Pooler = 'none' | 'transaction'

/** Where time-outs come from: the session, or its role; else each transaction must set them. */
export type Timing = 'of the session' | 'of each transaction'

/** Begins a transaction whose time-outs end with it. One message, though several statements. */
export const beginTimed = [
  'BEGIN',
  ...Object.entries(timeouts).map(([name, value]) => `SET LOCAL ${name} = ${value}`)
].join('; ')

/**
 * PostgreSQL tells each connection the pid of its process, for cancelling; a pooler tells a number of its own, since the process behind
 * it changes.
 */
function pidOf(client: pg.ClientBase): number {
  return (client as pg.ClientBase & { processID: number | null }).processID ?? 0
}

/** Whether something stands between this connection and PostgreSQL. */
export async function isPooled(client: pg.ClientBase, said: Pooler | undefined): Promise<boolean> {
  if (said !== undefined) return said === 'transaction'
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
  return rows[0]?.pid !== pidOf(client)
}

const setOrShow = Object.entries(timeouts).map(
  ([name, value]) => `CASE WHEN at.hand THEN set_config('${name}', '${value}', false)
    ELSE current_setting('${name}') END <> '0'`
)
// never sets anything through a pooler: the next one to get that connection would inherit it
const introduction = `SELECT ${setOrShow.join(' AND ')} AS timed
  FROM (SELECT CASE $2 WHEN 'none' THEN true WHEN 'transaction' THEN false ELSE pg_backend_pid() = $1 END AS hand) AS at`

/** The first round trip of a connection: sets its time-outs, or finds out whether its role has some. */
export async function introduce(
  client: pg.ClientBase,
  said: Pooler | undefined,
  patienceMillis: number
): Promise<Timing> {
  const { rows } = await client.query<{ timed: boolean }>({
    text: introduction,
    values: [pidOf(client), said ?? ''],
    ...{ query_timeout: patienceMillis }
  })
  return rows[0]?.timed === true ? 'of the session' : 'of each transaction'
}

/** SQLSTATEs of a named statement that another process prepared, or that this one prepared elsewhere. */
export function isLostStatement(state: string | undefined): boolean {
  // 26000 invalid_sql_statement_name, 42P05 duplicate_prepared_statement
  return state === '26000' || state === '42P05'
}

export const lostStatement =
  'Named statements do not pass the pooler: set MINTMARK_DATABASE__PREPARED_STATEMENTS=unnamed, or max_prepared_statements in a PgBouncer from 1.21 on.'

export interface PathFacts {
  pooled: boolean
  /** the database role */
  role: string
  /** whether every time-out is set for the role */
  timed: boolean
  namedStatements: 'pass' | 'are lost'
}

/** What a connection to `url` is like, from the outside: two connections look at each other's statements. */
export async function examinePath(
  connect: () => Promise<pg.Client>,
  said: Pooler | undefined
): Promise<PathFacts> {
  const one = await connect()
  const clients = [one]
  try {
    const other = await connect()
    clients.push(other)
    const pooled = await isPooled(one, said)
    const shown = Object.keys(timeouts).map(name => `current_setting('${name}') <> '0'`)
    const { rows } = await one.query<{ timed: boolean; role: string }>(
      `SELECT ${shown.join(' AND ')} AS timed, quote_ident(current_user) AS role`
    )
    const { timed = false, role = '' } = rows[0] ?? {}
    return { pooled, role, timed, namedStatements: pooled ? await tryNamed(one, other) : 'pass' }
  } finally {
    await Promise.allSettled(clients.map(client => client.end()))
  }
}

/** Prepares a statement under one name from two connections, then uses it where it was perhaps not prepared. */
async function tryNamed(one: pg.Client, other: pg.Client): Promise<'pass' | 'are lost'> {
  const named = { name: 'mintmark.pooler', text: 'SELECT $1::int AS value', values: [1] }
  try {
    await one.query(named)
    await other.query(named)
    // holds the connection that both have used
    await one.query('BEGIN')
    await other.query(named)
    await one.query('COMMIT')
    return 'pass'
  } catch (error) {
    const state = error instanceof Error && 'code' in error ? String(error.code) : undefined
    if (isLostStatement(state)) return 'are lost'
    // a pooler with one connection has none for the second while the first holds it, and so loses nothing
    if (state === undefined || state.startsWith('08')) return 'pass'
    throw error
  }
}
