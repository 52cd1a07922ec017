// What every module of the suite does: a request to the authorization endpoint by its browser, the checks of what comes back, the token
// endpoint, userinfo. Hand-made requests; ID tokens are verified with jose and the published keys.

import { createHash, randomBytes } from 'node:crypto'
import { createRemoteJWKSet, type JWTPayload, jwtVerify } from 'jose'
import type { Test } from 'tap'
import type { Visit } from '../../src/cli/conformance/automation.ts'
import { suitePath } from '../../src/cli/conformance/clients.ts'
import type { Plan } from '../../src/cli/conformance/plans.ts'
import type { Run } from './run.ts'
import { createSuiteBrowser, type Ended } from './suite-browser.ts'

/** A client as the suite knows it. */
export interface SuiteClient {
  client_id: string
  client_secret: string
  /** the suite's name for how it authenticates */
  method?: 'client_secret_basic' | 'client_secret_post'
  /** private_key_jwt */
  assertion?: () => Promise<string>
}

export type Parameters = Record<string, string | undefined>

export interface Response extends Ended {
  nonce: string | undefined
  /** verified; undefined where the response type has none */
  idToken: JWTPayload | undefined
  code: string | undefined
  accessToken: string | undefined
  redirectUri: string
}

export interface Tokens {
  access_token: string
  id_token: string
  refresh_token?: string
  claims: JWTPayload
}

export interface Answer {
  status: number
  body: Record<string, unknown>
}

export type Module = ReturnType<typeof createModule>

/** OpenID Connect Core §3.1.3.6: the left half of the hash. */
export function halfHash(value: string): string {
  return createHash('sha256').update(value).digest().subarray(0, 16).toString('base64url')
}

