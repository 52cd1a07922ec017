// Short-lived rows of the protocol: authorization codes (RFC 6749 §4.1.2), device codes (RFC 8628), pushed requests (RFC 9126),
// interactions and registration tokens. Rows are keyed by a digest of kind and value; members that would open something are sealed by
// the caller. Expiry is told by the database's clock, as seconds that remain.

import type { Queries, Statement } from './database.ts'
import {
  joinLiveGrant,
  type LiveGrant,
  type LiveGrantRow,
  liveGrantColumns,
  liveGrantOf,
  type Payload
} from './grants.ts'

export interface ArtifactRow {
  id: Buffer
  payload: Payload
  sealed: Buffer | undefined
  /** undefined: never expires */
  remainingSeconds: number | undefined
  consumed: boolean
  createdAt: Date
}

export interface NewArtifact {
  id: Buffer
  kind: string
  grantId: string | undefined
  clientId: string | undefined
  userCode: Buffer | undefined
  payload: Payload
  sealed: Buffer | undefined
  /** undefined: never expires */
  lifetimeSeconds: number | undefined
  /** RFC 8628 §3.2, seconds; device codes only */
  interval: number | undefined
}

export interface ArtifactStore {
  find(kind: string, id: Buffer): Promise<ArtifactRow | undefined>
  /** The same read brings the grant that the artifact was issued under, as far as it lives. */
  findWithGrant(
    kind: string,
    id: Buffer
  ): Promise<{ row: ArtifactRow; grant: LiveGrant | undefined } | undefined>
  findByUserCode(userCodes: readonly Buffer[]): Promise<ArtifactRow | undefined>
  /**
   * RFC 8628 §3.5: notes the poll and tells whether it came too soon, in one statement, so that parallel polls cannot both be in time.
   * Each poll that is too soon makes the interval five seconds longer.
   */
  poll(
    id: Buffer,
    clientId: string
  ): Promise<{ row: ArtifactRow; grant: LiveGrant | undefined; tooSoon: boolean } | undefined>
  saveStatement(artifact: NewArtifact): Statement
  /** Settles a device code once: approved, declined or failed; raises `device_code_used` when it was settled already. */
  settleStatement(artifact: NewArtifact): Statement
  /** Raises `what` when it was consumed already: the caller was not the first. */
  consumeStatement(id: Buffer, what: string): Statement
  /** Raises `what` when it is gone already. */
  takeStatement(id: Buffer, what: string): Statement
  destroyStatement(id: Buffer): Statement
}

interface Row {
  id: Buffer
  payload: Payload
  sealed: Buffer | null
  remaining: number | null
  consumed: boolean
  created_at: Date
}

const columns = `t.id, t.payload, t.sealed, t.created_at, t.consumed_at IS NOT NULL AS consumed,
  extract(epoch FROM t.expires_at - clock_time())::float8 AS remaining`

// Two browsers may have one device code open: what the first of them decided stays.
const settled = `(artifacts.kind = 'DeviceCode'
  AND (artifacts.payload ? 'accountId' OR artifacts.payload ? 'error'))`

function artifactOf(row: Row): ArtifactRow {
  return {
    id: row.id,
    payload: row.payload,
    sealed: row.sealed ?? undefined,
    remainingSeconds: row.remaining ?? undefined,
    consumed: row.consumed,
    createdAt: row.created_at
  }
}

