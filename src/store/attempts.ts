// Attempt counters: how often something was tried in a window of time. Owns the claim, which is one statement made *before* what it
// guards, so that of any number of parallel attempts no more than the limit get through (CVE-2024-4629 class: no lost update).
// The window begins with the first attempt and ends by itself; nothing here locks anybody out for good. Time is the database's.

import type { Queries } from './database.ts'

export interface AttemptLimit {
  /** attempts that may pass in one window */
  limit: number
  windowSeconds: number
}

/** `crossed` is answered once per window, to the first attempt over the limit: the one that goes to the audit trail. */
export type Claim = { ok: true } | { ok: false; retryAfterSeconds: number; crossed: boolean }

// Above the limit nothing is written any more, so that a flood costs reads and no dead rows. A row whose window is over starts again.
const claimText = `INSERT INTO attempts AS a (kind, key, count, window_end)
  VALUES ($1, $2, 1, clock_time() + make_interval(secs => $4))
  ON CONFLICT (kind, key) DO UPDATE SET
    count = CASE WHEN a.window_end <= clock_time() THEN 1 ELSE a.count + 1 END,
    window_end = CASE WHEN a.window_end <= clock_time() THEN excluded.window_end ELSE a.window_end END
  WHERE a.count <= $3 OR a.window_end <= clock_time()
  RETURNING a.count, ceil(extract(epoch FROM a.window_end - clock_time()))::integer AS remaining`

const remainingText = `SELECT ceil(extract(epoch FROM window_end - clock_time()))::integer AS remaining
  FROM attempts WHERE kind = $1 AND key = $2`

// `count` may stand one over the limit, which is the attempt that was refused: it has nothing to give back.
const giveBackText = `UPDATE attempts SET count = greatest(least(count, $3) - 1, 0)
  WHERE kind = $1 AND key = $2 AND window_end > clock_time()`

const releaseText = 'DELETE FROM attempts WHERE kind = $1 AND key = $2'

const sweepText = `DELETE FROM attempts WHERE (kind, key) IN (
    SELECT kind, key FROM attempts WHERE window_end <= clock_time() ORDER BY window_end LIMIT $1 FOR UPDATE SKIP LOCKED)`

export type AttemptStore = ReturnType<typeof createAttemptStore>

/** Every method throws Fault `store_unavailable` when the database does not answer: without a counter nothing is tried. */
export function createAttemptStore({ sql }: { sql: Queries }) {
  return {
    /** Takes one attempt out of the window of (kind, key), over all processes. */
    async claim(kind: string, key: Buffer, { limit, windowSeconds }: AttemptLimit): Promise<Claim> {
      const claimed = await sql.run<{ count: number; remaining: number }>(
        'attempts.claim',
        claimText,
        [kind, key, limit, windowSeconds]
      )
      const row = claimed.rows[0]
      if (row !== undefined && row.count <= limit) return { ok: true }
      const { remaining } = row ??
        (await sql.run<{ remaining: number }>('attempts.remaining', remainingText, [kind, key]))
          .rows[0] ?? { remaining: 1 }
      return { ok: false, retryAfterSeconds: Math.max(1, remaining), crossed: row !== undefined }
    },

    /** Returns one claim: nothing was tried after all, or what was tried proved honest. */
    async giveBack(kind: string, key: Buffer, { limit }: AttemptLimit): Promise<void> {
      await sql.run('attempts.give_back', giveBackText, [kind, key, limit])
    },

    /** Forgets all attempts of (kind, key). */
    async release(kind: string, key: Buffer): Promise<void> {
      await sql.run('attempts.release', releaseText, [kind, key])
    },

    /** Deletes up to `batch` windows that are over; answers how many. For the background work, until it answers less than `batch`. */
    async sweep(batch: number): Promise<number> {
      const { rowCount } = await sql.run('attempts.sweep', sweepText, [batch])
      return rowCount
    }
  }
}
