// When notices leave that clients (logout tokens, pings) or people (mails) are owed: as soon as one is queued, on whichever process claims it first, and again
// after growing pauses where it is not taken; then it is given up, told and recorded. The leader of the background job looks after
// what a process left behind that died.

import { setTimeout as sleep } from 'node:timers/promises'
import type { AuditBatch } from '../audit/batch.ts'
import type { AuditEvent } from '../audit/events.ts'
import type { Notifier } from '../protocol/ports.ts'
import type { ChangeFeed, WatchedTable } from '../store/change-feed.ts'
import { type Notice, type NoticeQueue, retrySeconds } from '../store/notice-queue.ts'

/** What became of a notice. */
export type NoticeOutcome = 'delivered' | 'gone' | 'retried' | 'given_up'

export interface NoticeDelivery {
  /** Delivers what is due, once; answers how many notices left the queue. */
  run(): Promise<number>
  /** Takes on no more, and waits for what is on its way. */
  end(): Promise<void>
}

export function startNoticeDelivery<N extends Notice>(deps: {
  /** as the log calls one: `logout token` */
  what: string
  queue: NoticeQueue<N>
  table: WatchedTable
  notifier: Notifier<N>
  /** seconds from each attempt to the next, as the queue has them; left out: as for clients */
  retry?: readonly number[]
  /** from when one is queued to when it is looked for, milliseconds: what is done with it does not show in what its request takes */
  restMillis?: number
  /** what the log says of one */
  about(notice: N): object
  /** the event of one that was taken, or of one that was given up for a reason */
  event(notice: N, failure: string | undefined): AuditEvent
  feed: Pick<ChangeFeed, 'on' | 'onGap'>
  audit: Pick<AuditBatch, 'add'>
  count(outcome: NoticeOutcome): void
  log: { warn(data: object, message: string): void }
}): NoticeDelivery {
  const { what, queue, notifier, event, audit, count, log } = deps
  const { retry = retrySeconds, restMillis = 0 } = deps
  const stop = new AbortController()
  let running: Promise<number> | undefined
  let again = false
  let resting = false

  /** Leaves the notice for its next attempt, or gives it up; true when it is gone. */
  async function settle(notice: N): Promise<boolean> {
    const { attempts } = notice
    const about = deps.about(notice)
    const delivery = await notifier.deliver(notice)
    if (typeof delivery === 'string') {
      await queue.remove(notice.id)
      count(delivery)
      if (delivery === 'delivered') audit.add(event(notice, undefined))
      return true
    }
    const reason = delivery.failed
    const next = delivery.final ? undefined : retry[attempts - 1]
    if (next !== undefined) {
      count('retried')
      log.warn({ ...about, attempts, reason }, `a ${what} was not taken; it is sent again`)
      later(next)
      return false
    }
    await queue.remove(notice.id)
    count('given_up')
    log.warn({ ...about, attempts, reason }, `a ${what} was given up`)
    audit.add(event(notice, reason))
    return true
  }

  async function rounds(): Promise<number> {
    let gone = 0
    do {
      again = false
      for (;;) {
        const due = stop.signal.aborted ? [] : await queue.claim()
        if (due.length === 0) break
        const settled = await Promise.allSettled(due.map(settle))
        for (const result of settled) {
          if (result.status === 'fulfilled') gone += result.value ? 1 : 0
          // the database is away, or a key: the notice is there, and due again soon
          else log.warn({ err: result.reason }, `a ${what} could not be made or settled`)
        }
      }
    } while (again && !stop.signal.aborted)
    return gone
  }

  function run(): Promise<number> {
    again = true
    running ??= rounds().finally(() => {
      running = undefined
    })
    return running
  }

  function soon(): void {
    run().catch(error => log.warn({ err: error }, `${what}s could not be looked for`))
  }

  function later(seconds: number): void {
    // a little more: due by the database's clock
    sleep(seconds * 1_000 + 250, undefined, { signal: stop.signal, ref: false }).then(
      soon,
      () => undefined
    )
  }

  function whenRested(): void {
    if (resting) return
    resting = true
    sleep(restMillis, undefined, { signal: stop.signal, ref: false }).then(
      () => {
        resting = false
        soon()
      },
      () => undefined
    )
  }

  deps.feed.on(deps.table, restMillis === 0 ? soon : whenRested)
  // what was queued meanwhile was not heard of
  deps.feed.onGap(soon)

  return {
    run,
    async end() {
      stop.abort()
      await running?.catch(() => undefined)
    }
  }
}
