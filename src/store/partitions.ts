// Partitions by expiry: which there are, making them ahead, dropping them when everybody's time in them is over. Cleaning up is a drop, never a
// long DELETE. Neither waits for traffic nor makes it wait: a partition is made as a table of its own and attached, and is detached
// CONCURRENTLY before it is dropped; both take SHARE UPDATE EXCLUSIVE on the parent, which reads and writes do not notice. A DEFAULT
// partition would forbid the one and lock the other: a row without a partition makes the database layer call `ensure` instead (database.ts).

import { Fault } from '../lib/fault.ts'
import { artifactBucketSeconds } from './artifact-lifetimes.ts'
import { type Database, type Queries, sqlState } from './database.ts'

export type PartitionedTable = 'refresh_families' | 'artifacts' | 'audit_events'

/** How a table is cut. Buckets count units since 1970; a partition is named by its first bucket. */
export interface PartitionPlan {
  table: PartitionedTable
  /** what the key counts: seconds of a bucket */
  unitSeconds: number
  /** `time`: the key is a timestamp; the bounds are the same */
  key: 'bucket' | 'time'
  /** buckets in a partition */
  width: number
  /** how far back rows are put: processes differ in their clocks, and events may have waited for the database */
  behindSeconds: number
  /** how far ahead rows are put */
  reachSeconds: number
  /** how long before it is needed a partition is made: longer than nobody may be there to do it */
  aheadSeconds: number
  /** how long a partition stays after its last bucket is over */
  keepSeconds: number
  fillfactor: number
}

const hour = 3_600
const day = 86_400

export interface RowLifetimes {
  /** the longest life of a refresh token family */
  familySeconds: number
  /** the longest life of an artifact, with the time for which it must be recognised after it */
  artifactSeconds: number
  /** how long security events are kept */
  auditSeconds: number
}

/** A reused refresh token must be told from noise for a while after its family has ended. */
const familyKeepSeconds = day

export function partitionPlans(lifetimes: RowLifetimes): PartitionPlan[] {
  const { familySeconds, artifactSeconds, auditSeconds } = lifetimes
  const time = {
    unitSeconds: day,
    key: 'time',
    width: 30,
    behindSeconds: day,
    reachSeconds: 0,
    fillfactor: 100
  } as const
  return [
    {
      table: 'refresh_families',
      unitSeconds: day,
      key: 'bucket',
      width: 7,
      behindSeconds: 60,
      reachSeconds: familySeconds,
      aheadSeconds: 14 * day,
      keepSeconds: familyKeepSeconds,
      // a rotation updates the row in its page
      fillfactor: 80
    },
    {
      table: 'artifacts',
      unitSeconds: artifactBucketSeconds,
      key: 'bucket',
      width: 1,
      behindSeconds: 60,
      reachSeconds: artifactSeconds,
      aheadSeconds: 6 * hour,
      // the clocks of two processes may differ
      keepSeconds: 60,
      fillfactor: 90
    },
    { ...time, table: 'audit_events', aheadSeconds: 30 * day, keepSeconds: auditSeconds }
  ]
}

export interface PartitionMap {
  /** The name of the partition that holds a bucket; undefined when there is none: nothing in it can be found, and no SQL need ask. */
  find(bucket: number): Promise<string | undefined>
  /** The same, as far as this process knows; undefined where it does not. */
  known(bucket: number): string | undefined
  /** The partition is gone. */
  forget(name: string): void
}

export interface DroppedPartition {
  table: PartitionedTable
  name: string
}

export interface Partitions {
  /** Makes what is missing from now to as far ahead as rows are put, and some more. Answers how many it made. */
  ensure(): Promise<number>
  /** Drops what is over, the longest ago first; a table's failure leaves the others their turn. */
  dropOverdue(): Promise<DroppedPartition[]>
  of(table: PartitionedTable): PartitionMap
}

