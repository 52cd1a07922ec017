// The device grant (RFC 8628): a device that polls, a person who compares the code at a browser, and everything that goes wrong between
// them. The clock of the database is turned; nothing waits.

import * as oidc from 'openid-client'
import t from 'tap'
import { type Browser, createBrowser, declines, type Page } from '../support/browser.ts'
import { discover } from '../support/relying-party.ts'
import { person, startTestServer } from '../support/server.ts'
import {
  type Answer,
  type App,
  api,
  basic,
  claimsIn,
  createRequests,
  publicly,
  spa,
  web
} from './requests.ts'

const grantType = 'urn:ietf:params:oauth:grant-type:device_code'
const server = await startTestServer(t, {
  clients: [
    {
      client_id: 'radio',
      type: 'native',
      client_name: 'Example Radio',
      redirect_uris: ['http://127.0.0.1/callback'],
      grant_types: ['authorization_code', 'refresh_token', grantType]
    }
  ]
})
const requests = createRequests(server)
const { issuer } = requests
const tv: App = { clientId: 'tv', redirectUri: '', caller: publicly('tv') }

t.afterEach(() => requests.turnClock(0))

interface Device {
  device_code: string
  user_code: string
  verification_uri: string
  verification_uri_complete: string
  expires_in: number
  interval: number
}

async function start(parameters: Record<string, string> = {}): Promise<Device> {
  const answer = await requests.post('/oauth/device', tv.caller, { scope: 'openid', ...parameters })
  if (answer.status !== 200) throw new Error(answer.text)
  return answer.body as unknown as Device
}

const poll = (device: Pick<Device, 'device_code'>, caller = tv.caller): Promise<Answer> =>
  requests.token(caller, { grant_type: grantType, device_code: device.device_code })

const newBrowser = () => createBrowser({ origin: issuer })

/** Types a code in and sees what comes: the page with the code to compare, or the same page with a problem. */
async function enter(code: string, browser: Browser): Promise<Page> {
  const page = await browser.get('/device')
  return browser.submitForm(page, { user_code: code })
}

/** Confirms, signs in, consents: until a page comes that has nothing left to press. */
async function approve(code: string, browser = newBrowser()): Promise<Page> {
  let page = await enter(code, browser)
  for (let pages = 0; pages < 5 && page.forms.some(form => form.method === 'POST'); pages += 1) {
    const asked = page.forms.some(({ fields }) => fields.has('password'))
    const ordinary = page.forms.some(form => form.method === 'POST' && !form.fields.has('lang'))
    if (!ordinary) break
    page = await browser.follow(await browser.submitForm(page, asked ? person : {}))
  }
  return page
}

t.test('the device is told where to send the person, and for how long (RFC 8628 §3.2)', async t => {
  const answer = await requests.post('/oauth/device', tv.caller, { scope: 'openid' })
  t.match(answer.headers.get('cache-control'), /no-store/)
  const device = answer.body as unknown as Device
  t.match(device, { verification_uri: `${issuer}/device`, expires_in: 600, interval: 5 })
  t.match(device.device_code, /^[\w-]{43}[0-9a-z]{4}$/)
  // RFC 8628 §6.1: no vowels, nothing that looks like something else
  t.match(device.user_code, /^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/)
  const complete = new URL(device.verification_uri_complete)
  t.equal(complete.searchParams.get('user_code'), device.user_code)
})

t.test(
  'openid-client: the whole flow, with the pages that a person sees (RFC 8628 §3)',
  async t => {
    const config = await discover({ issuer, clientId: 'tv' })
    const device = await oidc.initiateDeviceAuthorization(config, {
      scope: 'openid email offline_access'
    })
    t.match(await poll(device), { status: 400, body: { error: 'authorization_pending' } })
    const browser = newBrowser()
    const confirm = await enter(device.user_code, browser)
    t.match(confirm.html, /Example TV/)
    t.match(confirm.html, new RegExp(device.user_code), 'the code to compare')
    t.match(confirm.html, /127\.0\.0\.1|::1/, 'who asked')
    const login = await browser.follow(await browser.submitForm(confirm))
    t.ok(
      login.forms.some(({ fields }) => fields.has('password')),
      login.heading
    )
    const consent = await browser.follow(await browser.submitForm(login, person))
    t.match(consent.html, /Example TV/)
    const done = await browser.follow(await browser.submitForm(consent))
    t.equal(done.status, 200)
    t.notOk(
      done.forms.some(form => form.method === 'POST' && !form.fields.has('lang')),
      done.heading
    )
    await requests.turnClock(6)
    const tokens = await oidc.genericGrantRequest(config, grantType, {
      device_code: device.device_code
    })
    t.match(tokens, {
      token_type: 'bearer',
      access_token: String,
      id_token: String,
      refresh_token: String
    })
    t.equal(claimsIn(tokens.id_token ?? '')['sub'], server.accountId)
    t.equal((await requests.userinfo(tokens.access_token)).body['email'], 'ada@example.com')
    const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '')
    t.type(refreshed.access_token, 'string')
  }
)