/** A module of a plan, with a browser of its own. `responseType`: the variant. */
export function createModule(t: Test, run: Run, plan: Plan, name: string, responseType = 'code') {
  const { issuer } = run.place
  const configuration = run.suite(plan) as {
    client: SuiteClient
    client2: SuiteClient
    client_secret_post: SuiteClient
    browser: readonly Visit[]
    override: Record<string, { browser: readonly Visit[] }>
  }
  const { browser } = configuration.override[name] ?? configuration
  const suiteBrowser = createSuiteBrowser(run.place, browser)
  const keys = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`))
  const callback = suitePath(run.place, 'callback')
  const formPost = plan.suite.includes('formpost')

  async function post(path: string, parameters: Parameters, headers: Record<string, string> = {}) {
    const given = Object.entries(parameters).filter(([, value]) => value !== undefined)
    const answer = await fetch(issuer + path, {
      method: 'POST',
      headers,
      body: new URLSearchParams(given as [string, string][])
    })
    const body = (await answer.json()) as Record<string, unknown>
    return { status: answer.status, body } satisfies Answer
  }

  async function verify(
    idToken: string,
    client: Pick<SuiteClient, 'client_id'>,
    nonce: string | undefined
  ): Promise<JWTPayload> {
    const { payload, protectedHeader } = await jwtVerify(idToken, keys, {
      issuer,
      audience: client.client_id,
      requiredClaims: ['exp', 'iat', 'sub']
    })
    t.equal(protectedHeader.alg, 'RS256', 'OP-IDToken-Signature: RS256 unless another is asked for')
    t.ok(protectedHeader.kid, 'OP-IDToken-kid')
    t.equal(payload['nonce'], nonce, 'the nonce of the request')
    return payload
  }

  /** One visit to the authorization endpoint; nothing is judged. `undefined` leaves a parameter out. */
  async function ask(
    parameters: Parameters = {},
    client: Pick<SuiteClient, 'client_id'> = configuration.client,
    method: 'GET' | 'POST' = 'GET'
  ) {
    const request: Parameters = {
      client_id: client.client_id,
      redirect_uri: callback,
      response_type: responseType,
      scope: 'openid',
      state: randomBytes(10).toString('base64url'),
      nonce: randomBytes(10).toString('base64url'),
      ...(formPost ? { response_mode: 'form_post' } : {}),
      ...parameters
    }
    const given = Object.entries(request).filter(([, value]) => value !== undefined)
    const query = new URLSearchParams(given as [string, string][])
    const ended = await suiteBrowser.visit(`${issuer}/authorize?${query}`, method)
    return { request, ended }
  }

  /** A request that is answered at the callback; state and place are checked, and `iss` (RFC 9207). */
  async function answered(...[parameters, client, method]: globalThis.Parameters<typeof ask>) {
    const { request, ended } = await ask(parameters, client, method)
    t.equal(ended.arrived, callback, `${name}: the browser is back at the suite`)
    t.equal(ended.parameters.get('state'), request['state'] ?? null, 'CheckMatchingStateParameter')
    // RFC 9207 §2.4: beside an ID token, which has its own, it may be left out
    if (!ended.parameters.has('id_token')) t.equal(ended.parameters.get('iss'), issuer, 'iss')
    const expected = formPost ? 'form' : /token/.test(responseType) ? 'fragment' : 'query'
    if (request['response_type'] !== undefined) t.equal(ended.by, expected, 'the response mode')
    return { request, ended }
  }

  /** A request that succeeds: what it brings is checked. */
  async function authorize(
    parameters: Parameters = {},
    client: Pick<SuiteClient, 'client_id'> = configuration.client,
    method: 'GET' | 'POST' = 'GET'
  ): Promise<Response> {
    const { request, ended } = await answered(parameters, client, method)
    const value = (key: string) => ended.parameters.get(key) ?? undefined
    t.equal(value('error'), undefined, value('error_description') ?? 'no error')
    const types = responseType.split(' ')
    const [code, accessToken, idToken] = [value('code'), value('access_token'), value('id_token')]
    t.equal(code !== undefined, types.includes('code'), 'a code')
    t.equal(accessToken !== undefined, types.includes('token'), 'an access token')
    t.equal(idToken !== undefined, types.includes('id_token'), 'an ID token')
    const nonce = request['nonce']
    const claims = idToken === undefined ? undefined : await verify(idToken, client, nonce)
    if (claims !== undefined && code !== undefined) {
      t.equal(claims['c_hash'], halfHash(code), 'ValidateCHash')
    }
    if (claims !== undefined && accessToken !== undefined) {
      t.equal(claims['at_hash'], halfHash(accessToken), 'ValidateAtHash')
      t.equal(value('token_type')?.toLowerCase(), 'bearer')
      t.match(value('expires_in'), /^\d+$/)
    }
    const redirectUri = request['redirect_uri'] ?? callback
    return { ...ended, nonce, idToken: claims, code, accessToken, redirectUri }
  }

  async function token(parameters: Parameters, client: SuiteClient = configuration.client) {
    const { client_id, client_secret, method } = client
    if (client.assertion !== undefined) {
      const client_assertion_type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
      const client_assertion = await client.assertion()
      return post('/oauth/token', { client_assertion_type, client_assertion, ...parameters })
    }
    if (method === 'client_secret_post') {
      return post('/oauth/token', { client_id, client_secret, ...parameters })
    }
    const pair = Buffer.from(`${client_id}:${client_secret}`).toString('base64')
    return post('/oauth/token', parameters, { authorization: `Basic ${pair}` })
  }

  const redeem = (
    { code, redirectUri }: Pick<Response, 'code' | 'redirectUri'>,
    client?: SuiteClient,
    more: Parameters = {}
  ) => token({ grant_type: 'authorization_code', code, redirect_uri: redirectUri, ...more }, client)

  async function tokens(
    response: Response,
    client: SuiteClient = configuration.client,
    more: Parameters = {}
  ): Promise<Tokens> {
    const { status, body } = await redeem(response, client, more)
    if (status !== 200) t.fail(`the token endpoint refuses: ${JSON.stringify(body)}`)
    const { access_token, id_token, refresh_token } = body as unknown as Tokens
    const claims = await verify(id_token, client, response.nonce)
    return { access_token, id_token, claims, ...(refresh_token && { refresh_token }) }
  }

  async function userinfo(
    accessToken: string,
    by: 'get' | 'post-header' | 'post-body' = 'get'
  ): Promise<Answer> {
    const headers = { authorization: `Bearer ${accessToken}` }
    const url = `${issuer}/userinfo`
    const answer =
      by === 'get'
        ? await fetch(url, { headers })
        : await fetch(url, {
            method: 'POST',
            ...(by === 'post-header'
              ? { headers }
              : { body: new URLSearchParams({ access_token: accessToken }) })
          })
    const text = await answer.text()
    return { status: answer.status, body: text === '' ? {} : JSON.parse(text) }
  }

  return {
    ...{ name, responseType, configuration, callback, issuer, run },
    ...{ ask, answered, authorize, token, redeem, tokens, userinfo, post, verify },
    visit: suiteBrowser.visit,

    /** What the response opens: the code's token, or the one that came with it; undefined for `id_token` alone. */
    async accessTokenOf(response: Response): Promise<string | undefined> {
      if (response.code === undefined) return response.accessToken
      const answer = await tokens(response)
      return answer.access_token
    },

    logout: (parameters: Parameters) => {
      const given = Object.entries(parameters).filter(([, value]) => value !== undefined)
      const query = new URLSearchParams(given as [string, string][])
      return suiteBrowser.visit(`${issuer}/logout?${query}`.replace(/\?$/, ''))
    }
  }
}
