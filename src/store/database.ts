// The door to PostgreSQL: a pool, prepared statements by name, transactions, and pipelines (several statements, one round trip).
// Every failure of the database leaves here as a Fault `store_unavailable`, except what SQL itself refused on purpose, which is a
// `Refused`. It owns no SQL text of its own besides BEGIN and COMMIT.

import pg from 'pg'
import { Fault } from '../lib/fault.ts'
import { withFullVerification } from './connection-url.ts'
import {
  beginTimed,
  examinePath,
  introduce,
  isLostStatement,
  lostStatement,
  type PathFacts,
  type Pooler,
  type Timing
} from './pooler.ts'

/** One prepared statement; `name` is unique per text, and the label in metrics and in the statement counter. */
export interface Statement {
  name: string
  text: string
  values: readonly unknown[]
  /** the partition that the text names; the text is unique per name and partition */
  partition?: string | undefined
}

export interface Result<Row> {
  rows: Row[]
  rowCount: number
}

export interface Queries {
  /**
   * Runs one prepared statement. `name` must be unique per text.
   * @throws Fault `store_unavailable`; Refused when the statement raised one of our own conditions; pg's error for a violated
   * constraint (SQLSTATE class 23), which callers turn into an outcome
   */
  run<Row extends object>(
    name: string,
    text: string,
    values?: readonly unknown[],
    partition?: string
  ): Promise<Result<Row>>
}

export interface Database extends Queries {
  /** BEGIN … COMMIT on one connection; whatever `work` throws rolls back, and is thrown on. Not for the hot path: each statement is a round trip. */
  transaction<T>(work: (tx: Queries) => Promise<T>): Promise<T>
  /**
   * Sends all statements as one transaction in one round trip; one statement alone goes without BEGIN and COMMIT. All or nothing.
   * @throws Refused with the name of the first statement that raised `require_match`
   */
  pipeline(statements: readonly Statement[]): Promise<void>
  end(): Promise<void>
}

/** A database that opens connections by itself. */
export interface PooledDatabase extends Database {
  connections(): { total: number; idle: number; waiting: number }
}

/** A conditional write found nothing to change: somebody else was first (SQLSTATE MM001, `require_match`). */
export class Refused extends Error {
  readonly what: string

  constructor(what: string, cause: unknown) {
    super(`a conditional write was refused: ${what}`, { cause })
    this.name = 'Refused'
    this.what = what
  }
}

/** One row of what went to the database: the statements of one round trip. */
export type RoundTripObserver = (statements: readonly string[]) => void

export interface DatabaseOptions {
  url: string
  /** connections at most */
  pool?: number
  /** `unnamed` where a pooler does not track named ones: each is then parsed anew */
  preparedStatements?: 'named' | 'unnamed'
  /** left out: found out at each connection */
  pooler?: Pooler | undefined
  onRoundTrip?: RoundTripObserver
  /** told of errors of idle connections, which nobody awaits */
  onError?: (error: Error) => void
}

/** A caller waits no longer than this for a connection, milliseconds; for a statement or a lock see pooler.ts. */
const connectionTimeoutMillis = 3_000
/** Ours, for a server that says nothing any more: longer than all of its own patience. */
const silenceMillis = 6_000

export function sqlState(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : undefined
}

/** Tells our own conditions and violated constraints from failures of the database. */
export function storeError(error: unknown): unknown {
  if (error instanceof Fault || error instanceof Refused) return error
  const state = sqlState(error)
  if (state === 'MM001') return new Refused((error as Error).message, error)
  if (isLostStatement(state)) return new Fault('store_unavailable', lostStatement, error)
  // 22 data exception, 23 integrity constraint, 42 our SQL is wrong: not the database's fault, and trying again does not help.
  // 42P01 is that, too, and means that migrations have not run.
  if (state !== undefined && /^(22|23|42)...$/.test(state)) return error
  return new Fault('store_unavailable', 'The database did not answer.', error)
}

/** What a gathered write refers to is gone, or its place is taken (SQLSTATE class 23): somebody else was first. */
function conflict(error: unknown): unknown {
  return sqlState(error)?.startsWith('23') ? new Refused('conflict', error) : error
}

