// Facts about the installation and the database
// that every process must agree on.

import type { Queries } from './database.ts'

export interface ServerFacts {
  /** as in 180004 */
  version: number
  /** the database's clock minus this process's, seconds */
  skewSeconds: number
  fsync: boolean
  fullPageWrites: boolean
  synchronousCommit: boolean
}

export interface SettingsStore {
  read(name: string): Promise<unknown>
  write(name: string, value: unknown): Promise<void>
  serverFacts(): Promise<ServerFacts>
  /** Resolves when the database answers. */
  ping(): Promise<void>
}

export function createSettingsStore({
  sql,
  now
}: {
  sql: Queries
  now: () => Date
}): SettingsStore {
  return {
    async read(name) {
      const { rows } = await sql.run<{ value: unknown }>(
        'settings.read',
        'SELECT value FROM settings WHERE name = $1',
        [name]
      )
      return rows[0]?.value
    },

    async write(name, value) {
      await sql.run(
        'settings.write',
        `INSERT INTO settings (name, value) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated_at = clock_time()`,
        [name, JSON.stringify(value)]
      )
    },

    async serverFacts() {
      const asked = now().getTime()
      const { rows } = await sql.run<{
        version: number
        epoch: number
        fsync: string
        full_page_writes: string
        synchronous_commit: string
      }>(
        'settings.server_facts',
        `SELECT current_setting('server_version_num')::int AS version,
           extract(epoch FROM clock_timestamp())::float8 AS epoch, current_setting('fsync') AS fsync,
           current_setting('full_page_writes') AS full_page_writes,
           current_setting('synchronous_commit') AS synchronous_commit`
      )
      const [row] = rows
      const answered = now().getTime()
      return {
        version: row?.version ?? 0,
        skewSeconds: (row?.epoch ?? 0) - (asked + answered) / 2_000,
        fsync: row?.fsync === 'on',
        fullPageWrites: row?.full_page_writes === 'on',
        synchronousCommit: row?.synchronous_commit !== 'off'
      }
    },

    async ping() {
      await sql.run('settings.ping', 'SELECT 1 AS one')
    }
  }
}
