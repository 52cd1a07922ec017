// Authorization details (RFC 9396) as they are granted: in the answer, in tokens, at introspection and in the database. And every way to get
// more of them afterwards: the token endpoint, a refresh, another resource, a device, a machine, an exchange.

import { createRemoteJWKSet, jwtVerify } from 'jose'
import * as oidc from 'openid-client'
import t from 'tap'
import { createVerifier } from '../../src/resource-server/verifier.ts'
import { createConnectedAppStore } from '../../src/store/connected-apps.ts'
import { createGrantStore } from '../../src/store/grants.ts'
import { createBrowser } from '../support/browser.ts'
import { passPages } from '../support/relying-party.ts'
import { person, startTestServer } from '../support/server.ts'
import {
  accounts,
  archive,
  createDetailRequests,
  detailsSetting,
  documents,
  payment,
  webByLibrary,
  words
} from './details-setting.ts'
import { approveDevice, deviceGrantType } from './device-approval.ts'
import { accessTokenType, tokenExchangeGrantType } from './exchange.ts'
import { api, basic, claimsIn, createRequests, publicly, web } from './requests.ts'

const server = await startTestServer(t, { ...detailsSetting, grantManagement: { enabled: true } })
const requests = createRequests(server)
const { issuer, ada } = requests
const { push, granted } = createDetailRequests(requests)
const apiServer = basic('api-server')

type Details = Record<string, unknown>[]

