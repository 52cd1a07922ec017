// Somebody else's OpenID provider on loopback, honest until a test says otherwise: each answer can be replaced. Checks what an honest one
// checks: the secret, the redirect URI and the code verifier (RFC 7636 §4.6), and that a code is used once.

import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { createSigner, type Signer, signJwt } from './key-host.ts'

type Claims = Record<string, unknown>

interface Issued {
  nonce: string | null
  challenge: string | null
  redirectUri: string
  claims: Claims
}

export interface OpenidProvider {
  issuer: string
  /** asked so far, `METHOD /path` */
  asked: string[]
  /** answers in place of the honest ones, by path */
  answers: Map<string, RequestListener>
  signer: Signer
  /** makes the ID token out of the honest claims; put back by `honest` */
  forge: (claims: Claims) => string | Promise<string>
  /** what the metadata says besides */
  metadata: Claims
  userinfo: Claims | undefined
  /** The person there says yes; answers the address that they are sent back to. */
  authorize(to: URL | undefined, claims: Claims, iss?: 'told'): URL
  honest(): void
}

export const registration = { client_id: 'mintmark', client_secret: 'a secret of the provider' }

export async function startOpenidProvider(t: Test): Promise<OpenidProvider> {
  const signer = await createSigner('theirs')
  const codes = new Map<string, Issued>()
  const asked: string[] = []
  const sign = (claims: Claims) => signJwt(signer, claims)
  const json = (body: unknown, status = 200): RequestListener => {
    return (_request, response) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    }
  }

  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? '', 'http://x').pathname
    asked.push(`${request.method} ${path}`)
    const instead = provider.answers.get(path)
    if (instead !== undefined) return instead(request, response)
    if (path === '/.well-known/openid-configuration') {
      return json({
        issuer: provider.issuer,
        authorization_endpoint: `${provider.issuer}/authorize`,
        token_endpoint: `${provider.issuer}/token`,
        jwks_uri: `${provider.issuer}/jwks`,
        id_token_signing_alg_values_supported: ['ES256'],
        ...(provider.userinfo === undefined
          ? {}
          : { userinfo_endpoint: `${provider.issuer}/userinfo` }),
        ...provider.metadata
      })(request, response)
    }
    if (path === '/jwks') return json({ keys: [signer.jwk] })(request, response)
    if (path === '/userinfo') return json(provider.userinfo)(request, response)
    if (path !== '/token') return json({}, 404)(request, response)
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const form = new URLSearchParams(Buffer.concat(chunks).toString())
    const issued = codes.get(form.get('code') ?? '')
    codes.delete(form.get('code') ?? '')
    const basic = Buffer.from(
      `${registration.client_id}:${registration.client_secret.replaceAll(' ', '+')}`
    ).toString('base64')
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url')
    const good =
      request.headers.authorization === `Basic ${basic}` &&
      issued !== undefined &&
      issued.redirectUri === form.get('redirect_uri') &&
      issued.challenge === challenge
    if (!good) return json({ error: 'invalid_grant' }, 400)(request, response)
    const seconds = Math.floor(Date.now() / 1_000)
    const claims = {
      ...{ iss: provider.issuer, aud: registration.client_id, iat: seconds, exp: seconds + 300 },
      ...{ nonce: issued.nonce, ...issued.claims }
    }
    json({
      ...{ access_token: randomUUID(), token_type: 'Bearer', expires_in: 300 },
      id_token: await provider.forge(claims)
    })(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })

  const provider: OpenidProvider = {
    issuer: `http://localhost:${(server.address() as AddressInfo).port}`,
    ...{ asked, signer, answers: new Map(), forge: sign, metadata: {}, userinfo: undefined },
    authorize(to, claims, iss) {
      const query = to?.searchParams ?? new URLSearchParams()
      const code = randomUUID()
      const redirectUri = query.get('redirect_uri') ?? ''
      codes.set(code, {
        nonce: query.get('nonce'),
        challenge: query.get('code_challenge'),
        ...{ redirectUri, claims }
      })
      const back = new URL(redirectUri)
      back.searchParams.set('code', code)
      back.searchParams.set('state', query.get('state') ?? '')
      if (iss === 'told') back.searchParams.set('iss', provider.issuer)
      return back
    },
    honest() {
      provider.answers.clear()
      provider.forge = sign
    }
  }
  return provider
}
