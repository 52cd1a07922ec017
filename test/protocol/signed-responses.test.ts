// What is signed for a client besides ID tokens: userinfo (OpenID Connect Core §5.3.2), introspection (RFC 9701) and authorization responses
// (JARM). Each with the algorithm that the client registered, with a key of the purpose `identity`, and none of them taken for another.

import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import * as oidc from 'openid-client'
import t from 'tap'
import { createBrowser } from '../support/browser.ts'
import { secretOf } from '../support/configuration.ts'
import { passPages } from '../support/relying-party.ts'
import { person, startTestServer } from '../support/server.ts'
import {
  type App,
  api,
  basic,
  claimsIn,
  createRequests,
  headerOf,
  spa,
  type web
} from './requests.ts'

const algorithms = ['RS256', 'ES256', 'EdDSA'] as const
const appOf = (alg: string): App => ({
  clientId: `signed-${alg.toLowerCase()}`,
  redirectUri: `https://${alg.toLowerCase()}.example.com/callback`,
  caller: basic(`signed-${alg.toLowerCase()}`)
})
const server = await startTestServer(t, {
  clients: algorithms.map(alg => ({
    client_id: appOf(alg).clientId,
    type: 'web',
    client_secret: secretOf(appOf(alg).clientId),
    redirect_uris: [appOf(alg).redirectUri],
    id_token_signed_response_alg: alg,
    userinfo_signed_response_alg: alg,
    introspection_signed_response_alg: alg,
    authorization_signed_response_alg: alg
  }))
})
const requests = createRequests(server)
const { issuer } = requests
const asJwt = { accept: 'application/token-introspection+jwt' }

async function keySet() {
  const { body } = await requests.get('/.well-known/jwks.json')
  return createLocalJWKSet(body as unknown as JSONWebKeySet)
}

/** The purpose of the key that signed it, as the server knows it. */
const purposeOf = (jwt: string) =>
  server.server.keys.ring.byKid(String(headerOf(jwt)['kid']))?.purpose

const introspectAsJwt = (caller: typeof web.caller, token: string) =>
  requests.post('/oauth/introspect', caller, { token }, asJwt)

t.test(
  'each advertised algorithm signs userinfo for who registered it (Core §5.3.2, Registration §2)',
  async t => {
    const { body } = await requests.get('/.well-known/openid-configuration')
    t.same(
      [...(body['userinfo_signing_alg_values_supported'] as string[])].sort(),
      [...algorithms].sort()
    )
    for (const alg of algorithms) {
      const app = appOf(alg)
      const tokens = await requests.tokens({ app, scope: 'openid email' })
      const answer = await requests.userinfo(tokens.access_token)
      t.match(answer.headers.get('content-type'), /^application\/jwt/)
      t.match(answer.headers.get('cache-control'), /no-store/)
      const { payload, protectedHeader } = await jwtVerify(answer.text, await keySet(), {
        issuer,
        audience: app.clientId,
        algorithms: [alg]
      })
      t.equal(protectedHeader.alg, alg)
      t.equal(purposeOf(answer.text), 'identity')
      t.match(payload, { sub: server.accountId, email: 'ada@example.com', email_verified: true })
      t.equal(payload.exp, claimsIn(tokens.access_token)['exp'], 'as long as the access token')
    }
  }
)

t.test('openid-client reads signed userinfo (Core §5.3.2)', async t => {
  const { clientId } = appOf('ES256')
  const config = await oidc.discovery(
    new URL(issuer),
    clientId,
    { userinfo_signed_response_alg: 'ES256' },
    oidc.ClientSecretBasic(secretOf(clientId)),
    { execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks] }
  )
  const tokens = await requests.tokens({ app: appOf('ES256'), scope: 'openid profile' })
  const claims = await oidc.fetchUserInfo(config, tokens.access_token, server.accountId)
  t.match(claims, { name: 'Ada Lovelace', sub: server.accountId })
})

t.test('without the registration userinfo is plain JSON (Core §5.3.2)', async t => {
  const { access_token } = await requests.tokens()
  const answer = await requests.userinfo(access_token, { accept: 'application/jwt' })
  t.match(answer.headers.get('content-type'), /^application\/json/)
  t.equal(answer.body['sub'], server.accountId)
})

