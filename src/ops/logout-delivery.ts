// When logout tokens leave: as soon as one is queued, on whichever process claims it first, and again after growing pauses where a relying
// party does not take it; then it is given up, told and recorded. The leader of the background job looks after what a process left behind
// that died.

import { setTimeout as sleep } from 'node:timers/promises'
import type { AuditBatch } from '../audit/batch.ts'
import type { LogoutNotifier } from '../protocol/ports.ts'
import type { ChangeFeed } from '../store/change-feed.ts'
import {
  type LogoutNotice,
  type LogoutNoticeStore,
  mostAttempts,
  retrySeconds
} from '../store/logout-notices.ts'

export interface LogoutDelivery {
  /** Delivers what is due, once; answers how many notices left the queue. */
  run(): Promise<number>
  /** Takes on no more, and waits for what is on its way. */
  end(): Promise<void>
}

export function startLogoutDelivery(deps: {
  store: LogoutNoticeStore
  notifier: LogoutNotifier
  feed: Pick<ChangeFeed, 'on' | 'onGap'>
  audit: Pick<AuditBatch, 'add'>
  count(outcome: 'delivered' | 'gone' | 'retried' | 'given_up'): void
  log: { warn(data: object, message: string): void }
}): LogoutDelivery {
  const { store, notifier, audit, count, log } = deps
  const stop = new AbortController()
  let running: Promise<number> | undefined
  let again = false

  /** Leaves the notice for its next attempt, or gives it up; true when it is gone. */
  async function settle(notice: LogoutNotice): Promise<boolean> {
    const { clientId, accountId, attempts } = notice
    const delivery = await notifier.deliver(notice)
    if (typeof delivery === 'string') {
      await store.remove(notice.id)
      count(delivery)
      if (delivery === 'delivered') {
        audit.add({ type: 'logout_notice.delivered', clientId, accountId, data: { attempts } })
      }
      return true
    }
    const reason = delivery.failed
    const next = retrySeconds[attempts - 1]
    if (next !== undefined) {
      count('retried')
      log.warn({ clientId, attempts, reason }, 'a logout token was not taken; it is sent again')
      later(next)
      return false
    }
    await store.remove(notice.id)
    count('given_up')
    log.warn({ clientId, attempts: mostAttempts, reason }, 'a logout token was given up')
    audit.add({ type: 'logout_notice.failed', clientId, accountId, data: { attempts, reason } })
    return true
  }

  async function rounds(): Promise<number> {
    let gone = 0
    do {
      again = false
      for (;;) {
        const due = stop.signal.aborted ? [] : await store.claim()
        if (due.length === 0) break
        const settled = await Promise.allSettled(due.map(settle))
        for (const result of settled) {
          if (result.status === 'fulfilled') gone += result.value ? 1 : 0
          // the database is away, or a key: the notice is there, and due again soon
          else log.warn({ err: result.reason }, 'a logout token could not be made or settled')
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
    run().catch(error => log.warn({ err: error }, 'logout tokens could not be looked for'))
  }

  function later(seconds: number): void {
    // a little more: due by the database's clock
    sleep(seconds * 1_000 + 250, undefined, { signal: stop.signal, ref: false }).then(
      soon,
      () => undefined
    )
  }

  deps.feed.on('logout_notices', soon)
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
