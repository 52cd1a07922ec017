// Token Status Lists as APIs get them (draft-ietf-oauth-status-list §5.1, §8): signed copies, made from the database when somebody asks and
// the last look at it is half a second old. So a revocation shows within a second on every process, feed or no feed, and a list that nobody
// wants costs nothing. Refuses to hand out a copy older than its `ttl` when the database is away.

import { promisify } from 'node:util'
import { deflate, gzip } from 'node:zlib'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { SignJWT } from 'jose'
import type { KeyRing } from '../keys/key-ring.ts'
import { statusListAlgorithm } from '../keys/wanted.ts'
import { digest } from '../lib/secret.ts'
import type { ListRow, StatusListStore } from '../store/status-lists.ts'
import { statusListPath, statusListUri } from './status-claim.ts'

const deflated = promisify(deflate)
const gzipped = promisify(gzip)

const mediaType = 'application/statuslist+jwt'
/** What was read from the database is believed for so long. */
const believedMillis = 500

export interface SignedList {
  jwt: string
  gzip: Buffer
  etag: string
}

interface Held {
  copy: SignedList
  bits: Buffer
  kid: string
  /** seconds since the epoch; before the database was asked, so that the copy never claims to be younger than it is */
  signedAt: number
  /** monotonic milliseconds */
  askedAt: number
}

export interface StatusLists {
  /**
   * The signed list as it is now. Undefined: there is no such list.
   * @throws Fault `store_unavailable`
   */
  current(list: number): Promise<SignedList | undefined>
  ttlSeconds: number
}

export function createStatusLists(deps: {
  issuer: string
  keys: Pick<KeyRing, 'active'>
  store: Pick<StatusListStore, 'find'>
  ttlSeconds: number
  lifetimeSeconds: number
  now: () => Date
  /** milliseconds; a clock that does not jump */
  monotonic?: () => number
}): StatusLists {
  const { ttlSeconds, lifetimeSeconds, monotonic = () => performance.now() } = deps
  const held = new Map<number, Held>()
  const asking = new Map<number, Promise<SignedList | undefined>>()
  const epoch = () => Math.floor(deps.now().getTime() / 1000)

  async function sign(list: number, bits: Buffer, signedAt: number): Promise<Held['copy']> {
    const key = deps.keys.active('status_list', statusListAlgorithm)
    // §4.1: DEFLATE (RFC 1951) in the ZLIB format (RFC 1950), at the highest level
    const lst = (await deflated(bits, { level: 9 })).toString('base64url')
    const jwt = await new SignJWT({ ttl: ttlSeconds, status_list: { bits: 1, lst } })
      .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'statuslist+jwt' })
      .setIssuer(deps.issuer)
      .setSubject(statusListUri(deps.issuer, list))
      .setIssuedAt(signedAt)
      .setExpirationTime(signedAt + lifetimeSeconds)
      .sign(key.privateJwk)
    // weak: the same list in two content codings
    const etag = `W/"${digest(jwt).toString('base64url').slice(0, 22)}"`
    return { jwt, gzip: await gzipped(jwt), etag }
  }

  async function ask(list: number): Promise<SignedList | undefined> {
    const askedAt = monotonic()
    const signedAt = epoch()
    const row = await deps.store.find(list)
    if (row === undefined) return undefined
    const bits = bitsOf(row)
    const { kid } = deps.keys.active('status_list', statusListAlgorithm)
    const known = held.get(list)
    const age = signedAt - (known?.signedAt ?? 0)
    // renewed at half of its time, so that a copy from a cache has time left
    const still = known?.kid === kid && known.bits.equals(bits) && age >= 0 && age < ttlSeconds / 2
    const next: Held = still
      ? { ...known, askedAt }
      : { copy: await sign(list, bits, signedAt), bits, kid, signedAt, askedAt }
    held.set(list, next)
    return next.copy
  }

  return {
    ttlSeconds,

    async current(list) {
      const known = held.get(list)
      if (known !== undefined && monotonic() - known.askedAt < believedMillis) {
        return known.copy
      }
      let flight = asking.get(list)
      if (flight === undefined) {
        flight = ask(list).finally(() => asking.delete(list))
        asking.set(list, flight)
      }
      try {
        return await flight
      } catch (error) {
        const age = epoch() - (known?.signedAt ?? 0)
        if (known !== undefined && age >= 0 && age < ttlSeconds) return known.copy
        throw error
      }
    }
  }
}

/** §4.1: the bits of a byte are counted from the least significant one. */
function bitsOf({ size, ended }: ListRow): Buffer {
  if (ended === 'all') return Buffer.alloc(size / 8, 0xff)
  const bits = Buffer.alloc(size / 8)
  for (const idx of ended) bits[idx >> 3] = (bits[idx >> 3] ?? 0) | (1 << (idx & 7))
  return bits
}

/** Fastify plugin: the endpoint of the lists. */
export async function statusListEndpoint(
  app: FastifyInstance,
  { lists }: { lists: StatusLists }
): Promise<void> {
  app.get(`${statusListPath}/:list`, async (request, reply) => {
    // §8.2: browsers' applications verify tokens, too
    reply.header('access-control-allow-origin', '*').header('vary', 'accept, accept-encoding')
    // §8.4: who asks how it was at some time, and is not answered that, gets 501
    if (Object.hasOwn(request.query as object, 'time')) {
      return refuse(reply, 501, 'unsupported', 'only the list as it is now can be had')
    }
    if (!accepts(request)) {
      return refuse(reply, 406, 'invalid_request', `there is only ${mediaType}`)
    }
    const { list } = request.params as { list: string }
    // beyond an integer of the database there is nothing
    const copy = /^[1-9]\d{0,8}$/.test(list) ? await lists.current(Number(list)) : undefined
    if (copy === undefined) return refuse(reply, 404, 'not_found', 'there is no such list')
    reply
      .header('cache-control', `public, max-age=${lists.ttlSeconds}`)
      .header('etag', copy.etag)
      .type(mediaType)
    const seen = request.headers['if-none-match']?.split(',').map(tag => tag.trim())
    if (seen?.includes(copy.etag)) return reply.code(304).send()
    if (!/\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/i.test(request.headers['accept-encoding'] ?? '')) {
      return reply.send(copy.jwt)
    }
    return reply.header('content-encoding', 'gzip').send(copy.gzip)
  })
}

/** §8.1: no Accept header leaves the choice to us. */
function accepts({ headers }: FastifyRequest): boolean {
  const ranges = headers.accept?.toLowerCase().split(',') ?? ['*/*']
  return ranges.some(range =>
    [mediaType, 'application/*', '*/*'].includes(range.split(';')[0]?.trim() ?? '')
  )
}

function refuse(reply: FastifyReply, status: number, error: string, description: string) {
  return reply
    .code(status)
    .header('cache-control', 'no-store')
    .send({ error, error_description: description })
}
