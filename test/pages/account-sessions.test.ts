// Devices and sessions at the real server: what is shown of each, and that signing one out reaches another server process and the relying
// parties. What another person, another site or an old sign-in sends changes nothing.

import { setTimeout as sleep } from 'node:timers/promises'
import { decodeJwt } from 'jose'
import t from 'tap'
import { claimsIn } from '../protocol/requests.ts'
import { createBrowser, type Page } from '../support/browser.ts'
import type { Form } from '../support/forms.ts'
import { startServerProcess } from '../support/processes.ts'
import { app, eve, offline, startAccounts } from './account-setting.ts'

const { server, overrides, requests, browserNamed, told, signedIn, trail, age } =
  await startAccounts(t)
const { issuer, store } = server
const path = '/account/sessions'

async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await what())) await sleep(20)
}

const formEnding = (what: (end: string) => boolean) => ({
  form: ({ fields }: Form) => what(fields.get('end') ?? '')
})
const others = formEnding(end => end === 'others')
const sectionsOf = (page: Page) => page.html.split('<section class="app">').slice(1)
const handleIn = (section = '') => /name="end" value="([^"]*)"/.exec(section)?.[1] ?? ''

t.test('each session is shown with device, address, times and apps; this device first', async t => {
  const here = await signedIn()
  const there = browserNamed('firefox')
  await requests.tokens({ app, browser: there, scope: 'openid' })
  const page = await here.get(path)
  t.equal(page.heading, 'Devices and sessions')
  const [first = '', ...rest] = sectionsOf(page)
  t.match(first, /Chrome on Windows<\/bdi> <strong class="badge">This device/)
  const other = rest.find(section => section.includes('Firefox on Linux')) ?? ''
  t.match(other, /The &lt;shop&gt;/)
  t.match(other, /127\.0\.0\.1|::1/)
  t.match(other, /<time datetime="20.+<time datetime="20/s)
  t.notMatch(other, /This device/)
  t.match((await here.get(path, { 'accept-language': 'ko' })).html, /Linux의 Firefox/)
  await here.submitForm(page, {}, others)
  t.match((await there.get(path)).location?.pathname, '/sign-in')
  t.equal((await here.get(path)).status, 200)
})

t.test(
  'a device that is signed out is out on every process within a second, with its tokens; its relying party is told (ASVS 7.4.3)',
  async t => {
    const second = await startServerProcess(t, server, overrides)
    const here = await signedIn()
    const there = browserNamed('firefox')
    const bound = await requests.tokens({ app, browser: there, scope: 'openid' })
    const kept = await requests.tokens({ app, browser: there, ...offline })
    const mine = await requests.tokens({ app, browser: here, scope: 'openid' })
    const cookie = [...there.cookies()].map(([name, value]) => `${name}=${value}`).join('; ')
    const atSecond = (token: string) =>
      second.fetch('/userinfo', { headers: { authorization: `Bearer ${token}` } })
    t.equal((await second.fetch(path, { headers: { cookie } })).status, 200)
    t.equal((await atSecond(bound.access_token)).status, 200)

    told.length = 0
    const page = await here.get(path)
    const section = sectionsOf(page).find(each => each.includes('Firefox')) ?? ''
    const handle = handleIn(section)
    const answer = await here.submitForm(
      page,
      {},
      formEnding(end => end === handle)
    )
    t.equal(answer.status, 303)

    // at once: a session is judged by its row, on every process
    t.equal((await second.fetch(path, { headers: { cookie } })).status, 303)
    t.equal((await atSecond(bound.access_token)).status, 401)
    const spent = new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: bound.refresh_token
    }).toString()
    const refreshed = await second.fetch('/oauth/token', {
      method: 'POST',
      headers: { ...app.caller.headers, 'content-type': 'application/x-www-form-urlencoded' },
      body: spent
    })
    t.match(refreshed, { status: 400, text: /invalid_grant/ })
    t.equal((await requests.userinfo(mine.access_token)).status, 200, 'this device is not touched')
    await until(() => told.length > 0)
    const { sid } = claimsIn(bound.id_token)
    t.ok(sid)
    t.match(decodeJwt(told[0] ?? ''), { aud: 'shop', sid })
    t.equal(told.length, 1)
    t.match((await here.follow(answer)).html, /That device is signed out/)
    t.match((await trail('session.ended')).at(-1), { data: { reason: 'account' } })

    const again = await here.submitForm(
      page,
      {},
      formEnding(end => end === handle)
    )
    t.match((await here.follow(again)).html, /was signed out already/)
    t.equal((await requests.refresh(app, kept.refresh_token)).status, 200, 'offline access stays')
  }
)