/** Opens a pool. Nothing is connected until the first statement. */
export function createDatabase(options: DatabaseOptions): PooledDatabase {
  const { onRoundTrip, onError, preparedStatements = 'named', pooler } = options
  const timings = new WeakMap<pg.PoolClient, Timing>()
  const pool = new pg.Pool({
    connectionString: withFullVerification(options.url),
    max: options.pool ?? 10,
    pipeline: true,
    connectionTimeoutMillis,
    query_timeout: silenceMillis,
    idleTimeoutMillis: 30_000,
    // statements that name a partition stay prepared until their connection ends, also when the partition is gone
    maxLifetimeSeconds: 3_600,
    application_name: 'mintmark',
    // time-outs are no startup parameters here: poolers refuse those (pooler.ts)
    keepAlive: true
  })
  // Both listeners matter: without the first, an idle connection that Postgres closes ends the process; without the second, one that
  // is checked out does.
  pool.on('error', error => onError?.(error))
  pool.on('connect', client => client.on('error', error => onError?.(error)))

  async function timingOf(client: pg.PoolClient): Promise<Timing> {
    const known = timings.get(client)
    if (known !== undefined) return known
    const timing = await introduce(client, pooler, connectionTimeoutMillis)
    timings.set(client, timing)
    return timing
  }

  async function withClient<T>(
    work: (client: pg.PoolClient, timing: Timing) => Promise<T>
  ): Promise<T> {
    let client: pg.PoolClient
    try {
      client = await pool.connect()
    } catch (error) {
      throw storeError(error)
    }
    let broken: Error | undefined
    try {
      return await work(client, await timingOf(client))
    } catch (error) {
      const translated = storeError(error)
      if (translated instanceof Fault) broken = translated
      throw translated
    } finally {
      // a connection in an unknown state is thrown away, never handed to the next request
      client.release(broken)
    }
  }

  function send<Row extends object>(client: pg.PoolClient, statement: Statement) {
    const { name, partition, text, values } = statement
    return client.query<Row>({
      ...(preparedStatements === 'named' && {
        name: partition === undefined ? name : `${name}@${partition}`
      }),
      text,
      values: [...values]
    })
  }

  /** One round trip, all or nothing. */
  async function sendAsTransaction(
    client: pg.PoolClient,
    timing: Timing,
    statements: readonly Statement[]
  ) {
    const answers = statements.map(() => undefined as Promise<pg.QueryResult> | undefined)
    const begun = client.query(begin(timing))
    statements.forEach((statement, at) => {
      answers[at] = send(client, statement)
    })
    const settled = await Promise.allSettled([begun, ...answers, commit(client)])
    // the first rejection is the reason; those behind it only say that the transaction is aborted
    for (const answer of settled) if (answer.status === 'rejected') throw answer.reason
    return Promise.all(answers as Promise<pg.QueryResult>[])
  }

  async function run<Row extends object>(
    name: string,
    text: string,
    values: readonly unknown[] = [],
    partition?: string
  ): Promise<Result<Row>> {
    return withClient(async (client, timing) => {
      onRoundTrip?.([name])
      const statement = { name, text, values, partition }
      const answer =
        timing === 'of the session'
          ? await send<Row>(client, statement)
          : (await sendAsTransaction(client, timing, [statement]))[0]
      return { rows: (answer?.rows ?? []) as Row[], rowCount: answer?.rowCount ?? 0 }
    })
  }

  return {
    run,
    connections: () => ({
      total: pool.totalCount,
      idle: pool.idleCount,
      waiting: pool.waitingCount
    }),

    async transaction<T>(work: (tx: Queries) => Promise<T>) {
      const outcome = await withClient(async (client, timing) => {
        await client.query(begin(timing))
        let result: T
        try {
          result = await work({
            run: async (name, text, values = [], partition) => {
              onRoundTrip?.([name])
              try {
                const answer = await send<never>(client, { name, text, values, partition })
                return { rows: answer.rows, rowCount: answer.rowCount ?? 0 }
              } catch (error) {
                throw storeError(error)
              }
            }
          })
        } catch (error) {
          await client.query('ROLLBACK')
          // told from what the connection throws: a mistake in `work` is no outage
          return { thrown: error }
        }
        await commit(client)
        return { result }
      })
      if ('thrown' in outcome) throw outcome.thrown
      return outcome.result
    },

    async pipeline(statements) {
      const [first, ...rest] = statements
      if (first === undefined) return
      if (rest.length === 0) {
        await run(first.name, first.text, first.values, first.partition).catch(error => {
          throw conflict(error)
        })
        return
      }
      await withClient(async (client, timing) => {
        onRoundTrip?.(statements.map(statement => statement.name))
        try {
          await sendAsTransaction(client, timing, statements)
        } catch (error) {
          throw conflict(error)
        }
      })
    },

    async end() {
      await pool.end()
    }
  }
}

function begin(timing: Timing): string {
  return timing === 'of the session' ? 'BEGIN' : beginTimed
}

/** What the way to the database is like, for a start and for `mintmark doctor`. @throws Fault `store_unavailable` */
export async function examineDatabase(url: string, pooler?: Pooler): Promise<PathFacts> {
  const connect = async () => {
    const client = new pg.Client({
      connectionString: withFullVerification(url),
      application_name: 'mintmark',
      connectionTimeoutMillis,
      query_timeout: connectionTimeoutMillis
    })
    client.on('error', () => undefined)
    await client.connect()
    return client
  }
  return examinePath(connect, pooler).catch(error => {
    throw storeError(error)
  })
}

/** COMMIT of a failed transaction answers ROLLBACK without an error: tried, so it is checked. */
async function commit(client: pg.PoolClient): Promise<void> {
  const { command } = await client.query('COMMIT')
  if (command !== 'COMMIT') {
    throw new Fault('store_unavailable', 'The transaction was rolled back.')
  }
}
