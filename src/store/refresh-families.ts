// Refresh token families: one row per authorization, not per token (RFC 9700 §4.14.2). The rotation is one UPDATE whose condition is the
// whole rule, so two processes, a retry, or a revocation cannot slip past each other: whoever comes second waits for the row, and its
// condition is judged again on what the first one left.

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

export interface FamilyId {
  /** day of the absolute expiry, counted from 1970 */
  bucket: number
  id: string
}

export interface FamilyRow extends FamilyId {
  grantId: string
  clientId: string
  generation: number
  currentHash: Buffer
  successorSalt: Buffer
  successorKeyVersion: number
  previousHash: Buffer | undefined
  previousSalt: Buffer | undefined
  previousKeyVersion: number | undefined
  /** seconds since the current token replaced the previous one, by the database's clock */
  sinceRotation: number | undefined
  /** seconds since the previous token replaced the one before it */
  sincePreviousRotation: number | undefined
  /** address of whoever got the current token first */
  redeemedBy: string | undefined
  /** generations in a row, up to the current one, that a second address was answered inside the leeway */
  secondAddressStreak: number
  /** the current generation is counted in that already */
  secondAddressCounted: boolean
  /** seconds until the family ends, or is idle for too long; what comes first */
  remainingSeconds: number
  revoked: boolean
  payload: Payload
}

export interface NewFamily extends FamilyId {
  grantId: string
  accountId: string
  clientId: string
  sessionUid: string | undefined
  currentHash: Buffer
  successorSalt: Buffer
  successorKeyVersion: number
  jkt: string | undefined
  certificate: string | undefined
  payload: Payload
  absoluteSeconds: number
  idleSeconds: number
}

export interface Rotation extends FamilyId {
  presentedHash: Buffer
  newHash: Buffer
  /** for the successor of the new token; ignored where another process was first */
  newSalt: Buffer
  newKeyVersion: number
  payload: Payload
  jkt: string | undefined
  certificate: string | undefined
  leewaySeconds: number
  idleSeconds: number
  /** of the request, where it is known */
  address: string | undefined
}

export interface RefreshFamilyStore {
  /** The same read brings the grant and the account. */
  find(family: FamilyId): Promise<{ row: FamilyRow; grant: LiveGrant | undefined } | undefined>
  insertStatement(family: NewFamily): Statement
  /** Raises `refresh_token_spent` when the presented token is neither current nor, inside the leeway, the one before. */
  rotateStatement(rotation: Rotation): Statement
  /** The token stays; the family is in use. Raises `refresh_token_spent` when it is not current, or the family has ended. */
  keepStatement(kept: FamilyId & { presentedHash: Buffer; idleSeconds: number }): Statement
  revokeStatement(family: FamilyId): Statement
}

interface Row extends LiveGrantRow {
  bucket: number
  id: string
  family_grant_id: string
  client_id: string
  generation: number
  current_hash: Buffer
  successor_salt: Buffer
  successor_key_version: number
  previous_hash: Buffer | null
  previous_salt: Buffer | null
  previous_key_version: number | null
  since_rotation: number | null
  since_previous_rotation: number | null
  redeemed_by: string | null
  second_address_generation: number | null
  second_address_streak: number
  remaining: number
  revoked: boolean
  payload: Payload
}

/** SQLSTATE of a statement that names a table which is gone. */
const undefinedTable = '42P01'

/**
 * What is done all the time names the partition that the token names: through the parent it costs nearly twice as much. Without
 * `partitions` everything goes through the parent.
 */
