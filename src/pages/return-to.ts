// Where the language menu leads back to: a path on our own origin, or the default. Refuses everything that a browser could read as another
// site, by saying what is allowed rather than what is not: unreserved characters (RFC 3986 §2.3), one slash at
// the beginning, no encoded path, no segment that begins with a dot.

const segment = /^[A-Za-z0-9_~-][A-Za-z0-9._~-]*$/
const query = /^[A-Za-z0-9._~=&%-]*$/
const longest = 2000

/** `value` if it is such a path, otherwise `fallback`. */
export function safeReturnTo(value: unknown, fallback: string): string {
  if (typeof value !== 'string' || value.length > longest || !value.startsWith('/')) return fallback
  const mark = value.indexOf('?')
  const path = mark === -1 ? value : value.slice(0, mark)
  const segments = path.slice(1).split('/')
  // Only the last may be empty: `/` and `/device/` are paths of ours, `//host` is another site.
  if (segments.at(-1) === '') segments.pop()
  const safe = segments.every(each => segment.test(each))
  return safe && (mark === -1 || query.test(value.slice(mark + 1))) ? value : fallback
}
