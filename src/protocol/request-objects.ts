// Request objects (RFC 9101, by value): an authorization request that its client has signed. The engine verifies signature, issuer and
// audience; here stands what it leaves open. Refuses a JWT that was made for something else, and one that could be used for ever.

import { type Client, type Configuration, errors } from 'oidc-provider'
import type { RegisteredClient } from '../clients/client.ts'
import { clockToleranceSeconds } from './access-tokens.ts'
import { assertRequestObject } from './profile.ts'

type Options = NonNullable<NonNullable<Configuration['features']>['requestObjects']>

/** FAPI 2.0 Message Signing §5.3.1: an hour at most lies between now and `nbf`, and between now and `exp`. */
const longestSeconds = 3600

/** Claims an identifier for some seconds; `replayed` to everybody but the first. */
export type ClaimRequest = (
  clientId: string,
  jti: string,
  seconds: number
) => Promise<'first' | 'replayed'>

export function requestObjects(
  now: () => Date,
  claim: ClaimRequest,
  registeredClient: (client: Client) => RegisteredClient
): Options {
  return {
    enabled: true,
    assertJwtClaimsAndHeader: async (ctx, claims, header, client) => {
      // was looked at when it was pushed; what is in our row since may be the engine's own, unsigned
      if (ctx.oidc.entities.PushedAuthorizationRequest !== undefined) return
      const { typ } = header
      // RFC 9101 §10.8: the explicit type tells it from other JWTs of the client; a plain one is an older client's
      if (
        typ !== undefined &&
        !['oauth-authz-req+jwt', 'jwt'].includes(String(typ).toLowerCase())
      ) {
        throw new errors.InvalidRequestObject('the typ of a request object is oauth-authz-req+jwt')
      }
      // RFC 9101 §10.8: an assertion that authenticates the client says so in `sub` (RFC 7523 §3), and is no request
      if (claims['sub'] === client.clientId) {
        throw new errors.InvalidRequestObject('sub must not be the client_id in a request object')
      }
      const seconds = Math.floor(now().getTime() / 1000)
      const { exp, nbf } = claims
      if (typeof exp !== 'number' || exp > seconds + longestSeconds + clockToleranceSeconds) {
        throw new errors.InvalidRequestObject(
          `exp must be there, and at most ${longestSeconds} s ahead`
        )
      }
      if (typeof nbf === 'number' && nbf < seconds - longestSeconds - clockToleranceSeconds) {
        throw new errors.InvalidRequestObject(`nbf must be at most ${longestSeconds} s ago`)
      }
      assertRequestObject(registeredClient(client), claims, header)
      if (ctx.oidc.route !== 'backchannel_authentication') return
      // CIBA Core §7.1.1: "aud", "iss", "exp", "iat", "nbf" and "jti" are in a signed authentication request; the engine has looked at two
      const { iat, jti } = claims
      if (typeof iat !== 'number' || typeof nbf !== 'number' || !isIdentifier(jti)) {
        throw new errors.InvalidRequestObject('iat, nbf and jti must be there (CIBA Core 7.1.1)')
      }
      // nobody is asked twice by one; who sends it has authenticated as its client
      const seen = await claim(client.clientId, jti, exp - seconds + 2 * clockToleranceSeconds)
      if (seen !== 'first') throw new errors.InvalidRequestObject('the request was used already')
    }
  }
}

function isIdentifier(jti: unknown): jti is string {
  return typeof jti === 'string' && jti !== '' && jti.length <= 255
}
