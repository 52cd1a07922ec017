// Whether a request that changes something comes from the app's own pages (ASVS 3.5.1). The cookie alone says nothing of that: `SameSite`
// lets sibling hosts in. A browser says where a request comes from; whoever does not say it must send a header that no form can.

/** The header that a script of the app sends; any value. */
export const csrfHeader = 'x-csrf'

const safeMethods = ['GET', 'HEAD', 'OPTIONS']

/**
 * undefined: nothing is against it; else why not, for the app's developer. `demand: header`: the header is needed in any case.
 */
export function csrfProblem(
  request: { method: string; headers: Record<string, string | string[] | undefined> },
  { appUrl, demand }: { appUrl: URL; demand: 'origin' | 'header' }
): string | undefined {
  // a WebSocket begins with a GET, and what comes through it may change anything
  const changes = !safeMethods.includes(request.method) || request.headers['upgrade'] !== undefined
  if (!changes) return undefined
  const { origin, 'sec-fetch-site': site, [csrfHeader]: header } = request.headers
  // Fetch Metadata: `none` is the person's own doing; a sibling host is `same-site`
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    return 'The request comes from another site.'
  }
  // RFC 6454 §7: `null` is no origin that anybody can trust
  if (origin !== undefined && origin !== appUrl.origin) {
    return 'The request comes from another origin.'
  }
  const said = site !== undefined || origin !== undefined
  if (header === undefined && (demand === 'header' || !said)) {
    return `The request needs the header ${csrfHeader}.`
  }
  return undefined
}
