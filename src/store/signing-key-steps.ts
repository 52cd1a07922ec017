// The steps of a signing key's life, as statements: pending -> active -> retiring -> retired, burnt at any time. Owns their conditions, by
// the database's clock: a step that is not due, or that another process took first, raises `key_step_lost` and undoes its transaction.

import type { Queries, Statement } from './database.ts'
import { inTurn, required, since } from './key-steps.ts'

/** A row with its ages in seconds, by the database's clock; it has no private part. */
export interface SigningKeyAges {
  kid: string
  purpose: string
  alg: string
  state: string
  burnt: boolean
  sinceCreated: number
  sinceActivated: number | undefined
  sinceRetiring: number | undefined
  sinceRetired: number | undefined
  sinceWanted: number | undefined
  valueSeconds: number
}

interface Row {
  kid: string
  purpose: string
  alg: string
  state: string
  burnt: boolean
  since_created: number
  since_activated: number | null
  since_retiring: number | null
  since_retired: number | null
  since_wanted: number | null
  token_seconds: number
}

const agesText = `
SELECT kid, purpose, alg, state, burnt_at IS NOT NULL AS burnt, token_seconds, ${since('created_at')} AS since_created,
       ${since('activated_at')} AS since_activated, ${since('retiring_at')} AS since_retiring,
       ${since('retired_at')} AS since_retired, ${since('wanted_at')} AS since_wanted
  FROM signing_keys`

function agesOf(row: Row): SigningKeyAges {
  return {
    kid: row.kid,
    purpose: row.purpose,
    alg: row.alg,
    state: row.state,
    burnt: row.burnt,
    sinceCreated: row.since_created,
    sinceActivated: row.since_activated ?? undefined,
    sinceRetiring: row.since_retiring ?? undefined,
    sinceRetired: row.since_retired ?? undefined,
    sinceWanted: row.since_wanted ?? undefined,
    valueSeconds: row.token_seconds
  }
}

/** All keys, the retired ones too, oldest first. */
export async function listSigningKeyAges(sql: Queries): Promise<SigningKeyAges[]> {
  const { rows } = await sql.run<Row>(
    'signing_keys.ages',
    `${agesText} ORDER BY purpose, alg, created_at, kid`
  )
  return rows.map(agesOf)
}

/** The keys of one purpose and algorithm that are not retired; no other step changes them until the transaction ends. */
export async function lockSigningKeys(
  tx: Queries,
  purpose: string,
  alg: string
): Promise<SigningKeyAges[]> {
  await tx.run(inTurn.name, inTurn.text)
  const keys = await listSigningKeyAges(tx)
  return keys.filter(key => key.purpose === purpose && key.alg === alg && key.state !== 'retired')
}

/** Says that a configuration signs with these, and how long what it signs may live. Writes at most once an hour. */
export function noteWanted(
  wanted: readonly { purpose: string; alg: string; longestSeconds: number }[]
): Statement {
  return {
    name: 'signing_keys.note_wanted',
    text: `UPDATE signing_keys k SET wanted_at = clock_time(), token_seconds = greatest(k.token_seconds, w.longest)
      FROM (SELECT purpose, alg, max("longestSeconds") AS longest
              FROM jsonb_to_recordset($1::jsonb) AS w(purpose text, alg text, "longestSeconds" integer) GROUP BY purpose, alg) w
     WHERE k.purpose = w.purpose AND k.alg = w.alg AND k.state IN ('pending', 'active')
       AND (k.wanted_at IS NULL OR k.wanted_at < clock_time() - interval '1 hour' OR k.token_seconds < w.longest)`,
    values: [JSON.stringify(wanted)]
  }
}

/** Stores the successor of a key that has been active for at least `activeSeconds`. */
export function prepareSigningKey(key: {
  kid: string
  purpose: string
  alg: string
  sealed: Buffer
  activeSeconds: number
}): Statement {
  return {
    name: 'signing_keys.prepare',
    text: required(`INSERT INTO signing_keys (kid, purpose, alg, state, sealed, token_seconds, wanted_at)
      SELECT $1, $2, $3, 'pending', $4, a.token_seconds, a.wanted_at FROM signing_keys a
       WHERE a.purpose = $2 AND a.alg = $3 AND a.state = 'active'
         AND coalesce(a.activated_at, a.created_at) <= clock_time() - make_interval(secs => $5)
      ON CONFLICT DO NOTHING`),
    values: [key.kid, key.purpose, key.alg, key.sealed, key.activeSeconds]
  }
}

/** A pending key that is old enough signs from now on; the one before it no longer does. */
export function activateSigningKey(key: {
  kid: string
  purpose: string
  alg: string
  aheadSeconds: number
}): Statement[] {
  const old = "state = 'pending' AND created_at <= clock_time() - make_interval(secs => $2)"
  return [
    inTurn,
    {
      name: 'signing_keys.make_way',
      text: `UPDATE signing_keys SET state = 'retiring', retiring_at = clock_time()
        WHERE purpose = $3 AND alg = $4 AND state = 'active' AND EXISTS (SELECT FROM signing_keys WHERE kid = $1 AND ${old})`,
      values: [key.kid, key.aheadSeconds, key.purpose, key.alg]
    },
    {
      name: 'signing_keys.activate',
      text: required(`UPDATE signing_keys SET state = 'active', activated_at = clock_time()
        WHERE kid = $1 AND ${old}`),
      values: [key.kid, key.aheadSeconds]
    }
  ]
}

/** An active key that nobody has wanted for `idleSeconds` signs no more, and has no successor. */
export function idleSigningKey(key: {
  kid: string
  purpose: string
  alg: string
  idleSeconds: number
}): Statement[] {
  return [
    inTurn,
    {
      name: 'signing_keys.fall_idle',
      text: required(`UPDATE signing_keys SET state = 'retiring', retiring_at = clock_time()
        WHERE kid = $1 AND state = 'active'
          AND coalesce(wanted_at, activated_at, created_at) <= clock_time() - make_interval(secs => $2)`),
      values: [key.kid, key.idleSeconds]
    },
    {
      name: 'signing_keys.drop_successor',
      text: `UPDATE signing_keys SET state = 'retired', retired_at = clock_time(), sealed = ''
        WHERE purpose = $1 AND alg = $2 AND state = 'pending'`,
      values: [key.purpose, key.alg]
    }
  ]
}

/** All that the key signed has expired: its private part goes now, its row a year later. */
export function retireSigningKey(key: { kid: string; graceSeconds: number }): Statement[] {
  return [
    {
      name: 'signing_keys.retire',
      text: required(`UPDATE signing_keys SET state = 'retired', retired_at = clock_time(), sealed = ''
        WHERE kid = $1 AND state = 'retiring'
          AND retiring_at <= clock_time() - make_interval(secs => token_seconds + $2::float8)`),
      values: [key.kid, key.graceSeconds]
    },
    {
      name: 'signing_keys.forget',
      text: `DELETE FROM signing_keys
        WHERE state = 'retired' AND burnt_at IS NULL AND retired_at < clock_time() - interval '1 year'`,
      values: []
    }
  ]
}

/** Nothing that the key signed is accepted from now on. */
export function burnSigningKey(kid: string): Statement {
  return {
    name: 'signing_keys.burn',
    text: required(`UPDATE signing_keys SET state = 'retired', sealed = '', burnt_at = clock_time(),
        retired_at = coalesce(retired_at, clock_time())
      WHERE kid = $1 AND burnt_at IS NULL`),
    values: [kid]
  }
}
