// What every client was answered, and what it still waits for: one entry before a request is sent, completed when its answer is there.
// Values are hashed as the server does; nothing in the ledger opens anything. The judgement at the end is read from here and from the
// rows, never from the server's own log.

import { setTimeout as sleep } from 'node:timers/promises'
import { refreshTokenHash } from '../../src/grants/refresh-token.ts'

export interface Entry {
  client: number
  kind: 'refresh_token' | 'authorization_code' | 'device_code'
  /** hash of the one-time value that was sent */
  presented: string
  port: number
  sentAt: number
  /** undefined: no answer came */
  receivedAt: number | undefined
  /** nobody listened: it never reached a server */
  refused: boolean
  status: number | undefined
  error: string | undefined
  /** hash of the refresh token in a 200 */
  successor: string | undefined
}

export interface Ledger {
  entries: readonly Entry[]
  sent(entry: Pick<Entry, 'client' | 'kind' | 'port'> & { value: string }): Entry
  answered(entry: Entry, answer: { status: number; error?: string; refreshToken?: string }): void
  /** Nobody listened; or the connection broke, or nothing came in time. */
  unanswered(entry: Entry, why: 'refused' | 'broken'): void
  /** How many requests to that process are in flight now. */
  inFlight(port: number): number
}

export const hashOf = (value: string) => refreshTokenHash(value).toString('hex')

export function createLedger(): Ledger {
  const entries: Entry[] = []
  const open = new Set<Entry>()
  return {
    entries,
    sent({ value, ...rest }) {
      const entry: Entry = {
        ...rest,
        presented: hashOf(value),
        sentAt: performance.now(),
        receivedAt: undefined,
        refused: false,
        status: undefined,
        error: undefined,
        successor: undefined
      }
      entries.push(entry)
      open.add(entry)
      return entry
    },
    answered(entry, { status, error, refreshToken }) {
      open.delete(entry)
      entry.receivedAt = performance.now()
      entry.status = status
      entry.error = error
      entry.successor = refreshToken === undefined ? undefined : hashOf(refreshToken)
    },
    unanswered(entry, why) {
      open.delete(entry)
      entry.refused = why === 'refused'
    },
    inFlight: port => [...open].filter(entry => entry.port === port).length
  }
}

/** I1: one-time values that brought more than one distinct successor. */
export function forks(entries: readonly Entry[]): number {
  const successors = new Map<string, Set<string>>()
  for (const { presented, successor } of entries) {
    if (successor === undefined) continue
    const known = successors.get(presented) ?? new Set()
    successors.set(presented, known.add(successor))
  }
  return [...successors.values()].filter(known => known.size > 1).length
}

/** I7: answers by status and error; `no answer` where none came, `not sent` where nobody listened. */
export function tallyOf(entries: readonly Entry[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { refused, receivedAt, status, error } of entries) {
    const unanswered = refused ? 'not sent' : 'no answer'
    const key = receivedAt === undefined ? unanswered : [status, error].filter(Boolean).join(' ')
    counts[key] = (counts[key] ?? 0) + 1
  }
  return counts
}

/**
 * Waits until every client was answered by what it sent after the first `from` entries. A client that is kept from its retry for longer than
 * the leeway loses its token; that is written down (docs/faults.md), and on a busy machine kills could follow each other so fast that it
 * happens: it is not what a kill is to show.
 */
export async function allServed(ledger: Ledger, clients: number, from: number): Promise<void> {
  const served = new Set<number>()
  while (served.size < clients) {
    await sleep(10)
    for (const { status, client } of ledger.entries.slice(from)) {
      if (status === 200) served.add(client)
    }
  }
}

/** Seconds from a value's first use to each answer to it, shortest first: the leeway is measured against them. */
export function retrying(entries: readonly Entry[], status: number): number[] {
  const first = new Map<string, number>()
  const seconds: number[] = []
  for (const entry of entries) {
    const { presented, sentAt, receivedAt } = entry
    if (entry.refused) continue
    const begun = first.get(presented) ?? sentAt
    first.set(presented, begun)
    if (entry.status === status && receivedAt !== undefined)
      seconds.push((receivedAt - begun) / 1000)
  }
  return seconds.sort((a, b) => a - b)
}
