// Requests as a client sends them, without a library in between: what a good library would never send must be tried, too. One person at
// one browser stands behind them, so that after the first sign-in an authorization is a single request.

import { randomUUID } from 'node:crypto'
import {
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  type JWTHeaderParameters,
  SignJWT
} from 'jose'
import * as oidc from 'openid-client'
import { type Browser, createBrowser } from '../support/browser.ts'
import { api, redirectUri, secretOf } from '../support/configuration.ts'
import { passPages } from '../support/relying-party.ts'
import { person, type TestServer } from '../support/server.ts'

/** How a client shows who it is. */
export interface Caller {
  headers: Record<string, string>
  parameters: Record<string, string>
}

/** RFC 6749 §2.3.1: both parts are form-encoded before base64. */
export function basic(clientId: string, secret = secretOf(clientId)): Caller {
  const encoded = (text: string) => new URLSearchParams([['', text]]).toString().slice(1)
  const pair = `${encoded(clientId)}:${encoded(secret)}`
  return {
    headers: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` },
    parameters: {}
  }
}

export const inBody = (clientId: string, secret = secretOf(clientId)): Caller => ({
  headers: {},
  parameters: { client_id: clientId, client_secret: secret }
})

/** A public client says its name and proves nothing. */
export const publicly = (clientId: string): Caller => ({
  headers: {},
  parameters: { client_id: clientId }
})

export const nobody: Caller = { headers: {}, parameters: {} }

export interface Answer {
  status: number
  headers: Headers
  text: string
  /** empty when the answer is not a JSON object */
  body: { [member: string]: unknown; access_token: string; refresh_token: string; id_token: string }
}

export type Parameters = Record<string, string | readonly string[] | undefined>

/** Where an app's codes go, and how it shows who it is. */
export interface App {
  clientId: string
  redirectUri: string
  caller: Caller
}

export const web: App = { clientId: 'web', redirectUri, caller: basic('web') }
export const otherWeb: App = {
  clientId: 'other-web',
  redirectUri: 'https://other.example.com/callback',
  caller: basic('other-web')
}
export const spa: App = {
  clientId: 'spa',
  redirectUri: 'https://spa.example.com/callback',
  caller: publicly('spa')
}

export interface CodeRequest {
  app?: App
  scope?: string
  resource?: string | readonly string[]
  /** more parameters of the authorization request; `undefined` leaves one out that is sent otherwise */
  extra?: Parameters
  browser?: Browser
  /** who signs in where a page asks; default: the person that every test has */
  who?: { login: string; password: string }
}

export interface Code {
  code: string
  verifier: string
  nonce: string
  callbackUrl: URL
  app: App
}

function form(parameters: Parameters): URLSearchParams {
  const encoded = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of [value ?? []].flat()) encoded.append(name, one)
  }
  return encoded
}

async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text()
  let body: Answer['body']
  try {
    body = JSON.parse(text)
  } catch {
    body = {} as Answer['body']
  }
  return { status: response.status, headers: response.headers, text, body }
}

export type Requests = ReturnType<typeof createRequests>

export function createRequests({ issuer, store }: Pick<TestServer, 'issuer' | 'store'>) {
  const ada = createBrowser({ origin: issuer })
  let turns = 0

  async function post(
    path: string,
    caller: Caller,
    parameters: Parameters,
    headers: Record<string, string> = {}
  ): Promise<Answer> {
    const response = await fetch(issuer + path, {
      method: 'POST',
      headers: { ...caller.headers, ...headers },
      body: form({ ...caller.parameters, ...parameters })
    })
    return answerOf(response)
  }

  const token = (caller: Caller, parameters: Parameters, headers?: Record<string, string>) =>
    post('/oauth/token', caller, parameters, headers)

  /** The authorization request of `request`, as the browser is sent there. */
  async function authorizationUrl(request: CodeRequest = {}) {
    const { app = web, scope = 'openid', resource, extra } = request
    const verifier = oidc.randomPKCECodeVerifier()
    const nonce = oidc.randomNonce()
    const url = new URL('/authorize', issuer)
    url.search = form({
      client_id: app.clientId,
      redirect_uri: app.redirectUri,
      response_type: 'code',
      scope,
      state: 'state-of-this-request',
      // OpenID Connect Core §3.1.2.1: the nonce is of an ID token
      nonce: scope.split(' ').includes('openid') ? nonce : undefined,
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      resource,
      ...extra
    }).toString()
    return { url, verifier, nonce }
  }

  /** One request to the authorization endpoint, without a session, answered without following. */
  async function authorize(request: CodeRequest = {}) {
    const { url } = await authorizationUrl(request)
    return (request.browser ?? createBrowser({ origin: issuer })).get(url)
  }

  /** What a request without a session is answered without a page: the members of the redirect, or the status of the error page. */
  async function refusalOf(request: CodeRequest): Promise<Record<string, string>> {
    const page = await authorize(request)
    return Object.fromEntries(page.location?.searchParams ?? [['page', String(page.status)]])
  }

  /** Signs in and consents as far as pages ask for it, up to the code. */
  async function code(request: CodeRequest = {}): Promise<Code> {
    const { app = web, browser = ada, who = person } = request
    const { url, verifier, nonce } = await authorizationUrl(request)
    const start = await browser.get(url)
    const { callbackUrl } = await passPages(browser, start, {
      ...who,
      redirectUri: app.redirectUri
    })
    const value = callbackUrl.searchParams.get('code')
    if (value === null) throw new Error(`no code: ${callbackUrl}`)
    return { code: value, verifier, nonce, callbackUrl, app }
  }

  /** Redeems a code; `changed` parameters stand in place of the right ones. */
  const redeem = (
    { code: value, verifier, app }: Code,
    changed: Parameters = {},
    {
      caller = app.caller,
      headers = {}
    }: { caller?: Caller; headers?: Record<string, string> } = {}
  ) =>
    token(
      caller,
      {
        grant_type: 'authorization_code',
        code: value,
        redirect_uri: app.redirectUri,
        code_verifier: verifier,
        ...changed
      },
      headers
    )

  const refresh = (
    app: App,
    refreshToken: string,
    changed: Parameters = {},
    headers: Record<string, string> = {}
  ) =>
    token(
      app.caller,
      { grant_type: 'refresh_token', refresh_token: refreshToken, ...changed },
      headers
    )

  return {
    issuer,
    /** the browser of the person who signs in */
    ada,
    post,
    token,
    authorizationUrl,
    authorize,
    refusalOf,
    code,
    redeem,
    refresh,

    /** The tokens of a new authorization. @throws Error when the code is refused */
    async tokens(
      request: CodeRequest = {},
      headers: Record<string, string> = {}
    ): Promise<Answer['body']> {
      const answer = await redeem(await code(request), {}, { headers })
      if (answer.status !== 200) throw new Error(answer.text)
      return answer.body
    },

    machine: (clientId: string, parameters: Parameters = {}, caller = basic(clientId)) =>
      token(caller, { grant_type: 'client_credentials', ...parameters }),

    introspect: (caller: Caller, value: string, parameters: Parameters = {}) =>
      post('/oauth/introspect', caller, { token: value, ...parameters }),

    revoke: (caller: Caller, value: string, parameters: Parameters = {}) =>
      post('/oauth/revoke', caller, { token: value, ...parameters }),

    async userinfo(value: string, headers: Record<string, string> = {}): Promise<Answer> {
      const response = await fetch(`${issuer}/userinfo`, {
        headers: { authorization: `Bearer ${value}`, ...headers }
      })
      return answerOf(response)
    },

    async get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
      return answerOf(await fetch(issuer + path, { headers, redirect: 'manual' }))
    },

    async json(
      method: string,
      path: string,
      body: unknown,
      headers: Record<string, string> = {}
    ): Promise<Answer> {
      const response = await fetch(issuer + path, {
        method,
        headers: { 'content-type': 'application/json', ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) })
      })
      return answerOf(response)
    },

    /** Signs out at the page, as a person does. */
    async signOut(browser: Browser): Promise<void> {
      const page = await browser.get('/logout')
      const end = await browser.follow(await browser.submitForm(page))
      if (end.status !== 200) throw new Error(`signing out ended with ${end.status}`)
    },

    /** Turns the database's clock, in seconds from now; 0 sets it right. Only forward, where a rotation is to be judged. */
    async turnClock(seconds: number): Promise<void> {
      turns += 1
      await store.database.run(
        `test.turn_clock.${turns}`,
        `CREATE OR REPLACE FUNCTION clock_time() RETURNS timestamptz LANGUAGE sql STABLE
         AS 'SELECT now() + make_interval(secs => ${seconds})'`
      )
    }
  }
}

export const apiScope = 'read:things write:things'
export { api }

/** The claims of a JWT, unverified. */
export function claimsIn(jwt: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString('utf8'))
}

/** The header of a JWT. */
export function headerOf(jwt: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(jwt.split('.')[0] ?? '', 'base64url').toString('utf8'))
}

export interface ProofOptions {
  method?: string
  url: string
  /** the access token that the proof goes with (RFC 9449 §4.2 `ath`) */
  accessToken?: string
  claims?: Record<string, unknown>
  header?: Partial<JWTHeaderParameters>
}

/** A client's DPoP key (RFC 9449 §4). */
export async function createProver(alg = 'ES256') {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  const jwk = await exportJWK(publicKey)
  return {
    jwk,
    privateJwk: await exportJWK(privateKey),
    thumbprint: await calculateJwkThumbprint(jwk),
    async proof({
      method = 'POST',
      url,
      accessToken,
      claims,
      header
    }: ProofOptions): Promise<string> {
      const ath =
        accessToken === undefined
          ? {}
          : {
              ath: Buffer.from(
                await crypto.subtle.digest('SHA-256', Buffer.from(accessToken))
              ).toString('base64url')
            }
      return new SignJWT({
        jti: randomUUID(),
        htm: method,
        htu: url,
        iat: Math.floor(Date.now() / 1000),
        ...ath,
        ...claims
      })
        .setProtectedHeader({ typ: 'dpop+jwt', alg, jwk, ...header })
        .sign(privateKey)
    }
  }
}
