// A person's answers to backchannel requests (OpenID Connect CIBA Core §8), at `/approve`: theirs alone, once, from their own form; and how often one
// person may be asked.

import t from 'tap'
import { declines } from '../support/browser.ts'
import { secretOf } from '../support/configuration.ts'
import { giveTotp } from '../support/second-factor.ts'
import { person, startTestServer } from '../support/server.ts'
import {
  answer,
  ask,
  cibaGrantType,
  cibaSetting,
  forgetRequests,
  newAccount,
  newRequest,
  poll,
  signInToApprove
} from './backchannel.ts'
import { basic, claimsIn, createRequests } from './requests.ts'

const strict = {
  client_id: 'strict',
  type: 'web',
  client_secret: secretOf('strict'),
  grant_types: [cibaGrantType],
  default_max_age: 60
}
const careful = {
  client_id: 'careful',
  type: 'web',
  client_secret: secretOf('careful'),
  grant_types: [cibaGrantType],
  require_second_factor: true
}
const setting = { ...cibaSetting, clients: [...cibaSetting.clients, strict, careful] }
const server = await startTestServer(t, setting)
const requests = createRequests(server)
const { store } = server
const { service } = server.server.accounts
const { browser: ada } = await signInToApprove(server)

t.beforeEach(() => forgetRequests(server, requests))

t.test('nobody sees or answers what was asked of somebody else (R-68)', async t => {
  const eve = await newAccount(server, 'eve@example.com')
  const { browser, page } = await signInToApprove(server, eve)
  const id = await newRequest(requests)
  t.notMatch((await browser.get('/approve')).html, /Example bank/)
  const hers = await ada.get('/approve')
  const shown = hers.forms.find(form => form.fields.has('request'))
  const request = shown?.fields.get('request') ?? ''
  t.ok(request)
  const own = await newRequest(requests, { login_hint: eve.login })
  const csrfOf = async () =>
    (await browser.get('/approve')).forms
      .find(form => form.fields.has('csrf'))
      ?.fields.get('csrf') ?? ''
  const posted = await browser.post('/approve', { csrf: await csrfOf(), request, approve: 'yes' })
  t.match((await browser.follow(posted)).html, /was not for you/)
  t.match((await poll(requests, id)).body, { error: 'authorization_pending' })
  t.match((await poll(requests, own)).body, { error: 'authorization_pending' })
  t.ok(page.html.includes('Nothing waits'))
})

t.test('an answer needs the form of this session (CVE-2026-45337)', async t => {
  const id = await newRequest(requests)
  const page = await ada.get('/approve')
  const fields = page.forms.find(form => form.fields.has('request'))?.fields ?? new Map()
  const request = fields.get('request') ?? ''
  const csrf = fields.get('csrf') ?? ''
  const { browser: elsewhere } = await signInToApprove(server)
  const approve = { request, approve: 'yes' }
  t.equal((await ada.post('/approve', approve)).status, 403)
  t.equal((await ada.post('/approve', { ...approve, csrf: `A${csrf.slice(1)}` })).status, 403)
  t.equal((await elsewhere.post('/approve', { ...approve, csrf })).status, 403, 'another session')
  const crossSite = { 'sec-fetch-site': 'cross-site' }
  t.equal((await ada.post('/approve', { ...approve, csrf }, crossSite)).status, 403)
  t.equal((await ada.post('/approve', { request, csrf })).status, 400, 'neither yes nor no')
  t.equal((await ada.post('/approve', { ...approve, csrf, decline: 'yes' })).status, 400, 'both')
  t.match((await poll(requests, id)).body, { error: 'authorization_pending' })
  t.equal((await ada.post('/approve', { ...approve, csrf })).status, 303, 'it was a good form')
  t.equal((await poll(requests, id)).status, 200)
})

t.test('the first answer counts (CIBA Core §8)', async t => {
  const id = await newRequest(requests)
  const page = await ada.get('/approve')
  const form = { form: (one: { fields: Map<string, string> }) => one.fields.has('request') }
  const press = (name: string) =>
    ada.submitForm(page, {}, { ...form, button: button => button.name === name })
  const answers = await Promise.all([press('decline'), press('approve'), press('approve')])
  const outcomes = answers.map(({ location }) => location?.searchParams.get('answered')).sort()
  t.equal(outcomes.filter(outcome => outcome === 'over').length, 2, outcomes.join())
  const { status, body } = await poll(requests, id)
  if (outcomes.includes('declined')) t.equal(body['error'], 'access_denied')
  else t.equal(status, 200)
})

t.test('who is disabled after the approval gives nothing (ASVS 7.4.2)', async t => {
  const mallory = await newAccount(server, 'mallory@example.com')
  const { browser } = await signInToApprove(server, mallory)
  const id = await newRequest(requests, { login_hint: mallory.login })
  await answer(browser)
  await service.disable(mallory.id, 'cli')
  t.match(await poll(requests, id), { status: 400, body: { error: 'invalid_grant' } })
})

t.test('who signs out after the approval has taken it back', async t => {
  const { browser } = await signInToApprove(server)
  const id = await newRequest(requests)
  await answer(browser)
  await requests.signOut(browser)
  t.match(await poll(requests, id), { status: 400, body: { error: 'invalid_grant' } })
})

