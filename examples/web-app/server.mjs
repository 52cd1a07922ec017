// A web app with a server: signs people in with openid-client (code + PKCE), keeps their tokens in its own session, calls an API for them,
// and signs them out here and at the issuer. The browser gets a session cookie and never a token. Node 20 or newer.

import { randomBytes } from 'node:crypto'
import express from 'express'
import session from 'express-session'
import * as oidc from 'openid-client'

const issuer = process.env.MINTMARK_ISSUER ?? 'http://localhost:3000'
const resource = process.env.API_RESOURCE ?? 'https://things.example.com'
const api = process.env.API_URL ?? 'http://127.0.0.1:4000/things'
const port = Number(process.env.WEB_PORT ?? 4001)
const here = `http://localhost:${port}`

const { MINTMARK_CLIENT_ID: clientId, MINTMARK_CLIENT_SECRET: clientSecret } = process.env
if (!clientId || !clientSecret) {
  console.error('There is no client yet: examples/README.md says how to make one.')
  process.exit(1)
}

let discovered
/** Discovery at the first use, and again after a failure: the app starts while the issuer is down. */
function configuration() {
  discovered ??= oidc
    .discovery(new URL(issuer), clientId, undefined, oidc.ClientSecretBasic(clientSecret), {
      // plain http, which is for loopback only: leave this out with an https issuer
      execute: issuer.startsWith('http:') ? [oidc.allowInsecureRequests] : []
    })
    .catch(error => {
      discovered = undefined
      throw error
    })
  return discovered
}

const app = express()
app.disable('x-powered-by')
app.use(
  session({
    // express-session keeps sessions in memory unless it is given a store: give it one in production
    secret: process.env.SESSION_SECRET ?? randomBytes(32).toString('base64url'),
    resave: false,
    saveUninitialized: false,
    // cookies know no ports: other apps on this host have names of their own
    name: 'things-web',
    // https: secure, and __Host- before the name
    cookie: { httpOnly: true, sameSite: 'lax', secure: false }
  })
)

app.get('/', (request, response) => {
  const { person } = request.session
  response.send(
    person
      ? page(`<p>Signed in as ${escaped(person.name)}</p>
          <p><a href="/things">Your things</a></p>
          <form method="post" action="/logout"><button>Sign out</button></form>`)
      : page('<p><a href="/login">Sign in</a></p>')
  )
})

app.get('/login', async (request, response) => {
  const pending = {
    verifier: oidc.randomPKCECodeVerifier(),
    state: oidc.randomState(),
    nonce: oidc.randomNonce()
  }
  request.session.pending = pending
  const url = oidc.buildAuthorizationUrl(await configuration(), {
    redirect_uri: `${here}/callback`,
    scope: 'openid profile email read:things',
    // whom the access token is for (RFC 8707)
    resource,
    code_challenge: await oidc.calculatePKCECodeChallenge(pending.verifier),
    code_challenge_method: 'S256',
    state: pending.state,
    nonce: pending.nonce
  })
  response.redirect(url.href)
})

app.get('/callback', async (request, response) => {
  const { pending } = request.session
  // the session has run out, or the sign-in was not begun in this browser, or its cookies are off
  if (!pending) {
    return response
      .status(400)
      .send(page('<p>That took too long. <a href="/login">Sign in</a></p>'))
  }
  // a code is good once, and so is what it is checked against
  delete request.session.pending
  const tokens = await oidc.authorizationCodeGrant(
    await configuration(),
    new URL(request.originalUrl, here),
    {
      pkceCodeVerifier: pending.verifier,
      expectedState: pending.state,
      expectedNonce: pending.nonce,
      idTokenExpected: true
    }
  )
  const { sub, name, email } = tokens.claims()
  // a new session id with every sign-in: nobody can have planted it
  await new Promise((resolve, reject) =>
    request.session.regenerate(error => (error ? reject(error) : resolve()))
  )
  request.session.person = { sub, name: name ?? email ?? sub }
  request.session.idToken = tokens.id_token
  keep(request.session, tokens)
  response.redirect('/')
})

app.get('/things', async (request, response) => {
  if (!request.session.person) return response.redirect('/login')
  const token = await accessToken(request.session)
  if (token === undefined) return response.redirect('/login')
  const answer = await fetch(api, { headers: { authorization: `Bearer ${token}` } })
  response.send(page(`<pre>${answer.status} ${escaped(await answer.text())}</pre>`))
})

app.post('/logout', async (request, response) => {
  const { idToken, refreshToken } = request.session
  await new Promise(resolve => request.session.destroy(resolve))
  if (!idToken) return response.redirect('/')
  const config = await configuration()
  // what is gone already need not be revoked (RFC 7009)
  if (refreshToken) await oidc.tokenRevocation(config, refreshToken).catch(() => undefined)
  // OpenID Connect RP-Initiated Logout §2: else the next sign-in would ask for nothing
  const url = oidc.buildEndSessionUrl(config, {
    id_token_hint: idToken,
    post_logout_redirect_uri: `${here}/`
  })
  response.redirect(303, url.href)
})

app.use((error, _request, response, _next) => {
  console.error(error)
  // what the server says to the person, as in access_denied
  const text = error.error_description ?? 'Something went wrong.'
  response.status(500).send(page(`<p>${escaped(text)}</p><p><a href="/">Back</a></p>`))
})

function keep(kept, tokens) {
  kept.accessToken = tokens.access_token
  kept.expiresAt = Date.now() + (tokens.expiresIn() ?? 0) * 1000
  // the refresh token rotates: the one before is good for a few seconds more
  kept.refreshToken = tokens.refresh_token ?? kept.refreshToken
}

/** One that lives for half a minute yet; undefined: the person has to sign in again. */
async function accessToken(kept) {
  if (Date.now() < kept.expiresAt - 30_000) return kept.accessToken
  if (!kept.refreshToken) return undefined
  try {
    // two requests of one person may do this at once: both get the same refresh token
    keep(kept, await oidc.refreshTokenGrant(await configuration(), kept.refreshToken, { resource }))
    return kept.accessToken
  } catch (error) {
    // revoked or expired; anything else is an outage, and the tokens are kept
    if (error.error === 'invalid_grant') return undefined
    throw error
  }
}

function page(content) {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Things</title><h1>Things</h1>${content}</html>`
}

function escaped(text) {
  const entities = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
  return String(text).replace(/[&<>"']/g, character => entities[character])
}

app.listen(port, '127.0.0.1', error => {
  if (error) throw error
  console.log(`${here}/ signs in at ${issuer}`)
})
