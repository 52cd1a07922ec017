// A relying party on Auth.js (@auth/express): its own sign-in and sign-out pages, checks pkce, state and nonce; the refresh as its guide has it
// (in the `jwt` callback). Auth.js ends its own session only: /logout then leads to the issuer's sign-out page.

import { ExpressAuth, getSession } from '@auth/express'
import express from 'express'

const { issuer, clientId, clientSecret, port } = JSON.parse(process.argv[2])
const here = `http://localhost:${port}`
const metadata = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json()
let refreshDue = false

async function refreshed(token) {
  const response = await fetch(metadata.token_endpoint, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${clientId}:${clientSecret}`)}` },
    body: new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: token.tokens.refresh_token
    })
  })
  const answer = await response.json()
  if (!response.ok) throw new Error(answer.error)
  return { ...token, tokens: { ...token.tokens, ...answer }, refreshed: true }
}

const config = {
  secret: 'not-a-secret-of-anybody-but-this-test',
  trustHost: true,
  basePath: '/auth',
  providers: [
    {
      id: 'mintmark',
      name: 'mintmark',
      type: 'oidc',
      issuer,
      clientId,
      clientSecret,
      checks: ['pkce', 'state', 'nonce'],
      authorization: {
        params: { scope: 'openid profile email offline_access', prompt: 'consent' }
      }
    }
  ],
  callbacks: {
    async jwt({ token, account, profile }) {
      if (account) return { ...token, tokens: account, profile }
      return refreshDue ? refreshed(token) : token
    },
    async session({ session, token }) {
      return { ...session, ...token }
    }
  }
}

const app = express()
// it reads the first unnamed parameter of the path, which Express 5 makes of regular expressions only
app.use(/^\/auth\/(.*)/, ExpressAuth(config))

app.get('/me', async (request, reply) => {
  const session = await getSession(request, config)
  const answer = await fetch(metadata.userinfo_endpoint, {
    headers: { authorization: `Bearer ${session.tokens.access_token}` }
  })
  reply.json({ claims: session.profile, userinfo: await answer.json() })
})

// the cookie is written by the session route, so the new tokens are kept
app.get('/refresh', (_request, reply) => {
  refreshDue = true
  reply.redirect('/auth/session')
})

app.get('/logout', async (request, reply) => {
  refreshDue = false
  const { tokens } = await getSession(request, config)
  const url = new URL(metadata.end_session_endpoint)
  url.searchParams.set('id_token_hint', tokens.id_token)
  url.searchParams.set('post_logout_redirect_uri', `${here}/bye`)
  reply.redirect(url.href)
})

// where Auth.js leads after a sign-in
app.get('/', (_request, reply) => reply.redirect('/me'))
app.get('/bye', (_request, reply) => reply.json({ bye: true }))

app.listen(port, '127.0.0.1')
