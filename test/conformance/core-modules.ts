// The suite's modules of OpenID Connect Core, played against our server (net.openid.conformance.openid, each under its name there). Each
// runs for the response type of its variant; what a module says of other types is left out where that type has none of it.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { person } from '../../src/cli/conformance/clients.ts'
import type { Module, Response } from './module.ts'

export type Play = (t: Test, module: Module) => Promise<void>

const claims = { ...person.claims, ...person } as Record<string, unknown>

/** Claims by scope (Core §5.4), where the module looks for them. */
async function claimsOf(module: Module, response: Response): Promise<Record<string, unknown>> {
  const accessToken = await module.accessTokenOf(response)
  if (accessToken === undefined) return response.idToken ?? {}
  return (await module.userinfo(accessToken)).body
}

function scopes(scope: string, members: readonly string[]): Play {
  return async (t, module) => {
    const found = await claimsOf(module, await module.authorize({ scope }))
    for (const member of members) t.same(found[member], claims[member], `${scope}: ${member}`)
  }
}

const profile = [
  'name',
  'given_name',
  'family_name',
  'middle_name',
  'nickname',
  'profile',
  'picture',
  'website',
  'gender',
  'birthdate',
  'zoneinfo',
  'locale'
]
const phone = ['phone_number', 'phone_number_verified']
const email = ['email', 'email_verified']

/** A request that must succeed, and tokens that must come. */
const succeeds =
  (parameters: Record<string, string | undefined>): Play =>
  async (t, module) => {
    const response = await module.authorize(parameters)
    const accessToken = await module.accessTokenOf(response)
    if (accessToken === undefined) return
    const { status, body } = await module.userinfo(accessToken)
    t.equal(status, 200)
    t.type(body['sub'], 'string')
  }

function userinfo(by: 'get' | 'post-header' | 'post-body'): Play {
  return async (t, module) => {
    const accessToken = (await module.accessTokenOf(await module.authorize())) ?? ''
    const { status, body } = await module.userinfo(accessToken, by)
    t.equal(status, 200, JSON.stringify(body))
    t.type(body['sub'], 'string')
  }
}

/** `auth_time` of the sign-in behind a response. */
async function authTime(module: Module, response: Response): Promise<number> {
  const found = response.idToken ?? (await module.tokens(response)).claims
  return Number(found['auth_time'])
}

/** Two requests by one browser; the second must sign in anew. */
const signsInTwice =
  (second: Record<string, string>, before?: () => Promise<void>): Play =>
  async (t, module) => {
    const first = await authTime(module, await module.authorize())
    await before?.()
    const response = await module.authorize(second)
    t.strictSame(response.shown, ['Sign in'], 'the person signs in again, and is asked nothing')
    t.equal(response.pictures, 1, 'a picture of the second sign-in')
    const again = await authTime(module, response)
    t.ok(again >= first, `auth_time ${first}, then ${again}`)
    if (before !== undefined) t.ok(again > first, 'OIDCCMaxAge1: auth_time has moved')
  }

/** Ends at our error page; one picture of it. */
const errorPage =
  (parameters: Record<string, string | undefined>, status = 400): Play =>
  async (t, module) => {
    const { ended } = await module.ask(parameters)
    t.equal(ended.arrived, undefined, 'nobody is sent to the suite')
    t.equal(ended.page?.status, status)
    t.equal(ended.pictures, 1, 'a picture of the error page')
  }

const unregistered = (module: Module, change: (url: URL) => void): string => {
  const url = new URL(module.callback)
  change(url)
  return url.href
}

async function codeReuse(t: Test, module: Module, waitSeconds: number): Promise<void> {
  const response = await module.authorize()
  const tokens = await module.tokens(response)
  await sleep(waitSeconds * 1_000)
  const again = await module.redeem(response)
  t.equal(again.status, 400)
  t.equal(again.body['error'], 'invalid_grant', 'a code is used once (RFC 6749 §4.1.2)')
  t.equal((await module.userinfo(tokens.access_token)).status, 401, 'what came of it has ended')
}

