// A JWT as a developer wants to read it: header and payload, and its times in words. Decodes only:
// what the demo shows was verified before, by openid-client or by the demo API.

export interface Described {
  header: Record<string, unknown>
  claims: Record<string, unknown>
  /** one line per time claim */
  times: { claim: string; meaning: string; at: string; words: string }[]
}

const meanings: Record<string, string> = {
  iat: 'issued',
  auth_time: 'signed in',
  nbf: 'valid from',
  exp: 'expires'
}

/** Takes a compact JWS apart. `now` is in milliseconds since the epoch. */
export function describeToken(token: string, now: number): Described {
  const claims = claimsOf(token)
  return {
    header: partOf(token, 0),
    claims,
    times: Object.entries(meanings).flatMap(([claim, meaning]) => {
      const seconds = claims[claim]
      if (typeof seconds !== 'number') return []
      const at = new Date(seconds * 1000)
      return [
        { claim, meaning, at: `${absolute.format(at)} UTC`, words: relative(seconds - now / 1000) }
      ]
    })
  }
}

/** The payload of a compact JWS; empty when it cannot be read. */
export function claimsOf(token: string): Record<string, unknown> {
  return partOf(token, 1)
}

/** Enough of a secret to tell two of them apart, too little to use it. */
export function shortened(secret: string): string {
  return `${secret.slice(0, 8)}…${secret.slice(-4)} (${secret.length} characters)`
}

/** Seconds from now, in words: `in 9 minutes 58 seconds`, `3 seconds ago`. */
export function relative(seconds: number): string {
  const distance = Math.abs(Math.round(seconds))
  if (distance === 0) return 'now'
  const words = units
    .map(([unit, size], index) => {
      const larger = units[index - 1]?.[1] ?? Number.POSITIVE_INFINITY
      return [unit, Math.floor((distance % larger) / size)] as const
    })
    .filter(([, count]) => count > 0)
    .slice(0, 2)
    .map(([unit, count]) => `${count} ${unit}${count === 1 ? '' : 's'}`)
    .join(' ')
  return seconds > 0 ? `in ${words}` : `${words} ago`
}

const units: [unit: string, seconds: number][] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1]
]

const absolute = new Intl.DateTimeFormat('en-GB', {
  dateStyle: 'medium',
  timeStyle: 'medium',
  timeZone: 'UTC'
})

function partOf(token: string, index: number): Record<string, unknown> {
  try {
    return JSON.parse(Buffer.from(token.split('.')[index] ?? '', 'base64url').toString())
  } catch {
    // an encrypted or opaque token has nothing to show
    return {}
  }
}