t.test('a person is not asked again and again: declining does not make room (R-69)', async t => {
  for (let i = 0; i < 3; i += 1) {
    await newRequest(requests)
    await answer(ada, 'decline')
  }
  const refused = await ask(requests)
  t.match(refused, { status: 403, body: { error: 'access_denied' } })
  t.equal((await ask(requests, {}, basic('grocer'))).status, 200, 'another client may')
  await requests.turnClock(601)
  t.equal((await ask(requests)).status, 200, 'after ten minutes')
  await forgetRequests(server, requests)
  for (let i = 0; i < 4; i += 1) {
    await newRequest(requests)
    await answer(ada)
  }
  t.pass('what was approved does not count')
  await forgetRequests(server, requests)
  const answers = await Promise.all(Array.from({ length: 8 }, () => ask(requests)))
  t.equal(answers.filter(({ status }) => status === 200).length, 3, 'at once, too')
})

t.test('single claims are shown, and given (OpenID Connect Core §5.5)', async t => {
  const claims = JSON.stringify({ userinfo: { email: null }, id_token: { name: null } })
  const id = await newRequest(requests, { claims })
  t.match((await ada.get('/approve')).html, /See your email address/)
  await answer(ada)
  const { body } = await poll(requests, id)
  t.equal(claimsIn(body.id_token)['name'], 'Ada Lovelace')
  t.equal(claimsIn(body.id_token)['email'], undefined)
  t.equal((await requests.userinfo(body.access_token)).body['email'], person.login)
})

t.test('a client that wants a fresh sign-in gets one (OpenID Connect Core §3.1.2.1)', async t => {
  const later = 120_000
  const old = await startTestServer(t, setting, { now: () => new Date(Date.now() + later) })
  const { browser } = await signInToApprove(old)
  const asking = createRequests(old)
  await newRequest(asking, {}, basic('strict'))
  const page = await browser.get('/approve')
  t.match(page.html, /Your sign-in is too long ago/)
  const form = page.forms.find(one => one.fields.has('request'))
  t.ok(form?.buttons.every(declines), 'it can only be declined')
  t.match(page.html, /\/sign-in\?again=yes&amp;return_to=%2Fapprove/)
  t.match((await browser.get('/sign-in?again=yes&return_to=%2Fapprove')).html, 'name="password"')
  const csrf = form?.fields.get('csrf') ?? ''
  const request = form?.fields.get('request') ?? ''
  const forced = await browser.post('/approve', { csrf, request, approve: 'yes' })
  t.equal(forced.location?.search, '', 'nothing was answered')
})

t.test('nothing that opens anything is in the database or the log (HOUSE §7)', async t => {
  const id = await newRequest(requests, { binding_message: 'SECRET-1' })
  const { rows } = await store.database.run<{ text: string }>(
    'test.rows',
    `SELECT a::text AS text FROM artifacts a UNION ALL SELECT b::text FROM backchannel_requests b`
  )
  const stored = rows.map(({ text }) => text).join('\n')
  t.ok(rows.length > 0)
  t.notOk(stored.includes(id))
  t.notOk(stored.includes(person.login), 'nor whom the hint named')
  t.notOk(JSON.stringify(server.log).includes(id))
})

t.test(
  'nobody approves with less than the client or the level demands (R-50, RFC 9470)',
  async t => {
    const mia = await newAccount(server, 'mia@example.com')
    const { browser } = await signInToApprove(server, mia)
    const { id: accountId } = (await service.findByLogin(mia.login)) ?? { id: '' }
    const theirs = await giveTotp(server, accountId)
    const hint = { login_hint: mia.login }
    const level = { ...hint, acr_values: 'urn:mintmark:acr:multi-factor' }
    const asked = [
      await newRequest(requests, hint, basic('careful')),
      await newRequest(requests, level)
    ]
    const page = await browser.get('/approve')
    t.equal(page.html.match(/sign in with a second step first/g)?.length, 2)
    const form = page.forms.find(one => one.fields.has('request'))
    const posted = { ...Object.fromEntries(form?.fields ?? []), approve: 'yes' }
    t.equal(
      (await browser.post('/approve', posted)).location?.search,
      '',
      'not by a form of one’s own'
    )
    for (const [at, id] of asked.entries()) {
      const caller = at === 0 ? basic('careful') : basic('bank')
      t.match((await poll(requests, id, caller)).body, { error: /authorization_pending|slow_down/ })
    }
    const link = /href="([^"]*again=stronger[^"]*)"/.exec(page.html)?.[1] ?? ''
    const start = await browser.get(link.replaceAll('&amp;', '&'))
    const code = await browser.follow(await browser.submitForm(start, mia))
    t.equal(code.heading, 'Enter your code')
    const back = await browser.follow(await browser.submitForm(code, { code: theirs.code() }))
    t.notMatch(back.html, /sign in with a second step first/)
    await browser.submitForm(back, {}, { form: one => one.fields.has('request') })
    t.match((await browser.get('/approve')).html, /approve/)
  }
)
