// Short-lived rows of the protocol: authorization codes (RFC 6749 §4.1.2), device codes (RFC 8628), pushed requests (RFC 9126),
// interactions and registration tokens. Rows are keyed by a digest of kind and value; members that would open something are sealed by
// the caller. Expiry is told by the database's clock, as seconds that remain.

import { lastingBucket } from './artifact-lifetimes.ts'
import { type Queries, type Statement, sqlState } from './database.ts'
import {
  joinLiveGrant,
  type LiveGrant,
  type LiveGrantRow,
  liveGrantColumns,
  liveGrantOf,
  type Payload
} from './grants.ts'
import type { PartitionMap } from './partitions.ts'

/** Where a row is: its bucket where the value tells it, else the first and the last that it may be in. */
export interface ArtifactKey {
  id: Buffer
  bucket: number | readonly [first: number, last: number]
}

export interface ArtifactRow {
  id: Buffer
  bucket: number
  payload: Payload
  sealed: Buffer | undefined
  /** undefined: never expires */
  remainingSeconds: number | undefined
  consumed: boolean
  createdAt: Date
}

export interface NewArtifact {
  id: Buffer
  /** hour, counted from 1970, after which nobody needs the row; `lastingBucket` for one that stays */
  bucket: number
  kind: string
  grantId: string | undefined
  clientId: string | undefined
  userCode: Buffer | undefined
  payload: Payload
  sealed: Buffer | undefined
  /** undefined: never expires */
  lifetimeSeconds: number | undefined
  /** RFC 8628 §3.2, CIBA Core §7.3, seconds; only of what is polled */
  interval: number | undefined
}

export interface ArtifactStore {
  find(kind: string, key: ArtifactKey): Promise<ArtifactRow | undefined>
  /** The same read brings the grant that the artifact was issued under, as far as it lives. */
  findWithGrant(
    kind: string,
    key: ArtifactKey
  ): Promise<{ row: ArtifactRow; grant: LiveGrant | undefined } | undefined>
  findByUserCode(userCodes: readonly Buffer[]): Promise<ArtifactRow | undefined>
  /**
   * RFC 8628 §3.5, CIBA Core §11: notes the poll and tells whether it came too soon, in one statement, so that parallel polls cannot both be in time.
   * Each poll that is too soon makes the interval five seconds longer.
   */
  poll(
    kind: string,
    key: ArtifactKey,
    clientId: string
  ): Promise<{ row: ArtifactRow; grant: LiveGrant | undefined; tooSoon: boolean } | undefined>
  saveStatement(artifact: NewArtifact): Statement
  /** Settles a device code or a backchannel request once: approved, declined or failed; raises `what` when it was settled already. */
  settleStatement(artifact: NewArtifact, what: string): Statement
  /** Raises `what` when it was consumed already: the caller was not the first. */
  consumeStatement(key: ArtifactKey, what: string): Statement
  /** Raises `what` when it is gone already. */
  takeStatement(key: ArtifactKey, what: string): Statement
  destroyStatement(key: ArtifactKey): Statement
}

interface Row {
  id: Buffer
  bucket: number
  payload: Payload
  sealed: Buffer | null
  remaining: number | null
  consumed: boolean
  created_at: Date
}

const columns = `t.id, t.bucket, t.payload, t.sealed, t.created_at, t.consumed_at IS NOT NULL AS consumed,
  extract(epoch FROM t.expires_at - clock_time())::float8 AS remaining`

// Two browsers may have one device code open: what the first of them decided stays. Whose answer a backchannel request waits for is known
// from the start.
const settled = `(t.payload ? 'error' AND t.kind IN ('DeviceCode', 'BackchannelAuthenticationRequest')
  OR t.payload ? 'accountId' AND t.kind = 'DeviceCode'
  OR t.payload ? 'grantId' AND t.kind = 'BackchannelAuthenticationRequest')`

