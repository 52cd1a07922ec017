// How large the database is, and whether it is in time: rows, bytes, rows whose time is over and that are still there, when the next partition
// leaves, who does the work. From PostgreSQL's own statistics and a bounded look at each index: it may be asked at any time.

import type { Queries } from './database.ts'
import { dropTime, listPartitions, type PartitionPlan } from './partitions.ts'
import { sweptTables } from './sweep.ts'

export interface TableGrowth {
  table: string
  /** as PostgreSQL estimates them */
  rows: number
  bytes: number
  partitions: number
  /** rows that should have left; of a table without partitions no more than 10,000 are counted */
  overdueRows: number
  overduePartitions: number
  /** seconds until the next partition leaves */
  nextDropSeconds: number | undefined
}

export interface Growth {
  tables: TableGrowth[]
  /** the process that does the work now */
  leader: string | undefined
}

/** The job comes every minute, and takes some: what is later than this is overdue. */
const graceSeconds = 600
const lookAtMost = 10_000

const sizes = `SELECT coalesce(p.relname, c.relname) AS "table", count(*)::int AS parts,
    sum(CASE WHEN s.n_live_tup > 0 THEN s.n_live_tup ELSE greatest(c.reltuples, 0) END)::float8 AS rows,
    sum(pg_total_relation_size(c.oid))::float8 AS bytes
  FROM pg_class c LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid
    LEFT JOIN pg_inherits i ON i.inhrelid = c.oid LEFT JOIN pg_class p ON p.oid = i.inhparent
  WHERE c.relkind = 'r' AND c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'settings'::regclass)
  GROUP BY 1`

const partRows = `SELECT CASE WHEN s.n_live_tup > 0 THEN s.n_live_tup ELSE greatest(c.reltuples, 0) END::float8 AS rows
  FROM pg_class c LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid WHERE c.relname = ANY ($1)`

export async function readGrowth(sql: Queries, plans: readonly PartitionPlan[]): Promise<Growth> {
  const { rows: sized } = await sql.run<{
    table: string
    parts: number
    rows: number
    bytes: number
  }>('growth.sizes', sizes)
  const { listed, now } = await listPartitions(sql)
  const { rows: leases } = await sql.run<{ holder: string }>(
    'growth.leader',
    `SELECT holder FROM leases WHERE name = 'sweep' AND expires_at > clock_time()`
  )

  const tables: TableGrowth[] = []
  for (const { table, parts, rows, bytes } of sized) {
    const known = { table, rows: Math.round(rows), bytes, overduePartitions: 0 }
    const plan = plans.find(candidate => candidate.table === table)
    if (plan === undefined) {
      const overdueRows = await overdueRowsOf(sql, table)
      tables.push({ ...known, partitions: 0, overdueRows, nextDropSeconds: undefined })
      continue
    }
    const own = listed.filter(partition => partition.table === table)
    const overdue = own.filter(({ start }) => dropTime(plan, start) + graceSeconds < now)
    const next = Math.min(...own.map(({ start }) => dropTime(plan, start)))
    tables.push({
      ...known,
      partitions: parts,
      overduePartitions: overdue.length,
      overdueRows: await rowsIn(
        sql,
        overdue.map(({ name }) => name)
      ),
      nextDropSeconds: Number.isFinite(next) ? Math.max(0, Math.round(next - now)) : undefined
    })
  }
  tables.sort((a, b) => b.bytes - a.bytes || a.table.localeCompare(b.table))
  return { tables, leader: leases[0]?.holder }
}

async function overdueRowsOf(sql: Queries, table: string): Promise<number> {
  const swept = sweptTables.find(candidate => candidate.table === table)
  if (swept === undefined) return 0
  const { rows } = await sql.run<{ count: number }>(
    `growth.overdue.${table}`,
    `SELECT count(*)::int AS count FROM (SELECT FROM ${table}
       WHERE ${swept.column} < clock_time() - interval '${swept.keep}' - make_interval(secs => $1) LIMIT ${lookAtMost}) AS looked`,
    [graceSeconds]
  )
  return rows[0]?.count ?? 0
}

async function rowsIn(sql: Queries, names: readonly string[]): Promise<number> {
  if (names.length === 0) return 0
  const { rows } = await sql.run<{ rows: number }>('growth.partition_rows', partRows, [names])
  return rows.reduce((sum, row) => sum + row.rows, 0)
}
