// The Authorization header of a request with an access token, and the WWW-Authenticate header of
// its refusal (RFC 6750 §2.1 and §3, RFC 9449 §7.1). It reads the header only: tokens in the query
// are refused by design (RFC 9700 §4.3.2), and it does not look into the token.

/** How an access token was presented. */
export type TokenScheme = 'Bearer' | 'DPoP'

export type ParsedAuthorization =
  | { ok: true; scheme: TokenScheme; token: string }
  /** absent: no header; other_scheme: not ours; malformed: our scheme, but no token68 behind it */
  | { ok: false; reason: 'absent' | 'other_scheme' | 'malformed' }

// RFC 9110 §11.1: the name of a scheme is case-insensitive
const schemes: Readonly<Record<string, TokenScheme>> = { bearer: 'Bearer', dpop: 'DPoP' }

// RFC 6750 §2.1:  b64token    = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="
//                 credentials = "Bearer" 1*SP b64token        (RFC 9449 §7.1: the same for "DPoP")
const token68 = /^[A-Za-z0-9\-._~+/]+=*$/

/** Parses an Authorization header. */
export function parseAuthorization(header: string | undefined): ParsedAuthorization {
  if (header === undefined || header === '') return { ok: false, reason: 'absent' }
  const space = header.indexOf(' ')
  const name = (space === -1 ? header : header.slice(0, space)).toLowerCase()
  const scheme = Object.hasOwn(schemes, name) ? schemes[name] : undefined
  if (scheme === undefined) return { ok: false, reason: 'other_scheme' }
  const token = space === -1 ? '' : header.slice(space).replace(/^ +/, '')
  if (!token68.test(token)) return { ok: false, reason: 'malformed' }
  return { ok: true, scheme, token }
}

/** The parameters of a challenge. A value that is undefined is left out. */
export interface Challenge {
  /** Basic answers failed client authentication (RFC 6749 §5.2) */
  scheme: TokenScheme | 'Basic'
  realm?: string | undefined
  /**
   * RFC 6750 §3.1: "If the request lacks any authentication information [...] the resource server
   * SHOULD NOT include an error code or other error information."
   */
  error?: string | undefined
  description?: string | undefined
  /** scopes that would have been enough */
  scope?: readonly string[] | undefined
  /** RFC 9449 §7.1: the algorithms of DPoP proofs that are accepted */
  algs?: readonly string[] | undefined
}

/**
 * Builds the value of one WWW-Authenticate header. Characters that its grammar does not allow are
 * replaced, so what a stranger sent cannot end the quotes or the header.
 */
export function buildChallenge(challenge: Challenge): string {
  const { scheme, realm, scope, error, description, algs } = challenge
  const parameters: [string, string | undefined][] = [
    ['realm', realm],
    ['scope', scope?.join(' ')],
    ['error', error],
    ['error_description', description],
    ['algs', algs?.join(' ')]
  ]
  const written = parameters.flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [`${name}="${quotable(value)}"`]
  )
  return written.length === 0 ? scheme : `${scheme} ${written.join(', ')}`
}

// RFC 6750 §3: values of error and error_description "MUST NOT include characters outside the set
// %x20-21 / %x23-5B / %x5D-7E": neither the quote nor the backslash, so nothing is ever escaped
function quotable(value: string): string {
  return value.replaceAll('"', "'").replaceAll(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, ' ')
}
