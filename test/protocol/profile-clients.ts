// Clients with profiles (FAPI 2.0), as the test is them: with keys that sign assertions and request objects, a key for DPoP, and a certificate.

import { randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { selfSigned } from '../support/certificates.ts'
import { behindProxy } from './certified.ts'
import { type App, type Caller, createProver, type Parameters, type Requests } from './requests.ts'

export const algorithms = ['ES256', 'PS256', 'EdDSA', 'RS256'] as const
export type Algorithm = (typeof algorithms)[number]

const pairs = Object.fromEntries(
  await Promise.all(
    algorithms.map(async alg => [alg, await generateKeyPair(alg, { extractable: true })] as const)
  )
) as Record<Algorithm, Awaited<ReturnType<typeof generateKeyPair>>>
export const privateKeyOf = (alg: Algorithm) => pairs[alg].privateKey
const jwks = {
  keys: await Promise.all(
    algorithms.map(async alg => ({ ...(await exportJWK(pairs[alg].publicKey)), kid: alg, alg }))
  )
}
/** of the client `certified-app` */
export const certificate = await selfSigned()

/** Its assertion is made for each request, by `callerOf`. */
const app = (clientId: string): App => ({
  clientId,
  redirectUri: `https://${clientId}.example.com/callback`,
  caller: { headers: {}, parameters: {} }
})
export const bank = app('bank')
export const rival = app('rival')
export const signer = app('signer')
export const certified = app('certified-app')
export const turning = app('turning')

/** An API whose tokens are signed with RS256. */
export const rsaApi = 'https://rsa.example.com'

const member = ({ clientId, redirectUri }: App) => ({
  client_id: clientId,
  type: 'web',
  redirect_uris: [redirectUri],
  jwks
})

export const profileSetting = {
  ...behindProxy,
  // longer than the profile allows, and less than it asks for
  authorizationCodes: { lifetime: '5m' },
  pkce: { exemptClient: 'turning' },
  clients: [
    { ...member(bank), profile: 'fapi2' },
    { ...member(rival), profile: 'fapi2' },
    { ...member(signer), profile: 'fapi2-message-signing' },
    {
      ...member(certified),
      profile: 'fapi2',
      jwks: { keys: [{ ...certificate.jwk, kid: 'c' }] },
      token_endpoint_auth_method: 'self_signed_tls_client_auth',
      tls_client_certificate_bound_access_tokens: true
    },
    { client_id: 'robot', type: 'machine', profile: 'fapi2', jwks }
  ],
  resources: [
    {
      identifier: rsaApi,
      scopes: { 'read:rsa': { en: 'Read' } },
      accessTokens: { algorithm: 'RS256' },
      // of the command line: a start refuses one of the file
      clients: ['turning']
    },
    {
      identifier: 'https://fapi.example.com',
      scopes: { 'read:fapi': { en: 'Read' } },
      clients: ['bank', 'signer', 'robot', 'certified-app'],
      introspectionClient: 'signer'
    }
  ]
}
export const fapiApi = 'https://fapi.example.com'
export { jwks }

export function createProfileClients(requests: Requests) {
  const { issuer } = requests
  const now = () => Math.floor(Date.now() / 1000)

  interface Assertion {
    alg?: Algorithm
    claims?: Record<string, unknown>
  }

  /** The client with a fresh assertion (RFC 7523 §3). */
  async function callerOf(
    { clientId }: App,
    { alg = 'ES256', claims = {} }: Assertion = {}
  ): Promise<Caller> {
    const payload = {
      ...{ iss: clientId, sub: clientId, aud: issuer, jti: randomUUID() },
      ...{ iat: now(), exp: now() + 60 },
      ...claims
    }
    const assertion = new SignJWT(payload).setProtectedHeader({ alg, kid: alg })
    return {
      headers: {},
      parameters: {
        client_id: clientId,
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: await assertion.sign(pairs[alg].privateKey)
      }
    }
  }

  interface Pushed {
    caller?: Caller | undefined
    scope?: string | undefined
    headers?: Record<string, string>
  }

  /** Pushes a request of the app, changed. */
  async function push(
    who: App,
    changed: Parameters = {},
    { caller, scope = 'openid', headers = {} }: Pushed = {}
  ) {
    const { url, verifier, nonce } = await requests.authorizationUrl({ app: who, scope })
    const parameters = { ...Object.fromEntries(url.searchParams), ...changed }
    const by = caller ?? (await callerOf(who))
    const answer = await requests.post('/oauth/par', by, parameters, headers)
    const onward = new URL('/authorize', issuer)
    onward.search = new URLSearchParams({
      client_id: who.clientId,
      request_uri: String(answer.body['request_uri'])
    }).toString()
    return { answer, url: onward, verifier, nonce }
  }

  /** The request as a signed object, changed (RFC 9101). */
  async function requestObject(
    who: App,
    claims: Record<string, unknown> = {},
    alg: Algorithm = 'ES256'
  ) {
    const { url } = await requests.authorizationUrl({ app: who })
    return new SignJWT({
      ...Object.fromEntries(url.searchParams),
      ...{ iss: who.clientId, aud: issuer, iat: now(), nbf: now(), exp: now() + 60 },
      response_mode: 'jwt',
      ...claims
    })
      .setProtectedHeader({ alg, kid: alg, typ: 'oauth-authz-req+jwt' })
      .sign(pairs[alg].privateKey)
  }

  return { callerOf, push, requestObject, prover: createProver }
}
