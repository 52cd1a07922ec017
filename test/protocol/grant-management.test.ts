// Grant Management for OAuth 2.0 (draft -03) in authorization and token requests: what a client creates, merges and replaces, whose grants it
// may name, and what the person is shown. The API is tried in grants-endpoint.test.ts.

import * as oidc from 'openid-client'
import t from 'tap'
import { createBrowser } from '../support/browser.ts'
import { secretOf } from '../support/configuration.ts'
import { authorize, redeem } from '../support/relying-party.ts'
import { person } from '../support/server.ts'
import { keeper, ledger, otherKeeper, startManaged, things, trusted } from './managed.ts'
import { claimsIn, spa } from './requests.ts'

const { server, requests, change, query, revoke, refusal, endpoint } = await startManaged(t)
const { issuer } = requests

const told = async (id: string) => (await query(id)).body

t.test(
  'openid-client creates, queries and revokes a grant, by discovery alone (FAPI GM §5, §6)',
  async t => {
    const authorization = await authorize({
      ...{ issuer, clientId: 'keeper', clientSecret: secretOf('keeper') },
      ...{ redirectUri: keeper.redirectUri, scope: 'openid email read:things', resource: things },
      ...person,
      browser: requests.ada,
      extra: { grant_management_action: 'create' }
    })
    t.notOk(authorization.callbackUrl.searchParams.has('grant_id'), '§5.3')
    const tokens = await redeem(authorization)
    const id = String(tokens['grant_id'])
    t.match(id, /^[\w-]{43}$/)
    t.not(claimsIn(tokens.access_token)['gid'], id, 'what access tokens say is another handle')

    const { config } = authorization
    const metadata = config.serverMetadata()
    t.same(metadata['grant_management_actions_supported'], [
      ...['query', 'revoke'],
      ...['create', 'merge', 'replace']
    ])
    t.equal(metadata['grant_management_endpoint'], endpoint)
    const scope = 'grant_management_query grant_management_revoke'
    const own = await oidc.clientCredentialsGrant(config, { scope })
    t.match(claimsIn(own.access_token), { aud: endpoint, scope, sub: 'keeper' })
    const ask = (method: string) =>
      oidc.fetchProtectedResource(config, own.access_token, new URL(`${endpoint}/${id}`), method)
    const answer = await ask('GET')
    t.match(answer.headers.get('cache-control'), /no-store/)
    const body = (await answer.json()) as Record<string, number>
    t.same(body['scopes'], [
      { scope: 'openid email' },
      { scope: 'read:things', resource: [things] }
    ])
    const now = Date.now() / 1000
    const { created_at: created = 0, last_updated: updated = 0, expires_at: expires = 0 } = body
    t.ok(created <= now && updated >= created && expires > now + 86_400)
    t.notOk('updated_by' in body)

    const gone = await ask('DELETE')
    t.equal(gone.status, 204)
    t.equal(await gone.text(), '')
    t.equal((await ask('GET')).status, 404)
    t.equal((await ask('DELETE')).status, 404, 'once')
    const userinfo = await requests.userinfo(tokens.access_token)
    t.equal(userinfo.status, 401)
  }
)