t.test(
  'each advertised algorithm signs introspection for who registered it, and asks for it (RFC 9701 §4, §5)',
  async t => {
    const { body } = await requests.get('/.well-known/openid-configuration')
    t.same(
      [...(body['introspection_signing_alg_values_supported'] as string[])].sort(),
      [...algorithms].sort()
    )
    for (const alg of algorithms) {
      const app = appOf(alg)
      const { access_token } = await requests.tokens({ app })
      const plain = await requests.introspect(app.caller, access_token)
      t.match(plain.headers.get('content-type'), /^application\/json/, 'not asked for')
      const answer = await introspectAsJwt(app.caller, access_token)
      t.match(answer.headers.get('content-type'), /^application\/token-introspection\+jwt/)
      t.match(answer.headers.get('cache-control'), /no-store/)
      const { payload, protectedHeader } = await jwtVerify(answer.text, await keySet(), {
        issuer,
        audience: app.clientId,
        algorithms: [alg],
        typ: 'token-introspection+jwt'
      })
      t.equal(protectedHeader.alg, alg)
      t.equal(purposeOf(answer.text), 'identity')
      t.same(payload['token_introspection'], plain.body, 'the same that JSON says')
      // RFC 9701 §5: nothing at the top level makes it look like an access token
      t.same(Object.keys(payload).sort(), ['aud', 'iat', 'iss', 'token_introspection'])
    }
  }
)

t.test('openid-client introspects by JWT at the API of the token (RFC 9701 §5)', async t => {
  const machine = await requests.machine('billing', { resource: api, scope: 'read:things' })
  const config = await oidc.discovery(
    new URL(issuer),
    'api-server',
    { introspection_signed_response_alg: 'RS256' },
    oidc.ClientSecretBasic(secretOf('api-server')),
    { execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks] }
  )
  const told = await oidc.tokenIntrospection(config, machine.body.access_token)
  t.match(told, { active: true, aud: api, client_id: 'billing', scope: 'read:things' })
})

t.test('strangers and public clients are told a signed no (RFC 9701 §5, RFC 7662 §4)', async t => {
  const { access_token } = await requests.tokens({ app: appOf('RS256') })
  for (const caller of [basic('other-web'), spa.caller]) {
    const answer = await introspectAsJwt(caller, access_token)
    t.same(claimsIn(answer.text)['token_introspection'], { active: false })
  }
  const nobody = await introspectAsJwt({ headers: {}, parameters: {} }, access_token)
  t.match(nobody, { status: 401, body: { error: 'invalid_client' } })
})

/** An authorization with a response mode of JARM; where the browser ends, or the form that it would post. */
async function respond(app: App, response_mode: string, extra: Record<string, string> = {}) {
  const { url, verifier, nonce } = await requests.authorizationUrl({
    app,
    extra: { response_mode, ...extra }
  })
  const page = await requests.ada.get(url)
  const form = page.forms.find(({ fields }) => fields.has('response'))
  if (form !== undefined) return { page, response: form.fields.get('response') ?? '', verifier }
  const end =
    page.location && new URL(page.location).host === new URL(app.redirectUri).host
      ? page.location
      : (await passPages(requests.ada, page, { ...person, redirectUri: app.redirectUri }))
          .callbackUrl
  const place =
    response_mode === 'fragment.jwt' ? new URLSearchParams(end.hash.slice(1)) : end.searchParams
  t.same([...place.keys()], ['response'], 'nothing beside it')
  return { page, response: place.get('response') ?? '', verifier, nonce, end }
}

