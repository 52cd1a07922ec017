// Authorization requests that a client has signed (RFC 9101), by value, at the authorization endpoint and pushed: who may sign what with
// which key, and everything that is refused, before anybody sees a page.

import { createServer } from 'node:http'
import { exportJWK, generateKeyPair, type JWTHeaderParameters, SignJWT, UnsecuredJWT } from 'jose'
import * as oidc from 'openid-client'
import t from 'tap'
import { createBrowser } from '../support/browser.ts'
import { passPages } from '../support/relying-party.ts'
import { freePort, person, startTestServer } from '../support/server.ts'
import { type App, createRequests, type Parameters, web } from './requests.ts'

const algorithms = ['ES256', 'RS256', 'PS256', 'EdDSA'] as const
const pairs = Object.fromEntries(
  await Promise.all(
    algorithms.map(async alg => [alg, await generateKeyPair(alg, { extractable: true })] as const)
  )
)
type Pair = Awaited<ReturnType<typeof generateKeyPair>>

async function publicKeys(...known: [string, Pair][]) {
  const keys = await Promise.all(
    known.map(async ([alg, { publicKey }]) => ({ ...(await exportJWK(publicKey)), kid: alg, alg }))
  )
  return { keys }
}
const stranger = await generateKeyPair('ES256', { extractable: true })
const forEncryption = await generateKeyPair('ES256', { extractable: true })

const clientOf = (clientId: string): App => ({
  clientId,
  redirectUri: `https://${clientId}.example.com/callback`,
  caller: { headers: {}, parameters: {} }
})
const signer = clientOf('signer')
const strict = clientOf('strict')
const jwks = await publicKeys(
  ...(Object.entries(pairs) as [string, Pair][]).filter(([alg]) => alg !== 'EdDSA'),
  ['EdDSA', pairs['EdDSA'] as Pair]
)
const members = (app: App) => ({
  client_id: app.clientId,
  type: 'web',
  redirect_uris: [app.redirectUri],
  token_endpoint_auth_method: 'private_key_jwt'
})
const server = await startTestServer(t, {
  grantManagement: { enabled: true },
  clients: [
    {
      ...members(signer),
      jwks: {
        keys: [
          ...jwks.keys,
          { ...(await exportJWK(forEncryption.publicKey)), kid: 'enc', use: 'enc' }
        ]
      }
    },
    {
      ...members(strict),
      jwks,
      request_object_signing_alg: 'ES256',
      require_signed_request_object: true
    }
  ]
})
const requests = createRequests(server)
const { issuer } = requests
const now = () => Math.floor(Date.now() / 1000)

/** A client assertion of the app (RFC 7523). */
async function asserting({ clientId }: App) {
  const client_assertion = await new SignJWT({ jti: crypto.randomUUID() })
    .setProtectedHeader({ alg: 'ES256', kid: 'ES256' })
    .setIssuer(clientId)
    .setSubject(clientId)
    .setAudience(issuer)
    .setExpirationTime('60s')
    .sign((pairs['ES256'] as Pair).privateKey)
  return {
    headers: {},
    parameters: {
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion
    }
  }
}

interface Changes {
  app?: App
  alg?: string
  key?: Pair
  header?: Partial<JWTHeaderParameters>
  claims?: Record<string, unknown>
}

/** The claims of a good request object, changed. */
async function claimsOf({ app = signer, claims }: Changes): Promise<Record<string, unknown>> {
  const { url } = await requests.authorizationUrl({ app })
  return {
    ...Object.fromEntries(url.searchParams),
    iss: app.clientId,
    aud: issuer,
    iat: now(),
    nbf: now(),
    exp: now() + 60,
    jti: crypto.randomUUID(),
    ...claims
  }
}

async function signed(changes: Changes = {}): Promise<string> {
  const { alg = 'ES256', key = pairs[alg] as Pair, header } = changes
  return new SignJWT(await claimsOf(changes))
    .setProtectedHeader({ alg, kid: alg, typ: 'oauth-authz-req+jwt', ...header })
    .sign(key.privateKey, { crit: { 'x-ours': true } })
}

const urlWith = (request: string, app: App, beside: Parameters = {}) => {
  const url = new URL('/authorize', issuer)
  const parameters = { client_id: app.clientId, request, ...beside }
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, String(value))
  return url
}

/** Where an authorization with this request object ends. */
async function end(request: string, app = signer, beside: Parameters = {}) {
  const page = await requests.ada.get(urlWith(request, app, beside))
  return passPages(requests.ada, page, { ...person, redirectUri: app.redirectUri })
}

/** What a request object is refused with, at both endpoints, without a page for the person. */
async function refusals(request: string, app = signer) {
  const page = await createBrowser({ origin: issuer }).get(urlWith(request, app))
  const pushed = await requests.post('/oauth/par', await asserting(app), { request })
  t.notMatch(page.location?.pathname, /^\/interaction/, 'no sign-in begins')
  const told = page.location?.searchParams.get('error') ?? /invalid_\w+/.exec(page.html)?.[0]
  return { authorize: told, pushed: pushed.body['error'], status: pushed.status }
}

