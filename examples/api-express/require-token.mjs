// Express middleware that lets a request through with an access token for this API (RFC 9068 §4), with jose. Issuer and audience are all
// it is told. Refuses ID tokens, tokens for other APIs and for the issuer, and tokens that are bound to a key, whose proof it does not
// check. Starts while the issuer is down, and answers 503 until it is back.

import { createRemoteJWKSet, errors, jwtVerify } from 'jose'

// jose failed to get keys, which says nothing about the token
const outages = new Set(['ERR_JOSE_GENERIC', 'ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID'])

/** `requireToken('read:things')` is a middleware; behind it `request.token` has the claims. */
export function createRequireToken({ issuer, audience }) {
  let keys
  async function findKeys() {
    if (keys === undefined) {
      const response = await fetch(`${issuer}/.well-known/oauth-authorization-server`)
      const metadata = await response.json()
      // RFC 8414 §3.3: "The "issuer" value returned MUST be identical to the authorization server's issuer identifier value"
      if (metadata.issuer !== issuer) throw new Error(`${issuer} calls itself ${metadata.issuer}`)
      // caches; asks again, at most every 30 s, for a kid that it does not know
      keys = createRemoteJWKSet(new URL(metadata.jwks_uri))
    }
    return keys
  }

  function refuse(response, status, error, scope) {
    const parts = [`Bearer realm="${audience}"`]
    if (error) parts.push(`error="${error}"`)
    if (scope) parts.push(`scope="${scope}"`)
    response.status(status).set('www-authenticate', parts.join(', ')).json({})
  }

  return scope => async (request, response, next) => {
    // RFC 9110 §11.1: the scheme is case-insensitive
    const [, token] = /^bearer +(\S+)$/i.exec(request.headers.authorization ?? '') ?? []
    // RFC 6750 §3.1: without authentication information the challenge has no error code
    if (token === undefined) return refuse(response, 401)
    let claims
    try {
      const { payload } = await jwtVerify(token, await findKeys(), {
        issuer,
        audience,
        // an ID token of the same issuer must not open an API
        typ: 'at+jwt',
        // from our own list, never from the token's header
        algorithms: ['ES256'],
        clockTolerance: 5,
        requiredClaims: ['exp', 'sub', 'client_id', 'iat', 'jti']
      })
      claims = payload
    } catch (error) {
      if (error instanceof errors.JOSEError && !outages.has(error.code)) {
        return refuse(response, 401, 'invalid_token')
      }
      console.error(error)
      return response.status(503).set('retry-after', '10').json({})
    }
    // RFC 9449 §7.2: a bound token without the proof of its key is no bearer token
    if (claims.cnf !== undefined) return refuse(response, 401, 'invalid_token')
    // one audience: what several APIs take, each of them could use at the others
    if (claims.aud !== audience) return refuse(response, 401, 'invalid_token')
    const scopes = typeof claims.scope === 'string' ? claims.scope.split(' ') : []
    if (!scopes.includes(scope)) return refuse(response, 403, 'insufficient_scope', scope)
    request.token = claims
    next()
  }
}
