// The engine as it is now. Keys are fixed when one is built, so
// another one is built when they change, and takes over at once.

import { createEngine, type Engine, type EngineDependencies } from './provider.ts'

export interface CurrentEngine {
  current(): Engine
}

/** Builds the first engine; later ones when the key ring's version has changed. */
export function createCurrentEngine(
  deps: EngineDependencies & {
    /** changes whenever a key does that an engine is built with */
    version(): string
  }
): CurrentEngine {
  let version = deps.version()
  let engine = createEngine(deps)
  return {
    current() {
      const now = deps.version()
      if (now !== version) {
        engine = createEngine(deps)
        version = now
      }
      return engine
    }
  }
}