t.test(
  'each advertised algorithm of request objects is taken, by value and pushed (RFC 9101 §5, RFC 9126 §3)',
  async t => {
    const { body } = await requests.get('/.well-known/openid-configuration')
    t.equal(body['request_parameter_supported'], true)
    t.equal(body['request_uri_parameter_supported'], false)
    const advertised = body['request_object_signing_alg_values_supported'] as string[]
    t.same([...advertised].sort(), [...algorithms].sort())
    for (const alg of algorithms) {
      const { callbackUrl } = await end(await signed({ alg }))
      t.ok(callbackUrl.searchParams.has('code'), alg)
      t.equal(callbackUrl.searchParams.get('state'), 'state-of-this-request', alg)
      const pushed = await requests.post('/oauth/par', await asserting(signer), {
        request: await signed({ alg })
      })
      t.equal(pushed.status, 201, pushed.text)
      const url = new URL('/authorize', issuer)
      url.searchParams.set('client_id', signer.clientId)
      url.searchParams.set('request_uri', String(pushed.body['request_uri']))
      const redeemed = await passPages(requests.ada, await requests.ada.get(url), {
        ...person,
        redirectUri: signer.redirectUri
      })
      t.ok(redeemed.callbackUrl.searchParams.has('code'), `${alg}, pushed`)
    }
  }
)

t.test('openid-client signs its request, and all of the flow follows (RFC 9101 §5)', async t => {
  const { privateKey } = pairs['ES256'] as Pair
  const config = await oidc.discovery(
    new URL(issuer),
    signer.clientId,
    {},
    oidc.PrivateKeyJwt(
      { key: privateKey, kid: 'ES256' },
      {
        [oidc.modifyAssertion]: (_header, payload) => {
          payload['aud'] = issuer
        }
      }
    ),
    { execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks] }
  )
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier()
  const url = await oidc.buildAuthorizationUrlWithJAR(
    config,
    {
      redirect_uri: signer.redirectUri,
      scope: 'openid email',
      code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256'
    },
    { key: privateKey, kid: 'ES256' }
  )
  t.same([...url.searchParams.keys()].sort(), ['client_id', 'request'])
  const { callbackUrl } = await passPages(requests.ada, await requests.ada.get(url), {
    ...person,
    redirectUri: signer.redirectUri
  })
  const tokens = await oidc.authorizationCodeGrant(config, callbackUrl, {
    pkceCodeVerifier,
    idTokenExpected: true
  })
  t.equal(tokens.claims()?.['email'], 'ada@example.com')
})

t.test(
  'an action on a grant counts where it is signed, and not beside it (FAPI GM §5.2)',
  async t => {
    const managed = async (claims: object, beside: Parameters) => {
      const { callbackUrl } = await end(
        await signed({ claims: { ...pkce, ...claims } }),
        signer,
        beside
      )
      const { body } = await requests.token(await asserting(signer), {
        grant_type: 'authorization_code',
        code: callbackUrl.searchParams.get('code') ?? '',
        redirect_uri: signer.redirectUri,
        code_verifier: pkceVerifier
      })
      t.ok(body.access_token)
      return 'grant_id' in body
    }
    const pkceVerifier = oidc.randomPKCECodeVerifier()
    const pkce = { code_challenge: await oidc.calculatePKCECodeChallenge(pkceVerifier) }
    const action = { grant_management_action: 'create' }
    t.equal(await managed(action, {}), true)
    t.equal(await managed({}, action), false)
    t.equal(
      (await refusals(await signed({ claims: { grant_management_action: 'merge' } }))).pushed,
      'invalid_request'
    )
  }
)

t.test('what stands beside a request object counts for nothing (RFC 9101 §5, §6.3)', async t => {
  const request = await signed({ claims: { scope: 'openid', state: 'signed' } })
  const { callbackUrl } = await end(request, signer, {
    scope: 'openid email offline_access',
    state: 'unsigned',
    prompt: 'consent'
  })
  t.equal(callbackUrl.searchParams.get('state'), 'signed')
  const tokens = await requests.token(await asserting(signer), {
    grant_type: 'authorization_code',
    code: callbackUrl.searchParams.get('code') ?? '',
    redirect_uri: signer.redirectUri,
    code_verifier: 'x'.repeat(43)
  })
  t.equal(tokens.body['error'], 'invalid_grant', 'PKCE of the signed request')
  const evil = await end(await signed(), signer, { redirect_uri: 'https://evil.example/' })
  t.equal(evil.callbackUrl.host, 'signer.example.com')
  const missing = await signed({ claims: { redirect_uri: undefined } })
  const page = await createBrowser({ origin: issuer }).get(
    urlWith(missing, signer, { redirect_uri: signer.redirectUri })
  )
  t.notMatch(page.location?.pathname, /^\/interaction/)
})

