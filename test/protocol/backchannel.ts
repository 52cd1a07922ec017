// Clients that ask a person who is somewhere else (OpenID Connect CIBA), and that person at `/approve`.

import { createBrowser } from '../support/browser.ts'
import { secretOf } from '../support/configuration.ts'
import { person, type TestServer } from '../support/server.ts'
import { type Answer, basic, type Caller, type Parameters, type Requests } from './requests.ts'

export const cibaGrantType = 'urn:openid:params:grant-type:ciba'
export const bankApi = 'https://api.bank.example.com'

/** Clients by their id, and the API that they may ask for. */
export const cibaSetting = {
  ciba: { enabled: true, interval: '1s' },
  clients: ['bank', 'grocer'].map(clientId => ({
    client_id: clientId,
    type: 'web',
    client_name: `Example ${clientId}`,
    client_uri: `https://${clientId}.example.com/`,
    client_secret: secretOf(clientId),
    grant_types: [cibaGrantType, 'refresh_token']
  })),
  resources: [
    {
      identifier: bankApi,
      name: { en: 'Bank API' },
      scopes: { 'pay:bills': { en: 'Pay your bills' } },
      clients: ['bank']
    }
  ]
}

export const bank = basic('bank')

/** Asks for `person`, or whom the parameters name. */
export const ask = (
  requests: Pick<Requests, 'post'>,
  parameters: Parameters = {},
  caller: Caller = bank
): Promise<Answer> =>
  requests.post('/oauth/backchannel', caller, {
    scope: 'openid',
    login_hint: person.login,
    ...parameters
  })

/** The id of a new request. @throws Error with the answer when it was refused */
export async function newRequest(
  requests: Pick<Requests, 'post'>,
  parameters: Parameters = {},
  caller: Caller = bank
): Promise<string> {
  const answer = await ask(requests, parameters, caller)
  if (answer.status !== 200) throw new Error(answer.text)
  return String(answer.body['auth_req_id'])
}

export const poll = (
  requests: Pick<Requests, 'token'>,
  id: string,
  caller: Caller = bank,
  headers: Record<string, string> = {}
): Promise<Answer> =>
  requests.token(caller, { grant_type: cibaGrantType, auth_req_id: id }, headers)

/** A browser at which somebody is signed in, at the page of waiting requests. */
export async function signInToApprove({ issuer }: Pick<TestServer, 'issuer'>, who = person) {
  const browser = createBrowser({ origin: issuer })
  const login = await browser.follow(await browser.get('/approve'))
  const page = await browser.follow(await browser.submitForm(login, who))
  if (page.status !== 200) throw new Error(`${page.url}: ${page.status} ${page.heading}`)
  return { browser, page }
}

export type Approver = Awaited<ReturnType<typeof signInToApprove>>['browser']

/** Answers the newest request. */
export async function answer(browser: Approver, decision: 'approve' | 'decline' = 'approve') {
  const page = await browser.get('/approve')
  const sent = await browser.submitForm(
    page,
    {},
    {
      form: form => form.fields.has('request'),
      button: button => button.name === decision
    }
  )
  return browser.follow(sent)
}

/** Somebody else with an account. */
export async function newAccount({ server }: Pick<TestServer, 'server'>, login: string) {
  const who = { login, password: 'a passphrase of somebody else' }
  const made = await server.accounts.service.create({ ...who, name: login }, 'cli')
  if (!made.ok) throw new Error(made.reason)
  return { ...who, id: made.account.id }
}

/** Nobody has asked for anybody, and the clock is right. */
export async function forgetRequests(
  { store }: Pick<TestServer, 'store'>,
  requests: Pick<Requests, 'turnClock'>
): Promise<void> {
  await store.database.run('test.forget', 'DELETE FROM backchannel_requests')
  await requests.turnClock(0)
}
