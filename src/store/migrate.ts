// Migrations: plain SQL files, forward-only, one concern a file, each in its own transaction, through knex's migration source. Only one
// process migrates at a time: an advisory lock of the transaction, which dies with its process, unlike knex's lock row. Decides whether
// code may run on a schema that newer code has made: until a migration says that it needs newer code.

import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import knex, { type Knex } from 'knex'
import { Fault } from '../lib/fault.ts'
import { withFullVerification } from './connection-url.ts'

const ours = new URL('../../migrations/', import.meta.url)

/** Any number, the same in every version: it names the lock. */
const lockId = 7_305_119_424

export interface MigrationReport {
  /** files applied by this call, in order */
  applied: string[]
  /** files that newer code has applied, and that this code does not have */
  unknown: string[]
}

/**
 * Time-outs may be set for the role (docs/production.md), and are for requests: a migration may take longer, and the transaction that
 * holds the lock idles meanwhile.
 */
const patiently = `SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0;
  SET LOCAL idle_in_transaction_session_timeout = 0`

interface Files {
  /** in order */
  names: string[]
  read(name: string): Promise<string>
}

async function readFiles(directory: URL): Promise<Files> {
  const all = await readdir(fileURLToPath(directory))
  return {
    names: all.filter(file => file.endsWith('.sql')).sort(),
    read: name => readFile(new URL(name, directory), 'utf8')
  }
}

function sourceOf({ names, read }: Files): Knex.MigrationSource<string> {
  return {
    getMigrations: async () => names,
    getMigrationName: file => file,
    async getMigration(file) {
      const text = await read(file)
      return {
        async up(transaction) {
          await transaction.raw(patiently)
          await transaction.raw(text)
        },
        async down() {
          throw new Error('migrations only go forward')
        }
      }
    }
  }
}

const oldestVersion = 150_000

/** knex prints what it throws. */
const quiet = { warn() {}, error() {}, debug() {}, deprecate() {} }

/**
 * Why a database cannot be used, for the operator. pg's messages name host, role and database, never the password.
 * Only for what the operator can mend; a migration that fails by itself keeps its error and its stack.
 */
function explain(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof Fault) return error
  const code = 'code' in error ? String(error.code) : ''
  // a name of several addresses fails with an error for each
  const [first] = error instanceof AggregateError ? error.errors : []
  const message = error.message || (first instanceof Error ? first.message : code)
  // OpenSSL's names for what is wrong with a certificate, and Node's (tls.md, X509 certificate error codes)
  if (/CERT|SIGNATURE|ISSUER|^ERR_TLS_|SSL/.test(code) || /support SSL/.test(message)) {
    return new Fault(
      'store_unavailable',
      `The database cannot be used: ${message}. DATABASE_URL asks for TLS and a server that is verified: name the authority of its certificate by sslrootcert=/path/to/ca.pem, or set sslmode (disable; no-verify encrypts without knowing for whom).`,
      error
    )
  }
  // PostgreSQL's classes: connection, authorization, catalogue name, resources, operator; the system's: ECONNREFUSED and the like
  const isUnreachable = code === '' ? /timeout|terminated/i : /^(08|28|3D|53|57P|E[A-Z]{3,})/
  if (isUnreachable.test(code || message)) {
    return new Fault(
      'store_unavailable',
      `The database cannot be used: ${message}. See that PostgreSQL runs, and that DATABASE_URL names it: postgres://user:password@host:5432/database.`,
      error
    )
  }
  if (code !== '42501') return error
  return new Fault(
    'configuration_invalid',
    `The role in DATABASE_URL may not make tables: ${message}. Make it the owner of the database: ALTER DATABASE … OWNER TO ….`,
    error
  )
}

async function refuseOldServer(connection: Knex.Transaction): Promise<void> {
  const { rows } = await connection.raw(
    "SELECT current_setting('server_version_num') AS number, current_setting('server_version') AS name"
  )
  if (Number(rows[0].number) >= oldestVersion) return
  throw new Fault(
    'configuration_invalid',
    `PostgreSQL 15 or later is needed, and this is ${rows[0].name}: set DATABASE_URL to another one.`
  )
}

const numberOf = (file: string) => file.slice(0, 4)

/** A migration that takes something away says who can do without: `-- needs 0015`, the number of a migration that such code has. */
export function needsOf(text: string): string | undefined {
  return /^-- needs (\d{4})$/m.exec(text)?.[1]
}

/** The oldest code that works with all of these, as the number of a migration that it has. */
async function needsOfAll({ names, read }: Files): Promise<string> {
  const texts = await Promise.all(names.map(read))
  return (
    texts
      .map(text => needsOf(text) ?? '')
      .sort()
      .at(-1) ?? ''
  )
}

/**
 * What newer code has applied. An older server that runs goes on, and may be started again, until the newer code says that it needs
 * more: so that versions can be exchanged one process at a time, in both directions.
 * @throws Fault `configuration_invalid` when this code is too old for the schema
 */
async function findUnknown(lock: Knex.Transaction, { names }: Files): Promise<string[]> {
  if (!(await lock.schema.hasTable('migrations'))) return []
  const { rows } = await lock.raw<{ rows: { name: string }[] }>('SELECT name FROM migrations')
  const applied = rows.map(({ name }) => name)
  const unknown = applied.filter(name => !names.includes(name)).sort()
  if (unknown.length === 0) return []
  const settings = await lock.raw("SELECT value FROM settings WHERE name = 'schema.needs'")
  const needs: string | undefined = settings.rows[0]?.value
  const isComplete = names.every(name => applied.includes(name))
  if (isComplete && needs !== undefined && numberOf(names.at(-1) ?? '') >= needs) return unknown
  throw new Fault(
    'configuration_invalid',
    `The database was brought up to date by another version of mintmark, which has ${unknown.join(', ')}. Start that version, or a later one.`
  )
}

/**
 * Brings the schema up to date. `url` should be a direct connection; through a pooler it works while that has two connections to give.
 * @throws Fault `store_unavailable` when the database cannot be reached, `configuration_invalid` when it is too old or not ours
 */
export async function migrate(
  url: string,
  { directory = ours }: { directory?: URL } = {}
): Promise<MigrationReport> {
  const database = knex({
    client: 'pg',
    connection: {
      connectionString: withFullVerification(url),
      application_name: 'mintmark-migrate',
      connectionTimeoutMillis: 10_000
    },
    log: quiet,
    // one connection for the lock, one for the work
    pool: { min: 0, max: 2 }
  })
  try {
    const files = await readFiles(directory)
    return await database.transaction(async lock => {
      await refuseOldServer(lock)
      await lock.raw(patiently)
      await lock.raw('SELECT pg_advisory_xact_lock(?)', [lockId])
      const unknown = await findUnknown(lock, files)
      if (unknown.length > 0) return { applied: [], unknown }
      const options = { migrationSource: sourceOf(files), tableName: 'migrations' }
      // Under our lock no other migration runs, so a lock row that is set was left by a killed process.
      const leftBehind = await database.schema.hasTable('migrations_lock')
      if (leftBehind) await database.migrate.forceFreeMigrationsLock(options)
      const [, applied] = await database.migrate.latest(options)
      await lock.raw(
        `INSERT INTO settings (name, value) VALUES ('schema.needs', to_jsonb(?::text))
         ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE settings.value <> excluded.value`,
        [await needsOfAll(files)]
      )
      return { applied, unknown }
    })
  } catch (error) {
    throw explain(error)
  } finally {
    await database.destroy()
  }
}
