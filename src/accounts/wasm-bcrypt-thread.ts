// The thread that verifies bcrypt hashes in WebAssembly (imported-hash.ts), one after the other. Keeps nothing, and judges nothing: what the
// cost may be was decided before.

import { parentPort } from 'node:worker_threads'
import { bcryptVerify } from 'hash-wasm'
import { yieldToOthers } from './hash-threads.ts'
import type { BcryptAnswer, BcryptJob } from './imported-hash.ts'

async function answerOf({ password, hash }: BcryptJob): Promise<BcryptAnswer> {
  try {
    return { same: await bcryptVerify({ password, hash }) }
  } catch (error) {
    return { failure: String(error) }
  }
}

yieldToOthers()
parentPort?.on('message', async (job: BcryptJob) => parentPort?.postMessage(await answerOf(job)))
