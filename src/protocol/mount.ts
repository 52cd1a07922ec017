// Mounts the engine into Fastify: routes of our own in a scope without body parsers, then `reply.hijack()`. Owns the table of
// endpoints and methods, which of them are pages and which speak JSON, what is refused before a body is read, the body of introspection
// and revocation (a JWT is replaced by a handle before the engine looks), and the published keys. Never by path-matching middleware.

import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { KeyRing } from '../keys/key-ring.ts'
import type { ClientCertificates } from './client-certificates.ts'
import { endpoints } from './configuration.ts'
import type { ForeignAssertions } from './foreign-assertions.ts'
import { readAsQuery } from './form-body.ts'
import { grantsPath } from './grant-scopes.ts'
import { replaceToken } from './presented-token.ts'
import type { Engine } from './provider.ts'
import type { Published } from './published.ts'
import type { RequestFactsBook } from './request-facts.ts'
import { bodyLimit } from './sentences.ts'
import { statusListPath } from './status-claim.ts'
import type { ForeignAssertion } from './unit-of-work.ts'

interface Endpoint {
  url: string
  methods: ('GET' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS')[]
  /** a page that a person sees: gets the headers of pages */
  page?: true
  /** a posted form is the same request as its parameters in the query (form-body.ts) */
  postIsGet?: true
  /** its `token` parameter may be a JWT of ours */
  takesToken?: true
  /** clients authenticate here, maybe by a token of a trusted issuer */
  takesAssertion?: true
  /** may be cached as long as the keys: metadata changes with them, and they are published well ahead of their first use */
  cached?: true
}

const table: Endpoint[] = [
  { url: endpoints.authorization, methods: ['GET', 'POST'], page: true, postIsGet: true },
  { url: `${endpoints.authorization}/:uid`, methods: ['GET'], page: true },
  { url: endpoints.token, methods: ['POST', 'OPTIONS'], takesAssertion: true },
  { url: endpoints.userinfo, methods: ['GET', 'POST', 'OPTIONS'] },
  {
    url: endpoints.introspection,
    methods: ['POST', 'OPTIONS'],
    takesToken: true,
    takesAssertion: true
  },
  {
    url: endpoints.revocation,
    methods: ['POST', 'OPTIONS'],
    takesToken: true,
    takesAssertion: true
  },
  {
    url: endpoints.pushed_authorization_request,
    methods: ['POST', 'OPTIONS'],
    takesAssertion: true
  },
  { url: endpoints.end_session, methods: ['GET', 'POST'], page: true, postIsGet: true },
  { url: `${endpoints.end_session}/confirm`, methods: ['POST'], page: true },
  { url: `${endpoints.end_session}/success`, methods: ['GET'], page: true },
  { url: '/.well-known/openid-configuration', methods: ['GET', 'OPTIONS'], cached: true },
  {
    url: '/.well-known/oauth-authorization-server',
    methods: ['GET', 'OPTIONS'],
    cached: true
  }
]

const backchannelTable: Endpoint[] = [
  { url: endpoints.backchannel_authentication, methods: ['POST', 'OPTIONS'], takesAssertion: true }
]

const deviceTable: Endpoint[] = [
  { url: endpoints.device_authorization, methods: ['POST', 'OPTIONS'], takesAssertion: true },
  { url: endpoints.code_verification, methods: ['GET', 'POST'], page: true },
  { url: `${endpoints.code_verification}/:uid`, methods: ['GET'], page: true }
]

const registrationTable: Endpoint[] = [
  { url: endpoints.registration, methods: ['POST'] },
  { url: `${endpoints.registration}/:clientId`, methods: ['GET', 'PUT', 'DELETE'] }
]

/** Where an attested client asks for a challenge (draft-ietf-oauth-attestation-based-client-auth §8). */
const challengeEndpoint: Endpoint = { url: endpoints.challenge, methods: ['POST', 'OPTIONS'] }

export interface MountDependencies {
  /** the engine as it is now: it is swapped when keys rotate */
  engine(): Engine
  keys: Pick<KeyRing, 'jwks' | 'version'>
  /** how long keys and metadata may be cached, seconds */
  cacheSeconds: number
  requests: RequestFactsBook
  /** left out where no issuer is trusted */
  assertions: ForeignAssertions | undefined
  clientCertificates: ClientCertificates
  registration: 'on' | 'off'
  backchannel: 'on' | 'off'
  devices: 'on' | 'off'
  attestations: 'on' | 'off'
  /** headers of every page that a person sees; they must be set before the engine runs, which appends to the CSP */
  pageHeaders: Record<string, string>
}

/** Fastify plugin: `await app.register(mount, deps)`. */
export async function mount(app: FastifyInstance, deps: MountDependencies): Promise<void> {
  // Our encapsulated scope leaves the body unread: the engine reads it.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))

  mountKeys(app, deps)
  if (deps.registration === 'off') {
    // clients ask here, so they are not answered with the page of an unknown address
    for (const { url } of registrationTable) app.all(url, refuseRegistration)
  }
  if (deps.backchannel === 'off') {
    for (const { url } of backchannelTable) app.all(url, refuseBackchannel)
  }
  if (deps.devices === 'off') app.all(endpoints.device_authorization, refuseDevices)
  const endpointsHere = [
    ...table,
    ...(deps.devices === 'on' ? deviceTable : []),
    ...(deps.registration === 'on' ? registrationTable : []),
    ...(deps.backchannel === 'on' ? backchannelTable : []),
    ...(deps.attestations === 'on' ? [challengeEndpoint] : [])
  ]
  for (const endpoint of endpointsHere) {
    // RFC 9110 §9.3.2: HEAD is GET without a body. Only metadata: elsewhere a GET does something.
    const head = endpoint.cached === undefined ? [] : (['HEAD'] as const)
    app.route({
      method: [...endpoint.methods, ...head],
      url: endpoint.url,
      exposeHeadRoute: false,
      handler: (request, reply) => serve(deps, endpoint, request, reply)
    })
  }
}

const speaksJson = [
  ...table.filter(endpoint => endpoint.page === undefined),
  ...registrationTable,
  ...deviceTable.filter(endpoint => endpoint.page === undefined),
  ...backchannelTable,
  challengeEndpoint,
  { url: endpoints.jwks },
  { url: `${statusListPath}/` },
  { url: grantsPath },
  { url: `${grantsPath}/` }
].map(({ url }) => url.replace('/:clientId', '/'))

/** Whether clients talk to the endpoint at this path, so that a refusal is JSON (RFC 6749 §5.2); people get a page. */
export function answersJson(path: string): boolean {
  return speaksJson.some(url => path === url || (url.endsWith('/') && path.startsWith(url)))
}

/** What is refused before a byte of the body is read, with the sentence for whoever sent it. */
function refusedUnread(headers: IncomingHttpHeaders): { status: number; text: string } | undefined {
  if (Number(headers['content-length'] ?? 0) > bodyLimit) {
    return { status: 413, text: `the body is larger than ${bodyLimit} bytes` }
  }
  // RFC 6749 appendix B: forms are UTF-8
  const charset = /;\s*charset\s*=\s*"?([^\s;"]*)/i.exec(headers['content-type'] ?? '')?.[1]
  if (charset !== undefined && !/^(utf-8|us-ascii)$/i.test(charset)) {
    return { status: 415, text: 'the body must be UTF-8; leave charset out of content-type' }
  }
  return undefined
}

