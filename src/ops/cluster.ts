// Several server processes on one port: a primary that answers no requests and keeps workers alive, and the worker's side of what the two
// say to each other. A worker that dies is started again, later each time it dies soon; workers that cannot start at all end the start
// with their own message. Knows nothing of what a worker does.

import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Fault } from '../lib/fault.ts'

/** To a worker: what it works with; then, once it is built, that the port is free for it. */
type Order<Given> = { do: 'build'; given: Given } | { do: 'listen' }
/** From a worker. */
type Report = { did: 'build' } | { did: 'listen' } | { did: 'fail'; message: string }

export interface Backoff {
  firstMillis: number
  mostMillis: number
  /** who lived for so long died of something new */
  soundAfterMillis: number
}

const usual: Backoff = { firstMillis: 250, mostMillis: 30_000, soundAfterMillis: 60_000 }

/** How often a worker may fail at the start of the server, one after the other, before the server gives up. */
const triesAtStart = 3

export interface SupervisorOptions<Given> {
  count: number
  given: Given
  log: {
    info(data: object, message: string): void
    warn(data: object, message: string): void
    error(data: object, message: string): void
  }
  /** called before the first worker listens */
  freePort(): void
  backoff?: Backoff
}

export interface Supervisor {
  /** Resolves when every worker answers. @throws Fault `internal` with the message of a worker that cannot start */
  start(): Promise<void>
  /** Tells all workers to end in order; who takes longer than `patienceMillis` is killed. */
  stop(patienceMillis: number): Promise<'in order' | 'killed'>
}

/** The time until the next try, after so many failures in a row. */
export function pauseMillis(failures: number, { firstMillis, mostMillis }: Backoff): number {
  return Math.min(mostMillis, firstMillis * 2 ** Math.max(0, failures - 1))
}

export function superviseWorkers<Given>(options: SupervisorOptions<Given>): Supervisor {
  const { count, given, log, freePort, backoff = usual } = options
  const stopping = new AbortController()
  let isStarted = false
  let lastMessage = ''

  function send(worker: Worker, order: Order<Given>): void {
    // one that died in the same moment is told of by its exit
    if (worker.isConnected()) worker.send(order as object, () => undefined)
  }

  /** One worker's life; answers how it ended. */
  async function live(place: number, answers: () => void) {
    const worker = cluster.fork()
    let message: string | undefined
    let listensSince: number | undefined
    worker.on('error', () => undefined)
    worker.on('online', () => send(worker, { do: 'build', given }))
    worker.on('message', (report: Report) => {
      if (report.did === 'fail') message = report.message
      if (report.did === 'build') {
        freePort()
        send(worker, { do: 'listen' })
      }
      if (report.did === 'listen') {
        listensSince = performance.now()
        log.info({ worker: place, workerPid: worker.process.pid }, 'a worker answers')
        answers()
      }
    })
    const [code, signal] = (await once(worker, 'exit')) as [number, string | null]
    const how = signal === null ? `exit code ${code}` : `signal ${signal}`
    return {
      how,
      message: message ?? `a worker ended with ${how} before it answered`,
      answered: listensSince !== undefined,
      isSound:
        listensSince !== undefined && performance.now() - listensSince >= backoff.soundAfterMillis
    }
  }

  /** A worker's place, taken again whenever it falls empty. Rejects only when the server cannot start. */
  async function keep(place: number, answers: () => void): Promise<void> {
    let failures = 0
    while (!stopping.signal.aborted) {
      const end = await live(place, answers)
      if (stopping.signal.aborted) return
      failures = end.isSound ? 1 : failures + 1
      if (!end.answered) lastMessage = end.message
      if (!isStarted && failures >= triesAtStart) throw new Fault('internal', lastMessage)
      const pause = pauseMillis(failures, backoff)
      const data = { worker: place, how: end.how, pause }
      if (end.answered) log.error(data, 'a worker died; another one takes its place')
      else
        log.error({ ...data, reason: end.message }, 'a worker could not start; it is tried again')
      await sleep(pause, undefined, { signal: stopping.signal }).catch(() => undefined)
    }
  }

  return {
    async start() {
      // bytes and dates travel as they are
      cluster.setupPrimary({ serialization: 'advanced' })
      const places = Array.from({ length: count }, (_, at) => at + 1)
      const kept: Promise<void>[] = []
      const answering = places.map(
        place => new Promise<void>(resolve => void kept.push(keep(place, resolve)))
      )
      const failing = Promise.all(kept)
      // once it has started, nothing in here rejects any more
      failing.catch(() => undefined)
      await Promise.race([Promise.all(answering), failing])
      isStarted = true
    },

    async stop(patienceMillis) {
      stopping.abort()
      const workers = Object.values(cluster.workers ?? {}).filter(worker => worker !== undefined)
      const ends = workers.map(worker => (worker.isDead() ? undefined : once(worker, 'exit')))
      for (const worker of workers) worker.process.kill('SIGTERM')
      let outcome: 'in order' | 'killed' = 'in order'
      const patience = setTimeout(() => {
        outcome = 'killed'
        for (const worker of workers) worker.process.kill('SIGKILL')
      }, patienceMillis)
      const exits = await Promise.all(ends)
      clearTimeout(patience)
      // one that had not begun to listen to signals ends by it, and has nothing to finish
      const isOrderly = ([code, signal]: unknown[]) => code === 0 || signal === 'SIGTERM'
      return exits.every(exit => exit === undefined || isOrderly(exit)) ? outcome : 'killed'
    }
  }
}

/** Whether this process is a worker. */
export const isWorker = cluster.isWorker

/** The worker's side: does what the primary says, and tells of it. Rejects with what `build` or its `listen` threw, after telling. */
export async function workFor<Given, Built extends { listen(): Promise<void> }>(
  build: (given: Given) => Promise<Built>,
  explain: (error: unknown) => string
): Promise<Built> {
  const tell = (report: Report) =>
    new Promise<void>(resolve => {
      if (process.send === undefined || !process.connected) resolve()
      else process.send(report, undefined, {}, () => resolve())
    })
  const orders: Order<Given>[] = []
  let wake: (() => void) | undefined
  process.on('message', (order: Order<Given>) => {
    orders.push(order)
    wake?.()
  })
  const next = async () => {
    while (orders.length === 0) {
      await new Promise<void>(resolve => {
        wake = resolve
      })
    }
    return orders.shift()
  }
  try {
    const first = await next()
    if (first?.do !== 'build') throw new Error(`unexpected order ${first?.do}`)
    const built = await build(first.given)
    await tell({ did: 'build' })
    await next()
    await built.listen()
    await tell({ did: 'listen' })
    return built
  } catch (error) {
    await tell({ did: 'fail', message: explain(error) })
    throw error
  }
}

/** Calls `ended` when the primary is gone, instead of ending at once: what is in flight shall be finished. */
export function whenPrimaryEnds(ended: () => void): void {
  const { worker } = cluster
  worker?.once('disconnect', () => {
    worker.exitedAfterDisconnect = true
    ended()
  })
}
