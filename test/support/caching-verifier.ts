// A verifier as strict as the advertised cache allows: it keeps the published keys for the whole `max-age`, and never fetches them again
// because a kid is unknown. What it cannot verify was signed too early, or withdrawn too early.

import { createLocalJWKSet, jwtVerify } from 'jose'
import type { ProcessResponse } from './processes.ts'

export interface CachingVerifier {
  /** undefined: it verifies; else why it does not */
  refusal(jwt: string): Promise<string | undefined>
  /** fetches the keys now, as one that has just started */
  fetchNow(): Promise<void>
  fetches(): number
}

/** `fetch` asks one process or another, as a load balancer would choose. */
export function createCachingVerifier(
  fetch: (path: string) => Promise<Pick<ProcessResponse, 'headers' | 'text'>>
): CachingVerifier {
  let held: { keys: ReturnType<typeof createLocalJWKSet>; until: number } | undefined
  let fetches = 0

  async function fetchNow() {
    const asked = performance.now()
    const { headers, text } = await fetch('/.well-known/jwks.json')
    const maxAge = Number(/max-age=(\d+)/.exec(String(headers['cache-control']))?.[1])
    if (!(maxAge > 0)) throw new Error(`no max-age: ${JSON.stringify(headers)}`)
    fetches += 1
    held = { keys: createLocalJWKSet(JSON.parse(text)), until: asked + maxAge * 1_000 }
    return held
  }

  return {
    fetchNow: async () => void (await fetchNow()),
    fetches: () => fetches,
    async refusal(jwt) {
      const current = held && performance.now() < held.until ? held : await fetchNow()
      try {
        await jwtVerify(jwt, current.keys)
        return undefined
      } catch (error) {
        return String(error)
      }
    }
  }
}
