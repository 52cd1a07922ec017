// Argon2id by the native module, on threads of its own instead of libuv's, where signatures are made: a flood of sign-ins leaves those
// free, and what is left of the processor goes to everything else first (hash-threads.ts).

import { createHashThreads, threadFile } from './hash-threads.ts'
import type { DeriveTag } from './phc.ts'
import type { WasmJob } from './wasm-argon2.ts'

/** @throws when the module is not installed */
export async function threadedDeriveTag(): Promise<DeriveTag> {
  await import('@node-rs/argon2')
  const file = threadFile('native-argon2-thread', import.meta.url)
  const ask = createHashThreads<WasmJob, { tag: Uint8Array }>(file, 'argon2')
  return async (password, salt, { memory, passes, lanes }, tagBytes) =>
    Buffer.from((await ask({ password, salt, memory, passes, lanes, tagBytes })).tag)
}
