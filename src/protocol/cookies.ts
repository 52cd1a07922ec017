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

/** Ours, beside the session's: all accounts of the browser (browser-accounts.ts). */
export const accountsCookie = (secure: boolean) => `${secure ? '__Host-' : 'mintmark_'}accounts`

/** The session's, and that of the accounts. */
export function sessionCookie(secure: boolean) {
  return { signed: true, httpOnly: true, sameSite: 'lax', secure, path: '/' } as const
}
