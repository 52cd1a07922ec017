// Passkeys over HTTP, on a real server: made on the account's page, used to sign in at our own page and for a client, and as a second factor;
// with a process beside it for uses at the same moment.

import t from 'tap'
import { claimsIn, createRequests, web } from '../protocol/requests.ts'
import { createSoftwareAuthenticator } from '../support/authenticator.ts'
import { createBrowser, type Page } from '../support/browser.ts'
import { secretOf } from '../support/configuration.ts'
import { fetchFrom, startServerProcess } from '../support/processes.ts'
import { passPages } from '../support/relying-party.ts'
import { person, startTestServer } from '../support/server.ts'

const clock = { seconds: 0 }
const strict = { ...web, clientId: 'strict' }
const server = await startTestServer(
  t,
  {
    clients: [
      {
        client_id: strict.clientId,
        type: 'web',
        client_name: 'Strict',
        client_secret: secretOf(strict.clientId),
        redirect_uris: [strict.redirectUri],
        require_second_factor: true
      }
    ]
  },
  { now: () => new Date(Date.now() + clock.seconds * 1_000) }
)
const { issuer, accountId } = server
const requests = createRequests(server)
const device = createSoftwareAuthenticator({ origin: issuer })
const path = '/account/security/passkeys'
type Browser = ReturnType<typeof createBrowser>

/** What the page tells its script. */
function optionsOn(page: Page): Record<string, unknown> {
  const [, found] = /data-passkey="([^"]*)"/.exec(page.html) ?? []
  if (found === undefined) throw new Error(`no passkeys on ${page.url}: ${page.heading}`)
  return JSON.parse(found.replaceAll('&quot;', '"').replaceAll('&amp;', '&'))
}

const answer = (browser: Browser, page: Page, passkey: string) =>
  browser.submitForm(page, { passkey }, { form: form => form.fields.has('passkey') })

const newBrowser = () => createBrowser({ origin: issuer })

/** Past the password, and no further. */
async function withPassword(browser: Browser, at: string): Promise<Page> {
  const page = await browser.follow(await browser.get(at))
  return browser.follow(await browser.submitForm(page, person))
}

async function audited(type: string) {
  const { rows } = await server.store.database.run<{ data: object; address: string }>(
    `test.audited`,
    'SELECT data, address FROM audit_events WHERE type = $1 AND account_id = $2 ORDER BY id',
    [type, accountId]
  )
  return rows
}

t.test('made by somebody who has just signed in; the first brings recovery codes', async t => {
  const browser = newBrowser()
  const page = await withPassword(browser, path)
  t.equal(page.heading, 'Passkeys')
  t.match(optionsOn(page), { rp: { id: 'localhost' }, user: { name: 'ada@example.com' } })
  const broken = await answer(browser, page, '{}')
  t.equal(broken.status, 422)
  t.match(broken.html, 'The passkey was not added')
  const codes = await answer(browser, broken, device.create(optionsOn(broken)))
  t.equal(codes.heading, 'Save your recovery codes')
  t.equal(codes.html.match(/<li><code>/g)?.length, 10)
  t.match(await audited('passkey.added'), [{ data: { name: 'Passkey' }, address: '127.0.0.1' }])
  t.match(await audited('recovery_codes.created'), [{ data: { count: 10 } }])

  t.match(codes.html, 'href="/account/security"', 'from there it goes to what it was before')
  const security = await browser.get('/account/security')
  t.match(security.html, `href="${path}"`)
  t.match(security.html, 'Passkey</bdi>')
  // who has a factor manages factors after using one
  const again = await browser.follow(await browser.get(path))
  t.equal(again.heading, 'Sign in')
  const listed = await browser.follow(await answer(browser, again, device.get(optionsOn(again))))
  t.equal(listed.heading, 'Passkeys')
  t.strictSame(
    (optionsOn(listed)['excludeCredentials'] as unknown[]).length,
    1,
    'the device is asked for no second one'
  )
  const second = createSoftwareAuthenticator({ origin: issuer, kind: 'device-bound' })
  const more = await answer(browser, listed, second.create(optionsOn(listed)))
  t.equal(more.location?.pathname, path, 'the second one brings none')

  const both = await browser.get(path)
  const removal = both.forms.findLast(form => form.fields.get('action') === 'remove')
  const removed = await browser.submitForm(both, {}, { form: form => form === removal })
  t.equal(removed.location?.pathname, path)
  t.equal((optionsOn(await browser.get(path))['excludeCredentials'] as unknown[]).length, 1)
  const rename = (form: { fields: Map<string, string> }) => form.fields.get('action') === 'rename'
  const nameless = await browser.submitForm(both, { name: ' ' }, { form: rename })
  t.equal(nameless.status, 422)
  t.match(nameless.html, 'Enter a name of 1 to 64')
  await browser.submitForm(both, { name: 'My phone' }, { form: rename })
  t.match((await browser.get(path)).html, 'My phone')
  const copy = await browser.submitForm(await browser.get('/account/data'))
  const told = JSON.parse(copy.html)
  t.match(told.passkeys, [{ name: 'My phone', kind: 'synced', created_at: String }])
  t.notOk(copy.html.includes(device.held[0]?.id.toString('base64url') ?? 'nothing'))
  t.equal((await browser.post(path, { csrf: 'wrong', action: 'remove' })).status, 403)
  const { fields } = removal ?? { fields: new Map<string, string>() }
  const nothing = { csrf: fields.get('csrf') ?? '', action: 'else' }
  t.equal((await browser.post(path, nothing)).status, 400)
})

