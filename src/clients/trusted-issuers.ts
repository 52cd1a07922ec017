// Tokens of issuers that the operator trusts (RFC 7523 §3): found out whose one is, and verified with keys of that issuer alone. Owns form,
// signature and times. Refuses whatever two readers could take for different things, algorithms and types that are for something else,
// and keys that come with the token. What a token may be used for is said elsewhere.

import { compactVerify, errors, type JWK } from 'jose'
import { Fault } from '../lib/fault.ts'
import { hasOneReading } from '../oauth/compact-jwt.ts'
import {
  createKeySource,
  type FetchKeys,
  type KeySource,
  type LoadedKeys,
  loadKeySet,
  type PublicJwk,
  parseObject
} from './remote-keys.ts'
import type { ForeignToken } from './workload-identity.ts'

export interface TrustedIssuer {
  issuer: string
  jwksUri?: string | undefined
  algorithms: readonly string[]
  maxLifetimeSeconds: number
  /** whether its attestations count (client-attestation.ts) */
  attests?: boolean
}

/** `reason` is for the log: it may quote the token, and is no answer to whoever sent it. */
export type VerifiedToken = { ok: true; token: ForeignToken } | { ok: false; reason: string }

export interface TrustedIssuers {
  /** Which trusted issuer a JWT says to be of; nothing of it is verified. Undefined: none of them. */
  named(jwt: string, kind: AssertionKind): string | undefined
  /** @throws Fault `key_unavailable` when the issuer's keys are not to be had: the token may be good */
  verify(jwt: string, kind: AssertionKind): Promise<VerifiedToken>
  /**
   * The key that an attestation of an issuer must be signed with; undefined: it does not attest, or has none like this.
   * @throws Fault `key_unavailable`
   */
  attestationKey(
    issuer: string,
    header: { alg?: string | undefined; kid?: string | undefined }
  ): Promise<PublicJwk | undefined>
}

/**
 * What it is shown as: a client's authentication by a JWT that names its issuer by `iss`, or by a JWT-SVID, whose issuer is the trust domain
 * of its `sub`; or a grant.
 */
export type AssertionKind = 'jwt' | 'svid' | 'grant'

const longestToken = 16 * 1024
const longestSubject = 500
/** Clocks differ. */
const toleranceSeconds = 15
/** Metadata and keys together. */
const loadSeconds = 5
/**
 * RFC 8725 §3.11: a token says what it is for. Platforms say `JWT` or nothing; JWT-SVID §2.3: `JWT` or `JOSE`; RFC 7523bis has a type of
 * its own. An access token, a logout token, a proof is nothing of these.
 */
const types: Record<AssertionKind, ReadonlySet<string | undefined>> = {
  jwt: new Set([undefined, 'jwt', 'jose', 'client-authentication+jwt']),
  svid: new Set([undefined, 'jwt', 'jose']),
  grant: new Set([undefined, 'jwt'])
}

