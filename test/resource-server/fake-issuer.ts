// An issuer for the tests of those who verify: keys of jose, metadata and key set over HTTP on
// loopback, and a count of what was asked. Signs whatever it is told, right or wrong.

import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'

export const audience = 'https://api.example.com/things'

export interface SigningKey {
  alg: string
  kid: string
  privateKey: CryptoKey
  publicJwk: JWK
}

export async function createKey(kid: string, alg = 'ES256'): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  return {
    alg,
    kid,
    privateKey,
    publicJwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }
  }
}

export type FakeIssuer = Awaited<ReturnType<typeof startFakeIssuer>>

/**
 * Listens until the test ends. `published` may be changed at any time; `stop` and `start` keep the
 * port.
 */
export async function startFakeIssuer(t: { teardown: (end: () => Promise<void>) => unknown }) {
  const key = await createKey('first')
  const published: JWK[] = [key.publicJwk]
  const counts = { metadata: 0, keys: 0 }
  const listCounts = { asked: 0 }
  /** status lists by path; a function answers by itself */
  const lists = new Map<string, string | RequestListener>()
  const metadata: Record<string, unknown> = {}
  /** of the answer with the keys */
  const keyHeaders: Record<string, string> = {}
  let metadataPath = '/.well-known/openid-configuration'
  let server: ReturnType<typeof createServer> | undefined
  let port = 0

  const answer: RequestListener = (req, res) => {
    res.setHeader('content-type', 'application/json')
    // nothing kept alive: a stopped issuer is down at once
    res.setHeader('connection', 'close')
    if (req.url === metadataPath) {
      counts.metadata += 1
      res.end(JSON.stringify(metadata))
    } else if (req.url === '/jwks') {
      counts.keys += 1
      for (const [name, value] of Object.entries(keyHeaders)) res.setHeader(name, value)
      res.end(JSON.stringify({ keys: published }))
    } else if (lists.has(req.url ?? '')) {
      listCounts.asked += 1
      const list = lists.get(req.url ?? '')
      if (typeof list === 'function') list(req, res)
      else res.end(list)
    } else {
      res.statusCode = 404
      res.end('{}')
    }
  }

  const issuer = {
    get url() {
      return `http://127.0.0.1:${port}`
    },
    key,
    published,
    counts,
    lists,
    listCounts,
    metadata,
    keyHeaders,
    serveMetadataAt(path: string) {
      metadataPath = path
    },
    async start() {
      const listening = createServer(answer)
      await new Promise<void>(resolve => listening.listen(port, '127.0.0.1', resolve))
      server = listening
      port = (listening.address() as AddressInfo).port
    },
    async stop() {
      const stopping = server
      server = undefined
      if (stopping) await new Promise(resolve => stopping.close(resolve))
    },

    /**
     * A good access token, changed as told: a claim or header member of `undefined` is left out.
     */
    async sign(
      change: {
        claims?: Record<string, unknown>
        header?: Record<string, unknown>
        key?: SigningKey
      } = {}
    ): Promise<string> {
      const signer = change.key ?? key
      const now = Math.floor(Date.now() / 1000)
      const claims = {
        iss: issuer.url,
        sub: '6f0c2c5e-0000-4000-8000-000000000001',
        aud: audience,
        client_id: 'web',
        scope: 'read:things write:things',
        jti: 'token-1',
        iat: now,
        exp: now + 600,
        ...change.claims
      }
      const header = { alg: signer.alg, kid: signer.kid, typ: 'at+jwt', ...change.header }
      return new SignJWT(JSON.parse(JSON.stringify(claims)))
        .setProtectedHeader(JSON.parse(JSON.stringify(header)))
        .sign(signer.privateKey)
    }
  }

  await issuer.start()
  Object.assign(metadata, { issuer: issuer.url, jwks_uri: `${issuer.url}/jwks` })
  t.teardown(() => issuer.stop())
  return issuer
}
