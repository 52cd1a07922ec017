// An app in the browser whose tokens stay on its server: this process serves the page, signs people in, and calls the API for it with the
// access token of their session (docs/backend-for-frontend.md). The browser has a cookie, and nothing that opens the API. Node 22.18 or newer.

import { readFileSync } from 'node:fs'
import Fastify from 'fastify'
// in a project of your own: '@mintmark/browser-session'
import { createBrowserSessions } from '../../src/browser-session/browser-session.ts'

const issuer = process.env.MINTMARK_ISSUER ?? 'http://localhost:3000'
const resource = process.env.API_RESOURCE ?? 'https://things.example.com'
const api = process.env.API_URL ?? 'http://127.0.0.1:4000/things'
const port = Number(process.env.BFF_PORT ?? 4003)

const { MINTMARK_CLIENT_ID: clientId, MINTMARK_CLIENT_SECRET: clientSecret } = process.env
if (!clientId || !clientSecret) {
  console.error('There is no client yet: examples/backend-for-frontend/README.md says how.')
  process.exit(1)
}

const sessions = createBrowserSessions({
  issuer,
  clientId,
  clientSecret,
  // https in production: then the cookie is __Host-session, and Secure
  appUrl: `http://localhost:${port}`,
  scope: 'openid profile read:things',
  resource,
  // cookies know no ports: other apps on this host have names of their own
  cookieName: 'things-bff'
})

const app = Fastify()
await app.register(sessions.routes)

const page = readFileSync(new URL('page.html', import.meta.url))
const script = readFileSync(new URL('page.js', import.meta.url))
app.get('/', (_request, reply) =>
  reply
    .header('content-security-policy', "default-src 'self'; frame-ancestors 'none'")
    .type('text/html; charset=utf-8')
    .send(page)
)
app.get('/page.js', (_request, reply) => reply.type('text/javascript').send(script))

// what the page may ask of the API, and no more: a proxy for every path would lend the token to every script
app.get('/api/things', { onRequest: sessions.requireSession() }, async (request, reply) => {
  const token = await sessions.sessionOf(request).accessToken()
  const answer = await fetch(api, { headers: { authorization: `Bearer ${token}` } })
  return reply
    .code(answer.status)
    .type('application/json')
    .send(await answer.text())
})

await app.listen({ port, host: '127.0.0.1' })
console.log(`http://localhost:${app.server.address().port}/`)
