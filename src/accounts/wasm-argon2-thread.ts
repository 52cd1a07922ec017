// The thread that computes argon2id in WebAssembly (wasm-argon2.ts), one hash after the other. Keeps nothing, and judges nothing: what the
// parameters may be was decided before (phc.ts).

import { parentPort } from 'node:worker_threads'
import { argon2id } from 'hash-wasm'
import { yieldToOthers } from './hash-threads.ts'
import type { WasmAnswer, WasmJob } from './wasm-argon2.ts'

async function answerOf(job: WasmJob): Promise<WasmAnswer> {
  try {
    const tag = await argon2id({
      password: job.password,
      salt: job.salt,
      memorySize: job.memory,
      iterations: job.passes,
      parallelism: job.lanes,
      hashLength: job.tagBytes,
      outputType: 'binary'
    })
    return { tag }
  } catch (error) {
    return { failure: String(error) }
  }
}

yieldToOthers()
parentPort?.on('message', async (job: WasmJob) => parentPort?.postMessage(await answerOf(job)))
