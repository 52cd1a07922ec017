// Leases: one leader for a background job, by a row and not by a session lock, so that poolers do no harm. Who holds one renews it; who
// dies is followed when it runs out, by the database's clock.

import type { Queries } from './database.ts'

/** Takes or renews the lease `name` for `seconds`; false while another process holds it. @throws Fault `store_unavailable` */
export async function takeLease(
  sql: Queries,
  name: string,
  holder: string,
  seconds: number
): Promise<boolean> {
  const { rowCount } = await sql.run(
    'leases.take_named',
    `INSERT INTO leases (name, holder, expires_at)
     VALUES ($1, $2, clock_time() + make_interval(secs => $3))
     ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
     WHERE leases.holder = excluded.holder OR leases.expires_at < clock_time()`,
    [name, holder, seconds]
  )
  return rowCount === 1
}
