// What a person chooses on the consent page beside yes and no: which optional scopes, and for how long. What they leave out is not given, what
// they end ends, and neither the app nor the form can make more of it.

import t from 'tap'
import { createBrowser } from '../support/browser.ts'
import { secretOf, testConfig } from '../support/configuration.ts'
import { authorize, redeem } from '../support/relying-party.ts'
import { person } from '../support/server.ts'
import {
  allow,
  api,
  boxesOf,
  consenting,
  diary,
  formOf,
  house,
  isBack,
  keeper,
  mailer,
  startConsenting
} from './consent-setting.ts'
import { approveDevice, deviceGrantType, requestDeviceCode } from './device-approval.ts'
import { type Answer, claimsIn, publicly } from './requests.ts'

const { server, requests, issuer, asked, fresh, events } = await startConsenting(t)
const seven = 7 * 86_400

const scopesIn = (body: Answer['body']) => String(body['scope']).split(' ').toSorted()
/** Of the account, the ID token tells; the access token is for the API. */
const tellsEmail = (body: Answer['body']) => 'email' in claimsIn(body.id_token)

const all = 'openid profile email offline_access read:pages write:pages share:pages'
const offline = { prompt: 'consent' }

t.test(
  'what is unticked is not granted, and the token response says so (RFC 6749 §3.3)',
  async t => {
    const browser = await fresh(diary)
    const { page, finish } = await asked({ scope: all, browser, extra: offline })
    t.same(boxesOf(page), {
      profile: true,
      email: true,
      offline_access: true,
      [`write:pages ${api}`]: true,
      [`share:pages ${api}`]: true
    })
    t.match(page.html, /openid<\/code> <span class="badge">Required/)
    const left = ['email', 'offline_access', `share:pages ${api}`]
    const { body } = await finish(await allow(browser, page, left))
    t.same(scopesIn(body), ['read:pages', 'write:pages'])
    t.same(String(claimsIn(body.access_token)['scope']).split(' ').toSorted(), scopesIn(body))
    t.match(claimsIn(body.id_token), { name: 'Ada Lovelace' })
    t.notOk(tellsEmail(body))
    t.notOk('refresh_token' in body, 'nothing lasts that was not allowed to')
    t.match(await events('consent.granted'), {
      declined: ['email', 'offline_access', 'share:pages']
    })
  }
)

t.test(
  'what was declined is not asked for again, unless the app asks (prompt=consent)',
  async t => {
    const browser = await fresh(diary)
    const scope = 'openid profile email read:pages write:pages'
    const first = await asked({ scope, browser })
    await first.finish(await allow(browser, first.page, ['email', `write:pages ${api}`]))
    const again = await asked({ scope, browser })
    t.notOk(again.isAsked, 'nobody is nagged')
    const less = (await again.finish(again.page)).body
    t.same([scopesIn(less), tellsEmail(less)], [['read:pages'], false])
    // a page that comes for something else shows it again, unticked
    const wider = await asked({ scope: `${scope} share:pages`, browser })
    t.same(boxesOf(wider.page), {
      email: false,
      [`write:pages ${api}`]: false,
      [`share:pages ${api}`]: true
    })
    await allow(browser, wider.page)
    const third = await asked({ scope, browser })
    t.notOk(third.isAsked)
    t.notOk(tellsEmail((await third.finish(third.page)).body), 'still declined')
    const forced = await asked({ scope, browser, extra: { prompt: 'consent' } })
    t.same(boxesOf(forced.page), { profile: true, email: false, [`write:pages ${api}`]: false })
    const end = await allow(browser, forced.page, [], { 'allow-1': 'email' })
    t.ok(tellsEmail((await forced.finish(end)).body), 'and who ticks it allows it')
    const last = await asked({ scope, browser })
    t.ok(tellsEmail((await last.finish(last.page)).body))
    // the other way round: what was allowed once, and is unticked now
    const back = await asked({ scope, browser, extra: { prompt: 'consent' } })
    const taken = await back.finish(await allow(browser, back.page, ['email']))
    t.notOk(tellsEmail(taken.body))
    const after = await asked({ scope, browser })
    t.notOk(after.isAsked)
    t.notOk(tellsEmail((await after.finish(after.page)).body))
  }
)

