// Days of an installation, made fast: the clocks of database and server are turned together, rows come as traffic would make them, and the
// background work runs. Autovacuum would have come by many times in such a day; here it is called, since the day takes a second.

import type { Config } from '../../src/config/schema.ts'
import { planPartitions } from '../../src/ops/parts.ts'
import { type Growth, readGrowth } from '../../src/store/growth.ts'
import { createPartitions } from '../../src/store/partitions.ts'
import { createSweeper, sweptTables } from '../../src/store/sweep.ts'
import { addParties, turnClock } from '../store/rows.ts'
import type { TestServer } from '../support/server.ts'

export const daySeconds = 86_400

export interface Clock {
  /** days since the beginning */
  day: number
  now: () => Date
}

export function createClock(): Clock {
  const clock = { day: 0, now: () => new Date(Date.now() + clock.day * daySeconds * 1_000) }
  return clock
}

/** Bytes of each table without and with its indexes, over all partitions, and what is overdue. */
export interface Snapshot {
  day: number
  bytes: Record<string, number>
  indexBytes: Record<string, number>
  growth: Growth
}

/** `rows` of each kind, as they are written within a day. */
function traffic(config: Config, parties: { accountId: string; clientId: string }, rows: number) {
  const { accountId, clientId } = parties
  const absolute = config.refreshTokens.absoluteSeconds
  const epoch = 'extract(epoch FROM clock_time())'
  const each = `generate_series(1, ${rows}) AS n`
  const random = 'uuid_send(gen_random_uuid())'
  const after = (seconds: number) => `clock_time() + make_interval(secs => ${seconds})`
  return [
    `INSERT INTO grants (id, handle, account_id, client_id, payload, offline, expires_at)
      SELECT gen_random_uuid(), gen_random_uuid(), '${accountId}', '${clientId}', '{"openid": {"scope": "openid"}}', true,
        ${after(absolute + daySeconds)} FROM ${each}`,
    `INSERT INTO managed_grants (id, account_id, client_id, expires_at)
      SELECT gen_random_uuid(), '${accountId}', '${clientId}', ${after(absolute + daySeconds)} FROM ${each}`,
    `INSERT INTO refresh_families (bucket, id, grant_id, account_id, client_id, current_hash, successor_salt,
        successor_key_version, payload, expires_at, idle_expires_at)
      SELECT floor((${epoch} + ${absolute}) / 86400), gen_random_uuid(), gen_random_uuid(), '${accountId}', '${clientId}',
        ${random}, ${random}, 1, '{"scope": "openid offline_access"}', ${after(absolute)}, ${after(absolute)} FROM ${each}`,
    `INSERT INTO artifacts (bucket, id, kind, payload, expires_at)
      SELECT floor(${epoch} / 3600) + 1 + n % 2, ${random}, 'AuthorizationCode', '{"scope": "openid"}', ${after(60)} FROM ${each}`,
    `INSERT INTO user_codes SELECT ${random}, 1, ${random}, ${after(600)} FROM ${each}`,
    `INSERT INTO audit_events (type, outcome, account_id, client_id) SELECT 'token.issued', 'success', '${accountId}', '${clientId}'
      FROM ${each}`,
    `INSERT INTO sessions (id, uid, payload, expires_at) SELECT ${random}, gen_random_uuid(), '{}', ${after(
      config.sessions.idleSeconds
    )} FROM ${each}`,
    `INSERT INTO session_clients SELECT gen_random_uuid(), '${clientId}', 's', NULL, ${after(
      config.sessions.idleSeconds
    )} FROM ${each}`,
    `INSERT INTO replay_records SELECT ${random}, ${after(660)} FROM ${each}`,
    `INSERT INTO denied_tokens (jti, expires_at) SELECT gen_random_uuid(), ${after(660)} FROM ${each}`,
    `INSERT INTO attempts SELECT 'k', ${random}, 1, ${after(900)} FROM ${each}`
  ]
}

const sizes = `SELECT coalesce(p.relname, c.relname) AS "table", sum(pg_relation_size(c.oid))::float8 AS bytes,
    sum(pg_indexes_size(c.oid))::float8 AS index_bytes
  FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid LEFT JOIN pg_class p ON p.oid = i.inhparent
  WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace GROUP BY 1`

/** Lives through days of the server's database. */
export async function createDays(
  { store: { database } }: TestServer,
  config: Config,
  clock: Clock,
  rows: number
) {
  const partitions = createPartitions({
    database,
    plans: planPartitions(config),
    now: clock.now
  })
  const sweeper = createSweeper({ sql: database })
  const inserts = traffic(config, await addParties(database), rows)

  return {
    /** The next `days` days pass, with the traffic of one. */
    async pass(days: number): Promise<Snapshot> {
      clock.day += days
      await turnClock(database, clock.day * daySeconds)
      for (const [at, text] of inserts.entries()) await database.run(`test.traffic.${at}`, text)
      await partitions.ensure()
      await partitions.dropOverdue()
      while ((await sweeper.sweep()) > 0);
      for (const { table } of sweptTables)
        await database.run(`test.vacuum.${table}`, `VACUUM ${table}`)
      const { rows: sized } = await database.run<{
        table: string
        bytes: number
        index_bytes: number
      }>('test.sizes', sizes)
      return {
        day: clock.day,
        bytes: Object.fromEntries(sized.map(({ table, bytes }) => [table, bytes])),
        indexBytes: Object.fromEntries(sized.map(row => [row.table, row.index_bytes])),
        growth: await readGrowth(database, planPartitions(config))
      }
    }
  }
}
