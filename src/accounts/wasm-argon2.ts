// Argon2id in WebAssembly, for a Node that has neither the native module nor an argon2 of its own (22, npm ci --omit=optional). It
// computes where it is called, so it is called in worker threads: the event loop never waits for a hash. Owns the threads; how many work
// at once is the hash queue's affair.

import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { DeriveTag } from './phc.ts'

/** What a thread is asked for; it answers the tag, or what went wrong. */
export interface WasmJob {
  password: string
  salt: Uint8Array
  memory: number
  passes: number
  lanes: number
  tagBytes: number
}

export type WasmAnswer = { tag: Uint8Array } | { failure: string }

// sources run as they are, and compiled ones as what they became
const threadFile = new URL(
  `./wasm-argon2-thread${extname(new URL(import.meta.url).pathname)}`,
  import.meta.url
)

/** Derives tags on threads that are kept for the next hash; an idle one does not keep the process alive. */
export function wasmDeriveTag(file: URL = threadFile): DeriveTag {
  const idle: Worker[] = []

  function start(): Worker {
    const worker = new Worker(file, { name: 'argon2' })
    const forget = () => {
      const place = idle.indexOf(worker)
      if (place >= 0) idle.splice(place, 1)
    }
    // without a listener, an error of a thread that nobody waits for would end the process
    worker.on('error', forget)
    worker.on('exit', forget)
    return worker
  }

  function ask(worker: Worker, job: WasmJob): Promise<WasmAnswer> {
    return new Promise((resolve, reject) => {
      const answered = (answer: WasmAnswer) => done(() => resolve(answer))
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

  return async (password, salt, { memory, passes, lanes }, tagBytes) => {
    const worker = idle.pop() ?? start()
    const answer = await ask(worker, { password, salt, memory, passes, lanes, tagBytes })
    worker.unref()
    idle.push(worker)
    if ('failure' in answer) throw new Error(answer.failure)
    return Buffer.from(answer.tag)
  }
}
