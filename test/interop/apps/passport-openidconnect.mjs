// A relying party on passport-openidconnect, which knows no PKCE: the one client that `pkce.exemptClient` names. Refresh goes by the
// OAuth client that the strategy stands on; it verifies no signature of an ID token, and knows no logout.

import express from 'express'
import session from 'express-session'
import passport from 'passport'
import { Strategy } from 'passport-openidconnect'

const { issuer, clientId, clientSecret, port } = JSON.parse(process.argv[2])
const here = `http://localhost:${port}`
const metadata = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json()

const strategy = new Strategy(
  {
    issuer,
    authorizationURL: metadata.authorization_endpoint,
    tokenURL: metadata.token_endpoint,
    userInfoURL: metadata.userinfo_endpoint,
    clientID: clientId,
    clientSecret,
    callbackURL: `${here}/callback`,
    scope: ['profile', 'email', 'offline_access'],
    prompt: 'consent',
    nonce: true
  },
  (_issuer, profile, _id, _context, idToken, accessToken, refreshToken, _params, done) =>
    done(null, { profile, idToken, accessToken, refreshToken })
)
passport.use(strategy)
passport.serializeUser((user, done) => done(null, user))
passport.deserializeUser((user, done) => done(null, user))

const app = express()
app.use(
  session({ secret: 'for this test', resave: false, saveUninitialized: false, name: 'passport' })
)
app.use(passport.session())

app.get('/login', passport.authenticate('openidconnect'))
app.get(
  '/callback',
  passport.authenticate('openidconnect', { failWithError: true, successRedirect: '/me' })
)

app.get('/me', (request, reply) => {
  const { profile, idToken } = request.user
  const claims = JSON.parse(Buffer.from(idToken.split('.')[1], 'base64url'))
  reply.json({ claims, userinfo: profile._json ?? profile })
})

app.get('/refresh', (request, reply, next) => {
  const before = request.user.refreshToken
  const parameters = { grant_type: 'refresh_token' }
  strategy._oauth2.getOAuthAccessToken(before, parameters, (error, access, refresh) => {
    if (error) return next(new Error(error.data))
    strategy._oauth2.get(metadata.userinfo_endpoint, access, (refused, body) => {
      if (refused) return next(new Error(refused.data))
      reply.json({ userinfo: JSON.parse(body), rotated: refresh !== before })
    })
  })
})

app.get('/logout', (request, reply, next) => {
  const { idToken } = request.user
  request.logout(error => {
    if (error) return next(error)
    const url = new URL(metadata.end_session_endpoint)
    url.searchParams.set('id_token_hint', idToken)
    url.searchParams.set('post_logout_redirect_uri', `${here}/bye`)
    reply.redirect(url.href)
  })
})

app.get('/bye', (_request, reply) => reply.json({ bye: true }))

app.listen(port, '127.0.0.1')
