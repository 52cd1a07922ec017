// Requests that this server sends to addresses which others chose: keys of clients, sector and client metadata documents, keys of foreign
// issuers, logout notices. A name is looked up once, each address behind it must be public, and the connection goes to just those.
// Refuses redirects, compressed answers, answers that are too large, and whoever takes longer than one deadline for everything.

import { lookup as lookUp } from 'node:dns'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP, isIPv6, type LookupFunction } from 'node:net'
import { rootCertificates } from 'node:tls'
import { isPublicAddress, listOfRanges } from './special-addresses.ts'

/** Why there is no answer. It goes to the log and never to whoever named the address: it would tell what the inside network has. */
export type OutboundReason =
  | 'scheme'
  | 'inside'
  | 'unreachable'
  | 'timeout'
  | 'redirect'
  | 'compressed'
  | 'too_large'

export class OutboundError extends Error {
  readonly reason: OutboundReason

  constructor(reason: OutboundReason, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'OutboundError'
    this.reason = reason
  }
}

export interface OutboundOptions {
  /** host names, addresses and CIDR ranges of the inside network that the operator named */
  allowed: readonly string[]
  /** `loopback`: development, where everything is on one machine, and http with it */
  inside: 'refused' | 'loopback'
  /** replaces the system's name lookup in tests */
  lookup?: LookupFunction
  deadlineMillis?: number
  /** TLS authorities besides Node's own, PEM */
  authorities?: readonly string[]
}

export interface OutboundRequest {
  method?: 'GET' | 'POST'
  headers?: Record<string, string>
  body?: string | Buffer
  /** bytes; 64 KiB when left out */
  maxBytes?: number
}

export interface OutboundAnswer {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
}

export interface Outbound {
  /** @throws OutboundError */
  send(url: URL | string, request?: OutboundRequest): Promise<OutboundAnswer>
  /** The same in the shape of the standard `fetch`, for libraries that take one; it rejects with OutboundError. */
  fetch(url: URL | string, init?: RequestInit): Promise<Response>
}

/** Everything: name, connection, TLS, and the last byte of the answer. */
const usualDeadlineMillis = 3_000
const usualMaxBytes = 64 * 1024

export function createOutbound(options: OutboundOptions): Outbound {
  const { inside, lookup = lookUp as LookupFunction } = options
  const names = new Set(options.allowed.filter(entry => isIP(entry.split('/')[0] ?? '') === 0))
  const ranges = listOfRanges(options.allowed.filter(entry => !names.has(entry)))
  const loopback = listOfRanges(['127.0.0.0/8', '::1'])

  function mayReach(address: string): boolean {
    const family = isIPv6(address) ? 'ipv6' : 'ipv4'
    if (isPublicAddress(address) || ranges.check(address, family)) return true
    return inside === 'loopback' && loopback.check(address, family)
  }

  function assertMayReach(hostname: string, addresses: readonly string[]): void {
    if (names.has(hostname)) return
    // one that is inside is enough: which of them is used is not ours to say, and a public one beside it is how a name is rebound
    if (addresses.length > 0 && addresses.every(mayReach)) return
    throw new OutboundError('inside', `${hostname} leads to an address that is not public`)
  }

  /** What was judged is what is connected to: Node asks here, and nobody asks again. */
  const judged: LookupFunction = (hostname, lookupOptions, callback) => {
    lookup(hostname, { ...lookupOptions, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, '')
      const found = Array.isArray(addresses) ? addresses : []
      try {
        assertMayReach(
          hostname,
          found.map(({ address }) => address)
        )
      } catch (refused) {
        return callback(refused as Error, '')
      }
      if (lookupOptions.all) return callback(null, found)
      callback(null, found[0]?.address ?? '', found[0]?.family)
    })
  }

  function checked(raw: URL | string): URL {
    const url = URL.parse(String(raw))
    const schemes = inside === 'loopback' ? ['https:', 'http:'] : ['https:']
    if (url === null || !schemes.includes(url.protocol)) {
      throw new OutboundError('scheme', 'only https addresses are fetched from')
    }
    const hostname = url.hostname.replace(/^\[|\]$/g, '')
    // an address needs no lookup, so Node would not ask
    if (isIP(hostname) !== 0) assertMayReach(hostname, [hostname])
    return url
  }

  async function send(
    raw: URL | string,
    { method = 'GET', headers = {}, body, maxBytes = usualMaxBytes }: OutboundRequest = {}
  ): Promise<OutboundAnswer> {
    const url = checked(raw)
    const signal = AbortSignal.timeout(options.deadlineMillis ?? usualDeadlineMillis)
    const begin = url.protocol === 'https:' ? httpsRequest : httpRequest
    return new Promise((resolve, reject) => {
      const fail = (error: unknown) => {
        if (error instanceof OutboundError) reject(error)
        else if (signal.aborted) reject(new OutboundError('timeout', `${url.host} took too long`))
        else reject(new OutboundError('unreachable', `${url.host} did not answer`, error))
      }
      const sent = begin(
        url,
        {
          method,
          headers: {
            // nothing is unpacked, so nothing can unpack to more than was sent
            'accept-encoding': 'identity',
            'user-agent': 'mintmark',
            ...headers,
            ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) })
          },
          // a connection of its own: one that is kept could outlive what was judged
          agent: false,
          lookup: judged,
          signal,
          ...(options.authorities === undefined
            ? {}
            : { ca: [...rootCertificates, ...options.authorities] })
        },
        answer => {
          const status = answer.statusCode ?? 0
          const encoding = answer.headers['content-encoding']
          const refuse = (reason: OutboundReason, why: string) => {
            sent.destroy()
            reject(new OutboundError(reason, `${url.host} ${why}`))
          }
          if (status < 200 || status > 599) return refuse('unreachable', 'does not speak HTTP')
          if (status >= 300 && status < 400) return refuse('redirect', 'answered with a redirect')
          if (encoding !== undefined && encoding !== 'identity') {
            return refuse('compressed', 'compressed its answer')
          }
          const chunks: Buffer[] = []
          let size = 0
          answer.on('error', fail)
          answer.on('data', (chunk: Buffer) => {
            size += chunk.length
            if (size > maxBytes) refuse('too_large', `sent more than ${maxBytes} bytes`)
            else chunks.push(chunk)
          })
          answer.on('end', () =>
            resolve({ status, headers: answer.headers, body: Buffer.concat(chunks) })
          )
        }
      )
      sent.on('error', fail)
      sent.end(body)
    })
  }

  return {
    send,
    async fetch(url, init = {}) {
      const method = init.method ?? 'GET'
      if (method !== 'GET' && method !== 'POST') {
        throw new TypeError(`${method} is not sent to strangers`)
      }
      if (init.body !== undefined && init.body !== null && typeof init.body !== 'string') {
        throw new TypeError('only text is sent to strangers')
      }
      const { status, headers, body } = await send(url, {
        method,
        headers: Object.fromEntries(new Headers(init.headers ?? {})),
        ...(typeof init.body === 'string' ? { body: init.body } : {})
      })
      const bodiless = status === 204 || status === 205
      return new Response(bodiless ? null : new Uint8Array(body), {
        status,
        headers: Object.entries(headers).flatMap(([name, value]) =>
          [value ?? []].flat().map((one): [string, string] => [name, one])
        )
      })
    }
  }
}
