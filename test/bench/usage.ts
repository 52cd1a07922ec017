// The server's side of the bench's channel: what this process has used so far, and whatever else its program can be asked for. A server
// measures itself: CPU time of the whole process, threads for signatures included.

export interface Usage {
  cpuMicros: number
  rssBytes: number
  heapBytes: number
  statements: number
}

export type Question = { id: number; ask: string; count?: number }

/** Answers the parent's questions; `ready` is told once. */
export function answerQuestions(
  statements: () => number,
  others: Record<string, (count: number) => Promise<unknown>> = {}
): void {
  async function answer({ ask, count = 0 }: Question): Promise<unknown> {
    const other = others[ask]
    if (other !== undefined) return other(count)
    if (ask !== 'usage') throw new Error(`nobody knows ${ask}`)
    const { user, system } = process.cpuUsage()
    const { rss, heapUsed } = process.memoryUsage()
    return {
      cpuMicros: user + system,
      rssBytes: rss,
      heapBytes: heapUsed,
      statements: statements()
    } satisfies Usage
  }
  process.on('message', async (question: Question) => {
    process.send?.({ id: question.id, value: await answer(question) })
  })
  process.on('SIGTERM', () => process.exit(0))
  process.on('disconnect', () => process.exit(0))
  process.send?.({ ready: true })
}
