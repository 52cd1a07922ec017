// A relying party on openid-client, as an app of its own: code + PKCE, state and nonce, userinfo, refresh, RP-initiated logout, and a place
// for logout tokens (Back-Channel Logout), which jose verifies. Its routes are what driven-app.ts presses.

import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import * as oidc from 'openid-client'

const { issuer, clientId, clientSecret, port } = JSON.parse(process.argv[2])
const here = `http://localhost:${port}`
const config = await oidc.discovery(
  new URL(issuer),
  clientId,
  undefined,
  oidc.ClientSecretBasic(clientSecret),
  { execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks] }
)
const { jwks_uri } = config.serverMetadata()
const keys = createRemoteJWKSet(new URL(jwks_uri))
const sessions = new Map()

const routes = {
  async '/login'({ reply }) {
    const id = randomUUID()
    const session = {
      pkceCodeVerifier: oidc.randomPKCECodeVerifier(),
      expectedState: oidc.randomState(),
      expectedNonce: oidc.randomNonce()
    }
    sessions.set(id, session)
    const url = oidc.buildAuthorizationUrl(config, {
      redirect_uri: `${here}/callback`,
      scope: 'openid profile email offline_access',
      prompt: 'consent',
      state: session.expectedState,
      nonce: session.expectedNonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(session.pkceCodeVerifier),
      code_challenge_method: 'S256'
    })
    reply.setHeader('set-cookie', `app=${id}; Path=/; HttpOnly; SameSite=Lax`)
    redirect(reply, url.href)
  },

  async '/callback'({ url, session, reply }) {
    session.tokens = await oidc.authorizationCodeGrant(config, url, {
      ...session,
      idTokenExpected: true
    })
    session.claims = session.tokens.claims()
    redirect(reply, `${here}/me`)
  },

  async '/me'({ session, reply }) {
    const { tokens, claims } = session
    const userinfo = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub)
    json(reply, { claims, userinfo })
  },

  async '/refresh'({ session, reply }) {
    const { tokens, claims } = session
    session.tokens = await oidc.refreshTokenGrant(config, tokens.refresh_token)
    const userinfo = await oidc.fetchUserInfo(config, session.tokens.access_token, claims.sub)
    const rotated = session.tokens.refresh_token !== tokens.refresh_token
    json(reply, { userinfo, rotated, idTokenAgain: session.tokens.claims()?.sub === claims.sub })
  },

  async '/logout'({ session, reply }) {
    const url = oidc.buildEndSessionUrl(config, {
      id_token_hint: session.tokens.id_token,
      post_logout_redirect_uri: `${here}/bye`
    })
    redirect(reply, url.href)
  },

  // Back-Channel Logout §2.6
  async '/backchannel'({ body, reply }) {
    const { payload } = await jwtVerify(new URLSearchParams(body).get('logout_token'), keys, {
      issuer,
      audience: clientId,
      typ: 'logout+jwt',
      algorithms: [config.clientMetadata().id_token_signed_response_alg ?? 'RS256', 'ES256']
    })
    const named = 'http://schemas.openid.net/event/backchannel-logout' in payload.events
    if (!named || payload.nonce !== undefined) throw new Error('no logout token')
    for (const session of sessions.values()) {
      if (session.claims?.sid === payload.sid) session.ended = 'by a logout token'
    }
    json(reply, {})
  },

  async '/state'({ session, reply }) {
    json(reply, { ended: session?.ended ?? 'not yet' })
  },

  async '/bye'({ reply }) {
    json(reply, { bye: true })
  }
}

const server = createServer(async (request, reply) => {
  const url = new URL(request.url, here)
  const [, id] = /(?:^|; )app=([^;]+)/.exec(request.headers.cookie ?? '') ?? []
  let body = ''
  for await (const chunk of request) body += chunk
  try {
    await routes[url.pathname]({ url, reply, body, session: sessions.get(id) })
  } catch (error) {
    console.error(error)
    reply.writeHead(500).end(String(error.cause?.message ?? error.message))
  }
})
server.listen(port, '127.0.0.1')

function redirect(reply, to) {
  reply.writeHead(303, { location: to }).end()
}

function json(reply, value) {
  reply.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}
