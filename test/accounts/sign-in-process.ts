// One server process as far as sign-in goes, on a real database: an authenticator, what it hashed and what it recorded. For the tests
// beside it; the parameters of the hash are the smallest, since they count hashes and do not measure them.

import type { Test } from 'tap'
import { type AuthenticationRequest, createAuthenticator } from '../../src/accounts/authenticate.ts'
import { createDecoys } from '../../src/accounts/decoys.ts'
import { createHashQueue, type HashQueueOptions } from '../../src/accounts/hash-queue.ts'
import { importedDecoy, withImportedHashes } from '../../src/accounts/imported-hash.ts'
import { createKnownDevices } from '../../src/accounts/known-devices.ts'
import { createPasswordCheck } from '../../src/accounts/password-check.ts'
import { createPasswordHasher, nodeDeriveTag } from '../../src/accounts/password-hash.ts'
import type { Argon2Parameters, DeriveTag } from '../../src/accounts/phc.ts'
import { type PreparedPassword, preparePassword } from '../../src/accounts/prepared-password.ts'
import { createSignInCounters, type SignInLimits } from '../../src/accounts/sign-in-counters.ts'
import type { AuditEvent } from '../../src/audit/events.ts'
import { createAccountStore } from '../../src/store/accounts.ts'
import { createAttemptStore } from '../../src/store/attempts.ts'
import type { Database } from '../../src/store/database.ts'
import { createTestDatabase } from '../support/postgres.ts'

const derive = nodeDeriveTag() as DeriveTag
export const cheap: Argon2Parameters = { memory: 64, passes: 1, lanes: 1 }
const counterKey = Buffer.alloc(32, 7)
export const rightPassword = 'the right password'
const wide: HashQueueOptions = { parallel: 2, waiting: 1_000, waitMillis: 60_000 }

interface Settings {
  limits?: SignInLimits
  queue?: HashQueueOptions
  parameters?: Argon2Parameters
  /** called before each derivation */
  onDerive?: () => Promise<void>
}

export function prepared(typed: string): PreparedPassword {
  const outcome = preparePassword(typed)
  if (!outcome.ok) throw new Error(outcome.reason)
  return outcome.password
}

/** One process: an authenticator, what it hashed (the parameters of each derivation), and what it recorded. */
export function processOn(database: Database, settings: Settings = {}) {
  const derived: Argon2Parameters[] = []
  const counting: DeriveTag = async (password, salt, parameters, tagBytes) => {
    await settings.onDerive?.()
    const { memory, passes, lanes } = parameters
    derived.push({ memory, passes, lanes })
    return derive(password, salt, parameters, tagBytes)
  }
  const hasher = withImportedHashes(
    createPasswordHasher('node', counting, settings.parameters ?? cheap)
  )
  const accounts = createAccountStore({ sql: database })
  const attempts = createAttemptStore({ sql: database })
  const queue = createHashQueue(settings.queue ?? wide)
  const events: AuditEvent[] = []
  const devices = createKnownDevices({ database })
  const { authenticate, confirm } = createAuthenticator({
    accounts,
    counters: createSignInCounters({
      ...{ attempts, devices, counterKey },
      ...(settings.limits === undefined ? {} : { limits: settings.limits })
    }),
    passwords: createPasswordCheck({
      ...{ accounts, hasher, queue },
      decoys: createDecoys({
        usual: hasher.decoy(),
        imported: importedDecoy,
        kinds: accounts.countHashes,
        key: counterKey,
        now: Date.now
      })
    }),
    record: async event => {
      events.push(event)
    }
  })
  const tryOne = (request: Partial<AuthenticationRequest> = {}) =>
    authenticate({
      login: 'alice@example.com',
      password: 'a wrong password',
      address: '192.0.2.1',
      ...request
    })
  return { accounts, attempts, devices, hasher, queue, derived, events, tryOne, confirm }
}

type Process = ReturnType<typeof processOn>

async function makeAlice({ accounts, hasher, derived }: Process) {
  const hash = await hasher.hash(prepared(rightPassword))
  derived.length = 0
  const account = await accounts.create('alice@example.com', hash, { name: 'Alice' }, 'made')
  if (account === undefined) throw new Error('not created')
  return account
}

export async function setUp(t: Test, settings: Settings = {}) {
  const { database } = await createTestDatabase(t)
  const server = processOn(database, settings)
  const alice = await makeAlice(server)
  return { database, alice, ...server, server }
}

/** Turns the database's clock. */
export async function passSeconds(database: Database, seconds: number) {
  await database.run(
    `test.clock_${seconds}`,
    `CREATE OR REPLACE FUNCTION clock_time() RETURNS timestamptz LANGUAGE sql STABLE
     AS 'SELECT now() + interval ''${seconds} seconds'''`
  )
}

export async function counts(database: Database) {
  const { rows } = await database.run<{ kind: string; count: number }>(
    'test.counts',
    'SELECT kind, count FROM attempts ORDER BY kind, count'
  )
  return rows.map(({ kind, count }) => `${kind} ${count}`)
}

export function tally(reasons: readonly { ok: boolean; reason?: string }[]) {
  const of: Record<string, number> = {}
  for (const outcome of reasons) {
    const name = outcome.ok ? 'ok' : (outcome.reason ?? '')
    of[name] = (of[name] ?? 0) + 1
  }
  return of
}
