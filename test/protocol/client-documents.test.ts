// Clients that are metadata documents (draft-ietf-oauth-client-id-metadata-document), from the authorization request to the last token: what
// a person is told, what is refused, and how often the document is fetched. What becomes of changes is client-document-changes.test.ts.

import { generateKeyPairSync } from 'node:crypto'
import { SignJWT } from 'jose'
import t from 'tap'
import { checkClientDocument } from '../../src/clients/document.ts'
import { createClientDocumentStore } from '../../src/store/client-documents.ts'
import { createBrowser } from '../support/browser.ts'
import { passPages } from '../support/relying-party.ts'
import { person, startTestServer } from '../support/server.ts'
import { mcp, startDocumentClients } from './document-clients.ts'
import { api, basic, type Caller, type CodeRequest, createRequests, publicly } from './requests.ts'

const { server, requests, host, sql, appAt } = await startDocumentClients(t)
const { database } = server.store
const hostName = new URL(host.origin).host
const words = (html: string) => html.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ')

t.beforeEach(() => sql('DELETE FROM document_fetches'))

const error = async (request: CodeRequest) => {
  const page = await requests.authorize(request)
  return page.status
}

t.test('off by default: no word of it, and nothing is fetched', async t => {
  const plain = createRequests(await startTestServer(t))
  const { body } = await plain.get('/.well-known/oauth-authorization-server')
  t.notOk('client_id_metadata_document_supported' in body)
  const clientId = host.put('/off')
  t.equal((await plain.authorize({ app: appAt(clientId) })).status, 400)
  t.equal(host.asked('/off'), 0)
})

t.test('discovery says that it is on (CIMD §6)', async t => {
  for (const path of ['openid-configuration', 'oauth-authorization-server']) {
    const { body } = await requests.get(`/.well-known/${path}`)
    t.equal(body['client_id_metadata_document_supported'], true)
  }
})

t.test('a person is told the host, always asked, and gets tokens for the API', async t => {
  const clientId = host.put('/agent.json', { client_name: 'Big Brand' })
  const app = appAt(clientId)
  const browser = createBrowser({ origin: requests.issuer })
  const request = { app, scope: 'openid tools:read', resource: mcp, browser }
  const { url, verifier, nonce } = await requests.authorizationUrl(request)

  const login = await browser.follow(await browser.get(url))
  t.match(words(login.html), `to continue to ${hostName}`)
  t.notMatch(login.html, 'Big Brand', 'a name is never shown without the host')
  const form = { login: person.login, password: person.password }
  const consent = await browser.follow(await browser.submitForm(login, form))
  t.match(consent.heading, `${hostName} wants to access`)
  const text = words(consent.html)
  t.match(text, 'Unverified: this app comes from')
  t.match(text, /It calls itself “ ?Big Brand ?”/)
  t.match(text, clientId)
  t.match(text, 'An app on this device, unverified', 'its redirect is loopback (D-20)')
  t.match(text, `You will be sent to ${hostName}`)

  const { callbackUrl } = await passPages(browser, consent, {
    ...person,
    redirectUri: app.redirectUri
  })
  t.equal(callbackUrl.searchParams.get('iss'), requests.issuer)
  const code = callbackUrl.searchParams.get('code') ?? ''
  const { body } = await requests.redeem(
    { code, verifier, nonce, callbackUrl, app },
    { resource: mcp }
  )
  t.match(await requests.introspect(basic('api-server'), body.access_token), {
    body: { active: true, client_id: clientId, aud: mcp, scope: 'tools:read' }
  })

  t.equal(
    (
      await requests.authorize({ ...request, extra: { prompt: 'none' } })
    ).location?.searchParams.get('error'),
    'interaction_required'
  )
  const again = await browser.follow(await browser.get(url))
  t.match(again.heading, `${hostName} wants to access`, 'consent is never taken for granted')
  t.equal(host.asked('/agent.json'), 1, 'fetched once for all of it')
})

t.test('in Korean as well', async t => {
  const app = appAt(host.put('/korean', { client_name: '에이전트' }))
  const browser = createBrowser({ origin: requests.issuer })
  const { url } = await requests.authorizationUrl({ app, extra: { ui_locales: 'ko' } })
  const login = await browser.follow(await browser.get(url))
  const form = { login: person.login, password: person.password }
  const consent = await browser.follow(await browser.submitForm(login, form))
  t.match(words(consent.html), /확인되지 않은 앱입니다\. .*localhost.*에서 제공/)
})

t.test('any port of a loopback address, as a native app needs it (RFC 8252 §7.3)', async t => {
  const clientId = host.put('/native', {
    redirect_uris: ['http://localhost/cb', 'http://127.0.0.1/cb']
  })
  for (const redirectUri of ['http://localhost:41234/cb', 'http://127.0.0.1:41235/cb']) {
    const { callbackUrl } = await requests.code({ app: { ...appAt(clientId), redirectUri } })
    t.ok(callbackUrl.searchParams.get('code'))
  }
  const elsewhere = { ...appAt(clientId), redirectUri: 'http://127.0.0.1:41235/other' }
  t.equal(await error({ app: elsewhere }), 400)
})