t.test('single claims of a scope that was left out are not told (Core §5.5)', async t => {
  const browser = await fresh(diary)
  const claims = JSON.stringify({ userinfo: { email: null, name: null } })
  const made = await requests.authorizationUrl({ app: diary, extra: { claims } })
  let page = await browser.follow(await browser.get(made.url), isBack)
  page = await browser.follow(await browser.submitForm(page, person), isBack)
  t.same(boxesOf(page), { email: true, profile: true })
  const end = await allow(browser, page, ['email'])
  const code = end.location?.searchParams.get('code') ?? ''
  const { body } = await requests.redeem({
    ...made,
    code,
    callbackUrl: end.location ?? new URL('x:'),
    app: diary
  })
  const told = (await requests.userinfo(body.access_token)).body
  t.equal(told['name'], 'Ada Lovelace')
  t.notOk('email' in told)
  const again = await browser.follow(
    await browser.get((await requests.authorizationUrl({ app: diary, extra: { claims } })).url),
    isBack
  )
  t.ok(again.location?.searchParams.has('code'), 'nor asked for again')
})

t.test(
  'a required scope cannot be left out, and a form gets nothing that was not offered',
  async t => {
    const browser = await fresh(diary, mailer)
    const needs = await asked({ app: mailer, scope: all, browser, extra: offline })
    t.same(boxesOf(needs.page), {
      profile: true,
      offline_access: true,
      [`share:pages ${api}`]: true
    })
    const bare = await needs.finish(
      await allow(browser, needs.page, ['profile', 'offline_access', `share:pages ${api}`])
    )
    t.same([scopesIn(bare.body), tellsEmail(bare.body)], [['read:pages', 'write:pages'], true])
    const few = await asked({ scope: 'openid read:pages write:pages', browser })
    const forged = {
      'allow-0': 'email',
      'allow-1': `share:pages ${api}`,
      'allow-2': 'write:pages',
      'allow-3': `write:pages ${api}x`,
      'allow-4': 'constructor',
      scope: 'email'
    }
    const { body } = await few.finish(
      await allow(browser, few.page, [`write:pages ${api}`], forged)
    )
    t.same([scopesIn(body), tellsEmail(body)], [['read:pages'], false])
    const { page } = await asked({ scope: 'openid read:pages write:pages share:pages', browser })
    t.same(boxesOf(page), { [`write:pages ${api}`]: false, [`share:pages ${api}`]: true })
    const twice = new URLSearchParams([...(formOf(page)?.fields ?? []), ['lasts', 'seven_days']])
    t.equal((await browser.post(page.url, twice)).status, 400, 'a field that comes twice')
  }
)

t.test('who leaves out all that there is to allow, has declined', async t => {
  const browser = await fresh(diary)
  const { page } = await asked({ scope: 'write:pages', browser })
  const end = await allow(browser, page, [`write:pages ${api}`])
  t.equal(end.location?.searchParams.get('error'), 'access_denied')
  t.ok((await asked({ scope: 'write:pages', browser })).isAsked, 'and is asked the next time')
})

t.test('what the operator makes required is asked for again', async t => {
  const browser = await fresh(mailer)
  const scope = 'openid email read:pages'
  await server.store.database.run(
    'test.declined',
    `INSERT INTO consents (account_id, client_id, granted, declined, known_as) VALUES ($1, 'mailer',
      '{"openid": ["openid"], "resources": {"${api}": ["read:pages"]}}', '{"openid": ["email"], "resources": {}}', '{mailer.example.com}')`,
    [server.accountId]
  )
  const { page, isAsked } = await asked({ app: mailer, scope, browser })
  t.ok(isAsked)
  t.same(boxesOf(page), {})
  t.match(page.html, /New: /)
})

