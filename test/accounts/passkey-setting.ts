// One server process as far as passkeys go, on a real database, and people who hold some: for the tests beside it.

import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import { createPasskeyChallenges } from '../../src/accounts/passkey-challenge.ts'
import { createPasskeys, relyingPartyOf } from '../../src/accounts/passkeys.ts'
import type { AuditEvent } from '../../src/audit/events.ts'
import { createAccountStore } from '../../src/store/accounts.ts'
import { createAttemptStore } from '../../src/store/attempts.ts'
import type { Database } from '../../src/store/database.ts'
import { createPasskeyStore } from '../../src/store/passkeys.ts'
import { createReplayStore } from '../../src/store/replay.ts'
import { createSoftwareAuthenticator, type Lie } from '../support/authenticator.ts'
import { createTestDatabase } from '../support/postgres.ts'

export const origin = 'https://id.example.com'
const challengeKey = Buffer.alloc(32, 3)

/** One server process; `clock.seconds` is how far its clock is ahead. */
export function processOn(sql: Database) {
  const events: AuditEvent[] = []
  const clock = { seconds: 0 }
  const party = relyingPartyOf(origin, 'mintmark')
  if (party === undefined) throw new Error('no relying party')
  const passkeys = createPasskeys({
    party,
    passkeys: createPasskeyStore({ sql }),
    challenges: createPasskeyChallenges({
      keys: () => [challengeKey],
      replay: createReplayStore({ sql }),
      now: () => new Date(Date.now() + clock.seconds * 1_000)
    }),
    attempts: createAttemptStore({ sql }),
    otherWays: [(tx, id) => createAccountStore({ sql: tx }).hasPassword(id)],
    recoveryCodes: { beginWith: async () => [] },
    counterKey: Buffer.alloc(32, 7),
    record: async event => void events.push(event)
  })
  return { passkeys, events, clock }
}

type Authenticator = ReturnType<typeof createSoftwareAuthenticator>

/** A database of its own, for the tests of one file. */
export async function setUp(t: Test) {
  const { database } = await createTestDatabase(t)
  const accounts = createAccountStore({ sql: database })
  const server = processOn(database)
  const { passkeys, events } = server
  let address = 0

  /** From an address that nobody else comes from: counters have their own test. */
  function request(answer: string, flow = 'flow') {
    address += 1
    return { answer, flow, address: `10.1.${address >> 8}.${address & 255}`, requestId: 'r' }
  }

  async function account(password: string | undefined = 'phc') {
    const made = await accounts.create(`${randomUUID()}@example.com`, password, {}, 'made')
    if (made === undefined) throw new Error('not created')
    return made.id
  }

  async function register(accountId: string, authenticator: Authenticator, lie: Lie = {}) {
    const options = await passkeys.registrationOptions('session', { accountId, accountName: 'ada' })
    return answerRegistration(accountId, authenticator.create(options, lie))
  }

  /** What became of a browser's answer, in a word. */
  async function answerRegistration(accountId: string, answer: string, mode?: 'first') {
    const asked = { ...request(answer, 'session'), accountId, otherwise: 'Passkey' }
    const outcome = await passkeys.register(asked, mode ?? 'another')
    return outcome.ok ? 'added' : outcome.reason
  }

  /** An account with one passkey, and who holds it. */
  async function holder(given: Partial<Parameters<typeof createSoftwareAuthenticator>[0]> = {}) {
    const authenticator = createSoftwareAuthenticator({ origin, ...given })
    const accountId = await account()
    const outcome = await register(accountId, authenticator)
    if (outcome !== 'added') throw new Error(outcome)
    return { accountId, authenticator }
  }

  const signIn = (authenticator: Authenticator, lie: Lie = {}, flow = 'flow') =>
    passkeys.signIn(request(authenticator.get(passkeys.signInOptions(flow), lie), flow))

  /** What the trail was told last. */
  function told(): Partial<AuditEvent> {
    const { type, data, accountId } = events.at(-1) ?? {}
    return { type, data, accountId } as Partial<AuditEvent>
  }

  async function trail(accountId: string) {
    const { rows } = await database.run<{ type: string; data: unknown; address: string | null }>(
      'test.trail',
      'SELECT type, data, address FROM audit_events WHERE account_id = $1 ORDER BY id',
      [accountId]
    )
    return rows
  }

  return {
    database,
    accounts,
    ...server,
    request,
    account,
    register,
    answerRegistration,
    holder,
    signIn,
    told,
    trail
  }
}
