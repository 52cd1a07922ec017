// Requests that people are away on at another provider, and identities that were proved and belong to nobody yet. Owns its SQL. A request is
// spent by the statement that finds it, so exactly one of parallel answers has it, and only at the browser and the provider that it is for.

import type { Queries } from './database.ts'

/** Where a sealed value stands (lib/seal.ts). */
export const requestContext = (id: Buffer) => ({
  table: 'upstream_requests',
  column: 'sealed',
  key: id.toString('hex')
})

export const offerContext = (id: Buffer) => ({
  table: 'upstream_offers',
  column: 'sealed',
  key: id.toString('hex')
})

export interface UpstreamRequestStore {
  begin(
    request: { id: Buffer; browser: Buffer; upstream: string; sealed: Buffer },
    lifetimeSeconds: number
  ): Promise<void>
  /** What was sealed; undefined: unknown, over, spent, of another browser, or of another provider. */
  spend(id: Buffer, browser: Buffer, upstream: string): Promise<Buffer | undefined>
  /** In place of what the browser was offered before. */
  offer(id: Buffer, sealed: Buffer, lifetimeSeconds: number): Promise<void>
  offered(id: Buffer): Promise<Buffer | undefined>
  /** `gone`: somebody was first. */
  takeOffer(id: Buffer): Promise<'taken' | 'gone'>
}

/** Every method throws Fault `store_unavailable` when the database does not answer. */
export function createUpstreamRequestStore({ sql }: { sql: Queries }): UpstreamRequestStore {
  return {
    async begin({ id, browser, upstream, sealed }, lifetimeSeconds) {
      await sql.run(
        'upstream_requests.begin',
        `INSERT INTO upstream_requests (id, browser, upstream, sealed, expires_at)
         VALUES ($1, $2, $3, $4, clock_time() + make_interval(secs => $5))`,
        [id, browser, upstream, sealed, lifetimeSeconds]
      )
    },

    async spend(id, browser, upstream) {
      const { rows } = await sql.run<{ sealed: Buffer }>(
        'upstream_requests.spend',
        `DELETE FROM upstream_requests
         WHERE id = $1 AND browser = $2 AND upstream = $3 AND expires_at > clock_time()
         RETURNING sealed`,
        [id, browser, upstream]
      )
      return rows[0]?.sealed
    },

    async offer(id, sealed, lifetimeSeconds) {
      await sql.run(
        'upstream_offers.offer',
        `INSERT INTO upstream_offers (id, sealed, expires_at)
         VALUES ($1, $2, clock_time() + make_interval(secs => $3))
         ON CONFLICT (id) DO UPDATE SET sealed = excluded.sealed, expires_at = excluded.expires_at`,
        [id, sealed, lifetimeSeconds]
      )
    },

    async offered(id) {
      const { rows } = await sql.run<{ sealed: Buffer }>(
        'upstream_offers.find',
        'SELECT sealed FROM upstream_offers WHERE id = $1 AND expires_at > clock_time()',
        [id]
      )
      return rows[0]?.sealed
    },

    async takeOffer(id) {
      const { rowCount } = await sql.run(
        'upstream_offers.take',
        'DELETE FROM upstream_offers WHERE id = $1',
        [id]
      )
      return rowCount === 1 ? 'taken' : 'gone'
    }
  }
}