t.test(
  'consent is remembered: the second device of an app is asked for its code only (RFC 8628 §3.3)',
  async t => {
    const browser = newBrowser()
    const first = await start()
    await approve(first.user_code, browser)
    t.equal((await poll(first)).status, 200)
    const second = await start()
    const confirm = await enter(second.user_code, browser)
    const done = await browser.follow(await browser.submitForm(confirm))
    t.notOk(
      done.forms.some(form => form.method === 'POST' && !form.fields.has('lang')),
      done.heading
    )
    t.equal((await poll(second)).status, 200)
  }
)

t.test('a device gets a token for the resource it named (RFC 8707 §2)', async t => {
  const device = await start({ scope: 'openid read:things', resource: api })
  await approve(device.user_code)
  const { body } = await poll(device)
  t.match(claimsIn(body.access_token), { aud: api, scope: 'read:things' })
})

t.test(
  'polling too fast is slow_down, and each time the interval grows by five seconds (RFC 8628 §3.5)',
  async t => {
    const device = await start()
    const expect = async (seconds: number, error: string) => {
      await requests.turnClock(seconds)
      t.match(await poll(device), { status: 400, body: { error } }, `after ${seconds} s`)
    }
    await expect(0, 'authorization_pending')
    await expect(3, 'slow_down')
    // ten seconds from now on, counted from the last poll
    await expect(11, 'slow_down')
    // fifteen
    await expect(28, 'authorization_pending')
    await expect(42, 'slow_down')
    // twenty
    await expect(64, 'authorization_pending')
  }
)

t.test('of eight polls at once one is in time (RFC 8628 §3.5)', async t => {
  const device = await start()
  const answers = await Promise.all(Array.from({ length: 8 }, () => poll(device)))
  const errors = answers.map(({ body }) => body['error'])
  t.equal(errors.filter(error => error === 'authorization_pending').length, 1)
  t.equal(errors.filter(error => error === 'slow_down').length, 7)
})

t.test('approval is not held up by an earlier slow_down (RFC 8628 §3.5)', async t => {
  const device = await start()
  await poll(device)
  t.match((await poll(device)).body, { error: 'slow_down' })
  await approve(device.user_code)
  t.equal((await poll(device)).status, 200)
})

t.test(
  'after ten minutes the code is expired_token, for device and person (RFC 8628 §3.5)',
  async t => {
    const device = await start()
    await requests.turnClock(601)
    t.match(await poll(device), { status: 400, body: { error: 'expired_token' } })
    const page = await enter(device.user_code, newBrowser())
    t.notMatch(page.html, /Example TV/)
    t.ok(
      page.forms.some(({ fields }) => fields.has('user_code')),
      'asked again'
    )
  }
)

t.test('a person who declines sends access_denied to the device (RFC 8628 §3.5)', async t => {
  const device = await start()
  const browser = newBrowser()
  const confirm = await enter(device.user_code, browser)
  const button = (one: Parameters<typeof declines>[0]) => one.name === 'abort'
  await browser.submitForm(confirm, {}, { button })
  t.match(await poll(device), { status: 400, body: { error: 'access_denied' } })
  const again = await enter(device.user_code, newBrowser())
  t.notMatch(again.html, /Example TV/, 'the code is used up')
})

t.test('declining at consent ends it, too (RFC 8628 §3.5)', async t => {
  const { body: device } = await requests.post('/oauth/device', publicly('radio'), {
    scope: 'openid'
  })
  const browser = newBrowser()
  const confirm = await enter(String(device['user_code']), browser)
  const login = await browser.follow(await browser.submitForm(confirm))
  const consent = await browser.follow(await browser.submitForm(login, person))
  t.match(consent.html, /Example Radio/)
  await browser.follow(await browser.submitForm(consent, {}, { button: declines }))
  const answer = await poll(device as unknown as Device, publicly('radio'))
  t.match(answer, { status: 400, body: { error: 'access_denied' } })
})

t.test(
  'a link with the code in it still shows the code and asks (RFC 8628 §3.3.1, §5.4)',
  async t => {
    const device = await start()
    const browser = newBrowser()
    const page = await browser.get(device.verification_uri_complete)
    t.equal(page.status, 200)
    t.match(await poll(device), { body: { error: 'authorization_pending' } })
    t.notMatch(page.html, /<script/)
    const confirm = await browser.submitForm(page)
    t.match(confirm.html, /Example TV/)
    t.match(confirm.html, new RegExp(device.user_code))
  }
)