export function createTrustedIssuers(options: {
  trusted: readonly TrustedIssuer[]
  fetch: FetchKeys
  now: () => Date
  log: { warn(data: object, message: string): void }
}): TrustedIssuers {
  const { fetch, now, log } = options
  const known = new Map(
    options.trusted.map(trusted => {
      const { issuer } = trusted
      const keys = createKeySource({
        load: () => inTime(loadIssuerKeys(trusted, fetch)),
        now: () => now().getTime(),
        failed: err =>
          log.warn({ err, issuer }, 'the keys of a trusted issuer could not be fetched')
      })
      return [issuer, { ...trusted, keys }] as const
    })
  )

  function named(jwt: string, kind: AssertionKind): string | undefined {
    const { claims } = parse(jwt) ?? {}
    const issuer = kind === 'svid' ? trustDomainOf(claims?.['sub']) : claims?.['iss']
    return typeof issuer === 'string' && known.has(issuer) ? issuer : undefined
  }

  return {
    named,

    async attestationKey(name, { alg, kid }) {
      const issuer = known.get(name)
      if (issuer?.attests !== true || alg === undefined || kid === undefined) return undefined
      return issuer.algorithms.includes(alg) ? findKey(issuer, { alg, kid }) : undefined
    },

    async verify(jwt, kind) {
      const parsed = parse(jwt)
      const issuer = known.get(named(jwt, kind) ?? '')
      if (parsed === undefined) return refused('is no JWT, or one that can be read in two ways')
      if (issuer === undefined) return refused('is of no trusted issuer')
      const { header, claims } = parsed
      const about = (reason: string) => refused(`of ${issuer.issuer} ${reason}`)

      const { alg, kid, typ } = header
      if (typeof alg !== 'string' || !issuer.algorithms.includes(alg))
        return about('has another alg')
      if (!types[kind].has(typeOf(typ))) return about('is of a type that is for something else')
      if (typeof kid !== 'string') return about('has no kid')
      const key = await findKey(issuer, header as { alg: string; kid: string })
      if (key === undefined) return about('names a key that the issuer does not publish')
      if (!(await isSigned(jwt, key, alg))) return about('is not signed with its key')
      return judge(claims, issuer, Math.floor(now().getTime() / 1000))
    }
  }
}

function refused(reason: string): VerifiedToken {
  return { ok: false, reason: `the token ${reason}` }
}

/** RFC 7523 §3, after the signature: everything here was said by the issuer. */
function judge(
  claims: Record<string, unknown>,
  { issuer, maxLifetimeSeconds }: TrustedIssuer,
  now: number
): VerifiedToken {
  const { sub, aud, exp, nbf, iat, iss } = claims
  const about = (reason: string) => refused(`of ${issuer} ${reason}`)
  if (typeof sub !== 'string' || sub === '' || sub.length > longestSubject) {
    return about('has no sub, or a long one')
  }
  // a JWT-SVID need not have `iss`
  if (iss !== undefined && typeof iss !== 'string') return about('has an iss that is no text')
  const audience = [aud].flat()
  if (!audience.every(one => typeof one === 'string')) return about('has no aud of texts')
  // RFC 7523 §3: «The JWT MUST contain an "exp" (expiration time) claim»
  if (!isTime(exp)) return about('has no exp')
  if (now - toleranceSeconds >= exp) return about('has expired')
  for (const time of [nbf, iat]) {
    if (time !== undefined && !isTime(time)) return about('has an nbf or iat that is no time')
    if (time !== undefined && time > now + toleranceSeconds) return about('is not valid yet')
  }
  // «the authorization server may reject JWTs with an "exp" claim value that is unreasonably far in the future»
  const since = isTime(iat) ? Math.min(iat, now) : now
  if (exp - since > maxLifetimeSeconds) return about('lives longer than maxLifetime')
  return { ok: true, token: { issuer, subject: sub, audience: audience as string[], claims } }
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}

/** The two parts that say something; undefined for what is no compact JWS of JSON objects, or is ambiguous. */
function parse(
  jwt: string
): { header: Record<string, unknown>; claims: Record<string, unknown> } | undefined {
  if (jwt.length > longestToken || !hasOneReading(jwt)) return undefined
  const parts = jwt.split('.')
  const [header, claims] = parts.map(part => Buffer.from(part, 'base64url').toString('utf8'))
  // a JWE has five
  if (parts.length !== 3 || header === undefined || claims === undefined) return undefined
  return { header: JSON.parse(header), claims: JSON.parse(claims) }
}

/** RFC 7515 §4.1.9: without a slash, `application/` is meant to stand before it. */
function typeOf(typ: unknown): string | undefined {
  if (typ === undefined) return undefined
  return typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : 'no text'
}