interface Listed {
  table: PartitionedTable
  name: string
  /** first bucket */
  start: number
  /** a DETACH that was cut short */
  pending: boolean
}

/** Any number, the same in every version: one process makes or drops at a time. */
const lockId = 7_591_013

/** SQLSTATE of a lock that was not to be had in `lock_timeout`. */
const lockNotAvailable = '55P03'
const mostTries = 10

const listText = `SELECT p.relname AS "table", c.relname AS name, i.inhdetachpending AS pending,
    extract(epoch FROM clock_time())::float8 AS now
  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
  WHERE i.inhparent IN ('refresh_families'::regclass, 'artifacts'::regclass, 'audit_events'::regclass)`

// What was detached and then not dropped, since its process had died in between: no query sees it any more.
const orphansText = `SELECT c.relname AS name FROM pg_class c
  WHERE c.relkind = 'r' AND NOT c.relispartition AND c.relname ~ '^(refresh_families|artifacts|audit_events)_[0-9]+$'
    AND c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'refresh_families'::regclass)`

export async function listPartitions(sql: Queries): Promise<{ listed: Listed[]; now: number }> {
  const { rows } = await sql.run<Omit<Listed, 'start'> & { now: number }>(
    'partitions.list',
    listText
  )
  const listed = rows.flatMap(({ table, name, pending }) => {
    const start = /^[a-z_]+_(\d+)$/.exec(name)?.[1]
    return start === undefined ? [] : [{ table, name, pending, start: Number(start) }]
  })
  // there is always one: artifacts_lasting
  return { listed, now: rows[0]?.now ?? 0 }
}

/** When a partition may be dropped, seconds since 1970. */
export function dropTime(plan: PartitionPlan, start: number): number {
  return (start + plan.width) * plan.unitSeconds + plan.keepSeconds
}

/** First buckets of the partitions that a table must have at a time. */
export function wantedStarts(plan: PartitionPlan, now: number): number[] {
  const { unitSeconds, width, behindSeconds, reachSeconds, aheadSeconds } = plan
  const startOf = (seconds: number) => Math.floor(seconds / unitSeconds / width) * width
  const first = startOf(now - behindSeconds)
  const last = startOf(now + reachSeconds + aheadSeconds)
  return Array.from({ length: (last - first) / width + 1 }, (_, at) => first + at * width)
}

function bound(plan: PartitionPlan, bucket: number): string {
  return plan.key === 'time' ? `to_timestamp(${bucket * plan.unitSeconds})` : String(bucket)
}

/** Waits no longer than the database lets it wait for a lock, and then again: many processes may start at once. */
async function patiently<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work()
    } catch (error) {
      const cause = error instanceof Fault ? error.cause : error
      if (sqlState(cause) !== lockNotAvailable || tries === mostTries) throw error
    }
  }
}

