// Migrations: plain SQL files, forward-only, one concern a file, each in its own transaction, through knex's migration source. Only one
// process migrates at a time: an advisory lock on the direct connection, which dies with its process, unlike knex's lock row.

import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import knex, { type Knex } from 'knex'

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

/** Brings the schema up to date. `url` must be a direct connection, not a pooler in transaction mode. */
export async function migrate(url: string): Promise<MigrationReport> {
  const database = knex({
    client: 'pg',
    connection: { connectionString: url, application_name: 'mintmark-migrate' },
    // one connection for the lock, one for the work
    pool: { min: 0, max: 2 }
  })
  try {
    return await database.transaction(async lock => {
      await lock.raw('SELECT pg_advisory_xact_lock(?)', [lockId])
      const options = { migrationSource: sqlFiles(), tableName: 'migrations' }
      // Under our lock no other migration runs, so a lock row that is set was left by a killed process.
      const leftBehind = await database.schema.hasTable('migrations_lock')
      if (leftBehind) await database.migrate.forceFreeMigrationsLock(options)
      const [, applied] = await database.migrate.latest(options)
      return { applied }
    })
  } finally {
    await database.destroy()
  }
}
