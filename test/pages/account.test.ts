// The account's own pages at the real server: profile, security events, the copy of one's data, connected apps all at once. Nobody sees or changes
// what is another's.

import t from 'tap'
import { personEvents } from '../../src/audit/person-events.ts'
import { personEventsText } from '../../src/store/person-events.ts'
import { claimsIn, web } from '../protocol/requests.ts'
import { type Browser, createBrowser } from '../support/browser.ts'
import type { Form } from '../support/forms.ts'
import { person } from '../support/server.ts'
import { app, eve, offline, startAccounts } from './account-setting.ts'

const { server, requests, signedIn, trail, age } = await startAccounts(t)
const { issuer, store, accountId } = server

t.test('/account leads to signing in, and shows who one is', async t => {
  const browser = createBrowser({ origin: issuer })
  const start = await browser.get('/account')
  t.match(start, { status: 303, location: { pathname: '/sign-in' } })
  await browser.submitForm(await browser.follow(start), person)
  const page = await browser.get('/account')
  t.match(page, { status: 200, heading: 'Personal info' })
  t.match(page.html, /value="Ada Lovelace"/)
  t.match(page.html, /ada@example\.com<\/bdi> <span class="small">verified/)
  t.match((await browser.get('/sign-in')).html, /href="\/account"/)
})

t.test('a profile that is saved is in the next ID token and at userinfo', async t => {
  const browser = await signedIn()
  const scope = { scope: 'openid profile', browser }
  const { access_token: token } = await requests.tokens(scope)
  const form = { name: ' Ada <King> ', nickname: 'Countess', locale: 'ko', zoneinfo: 'Asia/Seoul' }
  const page = await browser.get('/account')
  const answer = await browser.submitForm(page, form)
  t.match(answer, { status: 303, location: { pathname: '/account' } })
  const after = await browser.follow(answer)
  t.match(after.html, /Your changes are saved/)
  t.notMatch(after.html, /<King>/)
  const expected = {
    name: 'Ada <King>',
    nickname: 'Countess',
    locale: 'ko',
    zoneinfo: 'Asia/Seoul'
  }
  t.match((await requests.userinfo(token)).body, expected, 'the token of before, at userinfo')
  t.match(claimsIn((await requests.tokens(scope)).id_token), expected)
  t.equal((await trail('account.updated')).length, 1)

  await browser.submitForm(after, form)
  t.equal((await trail('account.updated')).length, 1, 'nothing differs, nothing is told')
  const taken = { ...form, nickname: '', zoneinfo: '' }
  await browser.submitForm(after, taken)
  const { body } = await requests.userinfo(token)
  t.notOk('nickname' in body || 'zoneinfo' in body, 'taken away')
})

t.test('a profile that the checks refuse comes back, and nothing is saved', async t => {
  const browser = await signedIn()
  const before = await server.server.accounts.service.findById(accountId)
  const page = await browser.get('/account')
  for (const [field, value] of [
    ['name', 'x'.repeat(201)],
    ['name', 'a\u202eb'],
    ['nickname', 'a\nb'],
    ['locale', 'not a language'],
    ['zoneinfo', 'Mars/Olympus']
  ] as const) {
    const answer = await browser.submitForm(page, { [field]: value })
    t.equal(answer.status, 422, `${field} ${value.slice(0, 9)}`)
    t.match(answer.html, new RegExp(`<a href="#${field}">`))
  }
  const claims = {
    locale: 'ko',
    email: 'eve@example.com',
    email_verified: 'true',
    login: 'root',
    sub: 'x'
  }
  await browser.submitForm(page, claims)
  t.strictSame(await server.server.accounts.service.findById(accountId), before)
})

t.test(
  'security events are told in words, with app and address, the newest first, in pages',
  async t => {
    const browser = await signedIn()
    await requests.tokens({ app, browser, scope: 'openid email', extra: { prompt: 'consent' } })
    const page = await browser.get('/account/security/events')
    t.equal(page.heading, 'Security events')
    t.match(page.html, /You allowed an app access.+The &lt;shop&gt;.+127\.0\.0\.1/s)
    t.match((await browser.get('/account/security')).html, /Show all security events/)
    const korean = await browser.get('/account/security/events', { 'accept-language': 'ko' })
    t.match(korean.html, /앱의 접근을 허용했습니다/)

    await store.database.run(
      'test.many',
      `INSERT INTO audit_events (at, type, outcome, account_id, data)
     SELECT clock_time() - make_interval(secs => n), CASE WHEN n % 2 = 0 THEN 'passkey.added' ELSE 'token.issued' END, 'success', $1,
       jsonb_build_object('name', 'key <' || n || '>') FROM generate_series(1, 240) AS n`,
      [accountId]
    )
    const seen = new Set<string>()
    let pages = 0
    for (let at: string | undefined = '/account/security/events'; at !== undefined; pages++) {
      const { html } = await browser.get(at)
      for (const [, n = ''] of html.matchAll(/key &lt;(\d+)&gt;/g)) {
        t.notOk(seen.has(n), 'once')
        seen.add(n)
      }
      at = /href="([^"]*before=[^"]*)"/.exec(html)?.[1]
    }
    t.equal(seen.size, 120, 'every event for people, and no other')
    t.ok(pages >= 3)
    const theirs = await (await signedIn(eve)).get('/account/security/events')
    t.notMatch(theirs.html, /key &lt;/, 'one’s own alone')
    for (const before of ['x', '1-', '-1', '9'.repeat(40), "1-1' OR 1=1"]) {
      const url = `/account/security/events?before=${encodeURIComponent(before)}`
      t.equal((await browser.get(url)).status, 200, before)
    }
  }
)

