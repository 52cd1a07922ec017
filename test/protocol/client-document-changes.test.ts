// What becomes of a client whose metadata document changes, cannot be had, is taken away or is blocked, and of what was granted to it (D-20): a
// document takes over nothing that was given to another one.

import t from 'tap'
import { createBrowser } from '../support/browser.ts'
import { person } from '../support/server.ts'
import { mcp, startDocumentClients } from './document-clients.ts'
import { basic, type CodeRequest } from './requests.ts'

const { server, requests, host, sql, appAt, growOld } = await startDocumentClients(t)

const error = async (request: CodeRequest) => {
  const page = await requests.authorize(request)
  return page.status
}

t.beforeEach(() => sql('DELETE FROM document_fetches'))

t.test('a document that changes between request and code takes over nothing (D-20)', async t => {
  const clientId = host.put('/changing')
  const browser = createBrowser({ origin: requests.issuer })
  const { url } = await requests.authorizationUrl({ app: appAt(clientId) })
  const login = await browser.follow(await browser.get(url))
  host.put('/changing', { redirect_uris: [`${host.origin}/callback`, `${host.origin}/other`] })
  await growOld(clientId)
  const form = { login: person.login, password: person.password }
  const page = await browser.follow(await browser.submitForm(login, form))
  t.equal(page.status, 404, 'the request is over')
  t.match(page.heading, /expired|no longer/i)
  t.ok((await requests.code({ app: appAt(clientId) })).code, 'a new one is answered')
})

t.test('the same while a code, a pushed request or a device waits (D-20)', async t => {
  const clientId = host.put('/waiting', {
    grant_types: ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code']
  })
  const app = appAt(clientId)
  const code = await requests.code({ app })
  const device = await requests.post('/oauth/device', app.caller, { scope: 'openid' })
  t.equal(device.status, 200, device.text)
  const { url } = await requests.authorizationUrl({ app })
  const pushed = await requests.post(
    '/oauth/par',
    app.caller,
    Object.fromEntries(url.searchParams.entries())
  )
  t.equal(pushed.status, 201, pushed.text)

  host.put('/waiting', {
    redirect_uris: [app.redirectUri, `${host.origin}/other`],
    grant_types: ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code']
  })
  await growOld(clientId)
  t.match(await requests.redeem(code), { status: 400, body: { error: 'invalid_grant' } })
  t.match(
    await requests.token(app.caller, {
      grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
      device_code: String(device.body['device_code'])
    }),
    { status: 400, body: { error: 'invalid_grant' } }
  )
  const par = new URL(`${requests.issuer}/authorize`)
  par.search = new URLSearchParams({
    client_id: clientId,
    request_uri: String(pushed.body['request_uri'])
  }).toString()
  t.equal((await createBrowser({ origin: requests.issuer }).get(par)).status, 400)
})

t.test('keys or redirect URIs that change later end what was granted (D-20)', async t => {
  const clientId = host.put('/later')
  const app = appAt(clientId)
  const request = {
    app,
    scope: 'openid tools:read offline_access',
    resource: [mcp, requests.issuer],
    extra: { prompt: 'consent' }
  }
  const code = await requests.code(request)
  const { body } = await requests.redeem(code, { resource: mcp })
  t.ok(body.refresh_token)
  const active = async () =>
    (await requests.introspect(basic('api-server'), body.access_token)).body['active']
  t.equal(await active(), true)

  host.put('/later', { client_name: 'Another name' })
  await growOld(clientId)
  const refreshed = await requests.refresh(app, body.refresh_token, { resource: mcp })
  t.equal(refreshed.status, 200, 'a name is no reason')
  t.equal(host.asked('/later'), 2)

  host.put('/later', { redirect_uris: [app.redirectUri, `${host.origin}/stolen`] })
  await growOld(clientId)
  t.match(await requests.refresh(app, refreshed.body.refresh_token, { resource: mcp }), {
    status: 400,
    body: { error: 'invalid_grant' }
  })
  t.equal(await active(), false)
  host.put('/later')
  await growOld(clientId)
  t.match(
    await requests.refresh(app, refreshed.body.refresh_token, { resource: mcp }),
    { status: 400 },
    'and it stays ended when the old document is back'
  )
  const audited = await sql('SELECT FROM audit_events WHERE client_id = $1 AND type = $2', [
    clientId,
    'client.document_changed'
  ])
  t.equal(audited.rowCount, 2, 'each time')
  const consents = await sql('SELECT FROM consents WHERE client_id = $1', [clientId])
  t.equal(consents.rowCount, 0, 'nobody has consented to what it is now')
})

t.test('a grant of another digest does not count, whatever else missed it (D-20)', async t => {
  const clientId = host.put('/digest')
  const app = appAt(clientId)
  const tokens = await requests.tokens({
    app,
    scope: 'openid offline_access',
    extra: { prompt: 'consent' }
  })
  await sql(`UPDATE client_documents SET digest = '\\x00' WHERE client_id = $1`, [clientId])
  t.equal((await requests.refresh(app, tokens.refresh_token)).status, 400)
  t.equal((await requests.userinfo(tokens.access_token)).status, 401)
})

t.test('while its host is down a document is believed, for so long', async t => {
  const clientId = host.put('/down')
  const app = appAt(clientId)
  await requests.code({ app })
  host.put('/down', {}, { status: 503 })
  await growOld(clientId)
  for (let time = 0; time < 3; time += 1) t.ok((await requests.code({ app })).code)
  t.equal(host.asked('/down'), 2, 'and is asked for once')
  await growOld(clientId, 'unusable')
  t.equal(await error({ app }), 400)
})

t.test('a document that its host has no more is no client any more', async t => {
  const clientId = host.put('/gone')
  const app = appAt(clientId)
  const tokens = await requests.tokens({ app })
  host.putPage('/gone', { status: 404 })
  await growOld(clientId)
  t.equal(await error({ app }), 400)
  t.equal((await requests.userinfo(tokens.access_token)).status, 401)
})

t.test('an operator blocks a document, and it does not come back by itself', async t => {
  const clientId = host.put('/blocked')
  const app = appAt(clientId)
  const tokens = await requests.tokens({ app })
  t.match(await server.server.clients.update(clientId, { client_name: 'x' }, 'cli'), {
    ok: false,
    reason: 'owned_by_document'
  })
  t.match(await server.server.clients.disable(clientId), { ok: true, changed: true })
  await sql('DELETE FROM document_fetches')
  t.equal(await error({ app }), 400)
  t.equal((await requests.userinfo(tokens.access_token)).status, 401)
  t.equal(host.asked('/blocked'), 1)
  const { rows } = await sql('SELECT disabled_at FROM clients WHERE client_id = $1', [clientId])
  t.ok(rows[0]?.['disabled_at'])
})
