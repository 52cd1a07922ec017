// The names and attributes of the engine's cookies. Owns the prefixes, which browsers enforce (RFC 6265bis §4.1.3); http has none, since
// browsers refuse prefixed cookies there.

/** `__Host-` for ours; `__Secure-` for the two whose paths the engine forces. */
export function cookieNames(secure: boolean) {
  const name = (cookie: string, prefix: string) =>
    secure ? `${prefix}${cookie}` : `mintmark_${cookie}`
  return {
    session: name('session', '__Host-'),
    interaction: name('interaction', '__Secure-'),
    resume: name('resume', '__Secure-')
  }
}

/** The session's. */
export function sessionCookie(secure: boolean) {
  return { signed: true, httpOnly: true, sameSite: 'lax', secure, path: '/' } as const
}
