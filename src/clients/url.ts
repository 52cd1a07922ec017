// Hygiene of every URL that a client may register, before any rule about what the URL is for.
// Refuses every form that two readers could take for different addresses: what is stored is exactly what a browser would make of it
// (RFC 9700 §2.1 and §4.1: redirect URIs are compared as strings; RFC 3986 §6.2.1).

const longestUrl = 2048
const executable = /^(javascript|data|blob|file|filesystem|vbscript|about|view-source):/i

export type CheckedUrl = { ok: true; url: URL } | { ok: false; problem: string }

/** Each check: what is refused, and the sentence about it. The order decides which sentence is given. */
const textChecks: readonly [(raw: string) => boolean, string][] = [
  [raw => raw === '', 'must not be empty'],
  [raw => raw.length > longestUrl, `must not be longer than ${longestUrl} characters`],
  // browsers drop blanks and control characters before they look at the scheme, so this does, too
  [
    raw => executable.test(stripBlanks(raw)),
    'must not have a scheme that runs script or reads files'
  ],
  [
    raw => /[^\x21-\x7e]/.test(raw),
    'may have visible ASCII characters only: write other characters percent-encoded, hosts in punycode'
  ],
  [raw => raw.includes('\\'), 'must not contain a backslash'],
  // RFC 6749 §3.1.2: «The endpoint URI MUST NOT include a fragment component.»
  [raw => raw.includes('#'), 'must not have a fragment'],
  [raw => /%(?![0-9a-f]{2})/i.test(raw), 'has a "%" that is not followed by two hex digits'],
  [
    raw => /%(0[0-9a-f]|1[0-9a-f]|7f)/i.test(raw),
    'must not contain control characters, encoded or not'
  ]
]

const pathChecks: readonly [RegExp, string][] = [
  [/%25/i, 'must not have an encoded "%" in its path: it would be decoded twice somewhere'],
  [/%2f|%5c/i, 'must not have an encoded slash or backslash in its path'],
  // WHATWG resolves plain and encoded dot segments, but not those with parameters, which application servers strip first
  [/(^|\/)(\.|%2e){1,2}(;[^/]*)?(\/|$)/i, 'must not have "." or ".." as a path segment'],
  [/^\/\//, 'must not have a path that begins with "//"']
]

/**
 * Parses a URL that is the same to everybody, or says what is wrong with it.
 * @param bareOrigin `allowed`: `https://example.com` may stand for `https://example.com/`; for pages that are linked to and never
 * compared
 */
export function parseStrictUrl(
  raw: unknown,
  bareOrigin: 'allowed' | 'refused' = 'refused'
): CheckedUrl {
  if (typeof raw !== 'string') return { ok: false, problem: 'must be a string' }
  for (const [refused, problem] of textChecks) if (refused(raw)) return { ok: false, problem }
  const url = URL.parse(raw)
  if (url === null) return { ok: false, problem: 'is not an absolute URL' }
  if (url.username !== '' || url.password !== '' || authority(raw).includes('@')) {
    return { ok: false, problem: 'must not have a user name or password' }
  }
  for (const [refused, problem] of pathChecks) {
    // the path as it was written: WHATWG has resolved dot segments in its own already
    if (refused.test(path(raw))) return { ok: false, problem }
  }
  // two readers, one string: what a comparison of strings sees must be what a browser goes to
  const same = url.href === raw || (bareOrigin === 'allowed' && url.href === `${raw}/`)
  if (!same) return { ok: false, problem: `is not in its normal form: write "${url.href}"` }
  const problem = hostProblem(url)
  return problem === undefined ? { ok: true, url } : { ok: false, problem }
}

/** `http` and `https` only; what follows a private-use scheme is nobody's host. */
function hostProblem(url: URL): string | undefined {
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return undefined
  const { hostname } = url
  if (hostname.includes('*')) return 'must not have a wildcard: register each host'
  if (hostname.endsWith('.')) return 'must not have a host that ends with a dot'
  if (/^\[::ffff:/.test(hostname)) return 'must not have an IPv4 address written as IPv6'
  const wellFormed =
    hostname.startsWith('[') || /^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/.test(hostname)
  if (!wellFormed || hostname.includes('..')) return 'has a host that is not a host name'
  if (url.port === '0') return 'must not have port 0'
  return undefined
}

/** The host is this machine, by name or address. */
export function isLoopback(url: URL): boolean {
  return url.hostname === 'localhost' || isLoopbackAddress(url)
}

/** 127.0.0.1 and [::1]: what RFC 8252 §7.3 and the engine know; the rest of 127/8 is not loopback to either. */
export function isLoopbackAddress(url: URL): boolean {
  return url.hostname === '127.0.0.1' || url.hostname === '[::1]'
}

/** The host is an address and not a name. WHATWG has turned every way of writing IPv4 into the dotted one. */
export function isAddress(url: URL): boolean {
  return url.hostname.startsWith('[') || /^[0-9]+(\.[0-9]+){3}$/.test(url.hostname)
}

function stripBlanks(raw: string): string {
  return [...raw].filter(character => character > ' ').join('')
}

function authority(raw: string): string {
  return /^[^:/?#]+:\/\/([^/?#]*)/.exec(raw)?.[1] ?? ''
}

function path(raw: string): string {
  return raw.replace(/^[^:/?#]+:(\/\/[^/?#]*)?/, '').replace(/[?#].*$/s, '')
}
