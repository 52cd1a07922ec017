// The edge between HTTP and everything behind it: the pinned Host, methods, requests that no handler sees, and the boundary where an error
// becomes an answer. Owns the shape of a refusal: JSON where clients talk (RFC 6749 §5.2), a page where people do; never a stack, a
// statement or a version. Refuses to let a request's Host decide what the server says.

import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Fault, isPassing } from '../lib/fault.ts'
import type { Site } from '../views/layout.ts'
import { renderErrorPage, setPageNotFound } from './error-page.ts'
import { safeReturnTo } from './return-to.ts'

export interface BoundaryDependencies {
  site: Site
  issuer: string
  /** whether clients talk to the endpoint at this path; everything else is read by people */
  answersJson(path: string): boolean
  /** paths that answer whatever Host is asked for */
  anyHost: ReadonlySet<string>
  /** a second origin, and the paths that answer under it, too (RFC 8705 §5) */
  alias?: { origin: string; paths: Pick<ReadonlySet<string>, 'has'> } | undefined
}

interface Refusal {
  status: number
  error: string
  /** one public sentence: what was wrong and what to do */
  description: string
  tryAgain?: string | undefined
}

export interface Boundary {
  /** Sets hooks and handlers; before any route, since it learns their methods. */
  guard(app: FastifyInstance): void
  /** For Fastify's `frameworkErrors`: a target that its router cannot read never meets a hook. */
  refuseTarget(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void
}

/** Seconds after which trying again makes sense. */
const retryAfterSeconds = 2

export function createBoundary(deps: BoundaryDependencies): Boundary {
  const { site, issuer } = deps
  const { host, protocol } = new URL(issuer)
  const ours = hostsOf(issuer)
  const aliases = deps.alias === undefined ? new Set<string>() : hostsOf(deps.alias.origin)
  const headers = {
    'x-content-type-options': 'nosniff',
    ...(protocol === 'https:' ? { 'strict-transport-security': 'max-age=31536000' } : {})
  }

  function refuse(request: FastifyRequest, reply: FastifyReply, refusal: Refusal): FastifyReply {
    const { status, error, description } = refusal
    reply.headers(headers)
    if (status === 503) reply.header('retry-after', retryAfterSeconds)
    // what is left of a body that nobody will read must not be taken for the next request
    if (status === 413 || status === 415) reply.header('connection', 'close')
    if (!deps.answersJson(pathOf(request))) {
      return renderErrorPage({ site, issuer, request, reply }, refusal)
    }
    return reply
      .code(status)
      .header('cache-control', 'no-store')
      .send({ error, error_description: description })
  }

  function misdirected(request: FastifyRequest): Refusal {
    // RFC 9110 §15.5.20: the sender used the wrong name for us. Links on the page lead to the right one.
    const path = safeReturnTo(request.url, '')
    return {
      status: 421,
      error: deps.answersJson(pathOf(request)) ? 'invalid_request' : 'not_found',
      description: `this server answers for ${host} only: use ${issuer} in place of the address that was asked`,
      ...(path === '' || request.method !== 'GET' ? {} : { tryAgain: new URL(path, issuer).href })
    }
  }

  function answerError(error: FastifyError | Fault, request: FastifyRequest, reply: FastifyReply) {
    const requestId = request.id
    if (isPassing(error)) {
      request.log.error(
        { err: error },
        'request not served: a part of the service cannot be reached'
      )
      return refuse(request, reply, {
        status: 503,
        error: 'temporarily_unavailable',
        description: 'the server cannot reach a part of itself; try again in a moment'
      })
    }
    const status = error instanceof Fault ? 500 : (error.statusCode ?? 500)
    if (status === 429) {
      const { retryAfterSeconds: seconds } = error as { retryAfterSeconds?: number }
      reply.header('retry-after', seconds ?? retryAfterSeconds)
      request.log.info({ reason: error.message }, 'request refused: too many')
      // RFC 9126 §2.3 has the status; no RFC has a code for it at these endpoints, and this is the one that says "later" (RFC 6749
      // §4.1.2.1). `slow_down` is for polling alone (RFC 8628 §3.5).
      return refuse(request, reply, {
        status,
        error: 'temporarily_unavailable',
        description: error.message
      })
    }
    if (status >= 400 && status < 500) {
      request.log.info({ err: error }, 'request refused')
      const description = refusalText(error)
      return refuse(request, reply, { status, error: 'invalid_request', description })
    }
    if (request.raw.destroyed && !request.raw.complete) {
      request.log.info({ err: error }, 'the client went away in the middle of its request')
      return refuse(request, reply, {
        status: 400,
        error: 'invalid_request',
        description: 'the request ended before its body was complete'
      })
    }
    request.log.error({ err: error }, 'request failed')
    return refuse(request, reply, {
      status: 500,
      error: 'server_error',
      description: `something went wrong on our side; the request number is ${requestId}`
    })
  }

  return {
    guard(app) {
      const routes = createRouteTable()
      app.addHook('onRoute', ({ url, method }) => routes.add(url, [method].flat()))
      app.addHook('onRequest', async (request, reply) => {
        reply.headers(headers)
        const named = request.raw.rawHeaders.filter(
          (name, at) => at % 2 === 0 && name.toLowerCase() === 'host'
        )
        if (named.length > 1) {
          // RFC 9112 §3.2: "A server MUST respond with a 400 (Bad Request) status code to any request message that … contains more
          // than one Host header field line"
          const description = 'the request has more than one Host header'
          return refuse(request, reply, { status: 400, error: 'invalid_request', description })
        }
        const asked = request.headers.host?.toLowerCase() ?? ''
        const anyHost = deps.anyHost.has(request.url)
        const isAlias = aliases.has(asked) && deps.alias?.paths.has(pathOf(request)) === true
        if (!anyHost && !isAlias && !ours.has(asked)) {
          return refuse(request, reply, misdirected(request))
        }
        const encoding = request.headers['content-encoding']?.toLowerCase() ?? 'identity'
        if (encoding !== 'identity') {
          // RFC 9110 §15.5.16; nothing here unpacks what a stranger packed
          return refuse(request, reply.header('accept-encoding', 'identity'), {
            status: 415,
            error: 'invalid_request',
            description: 'send the body as it is, without content-encoding'
          })
        }
        if (!request.is404) return
        // RFC 9110 §15.5.6: "The origin server MUST generate an Allow header field in a 405 response"
        const methods = routes.methodsOf(pathOf(request))
        if (methods.length === 0) return
        return refuse(request, reply.header('allow', methods.join(', ')), {
          status: 405,
          error: 'invalid_request',
          description: `this address takes ${methods.join(', ')}, and not ${request.method}`
        })
      })
      setPageNotFound(app, { site, issuer })
      app.setErrorHandler(answerError)
    },

    refuseTarget(error, request, reply) {
      request.log.info({ err: error }, 'request target refused')
      const path =
        'the path is not percent-encoded as RFC 3986 has it, or has a segment that is too long'
      refuse(request, reply, {
        status: error.statusCode ?? 400,
        error: 'invalid_request',
        description: path
      })
    }
  }
}

/** RFC 9110 §4.2.3: a port that is the scheme's default may be written or left out */
function hostsOf(origin: string): Set<string> {
  const { host, port, protocol } = new URL(origin)
  return new Set([host, ...(port === '' ? [`${host}:${standardPorts[protocol]}`] : [])])
}

const standardPorts: Readonly<Record<string, number>> = { 'https:': 443, 'http:': 80 }

function pathOf(request: FastifyRequest): string {
  return request.url.split(/[?#]/, 1)[0] ?? ''
}

/** Our own refusals have their sentence; Fastify's are told by what went wrong. */
function refusalText(error: FastifyError | Fault): string {
  if (error.code === 'request_refused') return error.message
  const status = 'statusCode' in error ? error.statusCode : undefined
  if (status === 413) return 'the body is too large'
  if (status === 415) return 'the content-type is not one that this address reads'
  return 'the request could not be read'
}

/** Which methods there are for a path: learnt from the routes, asked only for requests that no route took. */
function createRouteTable() {
  const table = new Map<string, { pattern: RegExp; methods: Set<string> }>()
  return {
    add(url: string, methods: readonly string[]): void {
      const escaped = url.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/:[A-Za-z]+/g, '[^/]+')
      const known = table.get(url) ?? { pattern: new RegExp(`^${escaped}$`), methods: new Set() }
      for (const method of methods) known.methods.add(method)
      table.set(url, known)
    },
    methodsOf(path: string): string[] {
      const found = [...table.values()].filter(({ pattern }) => pattern.test(path))
      return [...new Set(found.flatMap(({ methods }) => [...methods]))].sort()
    }
  }
}

/**
 * For Fastify's `rewriteUrl`. "When an origin server receives a request with an absolute-form of request-target, the origin server MUST
 * ignore the received Host header field (if any) and instead use the host information of the request-target." (RFC 9112 §3.2.2)
 */
export function originForm(request: Pick<IncomingMessage, 'url' | 'headers'>): string {
  const target = request.url ?? '/'
  const [, authority, rest = ''] = /^https?:\/\/([^/?#]*)(.*)$/i.exec(target) ?? []
  if (authority === undefined) return target
  request.headers.host = authority
  return rest.startsWith('/') ? rest : `/${rest}`
}

/** What Node's parser refuses, by its error's code. */
const unparsed: Record<string, { status: string; text: string }> = {
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: '408 Request Timeout',
    text: 'the request did not arrive in time'
  },
  HPE_HEADER_OVERFLOW: {
    status: '431 Request Header Fields Too Large',
    text: 'request line and headers are larger than 16 KiB; send long parameters in a body (RFC 9126)'
  },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: {
    status: '413 Content Too Large',
    text: 'the chunk extensions of the body are too large'
  },
  // RFC 9110 §9.1: "An origin server that receives a request method that is unrecognized or not implemented SHOULD respond with the 501"
  HPE_INVALID_METHOD: { status: '501 Not Implemented', text: 'there is no such method' }
}

const notHttp = {
  status: '400 Bad Request',
  text: 'this is not a request as RFC 9112 has it; check request line, headers, content-length and transfer-encoding'
}

/** For Fastify's `clientErrorHandler`: a request that could not be parsed, or that came too slowly. The connection ends. */
export function refuseUnparsed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  const packet =
    'rawPacket' in error && Buffer.isBuffer(error.rawPacket) ? error.rawPacket : undefined
  // "no such method" is also what the parser says of a TLS handshake
  const spoken = packet === undefined || /^[A-Z]+ \S/.test(packet.toString('latin1', 0, 100))
  const { status, text } = (spoken && unparsed[error.code ?? '']) || notHttp
  const body = JSON.stringify({ error: 'invalid_request', error_description: text })
  if (socket.writable) {
    socket.write(
      `HTTP/1.1 ${status}\r\ncontent-type: application/json; charset=utf-8\r\nx-content-type-options: nosniff\r\n` +
        `cache-control: no-store\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`
    )
  }
  socket.destroy(error)
}
