// Background job: what has expired leaves the database by itself. Every
// process asks for the lease; the one that has it sweeps.

import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Sweeper } from '../store/sweep.ts'

const pauseMillis = 100
const defaults = { everySeconds: 60, leaseSeconds: 150 }

/** Starts the job; `end` stops it after the batch at hand. */
export function startSweeping(deps: {
  sweeper: Sweeper
  log: { warn(data: object, message: string): void }
  everySeconds?: number
  /** longer than a round takes: a process that dies is followed by another one after this */
  leaseSeconds?: number
}): { end(): Promise<void> } {
  const { everySeconds, leaseSeconds } = { ...defaults, ...deps }
  const holder = randomUUID()
  const stop = new AbortController()

  async function run() {
    while (!stop.signal.aborted) {
      await sleep(everySeconds * 1_000, undefined, { signal: stop.signal, ref: false }).catch(
        () => undefined
      )
      if (stop.signal.aborted) return
      try {
        // a backlog goes batch by batch, never without a pause, and only while the lease is ours
        while (!stop.signal.aborted && (await deps.sweeper.lead(holder, leaseSeconds))) {
          if ((await deps.sweeper.sweep()) === 0) break
          await sleep(pauseMillis)
        }
      } catch (error) {
        deps.log.warn({ err: error }, 'sweeping failed; it is tried again')
      }
    }
  }

  const running = run()
  return {
    async end() {
      stop.abort()
      await running
    }
  }
}