t.test(
  'each advertised algorithm signs authorization responses, in each mode (JARM §2.1, §2.3)',
  async t => {
    const { body } = await requests.get('/.well-known/openid-configuration')
    t.same(
      [...(body['authorization_signing_alg_values_supported'] as string[])].sort(),
      [...algorithms].sort()
    )
    for (const alg of algorithms) {
      const app = appOf(alg)
      await requests.code({ app })
      for (const mode of ['jwt', 'query.jwt', 'fragment.jwt', 'form_post.jwt']) {
        const { response, verifier } = await respond(app, mode)
        const { payload, protectedHeader } = await jwtVerify(response, await keySet(), {
          issuer,
          audience: app.clientId,
          algorithms: [alg]
        })
        t.equal(protectedHeader.alg, alg, mode)
        t.equal(purposeOf(response), 'identity')
        t.equal(payload['state'], 'state-of-this-request')
        t.ok(Number(payload.exp) <= Date.now() / 1000 + 600, 'ten minutes at most (JARM §2.1)')
        const { code } = payload as { code: string }
        const redeemed = await requests.token(app.caller, {
          grant_type: 'authorization_code',
          code,
          redirect_uri: app.redirectUri,
          code_verifier: verifier
        })
        t.equal(redeemed.status, 200, redeemed.text)
      }
    }
  }
)

t.test('openid-client takes a JARM response, and refuses a changed one (JARM §2.4)', async t => {
  const app = appOf('ES256')
  const config = await oidc.discovery(
    new URL(issuer),
    app.clientId,
    { authorization_signed_response_alg: 'ES256', id_token_signed_response_alg: 'ES256' },
    oidc.ClientSecretBasic(secretOf(app.clientId)),
    { execute: [oidc.allowInsecureRequests, oidc.useJwtResponseMode] }
  )
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier()
  const expectedState = oidc.randomState()
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: app.redirectUri,
    scope: 'openid',
    state: expectedState,
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256'
  })
  t.equal(url.searchParams.get('response_mode'), 'jwt')
  const browser = createBrowser({ origin: issuer })
  const { callbackUrl } = await passPages(browser, await browser.get(url), {
    ...person,
    redirectUri: app.redirectUri
  })
  const checks = { pkceCodeVerifier, expectedState, idTokenExpected: true }
  const changed = new URL(callbackUrl)
  const [header, , signature] = (callbackUrl.searchParams.get('response') ?? '').split('.')
  const claims = claimsIn(callbackUrl.searchParams.get('response') ?? '')
  const payload = Buffer.from(JSON.stringify({ ...claims, code: 'x' })).toString('base64url')
  changed.searchParams.set('response', `${header}.${payload}.${signature}`)
  await t.rejects(oidc.authorizationCodeGrant(config, changed, checks))
  const tokens = await oidc.authorizationCodeGrant(config, callbackUrl, checks)
  t.equal(tokens.claims()?.sub, server.accountId)
})

t.test('a refusal comes back signed, too (JARM §2.1)', async t => {
  const app = appOf('RS256')
  const page = await requests.authorize({
    app,
    extra: { response_mode: 'query.jwt', prompt: 'none' }
  })
  const { payload } = await jwtVerify(
    page.location?.searchParams.get('response') ?? '',
    await keySet(),
    { issuer, audience: app.clientId }
  )
  t.match(payload, { error: 'login_required', state: 'state-of-this-request' })
  t.notOk('code' in payload)
})

t.test(
  'none of them is an ID token hint, an access token or an assertion (RFC 8725 §3.11)',
  async t => {
    const app = appOf('ES256')
    const { access_token, id_token } = await requests.tokens({ app })
    const others: Record<string, string> = {
      userinfo: (await requests.userinfo(access_token)).text,
      introspection: (await introspectAsJwt(app.caller, access_token)).text,
      authorization: (await respond(app, 'query.jwt')).response
    }
    const hinted = async (id_token_hint: string) =>
      (
        await requests.authorize({
          app,
          browser: requests.ada,
          extra: { prompt: 'none', id_token_hint }
        })
      ).location?.searchParams
    t.ok((await hinted(id_token))?.has('code'), 'the control')
    for (const [kind, jwt] of Object.entries(others)) {
      t.equal((await hinted(jwt))?.get('error'), 'invalid_request', kind)
      const logout = await requests.get(`/logout?${new URLSearchParams({ id_token_hint: jwt })}`)
      t.equal(logout.status, 400, kind)
      t.equal((await requests.userinfo(jwt)).status, 401, kind)
      t.same((await requests.introspect(app.caller, jwt)).body, { active: false }, kind)
      const asserted = await requests.token(
        {
          headers: {},
          parameters: {
            client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
            client_assertion: jwt
          }
        },
        { grant_type: 'client_credentials' }
      )
      t.equal(asserted.status, 401, kind)
    }
  }
)
