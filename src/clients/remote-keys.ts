// Public keys that somebody else publishes (RFC 7517 §5): of a client at its `jwks_uri`, of an issuer whose tokens are trusted. Fetched
// when first needed, followed when they change, used on through an outage. Refuses to be driven by strangers: whatever `kid` they invent,
// a place is asked at most once a minute (RFC 8725 §3.10), and nobody learns what it answered.

import type { OutboundAnswer } from '../lib/outbound.ts'
import { publicKeysOf } from './key-set.ts'

/** A public key as it was published, checked. */
export type PublicJwk = Readonly<Record<string, unknown>> & { readonly kty: string }

export interface LoadedKeys {
  keys: readonly PublicJwk[]
  /** how long its publisher says that the set stays as it is */
  maxAgeSeconds: number | undefined
}

export interface KeySource {
  /** The keys that may be used now; `undefined`: `ask` first, and look again. */
  held(): readonly PublicJwk[] | undefined
  /** Whether asking for a key that is not among them makes sense now. */
  mayAsk(): boolean
  /** Asks, if it may, and waits for the answer. Never rejects: what came of it is in `held`. */
  ask(): Promise<void>
  /** Why the last question brought no keys; undefined when it did, or none was asked. */
  failure(): unknown
}

/** Seconds. */
export const keyAges = {
  /** a set is used so long before it is asked for again, whatever its publisher says: a withdrawn key ends within the hour */
  least: 60,
  usual: 300,
  most: 3600,
  /** questions to one place are so far apart */
  between: 60,
  /** a set that cannot be asked for is used so long: somebody may have withdrawn a key meanwhile */
  outage: 24 * 3600
} as const

/**
 * Holds one set. Nothing is fetched before somebody asks.
 * @param options.load rejects when there is no set to be had
 * @param options.now milliseconds
 */
export function createKeySource(options: {
  load: () => Promise<LoadedKeys>
  now: () => number
  /** told of each question that brought nothing: once a minute at most */
  failed: (error: unknown) => void
}): KeySource {
  const { load, now, failed } = options
  let set: { keys: readonly PublicJwk[]; loadedAt: number; freshSeconds: number } | undefined
  let askedAt: number | undefined
  let failure: unknown
  let running: Promise<void> | undefined

  /** A clock that was set back counts as long ago: it must not extend anything. */
  function isWithin(since: number | undefined, seconds: number): boolean {
    if (since === undefined) return false
    const age = now() - since
    return age >= 0 && age < seconds * 1000
  }

  const mayAsk = () => running !== undefined || !isWithin(askedAt, keyAges.between)

  function ask(): Promise<void> {
    if (running !== undefined || !mayAsk()) return running ?? Promise.resolve()
    askedAt = now()
    running = load()
      .then(({ keys, maxAgeSeconds = keyAges.usual }) => {
        const freshSeconds = Math.min(Math.max(maxAgeSeconds, keyAges.least), keyAges.most)
        set = { keys, loadedAt: now(), freshSeconds }
        failure = undefined
      })
      .catch((error: unknown) => {
        failure = error
        failed(error)
      })
      .finally(() => {
        running = undefined
      })
    return running
  }

  return {
    mayAsk,
    ask,
    failure: () => failure,
    held() {
      if (set === undefined || !isWithin(set.loadedAt, keyAges.outage)) {
        return mayAsk() ? undefined : []
      }
      if (isWithin(set.loadedAt, set.freshSeconds)) return set.keys
      if (!mayAsk()) return set.keys
      if (failure === undefined) return undefined
      // an outage: the question is asked beside the request, which has keys and does not wait
      void ask()
      return set.keys
    }
  }
}

/** What of the outbound client is needed here. */
export type FetchKeys = (url: string) => Promise<OutboundAnswer>

/** Fetches one set. @throws Error, OutboundError */
export async function loadKeySet(url: string, fetch: FetchKeys): Promise<LoadedKeys> {
  const { status, headers, body } = await fetch(url)
  if (status !== 200) throw new Error(`${url} answered ${status}`)
  const keys = publicKeysOf(parseObject(url, body))
  if (keys === undefined) throw new Error(`${url} is no JSON Web Key Set`)
  return { keys, maxAgeSeconds: maxAgeOf(headers['cache-control']) }
}

/** @throws Error, without a word of what was fetched */
export function parseObject(url: string, body: Buffer): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(body.toString('utf8'))
  } catch {
    // the parser's message quotes the text
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`${url} is no JSON object`)
  }
  return value as Record<string, unknown>
}

/** RFC 9111 §5.2.2; a set that must not be kept is asked for as often as any may be. */
function maxAgeOf(cacheControl: string | undefined): number | undefined {
  if (cacheControl === undefined) return undefined
  if (/\bno-(store|cache)\b/i.test(cacheControl)) return 0
  const [, seconds] = /(?:^|[,\s])max-age="?([0-9]{1,10})\b/i.exec(cacheControl) ?? []
  return seconds === undefined ? undefined : Number(seconds)
}

export interface RemoteKeys {
  /** The keys at this address, the same source for everybody who names it. */
  at(url: string): KeySource
}

/** The sources of all clients' keys, by address. The one that was used least recently leaves first. */
export function createRemoteKeys(options: {
  fetch: FetchKeys
  now: () => number
  log: { warn(data: object, message: string): void }
  max?: number
}): RemoteKeys {
  const { fetch, now, log, max = 10_000 } = options
  const sources = new Map<string, KeySource>()

  return {
    at(url) {
      const source =
        sources.get(url) ??
        createKeySource({
          load: () => loadKeySet(url, fetch),
          now,
          failed: err => log.warn({ err, url }, 'the keys of a client could not be fetched')
        })
      // a Map remembers the order of insertion
      sources.delete(url)
      sources.set(url, source)
      const [oldest] = sources.keys()
      if (sources.size > max && oldest !== undefined) sources.delete(oldest)
      return source
    }
  }
}
