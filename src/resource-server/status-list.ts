// Token Status Lists as an API holds them (draft-ietf-oauth-status-list §8): asked for when a token first names one, kept for their `ttl`,
// renewed by one request however many wait for it. Refuses lists of anybody but the issuer, and ones that are past their `exp`: then no token
// can be judged, and none is let in. An older copy never takes a newer one's place.

import { promisify } from 'node:util'
import { inflate } from 'node:zlib'
import { type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { hasOneReading } from '../oauth/compact-jwt.ts'
import { failureCoolDown, IssuerUnavailable } from './keys.ts'
import { fetchText } from './metadata.ts'

const inflated = promisify(inflate)

const seconds = 1_000
/** for a list that does not say how long a copy may be used */
const usualTtlSeconds = 60
/** of one bit each: four million entries */
const longestBytes = 512 * 1024
/** lists that are kept: the issuer opens another when one is full */
const mostLists = 64

/** Where a token says that its status is. */
export interface StatusReference {
  uri: string
  idx: number
}

/** What a list says of an entry. */
export type Status = 'valid' | 'ended' | 'no such entry'

interface Copy {
  bytes: Buffer
  bits: number
  /** seconds since the epoch, by the issuer */
  issuedAt: number
  /** milliseconds since the epoch; from then on it says nothing */
  deadAt: number
}

interface List {
  copy?: Copy
  /** the time until which the copy is used without a question, and when that began */
  fresh?: { from: number; until: number }
  failure?: { at: number; why: unknown }
  running?: Promise<void>
}

export interface StatusSource {
  /** @throws IssuerUnavailable when there is no copy that still counts, and none to be had */
  statusOf(reference: StatusReference): Promise<Status>
}

/** Reads the `status` claim (§6); a text says what is wrong with it. */
export function readStatusReference(claims: JWTPayload, issuer: string): StatusReference | string {
  const status = claims['status'] as { status_list?: { idx?: unknown; uri?: unknown } } | undefined
  const { idx, uri } = status?.status_list ?? {}
  if (typeof uri !== 'string' || !Number.isSafeInteger(idx) || Number(idx) < 0) {
    return 'The access token does not say where its status is listed.'
  }
  // Whoever could name a list elsewhere would have this API send requests for them.
  const under = `${issuer.replace(/\/$/, '')}/`
  if (!uri.startsWith(under) || URL.parse(uri)?.href !== uri || /[?#]/.test(uri)) {
    return 'The access token names a status list that is not its issuer’s.'
  }
  return { uri, idx: Number(idx) }
}

/** Holds the lists of one issuer. `now` is in milliseconds since the epoch. */
export function createStatusSource(options: {
  issuer: string
  findKey: JWTVerifyGetKey
  algorithms: string[]
  fetch: typeof globalThis.fetch
  now: () => number
  clockToleranceSeconds: number
}): StatusSource {
  const { issuer, fetch, now, clockToleranceSeconds } = options
  const lists = new Map<string, List>()

  function listOf(uri: string): List {
    const known = lists.get(uri) ?? {}
    // the least recently used one leaves
    lists.delete(uri)
    lists.set(uri, known)
    const [oldest] = lists.keys()
    if (lists.size > mostLists && oldest !== undefined) lists.delete(oldest)
    return known
  }

  async function load(uri: string): Promise<{ copy: Copy; ttlSeconds: number }> {
    const jwt = await fetchText(new URL(uri), fetch, 'application/statuslist+jwt')
    if (jwt === undefined) throw new Error(`${uri} is no status list of the issuer any more`)
    if (!hasOneReading(jwt)) throw new Error(`${uri} can be read in two ways`)
    // §8.3: signature, `typ`, and `sub` equal to the `uri` of the token; the algorithm comes from our table, never from the list
    const { payload } = await jwtVerify(jwt, options.findKey, {
      algorithms: options.algorithms,
      typ: 'statuslist+jwt',
      issuer,
      subject: uri,
      requiredClaims: ['iat', 'exp', 'status_list'],
      clockTolerance: clockToleranceSeconds,
      currentDate: new Date(now())
    })
    const { exp = 0, iat = 0, ttl = usualTtlSeconds } = payload as JWTPayload & { ttl?: unknown }
    if (iat * seconds > now() + clockToleranceSeconds * seconds) {
      throw new Error(`${uri} was issued in the future: compare the clocks`)
    }
    const { bits, lst } = payload['status_list'] as { bits?: unknown; lst?: unknown }
    if (![1, 2, 4, 8].includes(Number(bits)) || typeof lst !== 'string' || !(Number(ttl) > 0)) {
      throw new Error(`${uri} is no status list as the specification has it`)
    }
    const packed = Buffer.from(lst, 'base64url')
    const bytes = await inflated(packed, { maxOutputLength: longestBytes })
    const deadAt = (exp + clockToleranceSeconds) * seconds
    return { copy: { bytes, bits: Number(bits), issuedAt: iat, deadAt }, ttlSeconds: Number(ttl) }
  }

  /** One attempt at a time. Never rejects: the outcome is in the list. */
  function renew(uri: string, list: List): Promise<void> {
    list.running ??= load(uri)
      .then(({ copy, ttlSeconds }) => {
        if (copy.issuedAt >= (list.copy?.issuedAt ?? 0)) list.copy = copy
        list.fresh = { from: now(), until: now() + ttlSeconds * seconds }
        delete list.failure
      })
      .catch((why: unknown) => {
        list.failure = { at: now(), why }
      })
      .finally(() => {
        delete list.running
      })
    return list.running
  }

  /** A clock that was set back extends nothing. */
  const within = (from: number, until: number) => now() >= from && now() < until

  async function current(uri: string): Promise<Copy> {
    const list = listOf(uri)
    const usable = () => list.copy !== undefined && now() < list.copy.deadAt
    const { fresh, failure } = list
    if (fresh === undefined || !within(fresh.from, fresh.until) || !usable()) {
      const resting = failure !== undefined && within(failure.at, failure.at + failureCoolDown)
      // While the issuer does not answer, nobody waits for what the copy at hand still says.
      if (!resting) {
        const renewal = renew(uri, list)
        if (failure === undefined || !usable()) await renewal
      }
    }
    if (list.copy !== undefined && usable()) return list.copy
    throw new IssuerUnavailable(`the status list ${uri} is not available`, {
      cause: list.failure?.why
    })
  }

  return {
    async statusOf({ uri, idx }) {
      const { bytes, bits } = await current(uri)
      // §4.1: counted from the least significant bit of each byte
      const perByte = 8 / bits
      const byte = bytes[Math.floor(idx / perByte)]
      if (byte === undefined) return 'no such entry'
      // §7.1: 0 is VALID; INVALID, SUSPENDED and whatever else there is opens nothing here
      return ((byte >> ((idx % perByte) * bits)) & ((1 << bits) - 1)) === 0 ? 'valid' : 'ended'
    }
  }
}
