// Clients with the profile `fapi2-message-signing` (FAPI 2.0 Message Signing): requests are signed, and so are answers and introspection. With
// openid-client, and by hand everything that is refused.

import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import * as oidc from 'openid-client'
import t from 'tap'
import { passPages } from '../support/relying-party.ts'
import { person, startTestServer } from '../support/server.ts'
import {
  type Algorithm,
  bank,
  createProfileClients,
  fapiApi,
  privateKeyOf,
  profileSetting,
  signer
} from './profile-clients.ts'
import { claimsIn, createRequests, headerOf } from './requests.ts'

const server = await startTestServer(t, profileSetting)
const requests = createRequests(server)
const { issuer, ada } = requests
const { callerOf, push, requestObject } = createProfileClients(requests)
const asJwt = { accept: 'application/token-introspection+jwt' }

const pushSigned = async (claims: Record<string, unknown> = {}, alg: Algorithm = 'ES256') =>
  requests.post('/oauth/par', await callerOf(signer), {
    request: await requestObject(signer, claims, alg)
  })

t.test(
  'openid-client signs its request, and the answer is signed (FAPI 2.0 Message Signing §5.3, §5.4)',
  async t => {
    const metadata = {
      client_id: 'signer',
      id_token_signed_response_alg: 'ES256',
      authorization_signed_response_alg: 'ES256'
    }
    const key = { key: privateKeyOf('ES256'), kid: 'ES256' }
    const asserted = oidc.PrivateKeyJwt(key, {
      [oidc.modifyAssertion]: (_header, payload) => {
        payload['aud'] = issuer
      }
    })
    const config = await oidc.discovery(new URL(issuer), 'signer', metadata, asserted, {
      execute: [
        oidc.allowInsecureRequests,
        oidc.enableNonRepudiationChecks,
        oidc.useJwtResponseMode
      ]
    })
    const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256'))
    const pkceCodeVerifier = oidc.randomPKCECodeVerifier()
    const expectedState = oidc.randomState()
    const signed = await oidc.buildAuthorizationUrlWithJAR(
      config,
      {
        redirect_uri: signer.redirectUri,
        scope: 'openid read:fapi',
        resource: fapiApi,
        state: expectedState,
        code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
        code_challenge_method: 'S256'
      },
      key
    )
    const url = await oidc.buildAuthorizationUrlWithPAR(config, signed.searchParams, { DPoP })
    const { callbackUrl } = await passPages(ada, await ada.get(url), {
      ...person,
      redirectUri: signer.redirectUri
    })
    t.same([...callbackUrl.searchParams.keys()], ['response'], 'nothing is said unsigned')
    const response = callbackUrl.searchParams.get('response') ?? ''
    t.equal(headerOf(response)['alg'], 'ES256')
    const tokens = await oidc.authorizationCodeGrant(
      config,
      callbackUrl,
      { pkceCodeVerifier, expectedState, idTokenExpected: true },
      { resource: fapiApi },
      { DPoP }
    )
    t.equal(tokens.token_type, 'dpop')

    const { body } = await requests.get('/.well-known/jwks.json')
    const told = await requests.post(
      '/oauth/introspect',
      await callerOf(signer),
      { token: tokens.access_token },
      asJwt
    )
    const { payload, protectedHeader } = await jwtVerify(
      told.text,
      createLocalJWKSet(body as unknown as JSONWebKeySet),
      { issuer, audience: 'signer', typ: 'token-introspection+jwt' }
    )
    t.equal(protectedHeader.alg, 'ES256')
    t.match(payload['token_introspection'], { active: true, scope: 'read:fapi' })
    const plain = await requests.post('/oauth/introspect', await callerOf(signer), {
      token: tokens.access_token
    })
    t.match(plain, {
      status: 400,
      body: { error: 'invalid_request', error_description: /token-introspection\+jwt/ }
    })
  }
)

t.test(
  'a request that is not signed, or not as it must be, is refused (Message Signing §5.3)',
  async t => {
    const { answer } = await push(signer)
    t.match(answer, { status: 400, body: { error: 'invalid_request' } }, 'unsigned')
    t.match(await requests.refusalOf({ app: signer }), { error: 'invalid_request' }, 'not pushed')
    const now = Math.floor(Date.now() / 1000)
    const wrong: [string, Record<string, unknown>, Algorithm?][] = [
      ['RS256', {}, 'RS256'],
      ['no nbf', { nbf: undefined }],
      ['nbf an hour ago', { nbf: now - 3700, exp: now + 60 }],
      ['exp more than an hour behind nbf', { nbf: now - 1000, exp: now + 3000 }],
      ['no exp', { exp: undefined }],
      ['expired', { exp: now - 60 }],
      ['for another server', { aud: 'https://other.test' }],
      ['of another client', { iss: 'bank' }],
      ['an unsigned answer', { response_mode: undefined }],
      ['an unsigned answer, by name', { response_mode: 'query' }],
      ['no PKCE', { code_challenge: undefined, code_challenge_method: undefined }]
    ]
    for (const [what, claims, alg] of wrong) {
      const refused = await pushSigned(claims, alg)
      t.match(refused, { status: 400, body: { error: /^invalid_request(_object)?$/ } }, what)
    }
    for (const alg of ['ES256', 'PS256', 'EdDSA'] as const) {
      t.equal((await pushSigned({}, alg)).status, 201, alg)
    }
    t.equal((await pushSigned({ response_mode: 'form_post.jwt' })).status, 201)
  }
)

t.test('an object that somebody changed, or another signed, is refused', async t => {
  const good = await requestObject(signer)
  const other = await requestObject(signer, { scope: 'openid email' })
  const [header, , signature] = good.split('.')
  const forged = `${header}.${other.split('.')[1]}.${signature}`
  const answer = await requests.post('/oauth/par', await callerOf(signer), { request: forged })
  t.match(answer, { status: 400, body: { error: 'invalid_request_object' } })
  const foreign = await requests.post('/oauth/par', await callerOf(bank), { request: good })
  t.match(foreign, { status: 400, body: { error: /^invalid_request/ } })
})

t.test('a signed request of a client with fapi2 alone keeps to its algorithms, too', async t => {
  const pushed = async (claims: Record<string, unknown>, alg: Algorithm) =>
    requests.post('/oauth/par', await callerOf(bank), {
      request: await requestObject(bank, claims, alg)
    })
  t.match(await pushed({}, 'RS256'), { status: 400, body: { error: 'invalid_request_object' } })
  t.equal((await pushed({ response_mode: undefined }, 'PS256')).status, 201, 'answers need no JARM')
})

t.test('a refusal is signed, too, whatever the address bar says (JARM §2.1)', async t => {
  const { body } = await pushSigned({ prompt: 'consent' })
  const url = new URL('/authorize', issuer)
  url.searchParams.set('client_id', 'signer')
  url.searchParams.set('request_uri', String(body['request_uri']))
  url.searchParams.set('response_mode', 'query')
  const page = await ada.get(url)
  const { callbackUrl } = await passPages(ada, page, {
    ...person,
    redirectUri: signer.redirectUri,
    consent: 'decline'
  })
  t.same([...callbackUrl.searchParams.keys()], ['response'], 'nothing beside it')
  t.match(claimsIn(callbackUrl.searchParams.get('response') ?? ''), {
    iss: issuer,
    aud: 'signer',
    error: 'access_denied'
  })
})
