// The database's URL as pg is given it. Owns one thing: `sslmode`. pg 8 takes prefer, require and verify-ca as verify-full, prints a warning
// of several lines at every start that pg 9 will not, and then verifies less, as libpq does. So what it does today is said in full: an
// encrypted connection is always one to a server that was verified, unless the URL says no-verify, or uselibpqcompat=true.

const weaker = /([?&]sslmode=)(?:prefer|require|verify-ca)(?=[&#]|$)/g
const asLibpq = /[?&]uselibpqcompat=true(?=[&#]|$)/

/** The same URL, with a `sslmode` that means what it says. */
export function withFullVerification(url: string): string {
  return asLibpq.test(url) ? url : url.replace(weaker, '$1verify-full')
}
