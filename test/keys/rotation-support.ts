// The keys of one process on a real PostgreSQL, and the database's clock in the test's hand: for the tests of their life.

import { createKeyRing, type WantedKey } from '../../src/keys/key-ring.ts'
import type { KeyTimes } from '../../src/keys/schedule.ts'
import { createSecretRotation, type SecretLives } from '../../src/keys/secret-rotation.ts'
import { createServerSecrets } from '../../src/keys/server-secrets.ts'
import { createSigningKeyRotation } from '../../src/keys/signing-key-rotation.ts'
import { createSealer } from '../../src/lib/seal.ts'
import { takeDueSteps } from '../../src/ops/key-job.ts'
import type { Database } from '../../src/store/database.ts'
import { createServerSecretRows } from '../../src/store/server-secrets.ts'
import { createSigningKeyRows } from '../../src/store/signing-keys.ts'

export const day = 86_400
export const hour = 3_600
export const times: KeyTimes = { intervalSeconds: 90 * day, aheadSeconds: day, cacheSeconds: 300 }
export const masterKey = Buffer.alloc(32, 7)
export const seal = createSealer({ masterKey })

export const lives: SecretLives = {
  cookie: 30 * day,
  rotation: 60 * day,
  refresh_token_mac: 60 * day,
  user_code: 600,
  csrf: hour,
  dpop_nonce: 0,
  artifact: 'never',
  pairwise: 'never'
}

/** Everything of one process that has to do with keys. */
export function createKeyProcess(
  database: Database,
  options: { times?: KeyTimes; lives?: SecretLives; sealer?: typeof seal } = {}
) {
  const { sealer = seal } = options
  const ring = createKeyRing({ rows: createSigningKeyRows({ sql: database }), seal: sealer })
  const secrets = createServerSecrets({
    rows: createServerSecretRows({ sql: database }),
    seal: sealer
  })
  const shared = { database, seal: sealer, times: options.times ?? times }
  const signing = createSigningKeyRotation({ ...shared, ring })
  const secretRotation = createSecretRotation({
    ...shared,
    secrets,
    lives: options.lives ?? lives
  })
  return {
    ring,
    secrets,
    signing,
    secretRotation,
    /** A start, as far as signing keys go. */
    async start(wanted: readonly WantedKey[]) {
      await ring.ensure(wanted)
      await signing.noteWanted(wanted)
    },
    /** One look at the clock; answers how many steps were taken. */
    async look(wanted: readonly WantedKey[]) {
      await signing.noteWanted(wanted)
      await secretRotation.noteLives()
      const taken = await takeDueSteps({ signing, secretRotation, wanted })
      await ring.load()
      await secrets.load()
      return taken
    }
  }
}

let turns = 0

/** Turns the database's clock, in seconds from now. */
export async function turnClock(database: Database, seconds: number): Promise<void> {
  await database.run(
    `test.turn_clock.${++turns}`,
    `CREATE OR REPLACE FUNCTION clock_time() RETURNS timestamptz LANGUAGE sql STABLE
     AS 'SELECT now() + make_interval(secs => ${seconds})'`
  )
}

/** The clock is right, and nothing of keys is stored. */
export async function emptyKeys(database: Database): Promise<void> {
  await turnClock(database, 0)
  for (const table of ['signing_keys', 'server_secrets', 'audit_events']) {
    await database.run(`test.empty.${table}`, `DELETE FROM ${table}`)
  }
}

/** The audit events of keys, in their order. */
export async function keyEvents(
  database: Database
): Promise<{ type: string; data: Record<string, unknown> }[]> {
  const { rows } = await database.run<{ type: string; data: Record<string, unknown> }>(
    'test.key_events',
    `SELECT type, data FROM audit_events WHERE type LIKE 'key.%' OR type LIKE 'server_secret.%' ORDER BY id`
  )
  return rows
}
