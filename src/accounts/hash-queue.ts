// The bounded queue before password hashing: so many hashes at once, so many waiting, each for so long; whoever is over that is told
// `busy` at once. Owns the order and the bounds, knows nothing of passwords. A caller that has gone leaves the queue and costs no hash.
// Browsers that their account knows have places of their own and go first: a flood does not keep its owner waiting. Imported hashes work on
// libuv's threads (four by default), and so do signatures: hashes take two of them at most.

import { availableParallelism } from 'node:os'

export type HashOutcome<T> = { ok: true; value: T } | { ok: false; reason: 'busy' | 'gone' }

export interface HashQueueOptions {
  /** hashes at the same time; default: one less than the cores, at least 1, at most 2 */
  parallel?: number
  /** callers that may wait in each lane */
  waiting?: number
  /** how long one may wait */
  waitMillis?: number
}

/** `first`: whoever has shown before that they are honest */
export type Lane = 'first' | 'usual'

export interface HashQueue {
  /**
   * Runs `work` when its turn comes. Answers `busy` when the queue is full or the wait was too long, `gone` when `signal` fired before
   * the turn came; `work` has not begun in either case. What `work` throws is passed on.
   */
  run<T>(work: () => Promise<T>, signal?: AbortSignal, lane?: Lane): Promise<HashOutcome<T>>
  /** Whether a caller in the usual lane would be told `busy` at once: asked before anything else is done for it. */
  isFull(): boolean
  /** how full it is, for metrics and readiness */
  load(): { running: number; waiting: number }
}

const libuvThreads = 4
/** Threads that stay free for signing, file and name look-ups. */
const threadsLeftFree = 2

/** How many hashes may run on a machine of so many cores. */
export function parallelHashes(cores: number): number {
  return Math.max(1, Math.min(cores - 1, libuvThreads - threadsLeftFree))
}

interface Waiter {
  start(): void
}

/** Creates the queue of one process. */
export function createHashQueue(options: HashQueueOptions = {}): HashQueue {
  const parallel = options.parallel ?? parallelHashes(availableParallelism())
  const places = options.waiting ?? 32
  const waitMillis = options.waitMillis ?? 1_000
  const lanes: Record<Lane, Set<Waiter>> = { first: new Set(), usual: new Set() }
  let running = 0

  /** Resolves when it is the caller's turn (its place among the running is taken then), or says why it will not be. */
  function turn(signal: AbortSignal | undefined, lane: Lane): Promise<'now' | 'busy' | 'gone'> {
    if (signal?.aborted) return Promise.resolve('gone')
    if (running < parallel) {
      running += 1
      return Promise.resolve('now')
    }
    const waiting = lanes[lane]
    if (waiting.size >= places) return Promise.resolve('busy')
    return new Promise(resolve => {
      const leave = (reason: 'now' | 'busy' | 'gone') => {
        waiting.delete(waiter)
        clearTimeout(timer)
        signal?.removeEventListener('abort', abandon)
        resolve(reason)
      }
      const abandon = () => leave('gone')
      const timer = setTimeout(() => leave('busy'), waitMillis)
      const waiter: Waiter = { start: () => leave('now') }
      signal?.addEventListener('abort', abandon, { once: true })
      waiting.add(waiter)
    })
  }

  /** The place goes straight to whoever has waited longest in the first lane that is not empty, so that nobody who just came can slip in between. */
  function next(): void {
    const [first] = [...lanes.first, ...lanes.usual]
    if (first === undefined) running -= 1
    else first.start()
  }

  return {
    async run(work, signal, lane = 'usual') {
      const called = await turn(signal, lane)
      if (called !== 'now') return { ok: false, reason: called }
      try {
        // it may have gone between its turn and now
        if (signal?.aborted) return { ok: false, reason: 'gone' }
        return { ok: true, value: await work() }
      } finally {
        next()
      }
    },
    isFull: () => running >= parallel && lanes.usual.size >= places,
    load: () => ({ running, waiting: lanes.first.size + lanes.usual.size })
  }
}