t.test('a page of events looks at no row of what apps do all the time', async t => {
  const plan = await planOf()
  t.match(plan, /Index Scan[^\n]*account_id_at_id_idx/)
  const looked = [...plan.matchAll(/\bactual rows=(\d+)|Removed by Filter: (\d+)/g)].map(
    ([, rows, removed]) => Number(rows ?? removed)
  )
  t.ok(looked.length > 2, 'the plan was run')
  t.ok(Math.max(...looked) < routine / 4, `${Math.max(...looked)} rows`)
})

const routine = 5_000

/** The plan of a prepared statement, and what it did, when the account's apps have done much. */
async function planOf(): Promise<string> {
  const { database } = store
  await database.run(
    'test.routine',
    `INSERT INTO audit_events (at, type, outcome, account_id)
     SELECT clock_time() - make_interval(secs => n), 'refresh.rotated', 'success', $1 FROM generate_series(1, ${routine}) AS n`,
    [accountId]
  )
  await database.run('test.analyze', 'ANALYZE audit_events')
  return database.transaction(async tx => {
    // as the server's own statements are planned, once they were run a few times
    await tx.run('test.generic', 'SET LOCAL plan_cache_mode = force_generic_plan')
    await tx.run('test.prepare', `PREPARE page_of_events AS ${personEventsText('of people')}`)
    const { rows } = await tx.run<Record<string, string>>(
      'test.plan',
      `EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off) EXECUTE page_of_events
         ('${accountId}', 30, NULL, NULL, 51, ARRAY['${personEvents.join("','")}'])`
    )
    return rows.map(row => row['QUERY PLAN']).join('\n')
  })
}

t.test('the copy of one’s data is one JSON file without secrets, and audited', async t => {
  const browser = await signedIn()
  const tokens = await requests.tokens({ app, browser, ...offline })
  const page = await browser.get('/account/data')
  const file = await browser.submitForm(page)
  t.equal(file.status, 200)
  t.match(
    file.headers.get('content-disposition'),
    /^attachment; filename="localhost_\d+-account\.json"$/
  )
  t.equal(file.headers.get('cache-control'), 'no-store')
  t.match(file.headers.get('content-type'), 'application/json')
  const data = JSON.parse(file.html)
  t.match(data, {
    issuer,
    profile: { sub: accountId, login: person.login, email: 'ada@example.com' },
    sessions: [{ browser: 'Chrome', system: 'Windows' }],
    consents: [{ client_id: 'shop' }]
  })
  const kept = data.grants.find((grant: { offline_access: boolean }) => grant.offline_access)
  t.match(kept, { client_id: 'shop', scope: 'openid offline_access' })
  t.ok(data.security_events.length > routine, 'page by page, all that is kept')
  t.match((await trail('account.data_downloaded')).length, 1)
  const { rows } = await store.database.run<{ secret: string }>(
    'test.secrets',
    `SELECT password AS secret FROM accounts WHERE password IS NOT NULL UNION ALL SELECT uid FROM sessions`
  )
  for (const each of [...rows.map(row => row.secret), tokens.refresh_token, tokens.access_token]) {
    t.notOk(file.html.includes(each))
  }

  t.equal((await browser.post('/account/data', {})).status, 403, 'no token')
  t.equal((await browser.get('/account/data')).status, 200)
  const theirs = JSON.parse((await post(await signedIn(eve))).html)
  t.equal(theirs.profile.login, eve.login)
  t.notOk(JSON.stringify(theirs).includes(accountId), 'one’s own alone')
  await age(301)
  t.equal((await post(browser)).location?.searchParams.get('again'), 'yes', 'too long ago')
})

const post = async (browser: Browser) => browser.submitForm(await browser.get('/account/data'))

t.test('access of all apps is removed at once', async t => {
  const browser = await signedIn()
  const one = await requests.tokens({ app, browser, ...offline })
  const two = await requests.tokens({ browser, ...offline })
  const page = await browser.get('/account/grants')
  const all = ({ fields }: Form) => fields.get('all') === 'yes'
  t.equal((await browser.post('/account/grants', { all: 'yes' })).status, 403)
  const after = await browser.follow(await browser.submitForm(page, {}, { form: all }))
  t.match(after.html, /No app has access/)
  t.equal((await requests.refresh(app, one.refresh_token)).status, 400)
  t.equal((await requests.refresh(web, two.refresh_token)).status, 400)
})