const save = `INSERT INTO artifacts AS t (id, kind, grant_id, client_id, payload, sealed, expires_at, interval, bucket)
  VALUES ($1, $2, $3, $4, $5, $6, clock_time() + make_interval(secs => $7), $8, $9)
  ON CONFLICT (bucket, id) DO UPDATE SET payload = excluded.payload, sealed = excluded.sealed,
    grant_id = excluded.grant_id, expires_at = excluded.expires_at
  WHERE NOT ${settled}`

// Somebody else's code, as long as it lives, is taken; our own is saved again when the device code is.
const saveWithUserCode = `WITH saved AS (${save}), coded AS (
    INSERT INTO user_codes AS u (user_code, bucket, id, expires_at)
    VALUES ($10, $9, $1, clock_time() + make_interval(secs => $7))
    ON CONFLICT (user_code) DO UPDATE SET bucket = excluded.bucket, id = excluded.id, expires_at = excluded.expires_at
    WHERE u.id = excluded.id OR u.expires_at <= clock_time() RETURNING 1)
  SELECT require_match((SELECT count(*) FROM coded), 'conflict')`

const parent = 'artifacts'
/** SQLSTATE of a statement that names a table which is gone. */
const undefinedTable = '42P01'

function artifactOf(row: Row): ArtifactRow {
  return {
    id: row.id,
    bucket: row.bucket,
    payload: row.payload,
    sealed: row.sealed ?? undefined,
    remainingSeconds: row.remaining ?? undefined,
    consumed: row.consumed,
    createdAt: row.created_at
  }
}

/** The row of a key: its table, its condition with the values from `$1` on, and where further ones start. */
interface Place {
  table: string
  row: string
  values: unknown[]
  partition: string | undefined
}

