// Request objects (RFC 9101, by value): an authorization request that its client has signed. The engine verifies signature, issuer and
// audience; here stands what it leaves open. Refuses a JWT that was made for something else, and one that could be used for ever.

import { type Configuration, errors } from 'oidc-provider'
import { hasOneReading } from '../oauth/compact-jwt.ts'
import { clockToleranceSeconds } from './access-tokens.ts'

type Options = NonNullable<NonNullable<Configuration['features']>['requestObjects']>

/** FAPI 2.0 Message Signing §5.3.1: an hour at most lies between now and `nbf`, and between now and `exp`. */
const longestSeconds = 3600

export function requestObjects(now: () => Date): Options {
  return {
    enabled: true,
    assertJwtClaimsAndHeader: async (ctx, claims, header, client) => {
      // was looked at when it was pushed; what is in our row since may be the engine's own, unsigned
      if (ctx.oidc.entities.PushedAuthorizationRequest !== undefined) return
      // decrypted by now, if it was encrypted
      if (!hasOneReading(String(ctx.oidc.params?.['request']))) {
        throw new errors.InvalidRequestObject('the request object can be read in two ways')
      }
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
    }
  }
}
