// An issuer for the tests of an API: its keys are made in memory, and `fetch` answers for it, so that tokens of every kind are signed without
// a server, a port or a network. Not for production: whoever has it can sign anything.

import { createHash, randomUUID } from 'node:crypto'
import { deflateSync } from 'node:zlib'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { type ClientCertificate, thumbprintOf } from './certificate.ts'

/** What a token of a test says. Without anything it is good for ten minutes and has no scope. */
export interface TokenOptions {
  subject?: string
  clientId?: string
  scope?: string
  /** another API's, to see it refused */
  audience?: string
  /** seconds from now; negative: it has expired */
  expiresIn?: number
  /** bound to the key of a `createProver()` (RFC 9449) */
  prover?: { jkt: string }
  /** bound to this certificate (RFC 8705) */
  certificate?: ClientCertificate
  /** any other claim; undefined leaves one out */
  claims?: Record<string, unknown>
  /** members of the JWT's header: `{ typ: 'JWT' }` is no access token */
  header?: Record<string, unknown>
}

export type TestIssuer = Awaited<ReturnType<typeof createTestIssuer>>
export type Prover = Awaited<ReturnType<typeof createProver>>

const lengthOfList = 1_024

/**
 * Makes an issuer. Hand `issuer.options` to `createVerifier`, or `resourceServer`, with whatever else the API needs.
 * @param options.now milliseconds since the epoch; also what its tokens are signed by
 */
export async function createTestIssuer({
  issuer = 'https://issuer.test',
  audience = 'https://api.test',
  now = Date.now
}: {
  issuer?: string
  audience?: string
  now?: () => number
} = {}) {
  const key = await createSigner(['at'])
  const lists = await createSigner(['list'])
  const listUri = `${issuer.replace(/\/$/, '')}/status-lists/1`
  const entries = new Map<string, number>()
  const revoked = new Set<string>()
  const opaque = new Map<string, Record<string, unknown>>()
  let state: 'up' | 'down' = 'up'
  const seconds = () => Math.floor(now() / 1000)

  function claimsOf(options: TokenOptions): Record<string, unknown> {
    const jti = randomUUID()
    const idx = entries.size % lengthOfList
    const { subject = 'test-subject', clientId = 'test-client', scope, expiresIn = 600 } = options
    const cnf = {
      ...(options.prover ? { jkt: options.prover.jkt } : {}),
      ...(options.certificate ? { 'x5t#S256': thumbprintOf(options.certificate) } : {})
    }
    const claims = {
      iss: issuer,
      aud: options.audience ?? audience,
      sub: subject,
      client_id: clientId,
      scope,
      jti,
      iat: seconds() + Math.min(0, expiresIn - 600),
      exp: seconds() + expiresIn,
      cnf: Object.keys(cnf).length === 0 ? undefined : cnf,
      status: { status_list: { idx, uri: listUri } },
      ...options.claims
    }
    entries.set(String(claims.jti), idx)
    return JSON.parse(JSON.stringify(claims))
  }

  async function statusList(): Promise<string> {
    const bits = Buffer.alloc(lengthOfList / 8)
    for (const jti of revoked) {
      const idx = entries.get(jti) ?? 0
      const byte = idx >> 3
      bits[byte] = (bits[byte] ?? 0) | (1 << (idx & 7))
    }
    const lst = deflateSync(bits).toString('base64url')
    return new SignJWT({ status_list: { bits: 1, lst }, ttl: 1 })
      .setProtectedHeader({ alg: 'ES256', typ: 'statuslist+jwt', kid: lists.kid })
      .setIssuer(issuer)
      .setSubject(listUri)
      .setIssuedAt(seconds())
      .setExpirationTime(seconds() + 300)
      .sign(lists.privateKey)
  }

  function introspected(token: string): Record<string, unknown> {
    const claims = opaque.get(token) ?? payloadOf(token)
    const live = claims !== undefined && Number(claims['exp']) > seconds()
    if (!live || revoked.has(String(claims['jti']))) return { active: false }
    return { active: true, token_type: claims['cnf'] ? 'DPoP' : 'Bearer', ...claims }
  }

  const fetch: typeof globalThis.fetch = async (input, init) => {
    if (state === 'down') throw new TypeError(`fetch failed: ${issuer} is down, as the test says`)
    const request = new Request(input, init)
    const { pathname } = new URL(request.url)
    if (request.url === listUri) return new Response(await statusList())
    if (/\/\.well-known\/(openid-configuration|oauth-authorization-server)/.test(pathname)) {
      return Response.json({
        issuer,
        jwks_uri: `${listUri}/jwks`,
        introspection_endpoint: `${listUri}/introspect`
      })
    }
    if (pathname.endsWith('/jwks')) {
      return Response.json({ keys: [key.publicJwk, lists.publicJwk] })
    }
    if (pathname.endsWith('/introspect')) {
      const form = new URLSearchParams(await request.text())
      return Response.json(introspected(form.get('token') ?? ''))
    }
    return Response.json({}, { status: 404 })
  }

  return {
    issuer,
    audience,
    fetch,
    /** what a verifier of this API needs */
    options: { issuer, audience, fetch, now },

    /** A JWT (RFC 9068). */
    async accessToken(options: TokenOptions = {}): Promise<string> {
      const header = { alg: 'ES256', typ: 'at+jwt', kid: key.kid, ...options.header }
      return new SignJWT(claimsOf(options)).setProtectedHeader(header).sign(key.privateKey)
    },

    /** A token that only introspection understands. */
    opaqueToken(options: TokenOptions = {}): string {
      const token = randomUUID()
      opaque.set(token, claimsOf(options))
      return token
    },

    /** Ends a token: introspection says so, and the status list. */
    revoke(token: string): void {
      const { jti } = opaque.get(token) ?? payloadOf(token) ?? {}
      revoked.add(String(jti))
    },

    /** From now on nobody answers for the issuer, until `comeBack`. */
    goDown(): void {
      state = 'down'
    },
    comeBack(): void {
      state = 'up'
    }
  }
}

/** The key of a client, and its proofs (RFC 9449 §4). `now` in milliseconds since the epoch. */
export async function createProver({ now = Date.now }: { now?: () => number } = {}) {
  const { privateKey, publicJwk } = await createSigner([])
  const { kty, crv, x, y } = publicJwk
  const jwk = { kty, crv, x, y } as JWK

  async function proof(request: {
    method: string
    url: string
    token: string
    nonce?: string
    claims?: Record<string, unknown>
  }): Promise<string> {
    const claims = {
      jti: randomUUID(),
      htm: request.method,
      htu: request.url.replace(/[?#].*$/s, ''),
      iat: Math.floor(now() / 1000),
      ath: createHash('sha256').update(request.token).digest('base64url'),
      nonce: request.nonce,
      ...request.claims
    }
    return new SignJWT(JSON.parse(JSON.stringify(claims)))
      .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
      .sign(privateKey)
  }

  return {
    /** RFC 7638: what a token is bound to */
    jkt: await calculateJwkThumbprint(jwk),
    proof,
    /** the headers of one request */
    async headers(request: Parameters<typeof proof>[0]): Promise<Record<string, string>> {
      return { authorization: `DPoP ${request.token}`, dpop: await proof(request) }
    }
  }
}

async function createSigner(names: string[]) {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const kid = ['test', ...names].join('-')
  const publicJwk: JWK = { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' }
  return { privateKey, publicJwk, kid }
}

function payloadOf(token: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
  } catch {
    return undefined
  }
}