t.test('a sign-in of six minutes ago makes and removes none (ASVS 7.5.1)', async t => {
  t.teardown(() => {
    clock.seconds = 0
  })
  const browser = newBrowser()
  const step = await withPassword(browser, path)
  const page = await browser.follow(await answer(browser, step, device.get(optionsOn(step))))
  t.equal(page.heading, 'Passkeys')
  const before = await audited('passkey.added')
  clock.seconds = 360
  const shown = await browser.get(path)
  t.match(shown.location?.href, /\/sign-in\?again=yes&return_to=/)
  const other = createSoftwareAuthenticator({ origin: issuer })
  const posted = await answer(browser, page, other.create(optionsOn(page)))
  t.match(posted.location?.href, /\/sign-in\?again=yes/)
  const form = (given: { fields: Map<string, string> }) => given.fields.get('action') === 'remove'
  const removed = await browser.submitForm(page, {}, { form })
  t.match(removed.location?.href, /\/sign-in\?again=yes/)
  t.strictSame(await audited('passkey.added'), before)
  t.equal((await audited('passkey.removed')).length, 1, 'of the test before')
})

t.test('one button signs in at our own page, under a new session', async t => {
  const browser = newBrowser()
  const page = await browser.follow(await browser.get(path))
  t.match(page.html, /<form class="passkey"[^>]* hidden>/, 'nothing that needs a script is shown')
  t.match(page.html, /<script src="\/assets\/passkeys-[0-9a-f]{16}\.js" defer><\/script>/)
  t.strictSame(optionsOn(page)['allowCredentials'], [])
  const signedIn = await answer(browser, page, device.get(optionsOn(page)))
  t.equal(signedIn.status, 303)
  t.equal((await browser.follow(signedIn)).heading, 'Passkeys')
  const again = await answer(browser, page, device.get(optionsOn(page)))
  t.equal(again.status, 422, 'its challenge is spent')
  t.equal(again.heading, 'Sign in with a passkey')
  t.match(again.html, 'That passkey was not accepted')
})

t.test('alone, it satisfies a client, whose ID token says how (RFC 8176 §2)', async t => {
  const browser = newBrowser()
  const { url, verifier, nonce } = await requests.authorizationUrl()
  const page = await browser.follow(await browser.get(url))
  const signedIn = await browser.follow(await answer(browser, page, device.get(optionsOn(page))))
  const { callbackUrl } = await passPages(browser, signedIn, {
    ...person,
    redirectUri: web.redirectUri
  })
  const code = callbackUrl.searchParams.get('code') ?? ''
  const redeemed = await requests.redeem({ code, verifier, nonce, callbackUrl, app: web })
  t.match(claimsIn(redeemed.body.id_token), { sub: accountId, amr: ['swk', 'user', 'mfa'] })
})

t.test('after a password it is asked for, of the account’s own only', async t => {
  const browser = newBrowser()
  const { url, verifier, nonce } = await requests.authorizationUrl()
  const step = await withPassword(browser, url.href)
  t.equal(step.heading, 'Confirm that it’s you')
  t.match(optionsOn(step)['allowCredentials'], [{ type: 'public-key' }])
  t.match(step.html, /with=recovery_code/, 'and recovery codes are offered beside it')
  const stranger = createSoftwareAuthenticator({ origin: issuer })
  stranger.create({ rp: { id: 'localhost' }, user: { id: 'AAAA' }, challenge: 'AAAA' })
  const refused = await answer(browser, step, stranger.get(optionsOn(step)))
  t.equal(refused.status, 422)
  t.match(refused.html, /data-passkey-signal="signalUnknownCredential"/)
  t.match(await audited('second_factor.refused'), [
    { data: { kind: 'passkey', reason: 'unknown_passkey' } }
  ])
  for (const url of ['/account', path]) {
    t.match((await browser.follow(await browser.get(url))).heading, /^(Sign in|There is no)/, url)
  }
  const done = await browser.follow(
    await answer(browser, refused, device.get(optionsOn(refused))),
    ({ href }) => href.startsWith(web.redirectUri)
  )
  const { callbackUrl } = await passPages(browser, done, {
    ...person,
    redirectUri: web.redirectUri
  })
  const code = callbackUrl.searchParams.get('code') ?? ''
  const redeemed = await requests.redeem({ code, verifier, nonce, callbackUrl, app: web })
  t.match(claimsIn(redeemed.body.id_token), { amr: ['pwd', 'swk', 'user', 'mfa'] })
})

