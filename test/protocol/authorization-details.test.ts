// Authorization details (RFC 9396) as they are asked for: what a person reads and is asked again, and everything that is refused before: other
// types, members and places, whatever the address bar could have changed, and types that are not the client's.

import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import t from 'tap'
import { checkClientDocument } from '../../src/clients/document.ts'
import { issueInitialAccessToken } from '../../src/clients/registration-token.ts'
import { createDetailCatalogue } from '../../src/protocol/authorization-details.ts'
import { createBrowser } from '../support/browser.ts'
import { testConfig } from '../support/configuration.ts'
import { passPages } from '../support/relying-party.ts'
import { person, startTestServer } from '../support/server.ts'
import {
  accounts,
  archive,
  createDetailRequests,
  detailsSetting,
  documents,
  narrow,
  ours,
  payment,
  words
} from './details-setting.ts'
import { type App, api, basic, createRequests, spa, web } from './requests.ts'

const signing = await generateKeyPair('ES256', { extractable: true })
const signer: App = {
  clientId: 'signer',
  redirectUri: 'https://signer.example.com/callback',
  caller: basic('web')
}
const server = await startTestServer(t, {
  ...detailsSetting,
  clients: [
    ...detailsSetting.clients,
    {
      client_id: 'signer',
      type: 'web',
      redirect_uris: [signer.redirectUri],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [{ ...(await exportJWK(signing.publicKey)), kid: 'k' }] }
    }
  ],
  registration: { enabled: true }
})
const requests = createRequests(server)
const { issuer, ada } = requests
const { push, granted } = createDetailRequests(requests)
t.test('the person reads the operator’s words, and the rest as data (RFC 9396 §1)', async t => {
  const { consent } = await granted([{ ...payment, locations: [api] }], { resource: api })
  t.match(
    consent,
    /Make a payment payment_initiation Pay 123\.50 EUR to Merchant A, once\. locations\[0\] https:\/\/api\.example\.com remittance Ref 4711 /
  )
  t.notMatch(consent, 'Only on', 'a sentence without its values is left out')
  const { consent: korean } = await granted([payment], {
    resource: api,
    extra: { ui_locales: 'ko' }
  })
  t.match(korean, /송금 payment_initiation Merchant A 에게 123\.50 EUR 한 번 보내기/)
  const { consent: markup } = await granted(
    [{ ...payment, creditorName: '<b>"&{remittance}', remittance: '{creditorName}' }],
    { resource: api }
  )
  t.match(markup, 'to &lt;b&gt;&quot;&amp;{remittance}, once. remittance {creditorName}')
})

t.test('consent is remembered, and asked again for what is new or different', async t => {
  const browser = createBrowser({ origin: issuer })
  const again = { browser, resource: api }
  const first = { ...accounts, actions: ['list', 'balance'] }
  t.match((await granted([first], again)).consent, /actions\[0\] list actions\[1\] balance/)
  const same = await granted([first], again)
  t.equal(same.consent, undefined, 'nobody is asked')
  t.same(same.tokens.body['authorization_details'], [first])
  const less = await granted([{ ...first, actions: ['balance'] }], again)
  t.equal(less.consent, undefined, 'nor for less')
  t.same(less.tokens.body['authorization_details'], [{ ...first, actions: ['balance'] }])
  const more = await granted([first, { ...first, actions: ['list', 'balance', 'read'] }], again)
  t.match(more.consent, /New: .*actions\[2\] read .*Already allowed .*actions\[1\] balance/)
  const other = await granted([first], { ...again, resource: archive })
  t.equal(other.consent, undefined, 'it was for every resource of the type')
})

t.test('what is asked each time is allowed by no earlier answer', async t => {
  const browser = createBrowser({ origin: issuer })
  for (const _ of [1, 2]) {
    const { consent, tokens } = await granted([payment], { browser, resource: api })
    t.match(consent, 'Make a payment')
    t.same(tokens.body['authorization_details'], [payment])
  }
  const resource = [api, archive]
  for (const [details, error] of [
    [[payment], 'consent_required'],
    [[{ ...documents, identifier: 'd-2' }], 'consent_required'],
    [[accounts], undefined]
  ] as const) {
    const { url } = await push(details, { resource, extra: { prompt: 'none' } })
    const page = await browser.get(url)
    t.equal(page.location?.searchParams.get('error') ?? undefined, error)
  }
})