export function createArtifactStore({ sql }: { sql: Queries }): ArtifactStore {
  return {
    async find(kind, id) {
      const { rows } = await sql.run<Row>(
        'artifacts.find',
        `SELECT ${columns} FROM artifacts t WHERE t.id = $1 AND t.kind = $2`,
        [id, kind]
      )
      return rows[0] && artifactOf(rows[0])
    },

    async findWithGrant(kind, id) {
      const { rows } = await sql.run<Row & LiveGrantRow>(
        'artifacts.find_with_grant',
        `SELECT ${columns}, ${liveGrantColumns} FROM artifacts t ${joinLiveGrant('g.id = t.grant_id')}
         WHERE t.id = $1 AND t.kind = $2`,
        [id, kind]
      )
      const [row] = rows
      return row && { row: artifactOf(row), grant: liveGrantOf(row) }
    },

    async findByUserCode(userCodes) {
      const { rows } = await sql.run<Row>(
        'artifacts.find_by_user_code',
        `SELECT ${columns} FROM artifacts t WHERE t.user_code = ANY ($1::bytea[]) LIMIT 1`,
        [userCodes]
      )
      return rows[0] && artifactOf(rows[0])
    },

    async poll(id, clientId) {
      const { rows } = await sql.run<Row & LiveGrantRow & { too_soon: boolean }>(
        'artifacts.poll',
        `WITH before AS (
           SELECT id, polled_at + make_interval(secs => interval) > clock_time() AS too_soon
           FROM artifacts WHERE id = $1 AND kind = 'DeviceCode' AND client_id = $2 FOR UPDATE
         ), polled AS (
           UPDATE artifacts SET polled_at = clock_time(),
             interval = artifacts.interval + CASE WHEN before.too_soon THEN 5 ELSE 0 END
           FROM before WHERE artifacts.id = before.id
           RETURNING artifacts.*, coalesce(before.too_soon, false) AS too_soon
         )
         SELECT ${columns}, t.too_soon, ${liveGrantColumns} FROM polled t ${joinLiveGrant('g.id = t.grant_id')}`,
        [id, clientId]
      )
      const [row] = rows
      return row && { row: artifactOf(row), grant: liveGrantOf(row), tooSoon: row.too_soon }
    },

    saveStatement: artifact => ({
      name: 'artifacts.save',
      text: `INSERT INTO artifacts (id, kind, grant_id, client_id, user_code, payload, sealed, expires_at, interval)
        VALUES ($1, $2, $3, $4, $5, $6, $7, clock_time() + make_interval(secs => $8), $9)
        ON CONFLICT (id) DO UPDATE SET payload = excluded.payload, sealed = excluded.sealed,
          grant_id = excluded.grant_id, expires_at = excluded.expires_at
        WHERE NOT ${settled}`,
      values: [
        artifact.id,
        artifact.kind,
        artifact.grantId ?? null,
        artifact.clientId ?? null,
        artifact.userCode ?? null,
        JSON.stringify(artifact.payload),
        artifact.sealed ?? null,
        artifact.lifetimeSeconds ?? null,
        artifact.interval ?? null
      ]
    }),

    settleStatement: artifact => ({
      name: 'artifacts.settle',
      text: `WITH written AS (
          UPDATE artifacts SET payload = $2, sealed = $3, grant_id = $4,
            expires_at = clock_time() + make_interval(secs => $5)
          WHERE id = $1 AND consumed_at IS NULL AND NOT ${settled} RETURNING 1)
        SELECT require_match((SELECT count(*) FROM written), 'device_code_used')`,
      values: [
        artifact.id,
        JSON.stringify(artifact.payload),
        artifact.sealed ?? null,
        artifact.grantId ?? null,
        artifact.lifetimeSeconds ?? null
      ]
    }),

    consumeStatement: (id, what) => ({
      name: 'artifacts.consume',
      text: `WITH consumed AS (
          UPDATE artifacts SET consumed_at = clock_time() WHERE id = $1 AND consumed_at IS NULL RETURNING 1)
        SELECT require_match((SELECT count(*) FROM consumed), $2)`,
      values: [id, what]
    }),

    takeStatement: (id, what) => ({
      name: 'artifacts.take',
      text: `WITH taken AS (DELETE FROM artifacts WHERE id = $1 RETURNING 1)
        SELECT require_match((SELECT count(*) FROM taken), $2)`,
      values: [id, what]
    }),

    destroyStatement: id => ({
      name: 'artifacts.destroy',
      text: 'DELETE FROM artifacts WHERE id = $1',
      values: [id]
    })
  }
}
