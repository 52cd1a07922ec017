// How long a fetched document may be used without a question (RFC 9111), within bounds of ours: a document that nobody may keep would be
// fetched for every request, and one that may be kept for a year would never change.

import type { IncomingHttpHeaders } from 'node:http'

const bounds = { leastSeconds: 60, mostSeconds: 86_400 }
/** where the answer says nothing (RFC 9111 §4.2.2 leaves it to us) */
const usualSeconds = 600

/** Seconds from now; `now` in milliseconds. */
export function freshSeconds(headers: IncomingHttpHeaders, now: number): number {
  const { leastSeconds, mostSeconds } = bounds
  return Math.min(mostSeconds, Math.max(leastSeconds, Math.floor(told(headers, now))))
}

function told(headers: IncomingHttpHeaders, now: number): number {
  const control = headers['cache-control'] ?? ''
  if (/(^|,)\s*(no-store|no-cache|private)\s*($|,|=)/i.test(control)) return 0
  // RFC 9111 §5.2.2.10: this is a shared cache, for which `s-maxage` counts before `max-age`
  const age = secondsOf(control, 's-maxage') ?? secondsOf(control, 'max-age')
  if (age !== undefined) return age - (Number(headers.age) || 0)
  const expires = Date.parse(headers.expires ?? '')
  if (!Number.isNaN(expires)) return (expires - now) / 1000
  // an `Expires` that is no date means that it is over already (RFC 9111 §5.3)
  return headers.expires === undefined ? usualSeconds : 0
}

function secondsOf(control: string, directive: string): number | undefined {
  const found = new RegExp(`(?:^|,)\\s*${directive}\\s*=\\s*"?(\\d{1,9})"?\\s*(?:$|,)`, 'i')
  const seconds = found.exec(control)?.[1]
  return seconds === undefined ? undefined : Number(seconds)
}
