// Authorization details (RFC 9396) for tests: payments, which are asked for each time, and accounts, consent to which is remembered, at one API;
// documents at two. Whoever asks pushes, as openid-client does.

import * as oidc from 'openid-client'
import { tokenExchangeGrantType } from '../../src/oauth/token-exchange.ts'
import { api, secretOf } from '../support/configuration.ts'
import { passPages } from '../support/relying-party.ts'
import { person } from '../support/server.ts'
import type { CodeRequest, createRequests, Parameters } from './requests.ts'
import { basic, web } from './requests.ts'

export const archive = 'https://archive.example.com'

export const payment = {
  type: 'payment_initiation',
  instructedAmount: { currency: 'EUR', amount: '123.50' },
  creditorName: 'Merchant A',
  remittance: 'Ref 4711'
}
export const accounts = { type: 'account_information', actions: ['list', 'read'] }
export const documents = { type: 'documents', privileges: ['read', 'write'], identifier: 'd-1' }

export const detailsSetting = {
  clients: [
    {
      client_id: 'narrow',
      type: 'web',
      client_secret: secretOf('narrow'),
      redirect_uris: ['https://narrow.example.com/callback'],
      authorization_details_types: ['account_information']
    },
    {
      client_id: 'own-shop',
      type: 'web',
      client_secret: secretOf('own-shop'),
      redirect_uris: ['https://own-shop.example.com/callback'],
      first_party: true
    },
    {
      client_id: 'courier',
      type: 'machine',
      client_secret: secretOf('courier'),
      grant_types: ['client_credentials', tokenExchangeGrantType],
      authorization_details_types: ['account_information']
    },
    {
      client_id: 'archivist',
      type: 'machine',
      client_secret: secretOf('archivist'),
      authorization_details_types: ['documents']
    }
  ],
  resources: [
    {
      identifier: archive,
      scopes: { 'read:archive': { en: 'Read the archive' } },
      clients: ['web', 'signer', 'narrow', 'archivist', 'tv', '*first_party*'],
      introspectionClient: 'api-server',
      exchange: [{ client: 'courier', from: [api], scopes: { 'read:things': ['read:archive'] } }]
    },
    { identifier: 'https://vault.example.com', scopes: {}, clients: ['archivist'] }
  ],
  authorizationDetails: [
    {
      type: 'payment_initiation',
      resources: [api, archive],
      members: {
        instructedAmount: {
          type: 'object',
          properties: {
            currency: { type: 'string', pattern: '^[A-Z]{3}$' },
            amount: { type: 'string', pattern: '^[0-9]{1,9}\\.[0-9]{2}$' }
          },
          required: ['currency', 'amount']
        },
        creditorName: { type: 'string', minLength: 1, maxLength: 70 },
        remittance: { type: 'string', maxLength: 140 },
        date: { type: 'string', pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' }
      },
      required: ['instructedAmount', 'creditorName'],
      consent: 'always',
      title: { en: 'Make a payment', ko: '송금' },
      sentences: [
        {
          en: 'Pay {instructedAmount.amount} {instructedAmount.currency} to {creditorName}, once.',
          ko: '{creditorName}에게 {instructedAmount.amount} {instructedAmount.currency} 한 번 보내기'
        },
        { en: 'Only on {date}.' }
      ]
    },
    {
      type: 'account_information',
      resources: [api, archive],
      actions: ['list', 'read', 'balance'],
      required: ['actions'],
      title: { en: 'Look at your accounts' }
    },
    {
      type: 'documents',
      resources: [archive],
      privileges: ['read', 'write'],
      identifier: true,
      members: { count: { type: 'integer', minimum: 1 } },
      title: { en: 'Use documents' }
    }
  ]
}

export function createDetailRequests(requests: ReturnType<typeof createRequests>) {
  /** Pushes the request, with these details: the parameter as it is, or its value. */
  async function push(details: unknown, request: CodeRequest = {}) {
    const { app = web } = request
    const { url, verifier, nonce } = await requests.authorizationUrl(request)
    const parameters: Parameters = {}
    for (const name of new Set(url.searchParams.keys())) {
      parameters[name] = url.searchParams.getAll(name)
    }
    const answer = await requests.post('/oauth/par', app.caller, {
      ...parameters,
      authorization_details: typeof details === 'string' ? details : JSON.stringify(details)
    })
    const onward = new URL('/authorize', requests.issuer)
    onward.searchParams.set('client_id', app.clientId)
    onward.searchParams.set('request_uri', String(answer.body['request_uri']))
    return { answer, url: onward, verifier, nonce, app }
  }

  /** Pushes, shows what the person is asked, allows it, and redeems. */
  async function granted(
    details: unknown,
    {
      browser = requests.ada,
      redeemed = {},
      ...request
    }: CodeRequest & { redeemed?: Record<string, string> } = {}
  ) {
    const { answer, url, verifier, nonce, app } = await push(details, request)
    if (answer.status !== 201) throw new Error(answer.text)
    const isCallback = (at: URL) => at.href.startsWith(app.redirectUri)
    let page = await browser.follow(await browser.get(url), isCallback)
    if (page.forms.some(form => form.fields.has('password'))) {
      page = await browser.follow(await browser.submitForm(page, person), isCallback)
    }
    const consent = page.location === undefined ? words(page.html) : undefined
    const { callbackUrl } = await passPages(browser, page, {
      ...person,
      redirectUri: app.redirectUri
    })
    const code = callbackUrl.searchParams.get('code') ?? ''
    const tokens = await requests.redeem({ code, verifier, nonce, callbackUrl, app }, redeemed)
    return { consent, callbackUrl, tokens }
  }

  return { push, granted }
}

/** openid-client as the app `web`. */
export const webByLibrary = (issuer: string) =>
  oidc.discovery(new URL(issuer), 'web', {}, oidc.ClientSecretBasic(secretOf('web')), {
    execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks]
  })

export const narrow = {
  clientId: 'narrow',
  redirectUri: 'https://narrow.example.com/callback',
  caller: basic('narrow')
}
export const ours = {
  clientId: 'own-shop',
  redirectUri: 'https://own-shop.example.com/callback',
  caller: basic('own-shop')
}

/** The text of a page. */
export const words = (html: string) =>
  html
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .replace(/ ([.,])/g, '$1')