t.test('a key that the document publishes authenticates the client (CIMD §8.2)', async t => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const clientId = 'https://agent.example.com/client.json'
  const redirectUri = 'https://agent.example.com/callback'
  const checked = checkClientDocument(
    clientId,
    Buffer.from(
      JSON.stringify({
        client_id: clientId,
        client_name: 'Agent',
        redirect_uris: [redirectUri],
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [publicKey.export({ format: 'jwk' })] }
      })
    ),
    { development: false, resources: [] }
  )
  if (!checked.ok) throw new Error(checked.problem)
  // as if it had been fetched: no test has a public host
  await createClientDocumentStore(database).save(
    {
      ...{ ...checked, clientId, host: 'agent.example.com' },
      ...{ freshSeconds: 3600, staleSeconds: 0 }
    },
    { rows: 1000, rowsPerHost: 10 },
    async () => {}
  )
  const assertion = (jti: string, key = privateKey) =>
    new SignJWT({ jti })
      .setProtectedHeader({ alg: 'ES256' })
      .setIssuer(clientId)
      .setSubject(clientId)
      .setAudience(requests.issuer)
      .setExpirationTime('1m')
      .sign(key)
  const proving = (value: string): Caller => ({
    headers: {},
    parameters: {
      client_id: clientId,
      client_assertion: value,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
    }
  })

  const browser = createBrowser({ origin: requests.issuer })
  const app = { clientId, redirectUri, caller: proving(await assertion('one')) }
  const { url } = await requests.authorizationUrl({ app })
  const form = { login: person.login, password: person.password }
  const consent = await browser.follow(
    await browser.submitForm(await browser.follow(await browser.get(url)), form)
  )
  t.match(
    consent.heading,
    'agent.example.com wants to access',
    'asked, though the redirect is https'
  )
  t.notMatch(words(consent.html), 'on this device')

  const code = await requests.code({ app })
  t.match(
    await requests.refusalOf({ app, browser: requests.ada, extra: { prompt: 'none' } }),
    { error: 'interaction_required' },
    'and every time'
  )
  const unproven = await requests.redeem(code, {}, { caller: publicly(clientId) })
  t.match(unproven, { status: 401, body: { error: 'invalid_client' } })
  const { privateKey: other } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const forged = proving(await assertion('two', other))
  t.match(await requests.redeem(code, {}, { caller: forged }), { status: 401 })
  t.equal((await requests.redeem(code)).status, 200)
  const machine = { grant_type: 'client_credentials' }
  t.match(
    await requests.token(proving(await assertion('three')), machine),
    { status: 400, body: { error: 'unauthorized_client' } },
    'a document is never a machine of ours'
  )
})

t.test(
  'what is not a good document is no client, and is not fetched again at once (CIMD §5.1)',
  async t => {
    const large = { client_name: 'x', software_id: 'x'.repeat(6000) }
    const document = (path: string, members: object = {}) =>
      host.put(path, members as Record<string, unknown>)
    const bad: readonly [string, () => string][] = [
      ['/missing', () => `${host.origin}/missing`],
      ['/other-id', () => document('/other-id', { client_id: `${host.origin}/other` })],
      ['/secret', () => document('/secret', { client_secret: 'x' })],
      ['/foreign', () => document('/foreign', { redirect_uris: ['https://evil.example/cb'] })],
      ['/large', () => document('/large', large)],
      ['/text', () => host.put('/text', {}, { headers: { 'content-type': 'text/html' } })],
      ['/error', () => host.put('/error', {}, { status: 500 })],
      ['/created', () => host.put('/created', {}, { status: 201 })],
      [
        '/moved',
        () => host.put('/moved', {}, { status: 302, headers: { location: '/agent.json' } })
      ],
      ['/gzip', () => host.put('/gzip', {}, { headers: { 'content-encoding': 'gzip' } })],
      ['/broken', () => host.putPage('/broken', { body: '{' })]
    ]
    const before = await sql('SELECT count(*)::int AS count FROM clients')
    for (const [path, put] of bad) {
      const app = appAt(put())
      for (let time = 0; time < 3; time += 1) {
        const page = await requests.authorize({ app })
        t.equal(page.status, 400, path)
        t.notOk(page.location, path)
        t.match(words(page.html), /invalid_client/, path)
      }
      t.equal(host.asked(path), 1, path)
    }
    const again = await server.counted(() =>
      requests.authorize({ app: appAt(`${host.origin}/broken`) })
    )
    t.same(again.roundTrips, [['clients.find']], 'a flood costs a look, and no more')
    const after = await sql('SELECT count(*)::int AS count FROM clients')
    t.same(after.rows, before.rows, 'nothing of them is stored')
    const line = server.log.find(({ clientId }) => clientId === `${host.origin}/foreign`)
    t.match(line, { reason: /redirect_uris\[0\] must have the origin/ }, 'the operator sees why')
  }
)

t.test('an address that is no client_id is not asked for (CIMD §3)', async t => {
  host.put('/forms')
  const bare = host.origin
  const forms = ['/forms?x=1', '/forms#x', '/a/../forms', '/%2e%2e/forms', '/', ''].map(
    path => bare + path
  )
  forms.push(`${bare.replace('http://', 'http://user@')}/forms`)
  forms.push(`${bare.replace('localhost', 'LOCALHOST')}/forms`)
  for (const clientId of forms) t.equal(await error({ app: appAt(clientId) }), 400, clientId)
  t.equal(host.asked('/forms') + host.asked('/forms?x=1') + host.asked('/'), 0)
  t.equal((await sql('SELECT FROM document_fetches')).rowCount, 0)
})

t.test('an inside address gets no byte, though the person is at the page (CIMD §8.6)', async t => {
  for (const inside of ['https://10.0.0.1/c', 'https://169.254.169.254/c', 'https://[fd00::1]/c']) {
    t.equal(await error({ app: appAt(inside) }), 400, inside)
    const line = server.log.findLast(({ clientId }) => clientId === inside)
    t.match(line, { reason: 'inside' })
  }
})

t.test('an API that does not list documents is closed to them (RFC 8707 §2)', async t => {
  const app = appAt(host.put('/closed'))
  t.match(await requests.refusalOf({ app, resource: api, scope: 'read:things' }), {
    error: 'invalid_target'
  })
})
