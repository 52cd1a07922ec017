// A relying party with a person in front of it: openid-client for the protocol, a browser without a
// window for the pages. The whole of a sign-in in one call, or up to the callback, for tests that
// redeem the code themselves.

import * as oidc from 'openid-client'
import { type Browser, createBrowser, type Page } from './browser.ts'

export interface Client {
  issuer: string
  clientId: string
  /** undefined: a public client */
  clientSecret?: string | undefined
  /** default: client_secret_basic with `clientSecret`, none without */
  clientAuthentication?: oidc.ClientAuth
}

export interface AuthorizeOptions extends Client {
  redirectUri: string
  scope: string
  /** RFC 8707; several: one parameter each */
  resource?: string | string[] | undefined
  login: string
  password: string
  /** more parameters of the authorization request: `prompt`, `ui_locales`, … */
  extra?: Record<string, string>
  /** what the person says to consent; default `allow` */
  consent?: 'allow' | 'decline'
  /** default: a new one, with an empty cookie jar */
  browser?: Browser
}

export interface Authorization {
  config: oidc.Configuration
  browser: Browser
  /** where the browser was sent at the end, with `code` or `error` */
  callbackUrl: URL
  /** what the code is redeemed with */
  checks: {
    pkceCodeVerifier: string
    expectedState: string
    expectedNonce: string
    idTokenExpected: boolean
  }
  redirectUri: string
  /** headings of the pages that were shown on the way */
  pages: string[]
}

export type Tokens = Awaited<ReturnType<typeof oidc.authorizationCodeGrant>>

/**
 * openid-client's configuration of a client, by discovery over plain http; ID token signatures are
 * checked.
 */
export async function discover(client: Client): Promise<oidc.Configuration> {
  const { clientSecret } = client
  const authentication =
    client.clientAuthentication ??
    (clientSecret === undefined ? oidc.None() : oidc.ClientSecretBasic(clientSecret))
  return oidc.discovery(new URL(client.issuer), client.clientId, {}, authentication, {
    execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks]
  })
}

/** Drives the pages from the authorization request to the callback. The code is not redeemed. */
export async function authorize(options: AuthorizeOptions): Promise<Authorization> {
  const config = await discover(options)
  const browser = options.browser ?? createBrowser({ origin: options.issuer })
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier()
  const expectedState = oidc.randomState()
  const expectedNonce = oidc.randomNonce()

  const parameters = new URLSearchParams({
    redirect_uri: options.redirectUri,
    scope: options.scope,
    state: expectedState,
    nonce: expectedNonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    ...options.extra
  })
  for (const one of [options.resource ?? []].flat()) parameters.append('resource', one)

  const start = await browser.get(oidc.buildAuthorizationUrl(config, parameters))
  const { callbackUrl, pages } = await passPages(browser, start, options)
  return {
    config,
    browser,
    callbackUrl,
    redirectUri: options.redirectUri,
    pages,
    checks: {
      pkceCodeVerifier,
      expectedState,
      expectedNonce,
      idTokenExpected: options.scope.split(' ').includes('openid')
    }
  }
}

/** Redeems the code of an authorization, with every check of openid-client. */
export async function redeem(
  authorization: Authorization,
  parameters: Record<string, string> = {}
): Promise<Tokens> {
  const { config, callbackUrl, checks } = authorization
  return oidc.authorizationCodeGrant(config, callbackUrl, checks, parameters)
}

/** A whole sign-in: pages, callback, tokens. */
export async function signIn(
  options: AuthorizeOptions
): Promise<Authorization & { tokens: Tokens }> {
  const authorization = await authorize(options)
  // a code is redeemed for one audience (RFC 8707 §2.2)
  const [resource] = [options.resource ?? []].flat()
  const tokens = await redeem(authorization, resource === undefined ? {} : { resource })
  return { ...authorization, tokens }
}

/**
 * Fills in sign-in and consent until the browser is sent to the redirect URI.
 * @throws Error with the page's heading, when a page comes that is neither
 */
export async function passPages(
  browser: Browser,
  start: Page,
  person: Pick<AuthorizeOptions, 'redirectUri' | 'login' | 'password' | 'consent'>
): Promise<{ callbackUrl: URL; pages: string[] }> {
  const pages: string[] = []
  const isCallback = (url: URL) => addressOf(url) === addressOf(new URL(person.redirectUri))
  let page = await browser.follow(start, isCallback)

  while (!page.location) {
    if (page.status !== 200 || pages.length === 5) {
      const text = page.html.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ')
      throw new Error(`stopped at ${page.url.pathname}: ${page.status} ${text.slice(0, 600)}`)
    }
    pages.push(page.heading)
    page = await browser.follow(await answer(browser, page, person), isCallback)
  }
  if (!isCallback(page.location)) throw new Error(`sent to ${page.location} instead`)
  return { callbackUrl: page.location, pages }
}

function answer(
  browser: Browser,
  page: Page,
  { login, password, consent }: Pick<AuthorizeOptions, 'login' | 'password' | 'consent'>
): Promise<Page> {
  if (page.forms.some(form => form.fields.has('password'))) {
    const form = ({ fields }: { fields: Map<string, string> }) => fields.has('password')
    return browser.submitForm(page, { login, password }, { form })
  }
  if (page.forms.some(({ fields }) => fields.get('prompt') === 'choose')) {
    return chooseAccount(browser, page, login)
  }
  if (consent === 'decline') {
    return browser.submitForm(page, {}, { button: ({ name }) => name === 'decline' })
  }
  return browser.submitForm(page)
}

/** Goes on with the account of that login where it is signed in at this browser, else to the sign-in page. */
export function chooseAccount(browser: Browser, page: Page, login: string): Promise<Page> {
  const form = ({ fields, buttons }: Page['forms'][number]) =>
    fields.has('account') && buttons.some(({ label }) => label.includes(login))
  if (page.forms.some(form)) return browser.submitForm(page, {}, { form })
  const [, another = ''] = /<a class="account-choice" href="([^"]*)"/.exec(page.html) ?? []
  return browser.get(another.replaceAll('&amp;', '&'))
}

/** Without the query, in which the answer stands. */
function addressOf(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`
}