export function createArtifactStore({
  sql,
  partitions
}: {
  sql: Queries
  /** left out: everything goes through the parent */
  partitions?: PartitionMap
}): ArtifactStore {
  /** Values that carry their bucket name their partition; of interactions it is one of two, and the parent prunes the others. */
  function placeOf({ id, bucket }: ArtifactKey): Place {
    const [first, last] = typeof bucket === 'number' ? [bucket, bucket] : bucket
    const partition = first === last ? partitions?.known(first) : undefined
    return {
      table: partition ?? parent,
      row: 't.id = $1 AND t.bucket BETWEEN $2 AND $3',
      values: [id, first, last],
      partition
    }
  }

  /** Undefined, without a question, for a bucket that names no partition which lives: whoever sends a value chooses its bucket. */
  async function read<R extends object>(
    key: ArtifactKey,
    name: string,
    text: (place: Place) => string,
    values: unknown[]
  ): Promise<R | undefined> {
    const { bucket } = key
    const guarded = typeof bucket === 'number' && bucket !== lastingBucket && partitions
    if (guarded && (await guarded.find(bucket)) === undefined) return undefined
    const place = placeOf(key)
    try {
      const { rows } = await sql.run<R>(
        name,
        text(place),
        [...place.values, ...values],
        place.partition
      )
      return rows[0]
    } catch (error) {
      // dropped after we had looked: everything in it was over
      if (place.partition === undefined || sqlState(error) !== undefinedTable) throw error
      partitions?.forget(place.partition)
      return undefined
    }
  }

  function write(
    key: ArtifactKey,
    name: string,
    text: (place: Place) => string,
    values: unknown[] = []
  ): Statement {
    const place = placeOf(key)
    const { partition } = place
    return { name, text: text(place), values: [...place.values, ...values], partition }
  }

  return {
    async find(kind, key) {
      const row = await read<Row>(
        key,
        'artifacts.find',
        at => `SELECT ${columns} FROM ${at.table} t WHERE ${at.row} AND t.kind = $4`,
        [kind]
      )
      return row && artifactOf(row)
    },

    async findWithGrant(kind, key) {
      const row = await read<Row & LiveGrantRow>(
        key,
        'artifacts.find_with_grant',
        at => `SELECT ${columns}, ${liveGrantColumns}
          FROM ${at.table} t ${joinLiveGrant('g.id = t.grant_id')} WHERE ${at.row} AND t.kind = $4`,
        [kind]
      )
      return row && { row: artifactOf(row), grant: liveGrantOf(row) }
    },

    async findByUserCode(userCodes) {
      const { rows } = await sql.run<Row>(
        'artifacts.find_by_user_code',
        `SELECT ${columns} FROM user_codes u JOIN artifacts t ON t.bucket = u.bucket AND t.id = u.id
         WHERE u.user_code = ANY ($1::bytea[]) LIMIT 1`,
        [userCodes]
      )
      return rows[0] && artifactOf(rows[0])
    },

    async poll(kind, key, clientId) {
      const row = await read<Row & LiveGrantRow & { too_soon: boolean }>(
        key,
        'artifacts.poll',
        at => `WITH before AS (
           SELECT bucket, id, polled_at + make_interval(secs => interval) > clock_time() AS too_soon
           FROM ${at.table} t WHERE ${at.row} AND kind = $5 AND client_id = $4 FOR UPDATE
         ), polled AS (
           UPDATE ${at.table} t SET polled_at = clock_time(),
             interval = t.interval + CASE WHEN before.too_soon THEN 5 ELSE 0 END
           FROM before WHERE t.bucket = before.bucket AND t.id = before.id
           RETURNING t.*, coalesce(before.too_soon, false) AS too_soon
         )
         SELECT ${columns}, t.too_soon, ${liveGrantColumns} FROM polled t ${joinLiveGrant('g.id = t.grant_id')}`,
        [clientId, kind]
      )
      return row && { row: artifactOf(row), grant: liveGrantOf(row), tooSoon: row.too_soon }
    },

    saveStatement: artifact => ({
      name: artifact.userCode === undefined ? 'artifacts.save' : 'artifacts.save_with_user_code',
      text: artifact.userCode === undefined ? save : saveWithUserCode,
      values: [
        artifact.id,
        artifact.kind,
        artifact.grantId ?? null,
        artifact.clientId ?? null,
        JSON.stringify(artifact.payload),
        artifact.sealed ?? null,
        artifact.lifetimeSeconds ?? null,
        artifact.interval ?? null,
        artifact.bucket,
        ...(artifact.userCode === undefined ? [] : [artifact.userCode])
      ]
    }),

    settleStatement: (artifact, what) =>
      write(
        artifact,
        'artifacts.settle',
        at => `WITH written AS (
          UPDATE ${at.table} t SET payload = $4, sealed = $5, grant_id = $6,
            expires_at = clock_time() + make_interval(secs => $7)
          WHERE ${at.row} AND consumed_at IS NULL AND NOT ${settled} RETURNING 1)
        SELECT require_match((SELECT count(*) FROM written), $8)`,
        [
          JSON.stringify(artifact.payload),
          artifact.sealed ?? null,
          artifact.grantId ?? null,
          artifact.lifetimeSeconds ?? null,
          what
        ]
      ),

    consumeStatement: (key, what) =>
      write(
        key,
        'artifacts.consume',
        at => `WITH consumed AS (
          UPDATE ${at.table} t SET consumed_at = clock_time()
          WHERE ${at.row} AND consumed_at IS NULL RETURNING 1)
        SELECT require_match((SELECT count(*) FROM consumed), $4)`,
        [what]
      ),

    takeStatement: (key, what) =>
      write(
        key,
        'artifacts.take',
        at => `WITH taken AS (DELETE FROM ${at.table} t WHERE ${at.row} RETURNING 1)
        SELECT require_match((SELECT count(*) FROM taken), $4)`,
        [what]
      ),

    destroyStatement: key =>
      write(key, 'artifacts.destroy', at => `DELETE FROM ${at.table} t WHERE ${at.row}`)
  }
}
