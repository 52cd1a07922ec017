// Reading a table again because somebody names a key that is not in memory: it may be newer than what we know. Whoever asks gets a read
// that began after the question; strangers who name keys that never were cause at most a few reads a second, whatever their number.

import { setTimeout as sleep } from 'node:timers/promises'

const pauseMillis = 250

/** Makes the question from `load`. @throws what `load` throws */
export function createFreshener(load: () => Promise<void>): () => Promise<void> {
  let coming: Promise<void> | undefined
  let last = Number.NEGATIVE_INFINITY

  async function read(): Promise<void> {
    const wait = last + pauseMillis - performance.now()
    if (wait > 0) await sleep(wait)
    last = performance.now()
    // from here on, who asks did so after this read began
    coming = undefined
    await load()
  }

  return () => {
    coming ??= Promise.resolve().then(read)
    return coming
  }
}