/** SPIFFE-ID §2: `spiffe://trust-domain/path`. */
function trustDomainOf(subject: unknown): string | undefined {
  if (typeof subject !== 'string') return undefined
  return /^(spiffe:\/\/[a-z0-9._-]+)\/[A-Za-z0-9/._-]+$/.exec(subject)?.[1]
}

const curves: Record<string, string> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' }

/** RFC 8725 §3.1: a key is used with the algorithm that it is for, and for signatures only. */
function fits(key: PublicJwk, alg: string, kid: string, uses: readonly unknown[]): boolean {
  const { kty, crv, use, alg: own, key_ops: operations } = key
  const kind = alg.startsWith('E') ? (alg === 'EdDSA' ? 'OKP' : 'EC') : 'RSA'
  return (
    key['kid'] === kid &&
    kty === kind &&
    (kind === 'RSA' || crv === (kind === 'OKP' ? 'Ed25519' : curves[alg])) &&
    uses.includes(use) &&
    (own === undefined || own === alg) &&
    (operations === undefined || (Array.isArray(operations) && operations.includes('verify')))
  )
}

async function findKey(
  { issuer, keys }: { issuer: string; keys: KeySource },
  { alg, kid }: { alg: string; kid: string }
): Promise<PublicJwk | undefined> {
  // SPIFFE Bundle §4.2: keys of JWT-SVIDs are for `jwt-svid`, and those of certificates are not
  const uses = issuer.startsWith('spiffe://') ? [undefined, 'jwt-svid'] : [undefined, 'sig']
  const find = () => (keys.held() ?? []).find(key => fits(key, alg, kid, uses))
  if (keys.held() === undefined) await keys.ask()
  const found = find()
  if (found !== undefined) return found
  // younger than what is held, or invented: a question a minute tells
  if (keys.mayAsk()) await keys.ask()
  const younger = find()
  if (younger === undefined && keys.failure() !== undefined) {
    throw new Fault('key_unavailable', `The keys of ${issuer} are not to be had.`, keys.failure())
  }
  return younger
}

async function isSigned(jwt: string, key: PublicJwk, alg: string): Promise<boolean> {
  // what the key is for was judged above; the library knows `sig` alone
  const { use: _, key_ops: __, ...material } = key
  try {
    await compactVerify(jwt, material as JWK, { algorithms: [alg] })
    return true
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof TypeError) return false
    throw error
  }
}

async function inTime(loading: Promise<LoadedKeys>): Promise<LoadedKeys> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const error = new Error(`metadata and keys did not come within ${loadSeconds} s`)
    timer = setTimeout(() => reject(error), loadSeconds * 1000)
  })
  return Promise.race([loading, late]).finally(() => clearTimeout(timer))
}

async function loadIssuerKeys(
  { issuer, jwksUri }: TrustedIssuer,
  fetch: FetchKeys
): Promise<LoadedKeys> {
  return loadKeySet(jwksUri ?? (await discover(issuer, fetch)), fetch)
}

/** OpenID Connect Discovery §4, then RFC 8414 §3. @throws Error, OutboundError */
async function discover(issuer: string, fetch: FetchKeys): Promise<string> {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/, '')
  const places = [
    `${origin}${path}/.well-known/openid-configuration`,
    `${origin}/.well-known/oauth-authorization-server${path}`
  ]
  const [first = '', second = ''] = places
  let place = first
  let answer = await fetch(place)
  if (answer.status !== 200) {
    place = second
    answer = await fetch(place)
  }
  if (answer.status !== 200) throw new Error(`${place} answered ${answer.status}`)
  const metadata = parseObject(place, answer.body)
  // RFC 8414 §3.3: «The "issuer" value returned MUST be identical to the authorization server's issuer identifier value»
  if (metadata['issuer'] !== issuer) throw new Error(`${place} is of another issuer`)
  if (typeof metadata['jwks_uri'] !== 'string') throw new Error(`${place} has no jwks_uri`)
  return metadata['jwks_uri']
}