export const coreModules: Readonly<Record<string, Play>> = {
  'oidcc-server': succeeds({}),
  'oidcc-idtoken-signature': succeeds({}),
  'oidcc-ensure-request-without-nonce-succeeds-for-code-flow': succeeds({ nonce: undefined }),
  'oidcc-display-page': succeeds({ display: 'page' }),
  'oidcc-display-popup': succeeds({ display: 'popup' }),
  'oidcc-ensure-request-with-unknown-parameter-succeeds': succeeds({ extra: 'foobar' }),
  'oidcc-login-hint': succeeds({ login_hint: person.login }),
  'oidcc-ui-locales': succeeds({ ui_locales: 'se ko' }),
  'oidcc-claims-locales': succeeds({ claims_locales: 'se' }),
  'oidcc-ensure-other-scope-order-succeeds': succeeds({ scope: 'email openid' }),
  'oidcc-userinfo-get': userinfo('get'),
  'oidcc-userinfo-post-header': userinfo('post-header'),
  'oidcc-userinfo-post-body': userinfo('post-body'),
  'oidcc-scope-profile': scopes('openid profile', profile),
  'oidcc-scope-email': scopes('openid email', email),
  'oidcc-scope-address': scopes('openid address', ['address']),
  'oidcc-scope-phone': scopes('openid phone', phone),
  'oidcc-scope-all': scopes('openid profile email address phone', [
    ...profile,
    ...email,
    'address',
    ...phone
  ]),

  async 'oidcc-response-type-missing'(t, module) {
    const { ended } = await module.answered({ response_type: undefined })
    t.match(ended.parameters.get('error'), /^(invalid_request|unsupported_response_type)$/)
  },

  async 'oidcc-ensure-request-without-nonce-fails'(t, module) {
    const { ended } = await module.answered({ nonce: undefined })
    t.equal(ended.parameters.get('error'), 'invalid_request', 'Core §3.2.2.1, §3.3.2.11')
  },

  'oidcc-prompt-login': signsInTwice({ prompt: 'login' }),
  'oidcc-max-age-1': signsInTwice({ max_age: '1' }, () => sleep(2_000)),

  async 'oidcc-max-age-10000'(t, module) {
    const first = await authTime(module, await module.authorize({ max_age: '10000' }))
    const response = await module.authorize({ max_age: '10000' })
    t.strictSame(response.shown, [], 'nobody signs in again')
    t.equal(await authTime(module, response), first, 'auth_time is that of the first')
  },

  async 'oidcc-prompt-none-not-logged-in'(t, module) {
    const { ended } = await module.answered({ prompt: 'none' })
    t.match(ended.parameters.get('error'), /^(login|interaction)_required$/)
  },

  async 'oidcc-prompt-none-logged-in'(t, module) {
    const first = await authTime(module, await module.authorize())
    const response = await module.authorize({ prompt: 'none' })
    t.strictSame(response.shown, [])
    t.equal(await authTime(module, response), first)
  },

  async 'oidcc-id-token-hint'(t, module) {
    const response = await module.authorize()
    const hint = response.parameters.get('id_token') ?? (await module.tokens(response)).id_token
    const again = await module.authorize({ prompt: 'none', id_token_hint: hint })
    t.strictSame(again.shown, [])
  },

  async 'oidcc-ensure-request-with-acr-values-succeeds'(t, module) {
    const metadata = await fetch(`${module.issuer}/.well-known/openid-configuration`)
    const { acr_values_supported } = (await metadata.json()) as { acr_values_supported: string[] }
    const acr = acr_values_supported.join(' ')
    const response = await module.authorize({ acr_values: acr })
    const found = response.idToken ?? (await module.tokens(response)).claims
    t.ok(acr_values_supported.includes(String(found['acr'])), 'one of those that were asked for')
  },

  'oidcc-codereuse': (t, module) => codeReuse(t, module, 0),
  'oidcc-codereuse-30seconds': (t, module) => codeReuse(t, module, 30),

  async 'oidcc-ensure-registered-redirect-uri'(t, module) {
    const redirect_uri = unregistered(module, url => {
      url.pathname += '/unregistered'
    })
    await errorPage({ redirect_uri })(t, module)
  },

  async 'oidcc-ensure-post-request-succeeds'(t, module) {
    const response = await module.authorize({}, undefined, 'POST')
    t.ok(await module.accessTokenOf(response))
  },

  async 'oidcc-server-client-secret-post'(t, module) {
    const client = {
      ...module.configuration.client_secret_post,
      method: 'client_secret_post'
    } as const
    const response = await module.authorize({}, client)
    const { access_token } = await module.tokens(response, client)
    t.equal((await module.userinfo(access_token)).status, 200)
  },

  async 'oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported'(t, module) {
    const request_uri = `${module.callback.replace(/callback$/, 'requesturi')}/x`
    const { ended } = await module.ask({ request_uri })
    t.equal(ended.arrived, module.callback)
    t.equal(ended.parameters.get('error'), 'request_uri_not_supported', 'Core §3.1.2.6')
  },

  // skipped by the suite where discovery does not say that `none` is taken, as is the module with a redirect URI inside
  async 'oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported'(t, module) {
    const metadata = await fetch(`${module.issuer}/.well-known/openid-configuration`)
    const { request_object_signing_alg_values_supported: algorithms } =
      (await metadata.json()) as Record<string, string[]>
    t.notOk(algorithms?.includes('none'))
  },

  async 'oidcc-claims-essential'(t, module) {
    const place = module.responseType === 'id_token' ? 'id_token' : 'userinfo'
    const asked = JSON.stringify({ [place]: { name: { essential: true } } })
    const found = await claimsOf(module, await module.authorize({ claims: asked }))
    t.equal(found['name'], person.name)
  },

  async 'oidcc-refresh-token'(t, module) {
    const { client, client2 } = module.configuration
    const response = await module.authorize({ scope: 'openid offline_access', prompt: 'consent' })
    const { refresh_token, claims } = await module.tokens(response)
    const refresh = (token: string | undefined, by = client) =>
      module.token({ grant_type: 'refresh_token', refresh_token: token }, by)
    const { status, body } = await refresh(refresh_token)
    t.equal(status, 200, JSON.stringify(body))
    t.not(body['refresh_token'], refresh_token, 'it rotates')
    const { sub, iat = 0 } = await module.verify(String(body['id_token']), client, response.nonce)
    t.equal(sub, claims.sub, 'the same person (Core §12.2)')
    t.ok(iat >= (claims.iat ?? 0))
    t.equal((await module.userinfo(String(body['access_token']))).status, 200)

    const other = await module.authorize(
      { scope: 'openid offline_access', prompt: 'consent' },
      client2
    )
    const theirs = await module.tokens(other, client2)
    const stolen = await refresh(theirs.refresh_token, client)
    t.equal(stolen.status, 400)
    t.equal(stolen.body['error'], 'invalid_grant', 'bound to its client (RFC 6749 §5.2)')
  },

  async 'oidcc-ensure-request-with-valid-pkce-succeeds'(t, module) {
    const response = await module.authorize({
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256'
    })
    const wrong = await module.redeem(response, undefined, { code_verifier: 'x'.repeat(43) })
    t.equal(wrong.status, 400, 'where a challenge was sent, its verifier is asked for')
    const again = await module.authorize({
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256'
    })
    await module.tokens(again, undefined, {
      code_verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
    })
  }
}