export function createRefreshFamilyStore({
  sql,
  partitions
}: {
  sql: Queries
  partitions?: PartitionMap
}): RefreshFamilyStore {
  const parent = 'refresh_families'

  /** A partition that was dropped after we had looked: everything in it was over. */
  async function unlessDropped<T>(table: string, reading: Promise<T>): Promise<T | undefined> {
    try {
      return await reading
    } catch (error) {
      if (table === parent || sqlState(error) !== undefinedTable) throw error
      partitions?.forget(table)
      return undefined
    }
  }

  return {
    async find({ bucket, id }) {
      const table = partitions === undefined ? parent : await partitions.find(bucket)
      if (table === undefined) return undefined
      const reading = sql.run<Row>(
        'refresh_families.find',
        `SELECT f.bucket, f.id, f.grant_id AS family_grant_id, f.client_id, f.generation, f.current_hash, f.successor_salt,
           f.successor_key_version, f.previous_hash, f.previous_salt, f.previous_key_version, f.payload,
           f.redeemed_by, f.second_address_generation, f.second_address_streak,
           extract(epoch FROM clock_time() - f.rotated_at)::float8 AS since_rotation,
           extract(epoch FROM clock_time() - f.previous_rotated_at)::float8 AS since_previous_rotation,
           extract(epoch FROM least(f.expires_at, f.idle_expires_at) - clock_time())::float8 AS remaining,
           f.revoked_at IS NOT NULL AS revoked, ${liveGrantColumns}
         FROM ${table} f ${joinLiveGrant('g.id = f.grant_id')}
         WHERE f.bucket = $1 AND f.id = $2`,
        [bucket, id],
        table === parent ? undefined : table
      )
      const row = (await unlessDropped(table, reading))?.rows[0]
      if (row === undefined) return undefined
      return {
        grant: liveGrantOf(row),
        row: {
          bucket: row.bucket,
          id: row.id,
          grantId: row.family_grant_id,
          clientId: row.client_id,
          generation: row.generation,
          currentHash: row.current_hash,
          successorSalt: row.successor_salt,
          successorKeyVersion: row.successor_key_version,
          previousHash: row.previous_hash ?? undefined,
          previousSalt: row.previous_salt ?? undefined,
          previousKeyVersion: row.previous_key_version ?? undefined,
          sinceRotation: row.since_rotation ?? undefined,
          sincePreviousRotation: row.since_previous_rotation ?? undefined,
          redeemedBy: row.redeemed_by ?? undefined,
          secondAddressStreak: row.second_address_streak,
          secondAddressCounted: row.second_address_generation === row.generation,
          remainingSeconds: row.remaining,
          revoked: row.revoked,
          payload: row.payload
        }
      }
    },

    insertStatement: family => ({
      name: 'refresh_families.insert',
      text: `INSERT INTO refresh_families (bucket, id, grant_id, account_id, client_id, session_uid, current_hash, successor_salt,
          successor_key_version, jkt, certificate, payload, expires_at, idle_expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
          clock_time() + make_interval(secs => $13), clock_time() + make_interval(secs => $14))`,
      values: [
        family.bucket,
        family.id,
        family.grantId,
        family.accountId,
        family.clientId,
        family.sessionUid ?? null,
        family.currentHash,
        family.successorSalt,
        family.successorKeyVersion,
        family.jkt ?? null,
        family.certificate ?? null,
        JSON.stringify(family.payload),
        family.absoluteSeconds,
        family.idleSeconds
      ]
    }),

    rotateStatement: rotation => ({
      name: 'refresh_families.rotate',
      partition: partitions?.known(rotation.bucket),
      // `first` is the winner's case; otherwise the same successor is already there, and only the answer is counted.
      text: `WITH rotated AS (
          UPDATE ${partitions?.known(rotation.bucket) ?? parent} SET
            generation = generation + CASE WHEN current_hash = $3 THEN 1 ELSE 0 END,
            previous_hash = CASE WHEN current_hash = $3 THEN current_hash ELSE previous_hash END,
            previous_salt = CASE WHEN current_hash = $3 THEN successor_salt ELSE previous_salt END,
            previous_key_version = CASE WHEN current_hash = $3 THEN successor_key_version ELSE previous_key_version END,
            previous_rotated_at = CASE WHEN current_hash = $3 THEN rotated_at ELSE previous_rotated_at END,
            rotated_at = CASE WHEN current_hash = $3 THEN clock_time() ELSE rotated_at END,
            successor_salt = CASE WHEN current_hash = $3 THEN $5 ELSE successor_salt END,
            successor_key_version = CASE WHEN current_hash = $3 THEN $6 ELSE successor_key_version END,
            payload = CASE WHEN current_hash = $3 THEN $7 ELSE payload END,
            jkt = $8, certificate = $9,
            idle_expires_at = clock_time() + make_interval(secs => $11),
            leeway_answers = CASE WHEN current_hash = $3 THEN 0 ELSE leeway_answers + 1 END,
            redeemed_by = CASE WHEN current_hash = $3 THEN $12 ELSE redeemed_by END,
            second_address_streak = CASE
              WHEN current_hash = $3 AND second_address_generation IS DISTINCT FROM generation THEN 0
              WHEN current_hash <> $3 AND redeemed_by <> $12
                AND second_address_generation IS DISTINCT FROM generation THEN second_address_streak + 1
              ELSE second_address_streak END,
            second_address_generation = CASE
              WHEN current_hash <> $3 AND redeemed_by <> $12 THEN generation ELSE second_address_generation END,
            current_hash = $4
          WHERE bucket = $1 AND id = $2 AND revoked_at IS NULL
            AND expires_at > clock_time() AND idle_expires_at > clock_time()
            AND (current_hash = $3 OR (previous_hash = $3 AND current_hash = $4
              AND rotated_at > clock_time() - make_interval(secs => $10)))
          RETURNING 1)
        SELECT require_match((SELECT count(*) FROM rotated), 'refresh_token_spent')`,
      values: [
        rotation.bucket,
        rotation.id,
        rotation.presentedHash,
        rotation.newHash,
        rotation.newSalt,
        rotation.newKeyVersion,
        JSON.stringify(rotation.payload),
        rotation.jkt ?? null,
        rotation.certificate ?? null,
        rotation.leewaySeconds,
        rotation.idleSeconds,
        rotation.address ?? null
      ]
    }),

    keepStatement: ({ bucket, id, presentedHash, idleSeconds }) => ({
      name: 'refresh_families.keep',
      partition: partitions?.known(bucket),
      text: `WITH kept AS (
          UPDATE ${partitions?.known(bucket) ?? parent} SET idle_expires_at = clock_time() + make_interval(secs => $4)
          WHERE bucket = $1 AND id = $2 AND revoked_at IS NULL AND current_hash = $3
            AND expires_at > clock_time() AND idle_expires_at > clock_time()
          RETURNING 1)
        SELECT require_match((SELECT count(*) FROM kept), 'refresh_token_spent')`,
      values: [bucket, id, presentedHash, idleSeconds]
    }),

    revokeStatement: ({ bucket, id }) => ({
      name: 'refresh_families.revoke',
      partition: partitions?.known(bucket),
      text: `UPDATE ${partitions?.known(bucket) ?? parent} SET revoked_at = clock_time()
        WHERE bucket = $1 AND id = $2 AND revoked_at IS NULL`,
      values: [bucket, id]
    })
  }
}