t.test('approving needs the form that this browser was shown (RFC 8628 §5.4)', async t => {
  const device = await start()
  const victim = newBrowser()
  await victim.get('/device')
  for (const fields of [
    { user_code: device.user_code, confirm: 'yes' },
    { user_code: device.user_code, confirm: 'yes', xsrf: 'guessed' }
  ]) {
    const page = await victim.post('/device', fields)
    t.ok(page.status >= 200 && page.status < 500)
  }
  const stranger = newBrowser()
  const shown = await enter(device.user_code, stranger)
  const xsrf = shown.forms.find(({ fields }) => fields.has('xsrf'))?.fields.get('xsrf') ?? ''
  await victim.post('/device', { user_code: device.user_code, confirm: 'yes', xsrf })
  await requests.turnClock(6)
  t.match(await poll(device), { body: { error: 'authorization_pending' } })
})

t.test(
  'a device code is redeemed once, and a second time ends what the first one got (RFC 8628 §3.5)',
  async t => {
    const device = await start({ scope: 'openid offline_access' })
    await approve(device.user_code)
    const { status, body } = await poll(device)
    t.equal(status, 200)
    t.match(await poll(device), { status: 400, body: { error: 'invalid_grant' } })
    t.equal((await requests.userinfo(body.access_token)).status, 401)
  }
)

t.test('of eight that redeem a device code at once one gets tokens (RFC 8628 §3.5)', async t => {
  const device = await start()
  await approve(device.user_code)
  const answers = await Promise.all(Array.from({ length: 8 }, () => poll(device)))
  t.equal(answers.filter(({ status }) => status === 200).length, 1)
  t.equal(answers.filter(({ status }) => status === 400).length, 7)
})

t.test(
  'another client gets nothing for a device code, and does not slow its owner down (RFC 8628 §3.4)',
  async t => {
    const device = await start()
    for (let i = 0; i < 3; i += 1) {
      const answer = await poll(device, publicly('radio'))
      t.match(answer, { status: 400, body: { error: 'invalid_grant' } })
    }
    t.match((await poll(device)).body, { error: 'authorization_pending' }, 'not slow_down')
    await approve(device.user_code)
    t.equal((await poll(device, publicly('radio'))).status, 400)
    t.equal((await poll(device)).status, 200)
  }
)

t.test(
  'an approval of somebody who was disabled before the poll is worth nothing (RFC 8628 §3.5)',
  async t => {
    const { service } = server.server.accounts
    const eve = { login: 'eve@example.com', password: 'another horse battery staple' }
    const made = await service.create({ ...eve, name: 'Eve' }, 'cli')
    if (!made.ok) throw new Error(made.reason)
    const device = await start()
    const browser = newBrowser()
    const confirm = await enter(device.user_code, browser)
    const login = await browser.follow(await browser.submitForm(confirm))
    const consent = await browser.follow(await browser.submitForm(login, eve))
    await browser.follow(await browser.submitForm(consent))
    await service.disable(made.account.id, 'cli')
    t.match(await poll(device), { status: 400, body: { error: 'invalid_grant' } })
  }
)

t.test('a client without the grant is refused at both endpoints (RFC 8628 §3.1)', async t => {
  for (const caller of [web.caller, spa.caller, basic('billing')]) {
    const started = await requests.post('/oauth/device', caller, { scope: 'openid' })
    t.match(started, { status: 400, body: { error: 'unauthorized_client' } })
    const polled = await requests.token(caller, { grant_type: grantType, device_code: 'x' })
    t.match(polled, { status: 400, body: { error: 'unauthorized_client' } })
  }
})

t.test('what is no device code is invalid_grant (RFC 8628 §3.5)', async t => {
  for (const device_code of ['x', '\0', 'x'.repeat(43), 'x'.repeat(10_000)]) {
    t.match(await poll({ device_code }), { status: 400, body: { error: 'invalid_grant' } })
  }
  t.match(await poll({ device_code: '' }), { status: 400, body: { error: 'invalid_request' } })
})

t.test('an operator who has no devices switches all of it off (RFC 10027)', async t => {
  const none = await startTestServer(t, { deviceCodes: { enabled: false } })
  const there = createRequests(none)
  const { body } = await there.get('/.well-known/openid-configuration')
  t.notOk('device_authorization_endpoint' in body)
  t.notOk(JSON.stringify(body['grant_types_supported']).includes('device_code'))
  const tv = publicly('tv')
  const started = await there.post('/oauth/device', tv, { scope: 'openid' })
  t.match(started, { status: 404, body: { error_description: /switched off/ } })
  t.equal((await there.get('/device')).status, 404)
  const polled = await there.token(tv, { grant_type: grantType, device_code: 'x' })
  t.match(polled, { status: 400, body: { error: 'unsupported_grant_type' } })
  const page = await there.authorize({
    app: { ...web, clientId: 'tv', redirectUri: 'http://127.0.0.1:5000/callback' }
  })
  t.match(page.location?.pathname, /^\/interaction\//, 'its client does what else it may')
})