/** RFC 7517 §5, straight from the ring: publishing a key never waits for an engine to be rebuilt. */
function mountKeys(app: FastifyInstance, deps: MountDependencies) {
  app.get(endpoints.jwks, async (request, reply) => {
    const text = JSON.stringify(deps.keys.jwks())
    const keys = { text, version: deps.keys.version() }
    return publish(keys, 'application/jwk-set+json', deps.cacheSeconds, request, reply)
  })
}

/** What everybody may read and keep for a while: keys, and metadata, which changes with them. */
function publish(
  { text, version }: Published,
  type: string,
  cacheSeconds: number,
  request: FastifyRequest,
  reply: FastifyReply
): FastifyReply {
  const etag = `"${version}"`
  reply
    .header('access-control-allow-origin', '*')
    .header('cache-control', `public, max-age=${cacheSeconds}`)
    .header('etag', etag)
  if (request.headers['if-none-match'] === etag) return reply.code(304).send()
  return reply.type(type).send(text)
}

function refuseRegistration(): never {
  const text = 'clients cannot register themselves at this server; ask its operator for a client'
  throw refusal({ status: 404, text })
}

function refuseBackchannel(): never {
  const text = 'backchannel authentication (CIBA) is switched off at this server'
  throw refusal({ status: 404, text })
}