t.test('a request object that is not exactly right is refused (RFC 9101 §6, §10.8)', async t => {
  const good = await signed()
  const [header = '', payload = '', signature = ''] = good.split('.')
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = await claimsOf({})
  const rsa = await exportJWK((pairs['RS256'] as Pair).publicKey)
  const wrong: Record<string, string> = {
    'alg none': new UnsecuredJWT(claims).encode(),
    'alg none, signed': `${encode({ alg: 'none' })}.${payload}.${signature}`,
    'HS256 with a public key': await new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256', kid: 'RS256' })
      .sign(Buffer.from(String(rsa.n), 'base64url')),
    'no signature': `${header}.${payload}.`,
    'changed claims': `${header}.${encode({ ...claims, scope: 'openid email' })}.${signature}`,
    'a key of somebody else': await signed({ key: stranger }),
    'a key in the header': await signed({
      key: stranger,
      header: { jwk: await exportJWK(stranger.publicKey) }
    }),
    'a key for encryption': await signed({ key: forEncryption, header: { kid: 'enc' } }),
    'a critical extension': await signed({ header: { crit: ['x-ours'], 'x-ours': 1 } }),
    'another audience': await signed({ claims: { aud: 'https://other.example.com' } }),
    'no audience': await signed({ claims: { aud: undefined } }),
    'another issuer': await signed({ claims: { iss: 'strict' } }),
    'no issuer': await signed({ claims: { iss: undefined } }),
    'another client': await signed({ claims: { client_id: 'web' } }),
    expired: await signed({ claims: { exp: now() - 60 } }),
    'without exp': await signed({ claims: { exp: undefined } }),
    'exp far ahead': await signed({ claims: { exp: now() + 7200 } }),
    'exp as text': await signed({ claims: { exp: String(now() + 60) } }),
    'not yet': await signed({ claims: { nbf: now() + 600 } }),
    'nbf long ago': await signed({ claims: { nbf: now() - 7200 } }),
    'a client assertion': (await asserting(signer)).parameters.client_assertion,
    'sub is the client': await signed({ claims: { sub: signer.clientId } }),
    'another type': await signed({ header: { typ: 'at+jwt' } }),
    'a request inside': await signed({ claims: { request: good } }),
    'a request_uri inside': await signed({ claims: { request_uri: 'https://evil.example/' } }),
    'an array as payload': `${header}.${encode([])}.${signature}`,
    'four parts': `${good}.x`,
    'five parts, no JWE': `${good}.x.y`,
    'JSON serialisation': JSON.stringify({ protected: header, payload, signature }),
    nothing: 'x'
  }
  for (const [what, request] of Object.entries(wrong)) {
    const told = await refusals(request)
    t.match(told.authorize, /^invalid_(request_object|request)$/, `${what}: ${told.authorize}`)
    t.match(told.pushed, /^invalid_(request_object|request)$/, `${what}, pushed: ${told.pushed}`)
    t.equal(told.status, 400, what)
  }
})

t.test('a request object is no client assertion (RFC 8725 §3.11)', async t => {
  const client_assertion = await signed({ claims: { sub: signer.clientId } })
  const caller = {
    headers: {},
    parameters: { ...(await asserting(signer)).parameters, client_assertion }
  }
  const answer = await requests.post('/oauth/par', caller, { request: await signed() })
  t.match(answer, { status: 401, body: { error: 'invalid_client' } })
})

t.test(
  'a client that must sign may not leave it, nor take another algorithm (RFC 9101 §10.5, Registration §2)',
  async t => {
    t.match(await requests.refusalOf({ app: strict }), { error: 'invalid_request' })
    const { url } = await requests.authorizationUrl({ app: strict })
    const pushed = await requests.post(
      '/oauth/par',
      await asserting(strict),
      Object.fromEntries(url.searchParams)
    )
    t.match(pushed, { status: 400, body: { error: 'invalid_request' } })
    t.match(pushed.body['error_description'], /require_signed_request_object/)
    const other = await refusals(await signed({ app: strict, alg: 'RS256' }), strict)
    t.match(other, { authorize: 'invalid_request_object', pushed: 'invalid_request_object' })
    const { callbackUrl } = await end(await signed({ app: strict }), strict)
    t.ok(callbackUrl.searchParams.has('code'), 'the control')
  }
)

t.test('a client without keys cannot sign, and is told so (RFC 9101 §6.2)', async t => {
  const page = await createBrowser({ origin: issuer }).get(urlWith(await signed({ app: web }), web))
  t.match(page.html, /invalid_request_object/)
  t.equal(page.status, 400)
})

t.test('a request_uri of the client is asked by nobody (RFC 9101 §5.2)', async t => {
  const port = await freePort()
  let asked = 0
  const sink = createServer((_request, response) => {
    asked += 1
    response.end()
  })
  await new Promise<void>(resolve => sink.listen(port, '127.0.0.1', resolve))
  t.teardown(() => sink.close())
  const request_uri = `http://127.0.0.1:${port}/request`
  const told = await requests.refusalOf({ app: signer, extra: { request_uri } })
  t.match(told, { error: 'request_uri_not_supported' })
  for (const header of [
    { jku: request_uri },
    { x5u: request_uri }
  ] as Partial<JWTHeaderParameters>[]) {
    await refusals(await signed({ key: stranger, header }))
  }
  t.equal(asked, 0)
})
