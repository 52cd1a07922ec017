// What one operation of an API demands of a token, judged the same whatever server the request came through. Owns the order of the checks;
// refuses demands that nothing can meet, when the API starts.

import type { AuthenticationDemand, Refusal, Shown, Verification, Verifier } from './verifier.ts'

/** Scopes, separated by spaces, and how the person must have signed in (RFC 9470). */
export type Demand = { scope?: string } & AuthenticationDemand

/**
 * Makes the judge of one demand: the token is valid, has every scope, and comes from a sign-in that is strong and recent enough.
 * @throws TypeError for a demand that cannot be said in a header
 */
export function createJudge(verifier: Verifier, { scope = '', ...demand }: Demand = {}) {
  assertScope(scope)
  assertDemand(demand)
  return async (
    authorization: string | undefined,
    shown: Omit<Shown, 'scope'>
  ): Promise<Verification> => {
    const verification = await verifier.verify(authorization, { ...shown, scope })
    if (!verification.ok) return verification
    const { token } = verification
    const refusal: Refusal | undefined =
      verifier.requireScope(token, scope) ?? verifier.requireAuthentication(token, demand)
    return refusal ?? verification
  }
}

/** RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E ) */
function assertScope(scope: string): void {
  if (!/^[\x20\x21\x23-\x5b\x5d-\x7e]*$/.test(scope)) {
    throw new TypeError(
      `scope must be scope names separated by spaces, got ${JSON.stringify(scope)}`
    )
  }
}

/** RFC 9470 §3: they are said in a header. A demand that nothing can meet is a mistake. */
function assertDemand({ acrValues, maxAgeSeconds }: AuthenticationDemand): void {
  if (acrValues !== undefined && !(acrValues.length > 0 && acrValues.every(isAcr))) {
    throw new TypeError(`acrValues must name values of acr, got ${JSON.stringify(acrValues)}`)
  }
  if (maxAgeSeconds !== undefined && !(Number.isInteger(maxAgeSeconds) && maxAgeSeconds >= 0)) {
    throw new TypeError(`maxAgeSeconds must be a whole number, got ${maxAgeSeconds}`)
  }
}

function isAcr(value: string): boolean {
  return /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(value)
}
