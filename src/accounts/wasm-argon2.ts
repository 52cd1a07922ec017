// Argon2id in WebAssembly, for a Node that has neither the native module nor an argon2 of its own (22, npm ci --omit=optional). It
// computes where it is called, so it is called in worker threads (hash-threads.ts).

import { createHashThreads, type ThreadAnswer, threadFile } from './hash-threads.ts'
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

export type WasmAnswer = ThreadAnswer<{ tag: Uint8Array }>

/** Derives tags on threads. */
export function wasmDeriveTag(
  file: URL = threadFile('wasm-argon2-thread', import.meta.url)
): DeriveTag {
  const ask = createHashThreads<WasmJob, { tag: Uint8Array }>(file, 'argon2')
  return async (password, salt, { memory, passes, lanes }, tagBytes) =>
    Buffer.from((await ask({ password, salt, memory, passes, lanes, tagBytes })).tag)
}