t.test(
  'create makes a grant of its own each time, and remembers nothing beside it (FAPI GM §3.5)',
  async t => {
    const browser = createBrowser({ origin: issuer })
    const one = await change('create', { browser, scope: 'read:things' })
    const two = await change('create', { browser, scope: 'read:things write:things' })
    t.not(one.id, two.id)
    t.match(await told(one.id), { scopes: [{ scope: 'read:things' }] })
    t.match(await told(two.id), { scopes: [{ scope: 'read:things write:things' }] })
    // what was allowed there counts nowhere else: a request without an action is asked about
    const { url } = await requests.authorizationUrl({
      app: keeper,
      scope: 'read:things',
      resource: things
    })
    t.match((await browser.get(url)).location?.pathname, /^\/interaction\//)
    t.equal((await revoke(one.id)).status, 204)
    t.equal((await query(two.id)).status, 200, 'the other one is not touched')
  }
)

t.test(
  'merge adds what the person sees, and the new tokens can do all of it (FAPI GM §5.2, §3.4)',
  async t => {
    const scope = 'openid offline_access read:things'
    const first = await change('create', { scope, extra: { prompt: 'consent' } })
    const { url, verifier } = await requests.authorizationUrl({
      app: keeper,
      scope: 'read:entries',
      resource: ledger,
      extra: { grant_management_action: 'merge', grant_id: first.id }
    })
    const page = await requests.ada.follow(await requests.ada.get(url))
    const [added = '', before = ''] = page.html.split('Already allowed')
    t.match(added, /read:entries/)
    t.notMatch(added, /read:things/)
    t.match(before, /See your|read:things/)
    t.match(before, /offline_access/)
    const back = await requests.ada.follow(await requests.ada.submitForm(page))
    const code = { code: back.location?.searchParams.get('code') ?? '', verifier, app: keeper }
    // until the code is redeemed, all is as it was
    t.equal((await requests.refresh(keeper, first.refresh_token)).status, 200)
    t.match((await told(first.id)) as object, { scopes: [{}, { resource: [things] }] })

    const merged = await requests.redeem({ ...code, nonce: '', callbackUrl: url })
    t.match(merged, { status: 200, body: { grant_id: first.id, scope: 'read:entries' } })
    t.same((await told(first.id))['scopes'], [
      { scope: 'openid offline_access' },
      { scope: 'read:entries', resource: [ledger] },
      { scope: 'read:things', resource: [things] }
    ])
    t.match(await told(first.id), { updated_by: 'client' })
    t.match(await requests.refresh(keeper, first.refresh_token), {
      status: 400,
      body: { error: 'invalid_grant' }
    })
    t.equal((await requests.userinfo(first.access_token)).status, 401)
    const refreshed = await requests.refresh(keeper, merged.body.refresh_token, {
      resource: things
    })
    t.match(refreshed, { status: 200, body: { scope: 'read:things', grant_id: first.id } })
    // the same name at another API is another scope: nobody allowed it
    const other = await requests.refresh(keeper, refreshed.body.refresh_token, { resource: ledger })
    t.equal(other.body['scope'], 'read:entries')
  }
)

t.test('merge without anything new gives fresh tokens and asks nobody (FAPI GM §3.7)', async t => {
  const { id } = await change('create', { scope: 'read:things write:things' })
  const { url } = await requests.authorizationUrl({
    app: keeper,
    scope: 'read:things',
    resource: things,
    extra: { grant_management_action: 'merge', grant_id: id, prompt: 'none' }
  })
  t.ok((await requests.ada.get(url)).location?.searchParams.has('code'))
  t.match(await told(id), { scopes: [{ scope: 'read:things write:things' }] })
})

t.test('merge keeps single claims of before (FAPI GM §6.4)', async t => {
  const claims = (name: string) => JSON.stringify({ userinfo: { [name]: null } })
  const { id } = await change('create', { scope: 'openid', extra: { claims: claims('email') } })
  t.same((await told(id))['claims'], ['email'])
  const code = await requests.code({
    ...{ app: keeper, scope: 'openid' },
    extra: { grant_management_action: 'merge', grant_id: id, claims: claims('name') }
  })
  const { body } = await requests.redeem(code, { resource: issuer })
  t.same((await told(id))['claims'], ['name', 'email'])
  t.match((await requests.userinfo(body.access_token)).body, {
    name: 'Ada Lovelace',
    email: 'ada@example.com'
  })
})

t.test('replace leaves what is asked for now, and shows what is lost (FAPI GM §5.2)', async t => {
  const first = await change('create', {
    scope: 'openid email offline_access read:things',
    extra: { prompt: 'consent' }
  })
  const { url, verifier, nonce } = await requests.authorizationUrl({
    app: keeper,
    scope: 'openid write:things',
    resource: things,
    extra: { grant_management_action: 'replace', grant_id: first.id }
  })
  const page = await requests.ada.follow(await requests.ada.get(url))
  const [, lost = ''] = page.html.split('will no longer be able to')
  t.match(lost, /read:things/)
  t.match(lost, /email/)
  t.notMatch(lost, /write:things/)
  const back = await requests.ada.follow(await requests.ada.submitForm(page))
  const code = { code: back.location?.searchParams.get('code') ?? '', verifier, nonce }
  const replaced = await requests.redeem({ ...code, app: keeper, callbackUrl: url })
  t.match(replaced, { status: 200, body: { grant_id: first.id, scope: 'write:things' } })
  t.same((await told(first.id))['scopes'], [
    { scope: 'openid' },
    { scope: 'write:things', resource: [things] }
  ])
  t.equal((await requests.refresh(keeper, first.refresh_token)).status, 400)
})

t.test('who says no changes nothing (FAPI GM §5.2)', async t => {
  const first = await change('create', {
    scope: 'openid offline_access read:things',
    extra: { prompt: 'consent' }
  })
  const { url } = await requests.authorizationUrl({
    app: keeper,
    scope: 'write:things',
    resource: things,
    extra: { grant_management_action: 'replace', grant_id: first.id }
  })
  const page = await requests.ada.follow(await requests.ada.get(url))
  const button = ({ name }: { name?: string | undefined }) => name === 'decline'
  const back = await requests.ada.follow(await requests.ada.submitForm(page, {}, { button }))
  t.equal(back.location?.searchParams.get('error'), 'access_denied')
  t.match(await told(first.id), { scopes: [{}, { scope: 'read:things' }] })
  t.equal((await requests.refresh(keeper, first.refresh_token)).status, 200)
})

t.test(
  'of two changes that began from one state, the second is refused (FAPI GM §5.2)',
  async t => {
    const { id } = await change('create', { scope: 'read:things' })
    const begin = (scope: string) =>
      requests.code({
        app: keeper,
        scope,
        resource: things,
        extra: { grant_management_action: 'merge', grant_id: id }
      })
    const one = await begin('write:things')
    const two = await begin('read:things')
    t.equal((await requests.redeem(one)).status, 200)
    t.match(await requests.redeem(two), { status: 400, body: { error: 'invalid_grant' } })
    t.match(await told(id), { scopes: [{ scope: /write:things/ }] })

    const late = await begin('read:things')
    t.equal((await revoke(id)).status, 204)
    t.match(await requests.redeem(late), { status: 400, body: { error: 'invalid_grant' } })
    t.equal((await query(id)).status, 404)
  }
)

t.test('parallel changes from one state: one of them becomes the grant (FAPI GM §5.2)', async t => {
  const { id } = await change('create', { scope: 'openid' })
  const codes = []
  for (const scope of ['read:things', 'write:things', 'openid email']) {
    const extra = { grant_management_action: 'merge', grant_id: id }
    codes.push(await requests.code({ app: keeper, scope, resource: things, extra }))
  }
  const answers = await Promise.all(codes.map(code => requests.redeem(code)))
  t.same(answers.map(({ status }) => status).sort(), [200, 400, 400])
  const { rows } = await server.store.database.run<{ live: number }>(
    'test.live',
    `SELECT count(*)::int AS live FROM grants WHERE managed_id = '${id}' AND revoked_at IS NULL`
  )
  t.same(rows, [{ live: 1 }])
})

t.test(
  'a code that nobody redeems leaves no grant, and goes by itself (FAPI GM §5.6.1)',
  async t => {
    await requests.code({
      app: keeper,
      resource: things,
      scope: 'read:things',
      extra: { grant_management_action: 'create' }
    })
    const { rows } = await server.store.database.run<{ id: string; soon: boolean }>(
      'test.unclaimed',
      `SELECT id, expires_at < clock_time() + interval '61 minutes' AS soon FROM managed_grants WHERE revision = 0`
    )
    t.ok(rows.length > 0 && rows.every(({ soon }) => soon))
    t.equal((await query(String(rows[0]?.id))).status, 404)
    const asked = {
      scope: 'read:things',
      resource: things,
      extra: { grant_management_action: 'merge', grant_id: rows[0]?.id }
    }
    t.equal((await refusal(asked))['error'], 'invalid_grant_id')
  }
)

t.test('a pushed request is refused at once where it is wrong (FAPI GM §5.4)', async t => {
  const { id } = await change('create', { scope: 'read:things' })
  const pushed = async (parameters: Record<string, string>) => {
    const { url, verifier, nonce } = await requests.authorizationUrl({
      app: keeper,
      scope: 'write:things',
      resource: things
    })
    const { status, body } = await requests.post('/oauth/par', keeper.caller, {
      ...Object.fromEntries(url.searchParams),
      ...parameters
    })
    return { status, body, verifier, nonce }
  }
  const unknown = await pushed({ grant_management_action: 'merge', grant_id: 'x'.repeat(43) })
  t.match(unknown, { status: 400, body: { error: 'invalid_grant_id' } })
  const good = await pushed({ grant_management_action: 'merge', grant_id: id })
  t.equal(good.status, 201)
  const url = new URL('/authorize', issuer)
  url.search = String(
    new URLSearchParams({ client_id: 'keeper', request_uri: String(good.body['request_uri']) })
  )
  const page = await requests.ada.follow(await requests.ada.get(url))
  const back = await requests.ada.follow(await requests.ada.submitForm(page))
  const code = { ...good, code: back.location?.searchParams.get('code') ?? '', callbackUrl: url }
  t.match(await requests.redeem({ ...code, app: keeper }), { status: 200, body: { grant_id: id } })
  t.match(await told(id), { scopes: [{ scope: 'write:things read:things' }] })
})

t.test('what the request must not say is told by its code (FAPI GM §5.4)', async t => {
  const { id } = await change('create', { scope: 'read:things' })
  const scope = 'read:things'
  const rows: [string, string, Record<string, string>][] = [
    ['grant_id alone', 'invalid_request', { grant_id: id }],
    [
      'an action that is none',
      'invalid_request',
      { grant_management_action: 'update', grant_id: id }
    ],
    [
      'query is not for requests',
      'invalid_request',
      { grant_management_action: 'query', grant_id: id }
    ],
    [
      'create with grant_id',
      'invalid_request',
      { grant_management_action: 'create', grant_id: id }
    ],
    ['merge without', 'invalid_request', { grant_management_action: 'merge' }],
    ['replace without', 'invalid_request', { grant_management_action: 'replace' }],
    ['unknown', 'invalid_grant_id', { grant_management_action: 'merge', grant_id: 'A'.repeat(43) }],
    [
      'tampered',
      'invalid_grant_id',
      { grant_management_action: 'merge', grant_id: `${id.slice(0, -1)}!` }
    ],
    ['longer', 'invalid_grant_id', { grant_management_action: 'replace', grant_id: `${id}A` }]
  ]
  for (const [what, error, extra] of rows) {
    t.equal((await refusal({ scope, resource: things, extra }))['error'], error, what)
  }
  const theirs = { grant_management_action: 'merge', grant_id: id }
  const refused = await refusal({ app: otherKeeper, scope, resource: things, extra: theirs })
  t.equal(refused['error'], 'invalid_grant_id', 'another client')
  t.match(refused['error_description'], /not given to this client/)
  const isPublic = await refusal({ app: spa, extra: { grant_management_action: 'create' } })
  t.equal(isPublic['error'], 'unauthorized_client', '§5.1')
  const device = await requests.post(
    '/oauth/device',
    { headers: {}, parameters: { client_id: 'tv' } },
    { scope: 'openid', grant_management_action: 'create' }
  )
  t.match(device, { status: 400, body: { error: 'unauthorized_client' } })
  const twice = await refusal({
    scope,
    resource: things,
    extra: { grant_management_action: ['create', 'create'] }
  })
  t.equal(twice['error'], 'invalid_request')
  const nobodyHere = await refusal({
    scope,
    resource: things,
    extra: { grant_management_action: 'create', prompt: 'none' }
  })
  t.equal(nobodyHere['error'], 'consent_required', 'a new grant is always asked for')
})

t.test('another person at the browser has no part in a grant (FAPI GM §5.4)', async t => {
  const other = { login: 'grace@example.com', password: 'grace horse battery staple' }
  const made = await server.server.accounts.service.create(other, 'cli')
  t.ok(made.ok)
  const { id } = await change('create', { scope: 'read:things' })
  const browser = createBrowser({ origin: issuer })
  const request = {
    ...{ app: keeper, scope: 'write:things', resource: things, browser, who: other },
    extra: { grant_management_action: 'merge', grant_id: id }
  }
  const { url } = await requests.authorizationUrl(request)
  const login = await browser.follow(await browser.get(url))
  t.notMatch(login.html, /read:things/)
  const back = await browser.follow(await browser.submitForm(login, other))
  t.match(Object.fromEntries(back.location?.searchParams ?? []), { error: 'invalid_grant_id' })
  t.match(await told(id), { scopes: [{ scope: 'read:things' }] })
})

t.test(
  'a client of the operator’s is not asked about, and has grants all the same (FAPI GM §5.2)',
  async t => {
    const first = await change('create', { app: trusted, scope: 'read:things' })
    const { url } = await requests.authorizationUrl({
      app: trusted,
      scope: 'write:things',
      resource: things,
      extra: { grant_management_action: 'replace', grant_id: first.id, prompt: 'none' }
    })
    t.ok((await requests.ada.get(url)).location?.searchParams.has('code'))
  }
)
