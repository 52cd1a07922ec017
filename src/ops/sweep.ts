// The background job. Every process asks for the lease; the one that has it makes partitions ahead, drops those that are over, deletes
// what is not partitioned in small batches, and does whatever else it is given. What fails is told and tried again, with longer and
// longer pauses; nothing here ends the process.

import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Sweeper } from '../store/sweep.ts'

const pauseMillis = 100
const defaults = { everySeconds: 60, leaseSeconds: 150 }
const longestBackOff = 8

/** A part of a round besides sweeping; answers how much it did. */
export interface Task {
  name: string
  run(): Promise<number>
}

/** What a round did, by task; a task that failed is not in it. */
export interface Round {
  done: Record<string, number>
  failed: string[]
}

/** Starts the job; `end` stops it after the batch at hand. */
export function startSweeping(deps: {
  sweeper: Pick<Sweeper, 'lead' | 'sweep'> & Partial<Pick<Sweeper, 'resign'>>
  tasks?: readonly Task[]
  /** told after each round of ours */
  report?: (round: Round) => Promise<void> | void
  log: { warn(data: object, message: string): void }
  everySeconds?: number
  /** longer than a round takes: a process that dies is followed by another one after this */
  leaseSeconds?: number
}): { end(): Promise<void> } {
  const { everySeconds, leaseSeconds } = { ...defaults, ...deps }
  const { sweeper, tasks = [], report, log } = deps
  const holder = randomUUID()
  const stop = new AbortController()
  let failures = 0
  let led = false

  const lead = async () => {
    led = await sweeper.lead(holder, leaseSeconds)
    return led
  }

  /** A backlog goes batch by batch, never without a pause, and only while the lease is ours. */
  async function sweepAll(): Promise<number> {
    let gone = 0
    while (!stop.signal.aborted && (await lead())) {
      const batch = await sweeper.sweep()
      if (batch === 0) break
      gone += batch
      await sleep(pauseMillis)
    }
    return gone
  }

  async function round(): Promise<void> {
    if (!(await lead())) return
    const result: Round = { done: {}, failed: [] }
    for (const { name, run } of [...tasks, { name: 'sweep', run: sweepAll }]) {
      if (stop.signal.aborted) return
      try {
        result.done[name] = await run()
      } catch (error) {
        // one task must not keep the others from theirs
        result.failed.push(name)
        log.warn({ err: error, task: name }, 'background work failed; it is tried again')
      }
    }
    await report?.(result)
    if (result.failed.length > 0) failures += 1
    else failures = 0
  }

  async function run() {
    while (!stop.signal.aborted) {
      const pause = everySeconds * Math.min(2 ** failures, longestBackOff)
      await sleep(pause * 1_000, undefined, { signal: stop.signal, ref: false }).catch(
        () => undefined
      )
      if (stop.signal.aborted) return
      try {
        await round()
      } catch (error) {
        failures += 1
        log.warn({ err: error }, 'background work failed; it is tried again')
      }
    }
  }

  const running = run()
  return {
    async end() {
      stop.abort()
      await running
      // a database that is away ends the lease by itself
      if (led) await sweeper.resign?.(holder).catch(() => undefined)
    }
  }
}
