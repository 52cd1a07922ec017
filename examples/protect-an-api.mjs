// An API on node:http that takes our access tokens: RFC 9068 §4 with jose, refusals as RFC 6750 §3.1 has them. Owns one audience, its own.
// Refuses ID tokens, tokens for other APIs and for the issuer, tokens bound to a key (whose proof it does not check), and tokens in the
// query. Starts while the issuer is down, and answers 503 until it is back.

import { createServer } from 'node:http'
import { createRemoteJWKSet, errors, jwtVerify } from 'jose'

const issuer = process.env.MINTMARK_ISSUER
if (!issuer) {
  console.error('MINTMARK_ISSUER is not set: see examples/README.md')
  process.exit(1)
}
const audience = process.env.API_RESOURCE ?? 'https://things.example.com'
const port = Number(process.env.API_PORT ?? 4000)

let keys
async function findKeys() {
  if (keys === undefined) {
    const response = await fetch(`${issuer}/.well-known/oauth-authorization-server`)
    const metadata = await response.json()
    // RFC 8414 §3.3
    if (metadata.issuer !== issuer) throw new Error(`${issuer} calls itself ${metadata.issuer}`)
    // caches; asks again, at most every 30 s, for a kid that it does not know
    keys = createRemoteJWKSet(new URL(metadata.jwks_uri))
  }
  return keys
}

// jose failed to get keys, which says nothing about the token
const outages = new Set(['ERR_JOSE_GENERIC', 'ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID'])

/** The claims of the request's token, or what to answer instead. */
async function authorize(request, scope) {
  // RFC 9110 §11.1: the scheme is case-insensitive
  const [, token] = /^bearer +(\S+)$/i.exec(request.headers.authorization ?? '') ?? []
  // RFC 6750 §3.1: without authentication information the challenge has no error code
  if (token === undefined) return refusal(401, '')
  try {
    const { payload } = await jwtVerify(token, await findKeys(), {
      issuer,
      audience,
      // an ID token of the same issuer must not open an API
      typ: 'at+jwt',
      // from our own list, never from the token's header
      algorithms: ['ES256'],
      clockTolerance: 5,
      // RFC 9068 §2.2
      requiredClaims: ['exp', 'sub', 'client_id', 'iat', 'jti']
    })
    // RFC 9449 §7.2: a bound token without the proof of its key is no bearer token
    if (payload.cnf !== undefined) return refusal(401, 'invalid_token')
    if (payload.aud !== audience) return refusal(401, 'invalid_token')
    const scopes = typeof payload.scope === 'string' ? payload.scope.split(' ') : []
    if (!scopes.includes(scope)) return refusal(403, 'insufficient_scope', scope)
    return { claims: payload }
  } catch (error) {
    if (error instanceof errors.JOSEError && !outages.has(error.code)) {
      return refusal(401, 'invalid_token')
    }
    console.error(error)
    return { status: 503, headers: { 'retry-after': '10' } }
  }
}

function refusal(status, error, scope) {
  const parts = [`Bearer realm="${audience}"`]
  if (error) parts.push(`error="${error}"`)
  if (scope) parts.push(`scope="${scope}"`)
  return { status, headers: { 'www-authenticate': parts.join(', ') } }
}

const server = createServer(async (request, response) => {
  const send = (status, body, headers = {}) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(JSON.stringify(body))
  }
  const { pathname } = new URL(request.url, 'http://api')
  if (request.method !== 'GET' || pathname !== '/things') return send(404, {})

  const { claims, status, headers } = await authorize(request, 'read:things')
  if (claims === undefined) return send(status, {}, headers)
  send(200, { things: ['a thing'], for: claims.sub }, { 'cache-control': 'no-store' })
})
server.listen(port, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}/things takes tokens for ${audience}`)
})