t.test(
  'a first-party client is asked about what is asked each time, and about nothing else',
  async t => {
    const browser = createBrowser({ origin: issuer })
    const quiet = await granted([accounts], { browser, app: ours, resource: archive })
    t.equal(quiet.consent, undefined)
    t.same(quiet.tokens.body['authorization_details'], [accounts])
    const asked = await granted([accounts, payment], { browser, app: ours, resource: archive })
    t.match(asked.consent, /Make a payment/)
    t.same(asked.tokens.body['authorization_details'], [accounts, payment])
  }
)

t.test('whoever says no gives nothing, and the next request is asked again', async t => {
  const details = [{ ...documents, identifier: 'd-3' }]
  const { url } = await push(details, { resource: archive })
  const browser = createBrowser({ origin: issuer })
  const { callbackUrl } = await passPages(browser, await browser.get(url), {
    ...person,
    redirectUri: web.redirectUri,
    consent: 'decline'
  })
  t.equal(callbackUrl.searchParams.get('error'), 'access_denied')
  const { consent } = await granted(details, { browser, resource: archive })
  t.match(consent, 'identifier d-3')
})

t.test(
  'details that the user agent could have written are refused: they are pushed or signed (ASVS 10.4.15)',
  async t => {
    const authorization_details = JSON.stringify([payment])
    t.match(await requests.refusalOf({ resource: api, extra: { authorization_details } }), {
      error: 'invalid_request',
      error_description: /pushed request .* signed request object/
    })

    const { url } = await requests.authorizationUrl({ app: signer, resource: archive })
    const object = (details: unknown, key = signing.privateKey) =>
      new SignJWT({ ...Object.fromEntries(url.searchParams), authorization_details: details })
        .setProtectedHeader({ alg: 'ES256', kid: 'k', typ: 'oauth-authz-req+jwt' })
        .setIssuer(signer.clientId)
        .setAudience(issuer)
        .setExpirationTime('60s')
        .sign(key)
    const withObject = (request: string, beside: Record<string, string> = {}) => {
      const at = new URL('/authorize', issuer)
      at.search = new URLSearchParams({
        client_id: signer.clientId,
        request,
        ...beside
      }).toString()
      return at
    }
    const signed = await object([documents])
    const shown = await ada.follow(await ada.get(withObject(signed, { authorization_details })))
    t.match(words(shown.html), /Use documents documents .*privileges\[0\] read/)
    t.notMatch(words(shown.html), 'Make a payment', 'what stands beside it counts for nothing')

    const [header, , signature] = signed.split('.')
    const [, payload] = (await object([{ ...documents, privileges: ['write'] }])).split('.')
    const stranger = (await generateKeyPair('ES256')).privateKey
    for (const forged of [
      `${header}.${payload}.${signature}`,
      await object([documents], stranger)
    ]) {
      const page = await createBrowser({ origin: issuer }).get(withObject(forged))
      t.match(page.location?.href ?? page.html, 'invalid_request_object')
    }

    const pushed = await push([accounts], { resource: api })
    pushed.url.searchParams.set('authorization_details', authorization_details)
    const page = await ada.follow(await ada.get(pushed.url), at => at.host !== new URL(issuer).host)
    t.notMatch(words(page.html), 'Make a payment', 'nor beside a request_uri')
  }
)

