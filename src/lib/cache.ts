// A bounded map in front of something slow: the least recently used entry leaves first, and parallel
// misses of one key load once (single flight). It keeps no failure, no `undefined` (strangers name
// unknown things and would push out the known ones), and no value whose key was deleted while it
// loaded: a change that is heard of during a load wins over what the load had read.

export interface Cache<V> {
  /** The kept value, or what `load` answers. A failed load rejects for all who wait, and is not kept. */
  get(key: string, load: (key: string) => Promise<V>): Promise<V>
  /** Forgets the key. A load under way still answers those who wait for it, and is not kept. */
  delete(key: string): void
  /** Forgets everything, loads under way included. */
  clear(): void
}

interface Entry<V> {
  value: V
  /** milliseconds, of the injected clock */
  until: number
}

/** A load under way; the object is its identity. */
interface Flight<V> {
  value: Promise<V>
}

/**
 * Makes a cache of at most `max` entries.
 * @param options.ttlSeconds an entry's age at most, counted from the start of its load; no limit
 * unless given
 * @param options.now the clock, in milliseconds
 */
export function createCache<V>(options: {
  max: number
  ttlSeconds?: number
  now: () => number
}): Cache<V> {
  const { max, now } = options
  const ttlMilliseconds = (options.ttlSeconds ?? Number.POSITIVE_INFINITY) * 1000
  // a Map remembers the order of insertion: what is used is inserted anew, so the oldest is first
  const entries = new Map<string, Entry<V>>()
  const flights = new Map<string, Flight<V>>()

  function keep(key: string, entry: Entry<V>): void {
    entries.delete(key)
    entries.set(key, entry)
    const oldest = entries.keys().next()
    if (entries.size > max && !oldest.done) entries.delete(oldest.value)
  }

  function fly(key: string, load: (key: string) => Promise<V>): Flight<V> {
    const until = now() + ttlMilliseconds
    const flight: Flight<V> = {
      value: load(key).then(
        value => {
          if (land(key, flight) && value !== undefined) keep(key, { value, until })
          return value
        },
        error => {
          land(key, flight)
          throw error
        }
      )
    }
    flights.set(key, flight)
    return flight
  }

  /** False for a flight that was forgotten meanwhile: what it brings is not kept. */
  function land(key: string, flight: Flight<V>): boolean {
    return flights.get(key) === flight && flights.delete(key)
  }

  return {
    async get(key, load) {
      const entry = entries.get(key)
      if (entry !== undefined && now() < entry.until) {
        keep(key, entry)
        return entry.value
      }
      entries.delete(key)
      const flight = flights.get(key) ?? fly(key, load)
      return flight.value
    },

    delete(key) {
      entries.delete(key)
      flights.delete(key)
    },

    clear() {
      entries.clear()
      flights.clear()
    }
  }
}