t.test('where a client wants a second factor, one can be made on the way', async t => {
  const grace = { login: 'grace@example.com', password: 'a compiler of my own making' }
  const made = await server.server.accounts.service.create(grace, 'cli')
  const browser = newBrowser()
  const { url } = await requests.authorizationUrl({ app: strict })
  const first = await browser.follow(await browser.get(url))
  const app = await browser.follow(await browser.submitForm(first, grace))
  t.match(app.html, /with=enrol_passkey/, 'offered beside an app, which needs no script')
  const step = await browser.get(`${app.url.pathname}?with=enrol_passkey`)
  t.equal(step.heading, 'Add a passkey')
  t.match(optionsOn(step), { user: { name: grace.login }, excludeCredentials: [] })
  const own = createSoftwareAuthenticator({ origin: issuer, kind: 'device-bound' })
  const broken = await answer(browser, step, own.create(optionsOn(step), { verified: 'no' }))
  t.equal(broken.status, 422)
  const codes = await answer(browser, broken, own.create(optionsOn(broken)))
  t.equal(codes.heading, 'Save your recovery codes')
  const { pathname } = new URL(/id="go-on" href="([^"]*)"/.exec(codes.html)?.[1] ?? '', issuer)
  const onward = await browser.follow(await browser.get(pathname))
  t.match(onward.heading, 'Strict wants to access')
  const { rows } = await server.store.database.run<{ payload: { amr: string[] } }>(
    'test.session',
    'SELECT payload FROM sessions WHERE account_id = $1',
    [made.ok ? made.account.id : '']
  )
  t.strictSame(rows[0]?.payload.amr, ['pwd', 'hwk', 'user', 'mfa'])
})

t.test('a challenge that another browser was given is refused', async t => {
  const [one, other] = [newBrowser(), newBrowser()]
  const theirs = await one.get('/sign-in')
  const mine = await other.get('/sign-in')
  const refused = await answer(other, mine, device.get(optionsOn(theirs)))
  t.equal(refused.status, 422)
  t.equal((await answer(one, theirs, device.get(optionsOn(theirs)))).status, 303, 'it was good')
})

t.test('the answer of a person needs a form of ours, and fits into 16 KB', async t => {
  const browser = newBrowser()
  const page = await browser.get('/sign-in')
  const passkey = device.get(optionsOn(page))
  const csrf = page.forms.find(form => form.fields.has('passkey'))?.fields.get('csrf') ?? ''
  const form = { prompt: 'passkey', passkey, csrf }
  t.equal((await browser.post('/sign-in', { ...form, csrf: 'wrong' })).status, 403)
  const crossSite = { 'sec-fetch-site': 'cross-site' }
  t.equal((await browser.post('/sign-in', form, crossSite)).status, 403)
  t.equal((await browser.post('/sign-in', { ...form, passkey: 'a'.repeat(17_000) })).status, 413)
  t.equal((await browser.post('/sign-in', form)).status, 303, 'none of these spent it')
})

t.test('one answer at eight places at once, on two processes: one session', async t => {
  const other = await startServerProcess(t, server)
  const ports = [Number(new URL(issuer).port), other.port]
  const browser = newBrowser()
  for (let round = 0; round < 5; round += 1) {
    const page = await browser.get('/sign-in')
    const cookie = [...browser.cookies()].map(([name, value]) => `${name}=${value}`).join('; ')
    const form = page.forms.find(one => one.fields.has('passkey'))
    const body = new URLSearchParams([...(form?.fields ?? [])])
    body.set('passkey', device.get(optionsOn(page)))
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, at) =>
        fetchFrom(ports[at % 2] ?? 0, issuer, '/sign-in', {
          method: 'POST',
          headers: { cookie, 'content-type': 'application/x-www-form-urlencoded' },
          body: body.toString()
        })
      )
    )
    const statuses = answers.map(({ status }) => status).sort()
    t.strictSame(statuses, [303, 422, 422, 422, 422, 422, 422, 422])
    const sessions = answers.filter(({ headers }) =>
      String(headers['set-cookie']).includes('session=')
    )
    t.equal(sessions.length, 1)
  }
})

t.test('password managers find where passkeys are made and managed', async t => {
  const response = await fetch(`${issuer}/.well-known/passkey-endpoints`)
  t.equal(response.status, 200)
  t.match(response.headers.get('content-type'), 'application/json')
  t.strictSame(await response.json(), { enroll: issuer + path, manage: issuer + path })
  t.equal((await fetch(`${issuer}/.well-known/webauthn`)).status, 404, 'there are no other origins')
})
