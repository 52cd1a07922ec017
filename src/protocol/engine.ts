// The engine as it is now. Keys are fixed when one is built, so
// another one is built when they change, and takes over at once.

import type { KeyRing } from '../keys/key-ring.ts'
import { createEngine, type Engine, type EngineDependencies } from './provider.ts'

export interface CurrentEngine {
  current(): Engine
}

/** Builds the first engine; later ones when the key ring's version has changed. */
export function createCurrentEngine(
  deps: EngineDependencies & { keys: Pick<KeyRing, 'version'> }
): CurrentEngine {
  let version = deps.keys.version()
  let engine = createEngine(deps)
  return {
    current() {
      const now = deps.keys.version()
      if (now !== version) {
        engine = createEngine(deps)
        version = now
      }
      return engine
    }
  }
}
