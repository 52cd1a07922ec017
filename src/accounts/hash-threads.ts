// Threads for hashes that are computed where they are called: the event loop never waits for one. Owns the threads, which are kept for the
// next hash; how many work at once is the hash queue's affair.

import { readlinkSync } from 'node:fs'
import { setPriority } from 'node:os'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'

/** A thread's file beside `of`: sources run as they are, and compiled ones as what they became. */
export function threadFile(stem: string, of: string): URL {
  return new URL(`./${stem}${extname(new URL(of).pathname)}`, of)
}

/** Of a core that is wanted by all, a thread of hashes gets a tenth (sched(7)): a dozen sign-ins a second, still. */
const niceness = 10

/**
 * Called by a thread of hashes: it gives way to the thread that answers requests, and to those that sign. Linux alone knows threads by
 * number; elsewhere, or where it may not be done, all are equal.
 */
export function yieldToOthers(): void {
  try {
    const thread = Number(readlinkSync('/proc/thread-self').split('/').at(-1))
    if (thread > 0) setPriority(thread, niceness)
  } catch {
    // as fast as before
  }
}

/** What a thread answers is `{ failure }`, or what was asked for. */
export type ThreadAnswer<T> = T | { failure: string }

/** Asks threads of that file, each one thing at a time; an idle one does not keep the process alive. */
export function createHashThreads<Job, Answer extends object>(file: URL, name: string) {
  const idle: Worker[] = []

  function start(): Worker {
    const worker = new Worker(file, { name })
    const forget = () => {
      const place = idle.indexOf(worker)
      if (place >= 0) idle.splice(place, 1)
    }
    // without a listener, an error of a thread that nobody waits for would end the process
    worker.on('error', forget)
    worker.on('exit', forget)
    return worker
  }

  function ask(worker: Worker, job: Job): Promise<ThreadAnswer<Answer>> {
    return new Promise((resolve, reject) => {
      const answered = (answer: ThreadAnswer<Answer>) => done(() => resolve(answer))
      const failed = (error: Error) => done(() => reject(error))
      const ended = () => failed(new Error('the thread of a hash ended without an answer'))
      function done(settle: () => void) {
        worker.off('message', answered).off('error', failed).off('exit', ended)
        settle()
      }
      worker.on('message', answered).on('error', failed).on('exit', ended)
      worker.ref()
      worker.postMessage(job)
    })
  }

  return async (job: Job): Promise<Answer> => {
    const worker = idle.pop() ?? start()
    const answer = await ask(worker, job)
    worker.unref()
    idle.push(worker)
    if ('failure' in answer) throw new Error(answer.failure)
    return answer
  }
}
