// Background job: what has expired leaves the database by itself. Every
// process asks for the lease; the one that has it sweeps.

import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Sweeper } from '../store/sweep.ts'

const everySeconds = 60
const leaseSeconds = 150

/** Starts the job; `end` stops it after the batch at hand. */
export function startSweeping(deps: {
  sweeper: Sweeper
  log: { warn(data: object, message: string): void }
}): { end(): Promise<void> } {
  const holder = randomUUID()
  const stop = new AbortController()

  async function run() {
    while (!stop.signal.aborted) {
      await sleep(everySeconds * 1_000, undefined, { signal: stop.signal, ref: false }).catch(
        () => undefined
      )
      if (stop.signal.aborted) return
      try {
        if (!(await deps.sweeper.lead(holder, leaseSeconds))) continue
        // a backlog goes batch by batch, and never without a pause
        while (!stop.signal.aborted && (await deps.sweeper.sweep()) > 0) await sleep(100)
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
