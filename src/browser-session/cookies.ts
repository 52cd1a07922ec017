// The two kinds of cookies (RFC 6265bis): of a session, and of a sign-in that has begun. `__Host-` binds them to this host, https and the
// whole path, so that no sibling host can set one; on http, which is only for loopback, they have no prefix. Refuses a name that comes twice.

export type Cookies = ReturnType<typeof createCookies>

/** sign-ins that one browser has under way; older ones are forgotten */
const mostSignIns = 5
const signInSeconds = 600

export function createCookies({ appUrl, name }: { appUrl: URL; name: string }) {
  const secure = appUrl.protocol === 'https:'
  const prefix = secure ? '__Host-' : ''
  const sessionName = `${prefix}${name}`
  const signInPrefix = `${prefix}${name}-login-`

  function write(name: string, value: string, maxAgeSeconds: number): string {
    const attributes = `Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Lax`
    return `${name}=${value}; ${attributes}${secure ? '; Secure' : ''}`
  }

  return {
    session: {
      read: (header: string | undefined) => parse(header).get(sessionName),
      write: (id: string, maxAgeSeconds: number) => write(sessionName, id, maxAgeSeconds),
      clear: () => write(sessionName, '', 0)
    },
    signIn: {
      read: (header: string | undefined, id: string) => parse(header).get(signInPrefix + id),
      /** the one that begins, and the end of those that are too many */
      write(header: string | undefined, id: string, value: string): string[] {
        const others = [...parse(header).keys()].filter(one => one.startsWith(signInPrefix))
        const stale = others.slice(0, Math.max(0, others.length - mostSignIns + 1))
        return [
          write(signInPrefix + id, value, signInSeconds),
          ...stale.map(one => write(one, '', 0))
        ]
      },
      clear: (id: string) => write(signInPrefix + id, '', 0)
    }
  }
}

/** A name that comes twice is in doubt, and is left out. */
function parse(header = ''): Map<string, string> {
  const cookies = new Map<string, string>()
  const twice = new Set<string>()
  for (const pair of header.split(';')) {
    const at = pair.indexOf('=')
    if (at < 1) continue
    const name = pair.slice(0, at).trim()
    if (cookies.has(name)) twice.add(name)
    cookies.set(name, pair.slice(at + 1).trim())
  }
  for (const name of twice) cookies.delete(name)
  return cookies
}
