// An app on an origin of its own, to which a browser is sent back: it answers everything with one page, and tells a test what it was told.
// On 127.0.0.1, which is another site than the issuer's `localhost`.

import { createHash, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

export interface App {
  origin: string
  redirectUri: string
  postLogoutRedirectUri: string
  /** the address of an authorization request of this app */
  authorizationUrl(issuer: string, parameters: Record<string, string>): string
}

/** Starts the app; it ends with `t`. */
export async function startApp(t: Test): Promise<App> {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8')
    response.end(
      '<!doctype html><html lang="en"><title>App</title><link rel="icon" href="data:,"><h1>Back at the app</h1></html>'
    )
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const redirectUri = `${origin}/callback`
  return {
    origin,
    redirectUri,
    postLogoutRedirectUri: `${origin}/goodbye`,
    authorizationUrl(issuer, parameters) {
      const verifier = randomBytes(32).toString('base64url')
      const url = new URL('/authorize', issuer)
      url.search = new URLSearchParams({
        response_type: 'code',
        redirect_uri: redirectUri,
        scope: 'openid profile',
        state: 'the-state',
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256',
        ...parameters
      }).toString()
      return url.href
    }
  }
}
