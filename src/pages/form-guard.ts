// What every posted form has to pass before anything is looked up: it came from our own page, and its fields are single strings.
// Refuses cross-site and same-site posts, repeated fields and other content types.

import type { IncomingHttpHeaders } from 'node:http'

/**
 * Whether a POST may come from one of our own pages (Fetch Metadata, and Origin where it says something). A browser too old to send
 * either passes; the form's CSRF token is judged in any case.
 */
export function fromOurOwnPage(headers: IncomingHttpHeaders, issuer: string): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false
  // Our pages send no referrer, and then browsers write `Origin: null` on a form's POST (Fetch §3.2): that alone says nothing.
  const origin = headers.origin
  return origin === undefined || origin === 'null' || origin === new URL(issuer).origin
}

/**
 * The named fields of a posted form; an absent one is the empty string.
 * @returns undefined when a field appears twice or the body is not a form
 */
export function readFields<Name extends string>(
  body: unknown,
  names: readonly Name[]
): Record<Name, string> | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  const posted = body as Record<string, unknown>
  if (Object.values(posted).some(value => typeof value !== 'string')) return undefined
  return Object.fromEntries(names.map(name => [name, posted[name] ?? ''])) as Record<Name, string>
}