t.test('what no type allows is invalid_authorization_details (RFC 9396 §5)', async t => {
  const amount = payment.instructedAmount
  const wrong: [string, unknown][] = [
    ['no JSON', '[{"type":"payment_initiation"'],
    ['no list', payment],
    ['no object', ['payment_initiation']],
    ['no type', [{ actions: ['read'] }]],
    ['an unknown type', [{ ...payment, type: 'payments' }]],
    ['a type of every object', [{ type: 'constructor' }]],
    ['an unknown member', [{ ...payment, frequency: 'daily' }]],
    ['a member of every object', `[${JSON.stringify(accounts).replace('{', '{"__proto__":{},')}]`],
    ['an unknown member further in', [{ ...payment, instructedAmount: { ...amount, tip: '1' } }]],
    ['a missing member', [{ ...payment, creditorName: undefined }]],
    ['a wrong value', [{ ...payment, instructedAmount: { ...amount, amount: '1e9' } }]],
    ['a wrong kind of value', [{ ...payment, creditorName: ['Merchant A'] }]],
    ['a long value', [{ ...payment, remittance: 'x'.repeat(141) }]],
    ['an action that there is not', [{ ...accounts, actions: ['delete'] }]],
    ['no action', [{ ...accounts, actions: [] }]],
    ['one action twice', [{ ...accounts, actions: ['read', 'read'] }]],
    ['actions of another type', [{ ...documents, actions: ['read'] }]],
    ['a location that is not the type’s', [{ ...accounts, locations: ['https://evil.test'] }]],
    ['a location that the client may not name', [{ ...accounts, locations: [api, 'urn:x'] }]],
    ['a resource that is not the type’s', [documents]],
    ['one that is right and one that is not', [accounts, { type: 'x' }]],
    ['a member twice', '[{"type":"account_information","actions":["list"],"actions":["read"]}]'],
    ['a text that turns the writing', [{ ...payment, creditorName: 'A\u202eB' }]],
    ['a text with NUL', [{ ...payment, remittance: 'a\u0000b' }]],
    ['many', Array.from({ length: 11 }, () => accounts)],
    ['long', Array.from({ length: 10 }, () => ({ ...payment, remittance: 'x'.repeat(300) }))],
    ['a number without end', '[{"type":"documents","count":1e999}]']
  ]
  for (const [what, details] of wrong) {
    const { answer } = await push(details, { resource: api })
    t.match(answer, { status: 400, body: { error: 'invalid_authorization_details' } }, what)
    t.match(answer.body['error_description'], /.{10}/, what)
    t.equal(answer.headers.get('cache-control'), 'no-store')
  }
  const named = await push([{ ...accounts, frequency: 'daily' }], { resource: api })
  t.equal(named.answer.body['error_description'], 'account_information has no member frequency')
  t.equal((await push([accounts], { resource: api })).answer.status, 201, 'the control')
  t.equal((await push('[]', { resource: api })).answer.status, 201, 'none are none')
})

t.test('a client asks for no detail of an API that it may not name (RFC 9396 §3)', async t => {
  for (const [details, resource] of [
    [documents, undefined],
    [documents, api],
    [{ ...accounts, locations: [archive] }, undefined],
    [{ ...accounts, locations: [api, archive] }, api]
  ] as const) {
    const { answer } = await push([details], { app: spa, ...(resource && { resource }) })
    t.match(answer, {
      status: 400,
      body: { error: 'invalid_authorization_details', error_description: /may not name/ }
    })
  }
  const { answer } = await push([{ ...accounts, locations: [api] }], { app: spa })
  t.equal(answer.status, 201, 'the control')
})

t.test('a client asks for the types that it is registered with (RFC 9396 §10)', async t => {
  const request = { app: narrow, resource: archive }
  const { answer } = await push([documents], request)
  t.match(answer, { status: 400, body: { error: 'invalid_authorization_details' } })
  t.equal((await push([accounts], request)).answer.status, 201)

  const register = async (members: object) => {
    const { token } = await issueInitialAccessToken(server.store.database, { lifetimeSeconds: 60 })
    const body = { redirect_uris: ['https://new.example.com/cb'], ...members }
    const headers = { authorization: `Bearer ${token}` }
    return requests.json('POST', '/oauth/register', body, headers)
  }
  const types = ['documents']
  const mine = await register({ authorization_details_types: types })
  t.match(mine, { status: 201, body: { authorization_details_types: types } })
  const unknown = await register({ authorization_details_types: ['nothing'] })
  t.match(unknown, { status: 400, body: { error: 'invalid_client_metadata' } })
  const silent = await register({})
  const catalogue = createDetailCatalogue({
    types: testConfig(issuer, detailsSetting).authorizationDetails,
    resources: { mayName: () => true }
  })
  for (const [clientId, expected] of [
    [mine.body['client_id'], types],
    [silent.body['client_id'], []],
    ['narrow', ['account_information']],
    ['web', detailsSetting.authorizationDetails.map(({ type }) => type)],
    ['billing', []]
  ] as const) {
    const client = await server.server.clients.findStored(String(clientId))
    t.same(client && catalogue.typesFor(client), expected, String(clientId))
  }

  const [document, other] = [{ authorization_details_types: ['documents', 'nothing'] }, {}].map(
    members =>
      checkClientDocument(
        'https://app.example.org/client.json',
        Buffer.from(
          JSON.stringify({
            client_id: 'https://app.example.org/client.json',
            redirect_uris: ['https://app.example.org/cb'],
            ...members
          })
        ),
        { development: false, resources: [], detailTypes: ['documents'] }
      )
  )
  t.match(document, { ok: true, metadata: { authorization_details_types: ['documents'] } })
  t.notOk(other?.ok && other.metadata.authorization_details_types, 'and without it, none')
})
