// The headers of every page. Owns the Content-Security-Policy. Refuses `form-action` on pages whose
// form is answered with a redirect to a client: browsers apply it to the whole chain of redirects, and would stop the person at the last
// step. It is a plain table, since the engine's own pages need the same headers on the raw response before the engine runs.

/** `onward`: a form on it leads to a client's site in the end (interaction, device, logout). `own`: every form stays with us. */
export type PageKind = 'onward' | 'own'

const policy = [
  "default-src 'none'",
  "style-src 'self'",
  // One script of ours, on the pages that offer passkeys (views/passkey-form.ts); none is inline. The engine appends the hash of its
  // form_post response to this list.
  "script-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "font-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'"
]

/** The headers of a page, names in lower case. HSTS goes with an https issuer only: over http browsers ignore it (RFC 6797 §7.2). */
export function pageHeaders(kind: PageKind, issuer: string): Record<string, string> {
  return {
    'content-security-policy': [...policy, ...(kind === 'own' ? ["form-action 'self'"] : [])].join(
      '; '
    ),
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    ...(issuer.startsWith('https:') && { 'strict-transport-security': 'max-age=31536000' })
  }
}
