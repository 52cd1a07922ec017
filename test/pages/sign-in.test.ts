// Signing in without a client, at the real server: the session is the engine's, the form is bound to the browser, and it leads back to
// pages of ours only.

import t from 'tap'
import { createRequests } from '../protocol/requests.ts'
import { type Browser, createBrowser } from '../support/browser.ts'
import { chooseAccount } from '../support/relying-party.ts'
import { person, startTestServer } from '../support/server.ts'

const server = await startTestServer(t, { sessions: { idle: '2h', absolute: '12h' } })
const { issuer, store, log } = server
const requests = createRequests(server)
const other = { login: 'bob@example.com', password: 'another long passphrase of his' }
await server.server.accounts.service.create({ ...other, name: 'Bob' }, 'cli')

const sessionOf = (browser: Browser) => browser.cookies().get('mintmark_session')

async function events(type: string) {
  const { rows } = await store.database.run<{ account_id: string }>(
    `test.events.${type}`,
    `SELECT account_id FROM audit_events WHERE type = '${type}'`
  )
  return rows.map(row => row.account_id)
}

async function signIn(browser: Browser, who = person, returnTo = '/device') {
  const page = await browser.get(`/sign-in?return_to=${encodeURIComponent(returnTo)}`)
  return browser.submitForm(page, who)
}

t.test('whoever signs in here is signed in for apps, too, and comes back to the page', async t => {
  const browser = createBrowser({ origin: issuer })
  const answer = await signIn(browser)
  t.equal(answer.status, 303)
  t.equal(answer.location?.href, `${issuer}/device`)
  const cookies = answer.headers.getSetCookie().filter(line => line.startsWith('mintmark_session='))
  t.match(cookies[0], /; path=\/; expires=.+; samesite=lax; httponly/i)
  const expires = Date.parse(/expires=([^;]+)/.exec(cookies[0] ?? '')?.[1] ?? '')
  t.ok(Math.abs(expires - Date.now() - 7_200_000) < 60_000, 'as long as the idle time')
  t.ok((await requests.code({ browser, who: { login: '', password: '' } })).code, 'no form asked')
  t.ok((await events('sign_in.succeeded')).includes(server.accountId))
  const again = await browser.get('/sign-in')
  t.match(again.html, 'ada@example.com')
  t.equal((await browser.get('/sign-in?return_to=%2Fdevice')).location?.pathname, '/device')
})

t.test('a session from an app counts here', async t => {
  const browser = createBrowser({ origin: issuer })
  await requests.code({ browser })
  t.match((await browser.get('/sign-in')).heading, 'You are signed in')
})

t.test('the session has a new identifier after it, and the old one is dead (CWE-384)', async t => {
  const browser = createBrowser({ origin: issuer })
  await browser.get('/logout')
  const before = sessionOf(browser)
  t.ok(before, 'a form has made a session')
  const cookie = [...browser.cookies()].map(([name, value]) => `${name}=${value}`).join('; ')
  await signIn(browser)
  t.not(sessionOf(browser), before)
  const fixed = await requests.get('/sign-in', { cookie })
  t.match(fixed.text, 'name="password"', 'the cookie from before is nobody')
  const first = sessionOf(browser)
  const form = await createBrowser({ origin: issuer }).get('/sign-in')
  t.ok(form.forms.length > 0)
  const page = await browser.get('/sign-in?return_to=/device')
  t.equal(page.status, 303, 'signed in already')
  t.equal(sessionOf(browser), first)
})

t.test('somebody else who signs in puts the person before aside, whose cookie is dead', async t => {
  const browser = createBrowser({ origin: issuer })
  const page = await browser.get('/sign-in')
  await browser.submitForm(page, person)
  const before = [...browser.cookies()].map(([name, value]) => `${name}=${value}`).join('; ')
  await browser.submitForm(page, other)
  t.match((await browser.get('/sign-in')).html, 'bob@example.com')
  t.match((await requests.get('/sign-in', { cookie: before })).text, 'name="password"')
  t.strictSame(await events('sign_out'), [], 'and nobody is signed out')
  const chooser = await browser.get('/sign-in?with=choose&return_to=%2Fdevice')
  const back = await chooseAccount(browser, chooser, person.login)
  t.equal(back.location?.pathname, '/device')
  t.match((await browser.get('/sign-in')).html, 'Signed in as <bdi class="name">ada@example.com')
})

t.test('a form that is not of this browser signs nobody in (R-65)', async t => {
  const browser = createBrowser({ origin: issuer })
  const page = await browser.get('/sign-in')
  const victim = createBrowser({ origin: issuer })
  await victim.get('/sign-in')
  const csrf = page.forms.find(form => form.fields.has('csrf'))?.fields.get('csrf') ?? ''
  t.ok(csrf)
  for (const [asked, headers] of [
    [{ csrf }, {}],
    [{ csrf: '' }, {}],
    [{}, {}]
  ] as const) {
    const answer = await victim.post('/sign-in', { ...person, ...asked }, headers)
    t.equal(answer.status, 403)
    t.equal(sessionOf(victim), undefined)
  }
  const crossSite = { 'sec-fetch-site': 'cross-site' }
  t.equal((await browser.post('/sign-in', { ...person, csrf }, crossSite)).status, 403)
  t.equal((await browser.post('/sign-in', { ...person, csrf })).status, 303, 'it was a good form')
})

t.test(
  'a wrong password and an unknown name are one sentence, and the form comes back',
  async t => {
    const browser = createBrowser({ origin: issuer })
    const wrong = await signIn(browser, { ...person, password: 'not hers at all' })
    const unknown = await signIn(browser, { login: 'nobody@example.com', password: 'x' })
    t.equal(wrong.status, 422)
    t.equal(unknown.status, 422)
    t.match(wrong.html, 'Email or password is incorrect.')
    t.match(unknown.html, 'Email or password is incorrect.')
    t.equal(sessionOf(browser), undefined)
    const right = await browser.submitForm(wrong, person)
    t.equal(right.location?.pathname, '/device', 'and it still knows the way back')
  }
)

t.test('it leads to pages of ours only (RFC 9700 §4.11.2)', async t => {
  for (const value of [
    '//evil.example',
    '/\\evil.example',
    'https://evil.example/',
    'javascript:x'
  ]) {
    const answer = await signIn(createBrowser({ origin: issuer }), person, value)
    t.equal(answer.location?.href, `${issuer}/sign-in`, value)
  }
})

t.test('no password, token or cookie is in the log', async t => {
  const text = JSON.stringify(log)
  t.notOk(text.includes(person.password))
  t.notOk(text.includes('mintmark_session='))
})