t.test(
  'openid-client pushes details; they are in its answer, in the token and at introspection (RFC 9396 §7, §9)',
  async t => {
    const config = await webByLibrary(issuer)
    t.same(
      config.serverMetadata()['authorization_details_types_supported'],
      ['payment_initiation', 'account_information', 'documents'],
      'RFC 9396 §10'
    )
    const pkceCodeVerifier = oidc.randomPKCECodeVerifier()
    const url = await oidc.buildAuthorizationUrlWithPAR(config, {
      redirect_uri: web.redirectUri,
      scope: 'openid',
      resource: api,
      authorization_details: JSON.stringify([payment, accounts]),
      code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256'
    })
    const start = await ada.get(url)
    const { callbackUrl } = await passPages(ada, start, {
      ...person,
      redirectUri: web.redirectUri
    })
    const tokens = await oidc.authorizationCodeGrant(
      config,
      callbackUrl,
      { pkceCodeVerifier, idTokenExpected: true },
      { resource: api }
    )
    t.same(tokens.authorization_details, [payment, accounts])
    const keys = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`))
    const { payload } = await jwtVerify(tokens.access_token, keys, { issuer, audience: api })
    t.same(payload['authorization_details'], [payment, accounts])
    const verified = await createVerifier({ issuer, audience: api }).verify(
      `Bearer ${tokens.access_token}`
    )
    t.same(verified.ok && verified.token.claims['authorization_details'], [payment, accounts])
    for (const caller of [apiServer, web.caller]) {
      const told = await requests.introspect(caller, tokens.access_token)
      t.match(told.body, { active: true, aud: api })
      t.same(told.body['authorization_details'], [payment, accounts])
    }
    const { rows } = await server.store.database.run<{ rar: Details }>(
      'test.grant',
      `SELECT payload -> 'rar' AS rar FROM grants ORDER BY created_at DESC LIMIT 1`
    )
    t.same(rows[0]?.rar, [payment, accounts], 'the grant tells what was allowed')
    const event = await server.store.database.run<{ data: Record<string, unknown> }>(
      'test.audit',
      `SELECT data FROM audit_events WHERE type = 'consent.granted' ORDER BY at DESC LIMIT 1`
    )
    t.same(event.rows[0]?.data['details'], ['payment_initiation', 'account_information'])
  }
)

t.test('the token endpoint gives less on request, and never more (RFC 9396 §6)', async t => {
  const both = { ...accounts, actions: ['list', 'balance'] }
  const { tokens } = await granted([both, payment], {
    resource: [api, archive],
    scope: 'openid offline_access',
    extra: { prompt: 'consent' },
    redeemed: {
      resource: api,
      authorization_details: JSON.stringify([{ ...both, actions: ['list'] }])
    }
  })
  t.same(tokens.body['authorization_details'], [{ ...both, actions: ['list'] }])
  t.same(claimsIn(tokens.body.access_token)['authorization_details'], [
    { ...both, actions: ['list'] }
  ])

  let token = tokens.body.refresh_token
  const refresh = async (details: unknown, resource = api) => {
    const answer = await requests.refresh(web, token, {
      resource,
      ...(details === undefined ? {} : { authorization_details: JSON.stringify(details) })
    })
    if (answer.status === 200) token = answer.body.refresh_token
    return answer
  }
  const told = await requests.introspect(web.caller, token)
  t.same(told.body['authorization_details'], [both, payment], 'the refresh token keeps all')
  t.same((await refresh(undefined)).body['authorization_details'], [both, payment])
  t.same((await refresh([payment])).body['authorization_details'], [payment])
  for (const beyond of [
    [{ ...both, actions: ['list', 'balance', 'read'] }],
    [{ ...payment, instructedAmount: { ...payment.instructedAmount, amount: '999.00' } }],
    [{ ...payment, remittance: undefined }],
    [both, { ...payment, creditorName: 'Merchant B' }],
    [{ type: 'nothing' }],
    [documents]
  ]) {
    const answer = await refresh(beyond)
    t.match(answer, { status: 400, body: { error: 'invalid_authorization_details' } })
  }
  t.same((await refresh(undefined)).body['authorization_details'], [both, payment], 'unharmed')
  const located = [{ ...both, locations: [archive] }]
  t.match(await refresh(located), { body: { error: 'invalid_authorization_details' } })
  t.same((await refresh(located, archive)).body['authorization_details'], located)
})

t.test('each token carries the details of its own resource (RFC 9396 §9.1)', async t => {
  const { url: _, ...rest } = await push([accounts], {})
  t.equal(rest.answer.status, 201, 'a request that names no resource is for those of its details')
  const here = { ...accounts, locations: [api] }
  for (const [resource, expected] of [
    [api, [here]],
    [archive, [documents]],
    [issuer, undefined]
  ] as const) {
    const { tokens } = await granted([here, documents], {
      scope: 'openid read:things read:archive',
      resource: [api, archive],
      redeemed: { resource }
    })
    t.equal(tokens.status, 200, tokens.text)
    t.same(tokens.body['authorization_details'], expected)
    t.same(claimsIn(tokens.body.access_token)['authorization_details'], expected)
  }
  const { tokens } = await granted([documents], { scope: 'openid' })
  t.same(tokens.body['authorization_details'], [documents], 'by the details alone')
  t.equal(claimsIn(tokens.body.access_token)['aud'], archive)
})

t.test('a device asks for details, and its person reads them twice (RFC 8628 §3.1)', async t => {
  const device = await requests.post('/oauth/device', publicly('tv'), {
    scope: 'openid',
    resource: archive,
    authorization_details: JSON.stringify([documents])
  })
  t.equal(device.status, 200, device.text)
  const browser = createBrowser({ origin: issuer })
  const input = await browser.follow(await browser.get('/device'))
  const userCode = String(device.body['user_code'])
  const confirm = await browser.follow(await browser.submitForm(input, { user_code: userCode }))
  t.match(words(confirm.html), /Use documents documents .*identifier d-1/)
  await approveDevice(server, userCode)
  const { status, body } = await requests.token(publicly('tv'), {
    grant_type: deviceGrantType,
    device_code: String(device.body['device_code'])
  })
  t.equal(status, 200)
  t.same(body['authorization_details'], [documents])
  const refused = await requests.post('/oauth/device', publicly('tv'), {
    scope: 'openid',
    resource: archive,
    authorization_details: JSON.stringify([{ ...documents, privileges: ['all'] }])
  })
  t.match(refused, { status: 400, body: { error: 'invalid_authorization_details' } })
})

t.test('a machine has the types that its operator listed, and no others', async t => {
  const ask = (clientId: string, details: unknown, resource = archive) =>
    requests.machine(clientId, { resource, authorization_details: JSON.stringify(details) })
  const { body } = await ask('archivist', [documents])
  t.same(body['authorization_details'], [documents])
  t.same(claimsIn(body.access_token)['authorization_details'], [documents])
  const told = await requests.introspect(apiServer, body.access_token)
  t.same(told.body['authorization_details'], [documents])
  for (const [clientId, details, resource] of [
    ['archivist', [payment], archive],
    ['archivist', [documents], 'https://vault.example.com'],
    ['billing', [accounts], api]
  ] as const) {
    t.match(
      await ask(clientId, details, resource),
      { status: 400, body: { error: 'invalid_authorization_details' } },
      clientId
    )
  }
})

t.test('an exchange carries no details, and cannot ask for any (RFC 8693)', async t => {
  const { tokens } = await granted([accounts], { scope: 'openid read:things', resource: api })
  const courier = basic('courier')
  const exchange = {
    grant_type: tokenExchangeGrantType,
    subject_token: tokens.body.access_token,
    subject_token_type: accessTokenType,
    resource: archive
  }
  const plain = await requests.token(courier, exchange)
  t.equal(plain.status, 200, plain.text)
  t.notOk('authorization_details' in plain.body)
  t.notOk('authorization_details' in claimsIn(plain.body.access_token))
  const asked = await requests.token(courier, {
    ...exchange,
    authorization_details: JSON.stringify([accounts])
  })
  t.match(asked, {
    status: 400,
    body: { error: 'invalid_request', error_description: /by this grant type/ }
  })
})

t.test(
  'a grant that its client manages holds the details that were read for it, and a merge keeps them',
  async t => {
    const act = async (action: string, details: unknown[], grant_id?: string) => {
      const { consent, tokens } = await granted(details, {
        resource: archive,
        extra: { grant_management_action: action, grant_id }
      })
      t.equal(tokens.status, 200, tokens.text)
      return { consent, tokens: tokens.body, id: String(tokens.body['grant_id']) }
    }
    const [one, two] = ['m-1', 'm-2'].map(identifier => ({ ...documents, identifier }))
    const made = await act('create', [one])
    t.match(made.consent, 'identifier m-1')
    t.same(made.tokens['authorization_details'], [one])
    t.match((await act('create', [one])).consent, 'identifier m-1', 'other grants do not count')
    const merged = await act('merge', [two, payment], made.id)
    t.match(merged.consent, /identifier m-2 .*Make a payment .*Already allowed .*identifier m-1/)
    t.equal(merged.id, made.id)
    t.same(merged.tokens['authorization_details'], [two, payment, one])
    const again = await act('merge', [one], made.id)
    t.same(
      new Set(again.tokens['authorization_details'] as Details),
      new Set([one, two, payment]),
      'each once'
    )
    const replaced = await act('replace', [two], made.id)
    t.match(replaced.consent, 'identifier m-2')
    t.same(replaced.tokens['authorization_details'], [two])
  }
)

t.test('details that are remembered do not grow without end, and stand there once', async t => {
  const { database } = server.store
  const grants = createGrantStore({ sql: database })
  const consent = async (details: { type: string; n: number }[]) => {
    const { name, text, values } = grants.consentStatement(server.accountId, 'other-web', {
      openid: ['openid'],
      resources: {},
      details
    })
    await database.run(name, text, values)
  }
  for (let n = 0; n < 60; n += 1) await consent([{ type: 'x', n }])
  await consent([{ type: 'x', n: 30 }])
  const found = await grants.findConsent(server.accountId, 'other-web')
  t.equal(found?.details?.length, 50)
  t.same(found?.details?.at(-1), { type: 'x', n: 30 }, 'the last one is the newest')
  t.same(found?.details?.[0], { type: 'x', n: 10 }, 'the oldest left')
  t.same(found?.openid, ['openid'])
  // no grant of this app lives: what is remembered is all that its person can take away
  const apps = await createConnectedAppStore({ sql: database }).list(server.accountId)
  const app = apps.find(({ clientId }) => clientId === 'other-web')
  t.equal(app?.details.length, 50, 'and the page of apps tells them')
})
