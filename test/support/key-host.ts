// Somebody else's server on loopback that publishes keys, or whatever a test makes it answer instead: what was asked, by path, and who hung
// up. With metadata it is an issuer of foreign tokens.

import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import type { Test } from 'tap'

export interface Signer {
  alg: string
  kid: string
  privateKey: CryptoKey
  jwk: JWK
}

export async function createSigner(kid: string, alg = 'ES256'): Promise<Signer> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  return { alg, kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } }
}

/** A JWT with exactly these claims; header members of `undefined` are left out. */
export async function signJwt(
  signer: Pick<Signer, 'alg' | 'kid' | 'privateKey'>,
  claims: Record<string, unknown>,
  header: Record<string, unknown> = {}
): Promise<string> {
  const protectedHeader = JSON.parse(
    JSON.stringify({ alg: signer.alg, kid: signer.kid, ...header })
  )
  return new SignJWT(JSON.parse(JSON.stringify(claims)))
    .setProtectedHeader(protectedHeader)
    .sign(signer.privateKey)
}

export interface KeyHost {
  url: string
  /** what is answered, by path: a value as JSON, or by itself */
  answers: Map<string, object | RequestListener>
  /** paths of all requests, in order */
  asked: string[]
  askedFor(path: string): number
  /** connections that the other side ended before it had a whole answer */
  hungUp(): number
  stop(): Promise<void>
  start(): Promise<void>
}

/** Listens until the test ends; `stop` and `start` keep the port. */
export async function startKeyHost(t: Test): Promise<KeyHost> {
  const answers: KeyHost['answers'] = new Map()
  const asked: string[] = []
  let hungUp = 0
  let port = 0
  const answer: RequestListener = (request, response) => {
    const path = request.url ?? ''
    asked.push(path)
    response.on('close', () => {
      if (!response.writableFinished) hungUp += 1
    })
    const found = answers.get(path)
    if (typeof found === 'function') found(request, response)
    else if (found === undefined) response.writeHead(404).end('{}')
    else response.setHeader('content-type', 'application/json').end(JSON.stringify(found))
  }
  let server = createServer(answer)
  const host: KeyHost = {
    get url() {
      return `http://127.0.0.1:${port}`
    },
    answers,
    asked,
    askedFor: path => asked.filter(one => one === path).length,
    hungUp: () => hungUp,
    async start() {
      server = createServer(answer)
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
      port = (server.address() as AddressInfo).port
    },
    async stop() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    }
  }
  await host.start()
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return host
}