t.test('seven days: tokens and consent end together, and the page comes back', async t => {
  t.teardown(() => requests.turnClock(0))
  const browser = await fresh(diary)
  const scope = 'openid profile offline_access read:pages'
  // what was allowed without an end gets one
  const endless = await asked({ scope, browser, extra: offline })
  const before = (await endless.finish(await allow(browser, endless.page))).body
  const { page, finish } = await asked({ scope, browser, extra: offline })
  t.match(page.html, /value="removed" checked/)
  const { body } = await finish(await allow(browser, page, [], { lasts: 'seven_days' }))
  const apps = await browser.get('/account/grants')
  t.match(apps.html, /<dt>Ends<\/dt><dd><time datetime="/)
  t.match(await events('consent.granted'), { seconds: seven })

  await requests.turnClock(seven - 3_600)
  const later = await requests.refresh(diary, body.refresh_token)
  t.equal(later.status, 200, 'an hour before the end')
  const first = await requests.refresh(diary, before.refresh_token)
  t.equal(first.status, 200)
  const quiet = createBrowser({ origin: issuer })
  const known = await asked({ scope: 'openid read:pages', browser: quiet })
  t.notOk(known.isAsked, 'still remembered')
  const late = (await known.finish(known.page)).body

  await requests.turnClock(seven + 60)
  for (const token of [later.body.refresh_token, first.body.refresh_token]) {
    t.match(await requests.refresh(diary, token), { status: 400, body: { error: 'invalid_grant' } })
  }
  t.equal(
    (await requests.userinfo(late.access_token)).status,
    401,
    'a grant of its last hour ends with it'
  )
  const { rows } = await server.store.database.run<{ over: boolean }>(
    'test.families',
    'SELECT expires_at <= clock_time() AS over FROM refresh_families WHERE client_id = $1',
    ['journal']
  )
  t.ok(
    rows.some(({ over }) => over),
    'the family itself ends'
  )
  const again = await asked({ scope: 'openid read:pages', browser: quiet })
  t.ok(again.isAsked, 'and the person is asked')
  t.notMatch(again.page.html, /Already allowed/, 'for all of it')
  t.match(again.page.html, /read:pages/)
  // what ended does not come back with the next answer
  await allow(quiet, again.page)
  t.notOk((await asked({ scope: 'openid read:pages', browser: quiet })).isAsked)
  const wider = await asked({ scope: 'openid profile read:pages', browser: quiet })
  t.same(boxesOf(wider.page), { profile: true }, 'it was allowed in those seven days')
})

t.test('an app that leads to another host is asked about again, with all that it had', async t => {
  const browser = await fresh(diary)
  const scope = 'openid email read:pages'
  const { page } = await asked({ scope, browser })
  await allow(browser, page)
  const moved = { ...diary, redirectUri: 'https://diary.another.example/callback' }
  const clients = (...diaries: string[]) =>
    testConfig(issuer, {
      ...consenting,
      clients: consenting.clients.map(client =>
        client.client_id === 'journal' ? { ...client, redirect_uris: diaries } : client
      )
    }).clients
  const reconcile = (value: number, ...diaries: string[]) =>
    server.server.clients.reconcile(clients(...diaries), { from: 'key', value })
  t.match(await reconcile(2, moved.redirectUri, `${diary.redirectUri}/other`, diary.redirectUri), {
    ok: true
  })
  t.notOk(
    (await asked({ scope, browser, app: { ...diary, redirectUri: `${diary.redirectUri}/other` } }))
      .isAsked,
    'another path of the host'
  )
  const there = await asked({ scope, browser, app: moved })
  t.ok(there.isAsked)
  t.match(there.page.html, /diary\.another\.example/)
  t.notMatch(there.page.html, /Already allowed/)
  await allow(browser, there.page)
  t.notOk((await asked({ scope, browser, app: moved })).isAsked, 'now it is known there')
  t.notOk((await asked({ scope, browser })).isAsked, 'and here')

  // between the page and the answer
  const pending = await asked({ scope, browser, app: moved, extra: { prompt: 'consent' } })
  t.match(await reconcile(3, diary.redirectUri), { ok: true })
  const end = await allow(browser, pending.page)
  t.not(
    end.location?.host,
    'diary.another.example',
    'the browser is not sent where the app no longer is'
  )
  t.notOk(end.location?.searchParams.has('code'))
})

t.test('a client that was switched off while the person read gets no code', async t => {
  const browser = await fresh(keeper)
  const { page } = await asked({ app: keeper, scope: 'openid', browser })
  const { clients } = testConfig(issuer, consenting)
  const others = clients.filter(({ client_id }) => client_id !== 'keeper')
  t.match(await server.server.clients.reconcile(others, { from: 'key', value: 4 }), { ok: true })
  const end = await allow(browser, page)
  t.ok(end.status >= 400, 'a page of ours')
  t.equal(end.location, undefined)
  t.match(await server.server.clients.reconcile(clients, { from: 'key', value: 5 }), { ok: true })
})

t.test('a grant that the client manages has its own choices and its own end', async t => {
  t.teardown(() => requests.turnClock(0))
  const browser = await fresh(keeper)
  const scope = 'openid offline_access read:pages write:pages share:pages'
  const extra = { grant_management_action: 'create', prompt: 'consent' }
  const made = await asked({ app: keeper, scope, browser, extra })
  t.same(boxesOf(made.page), {
    offline_access: true,
    [`write:pages ${api}`]: true,
    [`share:pages ${api}`]: true
  })
  const end = await allow(browser, made.page, [`share:pages ${api}`], { lasts: 'seven_days' })
  const { body } = await made.finish(end)
  t.notMatch(body['scope'], 'share:pages')
  t.match(body['scope'], 'write:pages')
  const id = String(body['grant_id'])
  const merged = await asked({
    app: keeper,
    scope: 'openid offline_access share:pages write:pages',
    browser,
    extra: { grant_management_action: 'merge', grant_id: id, prompt: 'consent' }
  })
  t.same(boxesOf(merged.page), { [`share:pages ${api}`]: true }, 'only what is new is asked')
  const second = await merged.finish(await allow(browser, merged.page, [`share:pages ${api}`]))
  t.match(second.body['scope'], 'write:pages', 'what it holds, it keeps')
  t.notMatch(second.body['scope'], 'share:pages')
  t.ok((await asked({ app: keeper, scope, browser })).isAsked, 'nothing is remembered beside it')

  const short = await asked({ app: keeper, scope, browser, extra })
  const tokens = await short.finish(await allow(browser, short.page, [], { lasts: 'seven_days' }))
  await requests.turnClock(seven + 60)
  t.match(await requests.refresh(keeper, tokens.body.refresh_token), {
    status: 400,
    body: { error: 'invalid_grant' }
  })
})

t.test('a device of a person who left scopes out gets none of them (RFC 8628 §3.3)', async t => {
  const codes = await requestDeviceCode(requests, 'openid email offline_access')
  let page = await requests.ada.follow(await requests.ada.get('/device'))
  for (let steps = 0; page.forms.some(form => form.method === 'POST') && steps < 6; steps++) {
    if (formOf(page) !== undefined) {
      t.same(boxesOf(page), { email: true, offline_access: true })
      page = await allow(requests.ada, page, ['email'])
      continue
    }
    const fields = page.forms.flatMap(form => [...form.fields.keys()])
    const typed = fields.includes('password')
      ? person
      : fields.includes('user_code')
        ? { user_code: codes.userCode }
        : {}
    page = await requests.ada.follow(await requests.ada.submitForm(page, typed))
  }
  const tokens = await requests.token(publicly('tv'), {
    grant_type: deviceGrantType,
    device_code: codes.deviceCode
  })
  t.match(tokens, { status: 200, body: { scope: 'openid offline_access' } })
  t.type((await events('device.approved'))?.['grantId'], 'string', 'told to its owner')
  // a second one of the same app is not asked about again
  const next = await requestDeviceCode(requests, 'openid email offline_access')
  const { page: done } = await approveDevice(server, next.userCode, requests.ada)
  t.equal(done.status, 200)
  const again = await requests.token(publicly('tv'), {
    grant_type: deviceGrantType,
    device_code: next.deviceCode
  })
  t.match(again, { status: 200, body: { scope: 'openid offline_access' } })
})

t.test('nobody is asked about an app of the operator, except where anybody may listen', async t => {
  const browser = await fresh(house)
  const scope = 'openid email read:pages'
  t.notOk((await asked({ app: house, scope, browser })).isAsked)
  const loopback = { ...house, redirectUri: 'http://localhost:3999/callback' }
  for (const time of ['first', 'second']) {
    const { page, isAsked, finish } = await asked({ app: loopback, scope, browser })
    t.ok(isAsked, time)
    const end = await allow(browser, page, ['email'])
    t.notOk(tellsEmail((await finish(end)).body), time)
  }
})

t.test('openid-client takes less than it asked for, with every check', async t => {
  const browser = await fresh(diary)
  const scope = 'openid profile email'
  const first = await asked({ scope, browser })
  await allow(browser, first.page, ['email', 'profile'])
  const authorization = await authorize({
    ...person,
    ...{ issuer, scope, browser },
    clientId: 'journal',
    clientSecret: secretOf('journal'),
    redirectUri: diary.redirectUri
  })
  const tokens = await redeem(authorization)
  t.equal(tokens.scope, 'openid')
  const told = await requests.userinfo(tokens.access_token)
  t.strictSame(Object.keys(told.body), ['sub'])
})
