// Proofs that were seen (RFC 9449 §11.1): each counts once. Owns the memory of one process, bounded in entries and time; an API of several
// processes hands in a store that they share.

export interface ReplayStore {
  /**
   * Answers `first` to exactly one caller of an id, until that time (seconds since the epoch), and `replayed` to every other. The id is a
   * digest of 43 characters. A store that rejects makes the request 503.
   */
  claim(id: string, untilSeconds: number): Promise<'first' | 'replayed'>
}

/**
 * Remembers in this process. When it holds `max` proofs that still count, the oldest is forgotten: with the default, when more than 1,500 in
 * a second come for a whole minute.
 */
export function createReplayMemory({
  max = 100_000,
  now = Date.now
}: {
  max?: number
  /** milliseconds since the epoch */
  now?: () => number
} = {}): ReplayStore {
  // in the order in which they came, which is about the order in which they end
  const seen = new Map<string, number>()

  return {
    async claim(id, untilSeconds) {
      for (const [oldest, until] of seen) {
        if (until * 1000 > now()) break
        seen.delete(oldest)
      }
      if (seen.has(id)) return 'replayed'
      const [oldest] = seen.keys()
      if (seen.size >= max && oldest !== undefined) seen.delete(oldest)
      seen.set(id, untilSeconds)
      return 'first'
    }
  }
}
