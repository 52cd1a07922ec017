// The judgement after a run: I1 to I7 and I9 of the invariants, read from the ledger and from the rows. A family is one row, and its
// generation counts its rotations: so "no rotation that its client never learned of" is an equality (I3, I6).

import type { Database } from '../../src/store/database.ts'
import type { RefreshingClient } from './client.ts'
import { parseFamilyId } from './family-id.ts'
import type { Installation } from './installation.ts'
import { type Entry, forks, hashOf, retrying, tallyOf } from './ledger.ts'
import type { Report } from './report.ts'

/** Answers that a valid request may get while something is broken (I7). */
const honest = new Set([
  '200',
  '429',
  '503',
  '503 temporarily_unavailable',
  'no answer',
  'not sent'
])

export async function countOf(database: Database, text: string): Promise<number> {
  // unnamed texts would share one prepared statement's name
  const { rows } = await database.run<{ count: number }>(
    `faults.${hashOf(text).slice(0, 16)}`,
    text
  )
  return rows[0]?.count ?? 0
}

export const auditCount = (database: Database, type: string) =>
  countOf(database, `SELECT count(*)::int AS count FROM audit_events WHERE type = '${type}'`)

/** Every client once more: it works, or is lost for good. */
async function lastRefreshes(clients: readonly RefreshingClient[]): Promise<number> {
  const outcomes = await Promise.all(
    clients.map(async client => {
      for (let tries = 0; tries < 6 && client.lost() === 0; tries++) {
        if (await client.refresh()) return true
      }
      return false
    })
  )
  return outcomes.filter(worked => !worked).length
}

/** After the faults, before anything is stolen. */
export async function judgeFamilies(
  report: Report,
  installation: Installation,
  clients: readonly RefreshingClient[],
  entries: readonly Entry[]
): Promise<void> {
  const { database } = installation.store
  const unusable = await lastRefreshes(clients)
  const dishonest = Object.entries(tallyOf(entries)).filter(([key]) => !honest.has(key))
  report.equal('I1 tokens with two successors', forks(entries), 0)
  report.equal('I2 clients without a usable refresh token', unusable, 0)
  let unknown = 0
  let unheard = 0
  for (const client of clients) {
    const { rows } = await database.run<{ current_hash: Buffer; generation: number }>(
      'faults.family',
      `SELECT current_hash, generation FROM refresh_families
       WHERE bucket = $1 AND id = $2 AND revoked_at IS NULL`,
      parseFamilyId(client.token())
    )
    const [row] = rows
    if (row?.current_hash.toString('hex') !== hashOf(client.token())) unknown += 1
    if (row?.generation !== client.seen()) unheard += 1
  }
  report.equal('I3 newest tokens that the rows do not know', unknown, 0)
  report.equal('I6 families with a rotation nobody was told of', unheard, 0)
  report.equal('I5 false alarms of reuse', await auditCount(database, 'refresh.reuse_detected'), 0)
  report.equal(
    'I6 grants with two live families',
    await countOf(
      database,
      `SELECT count(*)::int AS count FROM (SELECT FROM refresh_families WHERE revoked_at IS NULL
       GROUP BY grant_id HAVING count(*) > 1) twice`
    ),
    0
  )
  report.equal(
    'I6 live families whose grant is gone',
    await countOf(
      database,
      `SELECT count(*)::int AS count FROM refresh_families f LEFT JOIN grants g ON g.id = f.grant_id
       WHERE f.revoked_at IS NULL AND (g.id IS NULL OR g.revoked_at IS NOT NULL)`
    ),
    0
  )
  report.equal(
    'I8 connections that were left in a transaction',
    await countOf(
      database,
      `SELECT count(*)::int AS count FROM pg_stat_activity
       WHERE state LIKE 'idle in transaction%' AND application_name = 'mintmark'
         AND clock_timestamp() - xact_start > interval '5 s'`
    ),
    0
  )
  report.equal(
    `I7 answers besides 200, 429, 503${dishonest.length > 0 ? `: ${JSON.stringify(dishonest)}` : ''}`,
    dishonest.reduce((sum, [, count]) => sum + count, 0),
    0
  )
  await judgeAudit(report, database)
  report.tell(
    'longest time from first use of a token to its successor, seconds',
    (retrying(entries, 200).at(-1) ?? 0).toFixed(1)
  )
  // of whoever was refused: below the leeway it is the server's fault, above it the run's
  const [shortest] = retrying(entries, 400)
  if (shortest !== undefined) {
    report.tell(
      'shortest time from first use of a token to its refusal, seconds',
      shortest.toFixed(1)
    )
  }
}

/** I9: each family is in the audit trail; an answer inside the leeway is, where it went to a second address, and here it never does. */
async function judgeAudit(report: Report, database: Database) {
  const families = await countOf(database, 'SELECT count(*)::int AS count FROM refresh_families')
  const issued = await countOf(
    database,
    `SELECT count(*)::int AS count FROM audit_events
     WHERE type = 'token.issued' AND data ->> 'grantType' = 'authorization_code'`
  )
  report.equal('I9 families that are not in the audit trail', families - issued, 0)
  report.equal(
    'I9 audited answers to a second address, which there is not',
    await auditCount(database, 'refresh.leeway_answered'),
    0
  )
}

/** I4: a spent token that comes after the leeway ends its family, now as before. */
export async function judgeTheft(
  report: Report,
  installation: Installation,
  clients: readonly RefreshingClient[],
  steal: (client: RefreshingClient) => Promise<{ status: number; error: string | undefined }>
): Promise<void> {
  const { requests, store } = installation
  const before = await auditCount(store.database, 'refresh.reuse_detected')
  await requests.turnClock(120)
  let caught = 0
  for (const client of clients) {
    const { status, error } = await steal(client)
    const refused = status === 400 && error === 'invalid_grant'
    if (refused && !(await client.refresh())) caught += 1
  }
  await requests.turnClock(0)
  const audited = (await auditCount(store.database, 'refresh.reuse_detected')) - before
  report.equal('I4 late replays that ended the family', caught, clients.length)
  report.equal('I4 … and were audited', audited, clients.length)
}
