// What the issuer says of a token (RFC 7662), as JSON or signed (RFC 9701). Owns the questions and a bounded memory of the answers, by the
// SHA-256 of the whole token. Refuses to take a failed question for an answer: an issuer that does not answer says nothing against a token.

import { createHash } from 'node:crypto'
import { type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { createCache } from '../lib/cache.ts'
import { type ApiCredentials, createClientAuthentication } from './client-authentication.ts'
import { failureCoolDown, IssuerUnavailable } from './keys.ts'
import { fetchIssuerMetadata, readText } from './metadata.ts'

/** How an API asks about tokens. */
export type IntrospectionOptions = ApiCredentials & {
  /**
   * `opaque`: about tokens that are no JWT. `always`: also about a JWT, after it has verified here: then one revoked token, too, opens
   * nothing, and the API needs the issuer. Default: `opaque`
   */
  tokens?: 'opaque' | 'always'
  /** `jwt`: only a signed answer counts (RFC 9701). Default: `json` */
  answer?: 'json' | 'jwt'
  /** what an active token without `aud` opens: `accept` only if the issuer has no other API. Default: `refuse` */
  withoutAudience?: 'refuse' | 'accept'
  /** how long an answer counts, 0 to 3600, and never beyond `exp`; 0 asks each time. Default: 30 */
  cacheSeconds?: number
  /** answers that are kept at most. Default: 10,000 */
  cacheEntries?: number
  /** default: 5 */
  timeoutSeconds?: number
  /** default: `introspection_endpoint` of the issuer's metadata, at its own origin */
  endpoint?: string
}

export interface Introspection {
  /**
   * The members of the answer about an active token, and the token's digest; undefined: it is not active.
   * @throws IssuerUnavailable when there is no answer
   */
  ask(token: string): Promise<{ claims: JWTPayload; digest: string } | undefined>
}

/** a token that was not active is asked about again after this: it may be younger than a replica */
const inactiveSeconds = 5
/** questions under way; who comes when there are more is told to come again */
const mostQuestions = 128

/**
 * Makes the questions of one API.
 * @throws TypeError when the options cannot be meant
 */
export function createIntrospection(options: {
  issuer: string
  introspection: IntrospectionOptions
  findKey: JWTVerifyGetKey
  algorithms: string[]
  fetch: typeof globalThis.fetch
  now: () => number
  clockToleranceSeconds: number
}): Introspection {
  const { issuer, introspection, fetch, now } = options
  const { cacheSeconds = 30, cacheEntries = 10_000, timeoutSeconds = 5 } = introspection
  const { answer = 'json' } = introspection
  assertBetween('introspection.cacheSeconds', cacheSeconds, 0, 3600)
  assertBetween('introspection.cacheEntries', cacheEntries, 1, 10_000_000)
  assertBetween('introspection.timeoutSeconds', timeoutSeconds, 0.1, 60)
  const authenticate = createClientAuthentication({ issuer, credentials: introspection, now })
  const known = { max: cacheEntries, now }
  const active = createCache<JWTPayload | undefined>({ ...known, ttlSeconds: cacheSeconds })
  // apart from the others, so that strangers push out no answer that counts
  const inactive = createCache<'inactive' | undefined>({
    ...known,
    ttlSeconds: Math.min(cacheSeconds, inactiveSeconds)
  })
  const places = createCache<URL>({ max: 1, ttlSeconds: 900, now })
  let questions = 0
  let failedAt: number | undefined

  function endpoint(): Promise<URL> {
    return places.get('endpoint', async () => {
      if (introspection.endpoint !== undefined) return new URL(introspection.endpoint)
      const metadata = await fetchIssuerMetadata(issuer, fetch)
      const stated = metadata['introspection_endpoint']
      const location = typeof stated === 'string' ? URL.parse(stated) : null
      // the API's credentials go there
      if (location?.origin !== new URL(issuer).origin) {
        throw new Error(
          `the metadata of ${issuer} names no introspection endpoint at its own origin: ${JSON.stringify(stated)}`
        )
      }
      return location
    })
  }

  async function post(token: string): Promise<Response> {
    const { headers, form } = await authenticate()
    const accept = { json: 'application/json', jwt: 'application/token-introspection+jwt' }
    const location = await endpoint()
    return fetch(location, {
      method: 'POST',
      headers: { accept: accept[answer], ...headers },
      body: new URLSearchParams({ token, token_type_hint: 'access_token', ...form }),
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutSeconds * 1000)
    })
  }

  /** RFC 7662 §2.2; anything but a whole answer is a failure. */
  async function question(token: string): Promise<JWTPayload | undefined> {
    const response = await post(token)
    if (response.status !== 200) {
      await response.body?.cancel()
      throw new Error(`the introspection endpoint of ${issuer} answered ${response.status}`)
    }
    const text = await readText(response, new URL(response.url || issuer))
    const said = answer === 'jwt' ? await readSigned(text) : (JSON.parse(text) as unknown)
    if (typeof said !== 'object' || said === null) throw new Error('no object was answered')
    const claims = said as JWTPayload
    // "active REQUIRED. Boolean indicator"
    if (typeof claims['active'] !== 'boolean') throw new Error('the answer has no member active')
    return claims['active'] ? claims : undefined
  }

  /** RFC 9701 §5: signed by the issuer, for this API, and not another kind of JWT. */
  async function readSigned(jwt: string): Promise<unknown> {
    const { payload } = await jwtVerify(jwt, options.findKey, {
      algorithms: options.algorithms,
      typ: 'token-introspection+jwt',
      issuer,
      audience: introspection.clientId,
      requiredClaims: ['iat', 'token_introspection'],
      clockTolerance: options.clockToleranceSeconds,
      currentDate: new Date(now())
    })
    return payload['token_introspection']
  }

  /** While nobody is there, callers do not queue for time-outs. An answer, whatever it is, shows that somebody is. */
  async function guarded(token: string): Promise<JWTPayload | undefined> {
    const resting = failedAt !== undefined && Math.abs(now() - failedAt) < failureCoolDown
    if (resting || questions >= mostQuestions) {
      throw new IssuerUnavailable(
        `${issuer} ${resting ? 'did not answer a moment ago' : 'has too many questions to answer'}`
      )
    }
    questions += 1
    try {
      return await question(token)
    } catch (cause) {
      if (isOutage(cause)) failedAt = now()
      throw new IssuerUnavailable(`the introspection of a token at ${issuer} failed`, { cause })
    } finally {
      questions -= 1
    }
  }

  return {
    async ask(token) {
      const digest = createHash('sha256').update(token).digest('base64url')
      const claims = await active.get(digest, async () => {
        let found: JWTPayload | undefined
        await inactive.get(digest, async () => {
          found = await guarded(token)
          return found === undefined ? 'inactive' : undefined
        })
        return found
      })
      return claims && { claims, digest }
    }
  }
}

/** Whether nobody was reached: what fetch throws, and its time-out. One strange answer stops nobody else's question. */
function isOutage(cause: unknown): boolean {
  return cause instanceof TypeError || (cause instanceof Error && cause.name === 'TimeoutError')
}

function assertBetween(name: string, value: number, least: number, most: number): void {
  if (!(value >= least && value <= most)) {
    throw new TypeError(`${name} must be ${least} to ${most}, got ${value}`)
  }
}