t.test('all others are signed out at once, and counted in the trail', async t => {
  const here = await signedIn()
  const [one, two] = [await signedIn(), await signedIn()]
  const mine = await here.get(path)
  const before = sectionsOf(mine).length
  t.ok(before >= 5, 'three sessions and two more forms')
  const page = await here.follow(await here.submitForm(mine, {}, others))
  t.match(page.html, /All other devices are signed out/)
  t.equal(sectionsOf(page).length, 2, 'this device, and everywhere')
  for (const browser of [one, two]) t.equal((await browser.get(path)).status, 303)
  const [event] = (await trail('sessions.ended')).slice(-1)
  t.match(event, { data: { count: before - 3 } })
  t.ok(event?.address)
})

t.test('everywhere: this device too, and what apps were allowed to keep', async t => {
  const here = await signedIn()
  const kept = await requests.tokens({ app, browser: here, ...offline })
  told.length = 0
  const page = await here.get(path)
  const answer = await here.submitForm(
    page,
    {},
    formEnding(end => end === 'everywhere')
  )
  t.match(answer, { status: 200, heading: 'You are signed out everywhere' })
  t.equal((await requests.refresh(app, kept.refresh_token)).status, 400)
  t.equal((await requests.userinfo(kept.access_token)).status, 401)
  t.equal((await here.get(path)).location?.pathname, '/sign-in')
  await until(() => told.length > 0)
  const [event] = (await trail('sign_out')).slice(-1)
  t.match(event, { data: { by: 'account' } })
  t.ok(event?.address)
})

t.test(
  'nobody ends another’s sessions: ids of others, no token, another site, too long ago (ASVS 3.5.1, 7.5.2)',
  async t => {
    const ada = await signedIn()
    const theirs = await signedIn(eve)
    const page = await ada.get(path)
    const handle = handleIn(sectionsOf(page)[0])
    const { csrf = '' } = Object.fromEntries(
      (await theirs.get(path)).forms.find(({ fields }) => fields.has('end'))?.fields ?? []
    )
    const own = page.forms.find(({ fields }) => fields.has('end'))?.fields.get('csrf') ?? ''
    for (const [what, browser, fields, headers, status] of [
      ['the id of ada’s session, by eve', theirs, { csrf, end: handle }, {}, 303],
      ['no such session', theirs, { csrf, end: 'A'.repeat(43) }, {}, 303],
      ['nothing', theirs, { csrf }, {}, 303],
      ['with ada’s token', theirs, { csrf: own, end: handle }, {}, 403],
      ['without a token', ada, { end: 'everywhere' }, {}, 403],
      [
        'from another site',
        ada,
        { csrf: own, end: 'others' },
        { 'sec-fetch-site': 'cross-site' },
        403
      ],
      ['not signed in', createBrowser({ origin: issuer }), { csrf: own, end: handle }, {}, 303]
    ] as const) {
      const answer = await browser.post(path, fields, headers)
      t.equal(answer.status, status, what)
    }
    t.equal((await ada.get(path)).status, 200, 'ada is signed in still')
    t.equal((await theirs.get(path)).status, 200)
    const { rows } = await store.database.run<{ uid: string }>(
      'test.uids',
      'SELECT uid FROM sessions'
    )
    t.notOk(
      rows.some(({ uid }) => page.html.includes(uid)),
      'the uid is on no page'
    )

    await age(301)
    const everywhere = formEnding(end => end === 'everywhere')
    const late = await ada.submitForm(page, {}, everywhere)
    t.match(late, { status: 303, location: { pathname: '/sign-in' } })
    t.equal(late.location?.searchParams.get('again'), 'yes')
    t.equal((await ada.get(path)).status, 200, 'it is shown')
  }
)

t.test('when a session was used last is noted every five minutes, and no more often', async t => {
  const browser = await signedIn()
  const noted = async () =>
    (await server.counted(() => browser.get(path))).roundTrips.flat().includes('sessions.note_seen')
  t.notOk(await noted(), 'just signed in')
  await store.database.run(
    'test.unseen',
    `UPDATE sessions SET seen_at = seen_at - interval '301 seconds'`
  )
  t.ok(await noted())
  t.notOk(await noted())
})
