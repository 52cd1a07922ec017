// What a test's helper ends with: a tap test, or, in a script without tap, a lifetime of its own. Steps are undone last first.

export interface Lifetime {
  teardown(step: () => unknown): unknown
}

/** For scripts: `end` undoes everything, whatever of it fails. */
export function createLifetime(): Lifetime & { end(): Promise<void> } {
  const steps: (() => unknown)[] = []
  return {
    teardown: step => void steps.push(step),
    async end() {
      for (const step of steps.splice(0).reverse()) {
        try {
          await step()
        } catch (error) {
          console.error('a teardown failed:', error)
        }
      }
    }
  }
}