/** The modules that every response type has, in the order of the plans. */
const everywhere = [
  'oidcc-server',
  'oidcc-idtoken-signature',
  'oidcc-scope-profile',
  'oidcc-scope-email',
  'oidcc-scope-address',
  'oidcc-scope-phone',
  'oidcc-scope-all',
  'oidcc-ensure-other-scope-order-succeeds',
  'oidcc-display-page',
  'oidcc-display-popup',
  'oidcc-prompt-login',
  'oidcc-prompt-none-not-logged-in',
  'oidcc-prompt-none-logged-in',
  'oidcc-max-age-1',
  'oidcc-max-age-10000',
  'oidcc-ensure-request-with-unknown-parameter-succeeds',
  'oidcc-id-token-hint',
  'oidcc-login-hint',
  'oidcc-ui-locales',
  'oidcc-claims-locales',
  'oidcc-ensure-request-with-acr-values-succeeds',
  'oidcc-ensure-registered-redirect-uri',
  'oidcc-response-type-missing',
  'oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported',
  'oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported',
  'oidcc-claims-essential'
]
const withUserinfo = [
  'oidcc-userinfo-get',
  'oidcc-userinfo-post-header',
  'oidcc-userinfo-post-body'
]
const withCode = [
  'oidcc-codereuse',
  'oidcc-codereuse-30seconds',
  'oidcc-ensure-post-request-succeeds',
  'oidcc-server-client-secret-post',
  'oidcc-refresh-token',
  'oidcc-ensure-request-with-valid-pkce-succeeds'
]

/** The modules of a response type. */
export function modulesOf(responseType: string): string[] {
  const types = responseType.split(' ')
  const withIdToken = types.includes('id_token')
  return [
    ...everywhere,
    ...(responseType === 'id_token' ? [] : withUserinfo),
    ...(types.includes('code') ? withCode : []),
    // Core §3.2.2.1 and §3.3.2.11: an ID token from the authorization endpoint has the nonce
    withIdToken
      ? 'oidcc-ensure-request-without-nonce-fails'
      : 'oidcc-ensure-request-without-nonce-succeeds-for-code-flow'
  ]
}
