// The thread that computes argon2id by the native module (native-argon2.ts), one hash after the other. Keeps nothing, and judges nothing: what
// the parameters may be was decided before (phc.ts).

import { parentPort } from 'node:worker_threads'
import { hashRawSync } from '@node-rs/argon2'
import { yieldToOthers } from './hash-threads.ts'
import type { WasmAnswer, WasmJob } from './wasm-argon2.ts'

function answerOf({ password, salt, memory, passes, lanes, tagBytes }: WasmJob): WasmAnswer {
  try {
    const tag = hashRawSync(Buffer.from(password), {
      salt,
      memoryCost: memory,
      timeCost: passes,
      parallelism: lanes,
      outputLen: tagBytes
    })
    return { tag }
  } catch (error) {
    return { failure: String(error) }
  }
}

yieldToOthers()
parentPort?.on('message', (job: WasmJob) => parentPort?.postMessage(answerOf(job)))
