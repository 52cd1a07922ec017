// What a process holds in memory and reads anew when it hears of a change. A change is told once: reading that fails, as it does while the
// database is away, is tried until it works.

const retryMillis = 500

/** Answers a listener for changes. Calls while one is under way are one more afterwards. */
export function reloading(deps: {
  what: string
  load(): Promise<void>
  log: { error(data: object, message: string): void }
}): () => void {
  let wanted = 0
  let isRunning = false
  let isReported = false

  async function run() {
    isRunning = true
    while (wanted > 0) {
      const answered = wanted
      try {
        await deps.load()
        wanted -= answered
        isReported = false
      } catch (error) {
        // once an outage, not once a try
        if (!isReported) {
          deps.log.error({ err: error }, `${deps.what} could not be reloaded; it is tried again`)
        }
        isReported = true
        await new Promise(resolve => setTimeout(resolve, retryMillis).unref())
      }
    }
    isRunning = false
  }

  return () => {
    wanted += 1
    if (!isRunning) void run()
  }
}
