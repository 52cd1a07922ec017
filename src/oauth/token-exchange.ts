// The vocabulary of Token Exchange (RFC 8693 §2.1, §3, §4.1): names of the grant type and of token types, and the claim `act`, which says
// who acts for the subject, and who acted before. Owns its form only; who may act for whom is policy.

export const tokenExchangeGrantType = 'urn:ietf:params:oauth:grant-type:token-exchange'

/** RFC 8693 §3: "the token is an OAuth 2.0 access token issued by the given authorization server" */
export const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'
/** RFC 8693 §3: "the token is a JWT"; ours are access tokens, too. */
export const jwtTokenType = 'urn:ietf:params:oauth:token-type:jwt'

/** How many exchanges may lie behind one token. */
export const longestChain = 4

/** The claim `act` (RFC 8693 §4.1): who acts, and inside it who acted before. */
export interface ActClaim {
  readonly sub: string
  readonly act?: ActClaim
}

/**
 * Reads the claim `act` of a token. RFC 8693 §4.1: "The act (actor) claim value is a JSON object, and members in the JSON object are
 * claims that identify the actor." A chain that is longer than any of ours is malformed, too.
 */
export function parseAct(value: unknown): ActClaim | undefined | 'malformed' {
  const chain: string[] = []
  let current = value
  while (current !== undefined) {
    if (typeof current !== 'object' || current === null || chain.length === longestChain) {
      return 'malformed'
    }
    const { sub, act } = current as { sub?: unknown; act?: unknown }
    if (typeof sub !== 'string' || sub === '') return 'malformed'
    chain.push(sub)
    current = act
  }
  return chain.reduceRight<ActClaim | undefined>((act, sub) => actedBy(sub, act), undefined)
}

/** RFC 8693 §4.1: "The outermost act claim represents the current actor while nested act claims represent prior actors." */
export function actedBy(sub: string, before: ActClaim | undefined): ActClaim {
  return before === undefined ? { sub } : { sub, act: before }
}

/**
 * Whether the claim `may_act` lets this party act (RFC 8693 §4.4): every member that it has must be true of it. A claim that is not
 * understood lets nobody.
 */
export function mayAct(
  claim: unknown,
  party: { sub: string; client_id: string; iss: string }
): boolean {
  if (claim === undefined) return true
  if (typeof claim !== 'object' || claim === null || Array.isArray(claim)) return false
  const members = Object.entries(claim)
  const known: Readonly<Record<string, string>> = party
  return (
    Object.hasOwn(claim, 'sub') &&
    members.every(([name, value]) => Object.hasOwn(known, name) && known[name] === value)
  )
}