function refuseDevices(): never {
  throw refusal({ status: 404, text: 'the device flow is switched off at this server' })
}

/** Becomes a page or JSON at the server's error handler, which knows both. */
function refusal({ status, text }: { status: number; text: string }): FastifyError {
  return Object.assign(new Error(text), {
    name: 'RefusedRequest',
    code: 'request_refused',
    statusCode: status
  })
}

function tooLarge(): FastifyError {
  return refusal({ status: 413, text: `the body is larger than ${bodyLimit} bytes` })
}

function acceptOf({ url, page }: Endpoint, asked = ''): string {
  if (page) return 'text/html'
  if (url !== endpoints.introspection) return 'application/json'
  // RFC 9701 §4: a JWT is asked for by its media type
  const jwt = asked.split(',').filter(range => introspectionRange.test(range))
  return [...jwt, 'application/json;q=0.001'].join(',')
}

const introspectionRange =
  /^\s*application\/(json|token-introspection\+jwt)\s*(;\s*q=[0-9.]{1,5})?\s*$/i

/** Where clients show who they are, and what their tokens are bound to. */
function clientTalks({ page, cached }: Endpoint): boolean {
  return page === undefined && cached === undefined
}

function certificateOf({ clientCertificates }: MountDependencies, request: FastifyRequest) {
  const presented = clientCertificates.of(request.raw)
  if (presented.ok) return presented.presented
  const { reason, sentence } = presented
  if (reason === 'malformed') throw refusal({ status: 400, text: sentence })
  request.log.info({ reason: sentence }, 'a client certificate counts for nothing')
  return undefined
}

async function serve(
  deps: MountDependencies,
  endpoint: Endpoint,
  request: FastifyRequest,
  reply: FastifyReply
): Promise<void> {
  const { raw } = request
  const metadata = endpoint.cached ? deps.engine().metadata() : undefined
  if (metadata !== undefined && request.method !== 'OPTIONS') {
    await publish(metadata, 'application/json; charset=utf-8', deps.cacheSeconds, request, reply)
    return
  }
  if (endpoint.cached === undefined) reply.header('cache-control', 'no-store')
  if (endpoint.page) reply.headers(deps.pageHeaders)
  if (request.method === 'OPTIONS' && raw.headers['access-control-request-method'] === undefined) {
    await reply.code(204).header('allow', endpoint.methods.join(', ')).send()
    return
  }
  const refused = request.method === 'GET' ? undefined : refusedUnread(raw.headers)
  if (refused !== undefined) throw refusal(refused)
  if (endpoint.postIsGet && request.method === 'POST') {
    const query = await readAsQuery(raw)
    if ('refused' in query) throw refusal(query.refused)
    // 303: the browser comes back with a GET, and brings the session's cookie, which is not sent with a POST from another site
    await reply.redirect(`${endpoint.url}?${query.parameters}`, 303)
    return
  }
  const certificate = clientTalks(endpoint) ? certificateOf(deps, request) : undefined
  let incoming: IncomingMessage = raw
  let tokenHandle: { handle: string; jwt: string } | undefined
  if (endpoint.takesToken && request.method === 'POST') {
    const replaced = await replaceToken(raw)
    if (replaced === 'too large') throw tooLarge()
    incoming = replaced.request
    tokenHandle = replaced.tokenHandle
  }
  let assertion: ForeignAssertion | undefined
  if (endpoint.takesAssertion && request.method === 'POST' && deps.assertions !== undefined) {
    const replaced = await deps.assertions.replace(incoming)
    if (replaced === 'too large') throw tooLarge()
    incoming = replaced.request
    assertion = replaced.assertion
  }
  // Who answers decides the format, not the request: an OAuth error is JSON (RFC 6749 §5.2), also for a client that accepts HTML.
  incoming.headers.accept = acceptOf(endpoint, incoming.headers.accept)
  if (request.method === 'HEAD') incoming.method = 'GET'
  deps.requests.note(incoming, {
    ...{ requestId: request.id, address: request.ip, tokenHandle, certificate, assertion },
    userAgent: request.headers['user-agent']
  })
  if (endpoint.cached) reply.header('cache-control', `public, max-age=${deps.cacheSeconds}`)
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) reply.raw.setHeader(name, value)
  }
  reply.hijack()
  await deps.engine().callback(incoming, reply.raw)
}
