// Migrations: plain SQL files, forward-only, one concern a file, each in its own transaction, through knex's migration source. Only one
// process migrates at a time: an advisory lock on the direct connection, which dies with its process, unlike knex's lock row.

import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import knex, { type Knex } from 'knex'
import { Fault } from '../lib/fault.ts'
import { withFullVerification } from './connection-url.ts'

const directory = new URL('../../migrations/', import.meta.url)

/** Any number, the same in every version: it names the lock. */
const lockId = 7_305_119_424

export interface MigrationReport {
  /** files applied by this call, in order */
  applied: string[]
}

function sqlFiles(): Knex.MigrationSource<string> {
  return {
    async getMigrations() {
      const files = await readdir(fileURLToPath(directory))
      return files.filter(file => file.endsWith('.sql')).sort()
    },
    getMigrationName: file => file,
    async getMigration(file) {
      const text = await readFile(new URL(file, directory), 'utf8')
      return {
        async up(transaction) {
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
  if (message.includes('migration directory is corrupt')) {
    const files = message.split(': ').at(-1)
    return new Fault(
      'configuration_invalid',
      `The database was brought up to date by another version of mintmark, which has ${files}. Start that version, or a later one.`,
      error
    )
  }
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

/**
 * Brings the schema up to date. `url` must be a direct connection, not a pooler in transaction mode.
 * @throws Fault `store_unavailable` when the database cannot be reached, `configuration_invalid` when it is too old or not ours
 */
export async function migrate(url: string): Promise<MigrationReport> {
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
    return await database.transaction(async lock => {
      await refuseOldServer(lock)
      await lock.raw('SELECT pg_advisory_xact_lock(?)', [lockId])
      const options = { migrationSource: sqlFiles(), tableName: 'migrations' }
      // Under our lock no other migration runs, so a lock row that is set was left by a killed process.
      const leftBehind = await database.schema.hasTable('migrations_lock')
      if (leftBehind) await database.migrate.forceFreeMigrationsLock(options)
      const [, applied] = await database.migrate.latest(options)
      return { applied }
    })
  } catch (error) {
    throw explain(error)
  } finally {
    await database.destroy()
  }
}