export function createPartitions(options: {
  database: Pick<Database, 'run' | 'transaction'>
  plans: readonly PartitionPlan[]
  now: () => Date
}): Partitions {
  const { database, plans, now: processNow } = options
  const maps = new Map<PartitionedTable, Map<number, string>>()
  let loading: Promise<unknown> | undefined

  function remember(listed: readonly Listed[]): void {
    for (const plan of plans) {
      const own = listed.filter(({ table, pending }) => table === plan.table && !pending)
      maps.set(plan.table, new Map(own.map(({ start, name }) => [start, name])))
    }
  }

  async function load() {
    const found = await listPartitions(database)
    remember(found.listed)
    return found
  }

  async function make(sql: Queries, plan: PartitionPlan, start: number): Promise<void> {
    const name = `${plan.table}_${start}`
    const run = (what: string, text: string) => sql.run(`partitions.${what}.${name}`, text)
    // left by a detach that was followed by a crash: nothing refers to it
    await run('clear', `DROP TABLE IF EXISTS ${name}`)
    await run(
      'create',
      `CREATE TABLE ${name} (LIKE ${plan.table} INCLUDING ALL) WITH (fillfactor = ${plan.fillfactor})`
    )
    await run(
      'attach',
      `ALTER TABLE ${plan.table} ATTACH PARTITION ${name}
       FOR VALUES FROM (${bound(plan, start)}) TO (${bound(plan, start + plan.width)})`
    )
  }

  /** Outside of a transaction: the first half commits by itself, and the second waits for whoever still reads the parent. */
  async function drop({ table, name, pending }: Listed): Promise<void> {
    const how = pending ? 'FINALIZE' : 'CONCURRENTLY'
    await database.run(
      `partitions.detach.${name}.${how}`,
      `ALTER TABLE ${table} DETACH PARTITION ${name} ${how}`
    )
    await database.run(`partitions.drop.${name}`, `DROP TABLE IF EXISTS ${name}`)
  }

  return {
    async ensure() {
      const { listed, now } = await load()
      const missing = (known: readonly Listed[]) =>
        plans.flatMap(plan => {
          const there = new Set(
            known.filter(({ table }) => table === plan.table).map(({ start }) => start)
          )
          return wantedStarts(plan, now)
            .filter(start => !there.has(start))
            .map(start => ({ plan, start }))
        })
      if (missing(listed).length === 0) return 0
      const made = await patiently(() =>
        database.transaction(async tx => {
          await tx.run('partitions.lock', 'SELECT pg_advisory_xact_lock($1)', [lockId])
          // another process may have made them while this one waited
          const left = missing((await listPartitions(tx)).listed)
          for (const { plan, start } of left) await make(tx, plan, start)
          return left.length
        })
      )
      await load()
      return made
    },

    async dropOverdue() {
      const { listed, now } = await load()
      const overdue = plans.flatMap(plan =>
        listed
          .filter(({ table }) => table === plan.table)
          .filter(({ start, pending }) => pending || dropTime(plan, start) <= now)
          .sort((a, b) => Number(b.pending) - Number(a.pending) || a.start - b.start)
      )
      const dropped: DroppedPartition[] = []
      const failures: unknown[] = []
      for (const partition of overdue) {
        // before it goes, so that no statement of ours names it any more
        maps.get(partition.table)?.delete(partition.start)
        try {
          await drop(partition)
          dropped.push({ table: partition.table, name: partition.name })
        } catch (error) {
          failures.push(error)
        }
      }
      if (failures.length > 0 && dropped.length === 0) throw failures[0]
      const { rows: orphans } = await database.run<{ name: string }>(
        'partitions.orphans',
        orphansText
      )
      for (const { name } of orphans) {
        await database.run(`partitions.drop.${name}`, `DROP TABLE IF EXISTS ${name}`)
      }
      return dropped
    },

    of(table) {
      const plan = plans.find(candidate => candidate.table === table)
      if (plan === undefined) throw new Error(`${table} is not cut into partitions`)
      const startOf = (bucket: number) => Math.floor(bucket / plan.width) * plan.width
      const known = (bucket: number) => maps.get(table)?.get(startOf(bucket))
      return {
        known,
        async find(bucket) {
          const name = known(bucket)
          if (name !== undefined) return name
          // what was dropped does not come back, and nobody puts rows further ahead than rows may live
          const starts = [...(maps.get(table)?.keys() ?? [])]
          const far = bucket * plan.unitSeconds - processNow().getTime() / 1_000 - plan.reachSeconds
          const near = far < plan.aheadSeconds + 2 * plan.width * plan.unitSeconds
          const old = starts.length > 0 && startOf(bucket) < Math.min(...starts)
          if (!near || old) return undefined
          loading ??= load().finally(() => {
            loading = undefined
          })
          await loading
          return known(bucket)
        },
        forget(name) {
          const own = maps.get(table)
          for (const [start, candidate] of own ?? []) if (candidate === name) own?.delete(start)
        }
      }
    }
  }
}
