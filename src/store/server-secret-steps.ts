// The steps of a server secret's life, as statements: a version is pending (every process knows it), then active, then retiring, then gone.
// Owns their conditions, by the database's clock: a step that is not due, or that another process took first, raises `key_step_lost`.

import type { Queries, Statement } from './database.ts'
import { inTurn, required, since } from './key-steps.ts'

/** A version with its ages in seconds, by the database's clock; it has no key. */
export interface ServerSecretAges {
  purpose: string
  version: number
  state: 'pending' | 'active' | 'retiring'
  sinceCreated: number
  sinceActivated: number | undefined
  sinceRetiring: number | undefined
  valueSeconds: number
}

interface Row {
  purpose: string
  version: number
  state: ServerSecretAges['state']
  since_created: number
  since_activated: number | null
  since_retiring: number | null
  value_seconds: number
}

/** All versions, oldest first. */
export async function listServerSecretAges(sql: Queries): Promise<ServerSecretAges[]> {
  const { rows } = await sql.run<Row>(
    'server_secrets.ages',
    `SELECT purpose, version, state, value_seconds, ${since('created_at')} AS since_created,
       ${since('activated_at')} AS since_activated, ${since('retiring_at')} AS since_retiring
     FROM server_secrets ORDER BY purpose, version`
  )
  return rows.map(row => ({
    purpose: row.purpose,
    version: row.version,
    state: row.state,
    sinceCreated: row.since_created,
    sinceActivated: row.since_activated ?? undefined,
    sinceRetiring: row.since_retiring ?? undefined,
    valueSeconds: row.value_seconds
  }))
}

/** Says how long values may live that are made with these: only ever more than before. */
export function noteValueSeconds(
  longest: readonly { purpose: string; longestSeconds: number }[]
): Statement {
  return {
    name: 'server_secrets.note_value_seconds',
    text: `UPDATE server_secrets s SET value_seconds = w."longestSeconds"
      FROM jsonb_to_recordset($1::jsonb) AS w(purpose text, "longestSeconds" integer)
     WHERE s.purpose = w.purpose AND s.state IN ('pending', 'active') AND s.value_seconds < w."longestSeconds"`,
    values: [JSON.stringify(longest)]
  }
}

/** Stores the successor of a version that has been active for at least `activeSeconds`. */
export function prepareServerSecret(secret: {
  purpose: string
  version: number
  sealed: Buffer
  activeSeconds: number
}): Statement {
  return {
    name: 'server_secrets.prepare',
    text: required(`INSERT INTO server_secrets (purpose, version, state, sealed, value_seconds)
      SELECT $1, $2, 'pending', $3, a.value_seconds FROM server_secrets a
       WHERE a.purpose = $1 AND a.state = 'active'
         AND coalesce(a.activated_at, a.created_at) <= clock_time() - make_interval(secs => $4)
      ON CONFLICT DO NOTHING`),
    values: [secret.purpose, secret.version, secret.sealed, secret.activeSeconds]
  }
}

/** A pending version that is old enough is used from now on; the one before it only for what it has made. */
export function activateServerSecret(secret: {
  purpose: string
  version: number
  aheadSeconds: number
}): Statement[] {
  const old = "state = 'pending' AND created_at <= clock_time() - make_interval(secs => $3)"
  const values = [secret.purpose, secret.version, secret.aheadSeconds]
  return [
    inTurn,
    {
      name: 'server_secrets.make_way',
      text: `UPDATE server_secrets SET state = 'retiring', retiring_at = clock_time()
        WHERE purpose = $1 AND state = 'active'
          AND EXISTS (SELECT FROM server_secrets WHERE purpose = $1 AND version = $2 AND ${old})`,
      values
    },
    {
      name: 'server_secrets.activate',
      text: required(`UPDATE server_secrets SET state = 'active', activated_at = clock_time()
        WHERE purpose = $1 AND version = $2 AND ${old}`),
      values
    }
  ]
}

/** All that the version made has expired. */
export function retireServerSecret(secret: {
  purpose: string
  version: number
  graceSeconds: number
}): Statement {
  return {
    name: 'server_secrets.retire',
    text: required(`DELETE FROM server_secrets
      WHERE purpose = $1 AND version = $2 AND state = 'retiring'
        AND retiring_at <= clock_time() - make_interval(secs => value_seconds + $3::float8)`),
    values: [secret.purpose, secret.version, secret.graceSeconds]
  }
}
