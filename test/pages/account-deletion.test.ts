// Deleting one's account at the real server: what ends at once, that nothing but keeping it is possible meanwhile, what is gone afterwards, and that
// the login is free for somebody else (ASVS 10.3.3).

import t from 'tap'
import { createAccountDeletion } from '../../src/accounts/account-deletion.ts'
import { endAccount } from '../../src/store/ending.ts'
import { createRequests, web } from '../protocol/requests.ts'
import { type Browser, createBrowser } from '../support/browser.ts'
import { startTestServer } from '../support/server.ts'

const server = await startTestServer(t, { accountDeletion: { grace: '10d' } })
const { issuer, store } = server
const { database } = store
const { service } = server.server.accounts
const requests = createRequests(server)
const path = '/account/data/delete'
const day = 86_400
const offline = { scope: 'openid profile offline_access', extra: { prompt: 'consent' } }
const deletion = createAccountDeletion({ database, endAccount, graceSeconds: 10 * day })

async function newPerson(login: string) {
  const who = { login, password: `the long passphrase of ${login.split('').reverse().join('')}` }
  const created = await service.create({ ...who, name: login }, 'cli')
  if (!created.ok) throw new Error(created.reason)
  return { ...who, id: created.account.id }
}
type Who = Awaited<ReturnType<typeof newPerson>>

/** Signs in without an app; answers where it led. */
async function signIn({ login, password }: Who, browser = createBrowser({ origin: issuer })) {
  const page = await browser.get(`/sign-in?return_to=${encodeURIComponent(path)}`)
  const answer = await browser.submitForm(page, { login, password })
  return { browser, page: await browser.follow(answer) }
}

const deleting = async (browser: Browser, word = 'delete') =>
  browser.submitForm(await browser.get(path), { word })

async function trail(id: string) {
  const { rows } = await database.run<{ type: string }>(
    'test.deletion_trail',
    `SELECT type FROM audit_events WHERE account_id = $1 AND type LIKE 'account.d%' ORDER BY at, id`,
    [id]
  )
  return rows.map(({ type }) => type)
}

/** Rows that say anything of an account, but the trail. */
async function rowsOf(id: string): Promise<Record<string, number>> {
  const { rows: tables } = await database.run<{ name: string; attribute: string }>(
    'test.account_tables',
    `SELECT c.relname AS name, a.attname AS attribute FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
       AND (a.attname = 'account_id' OR (c.relname = 'accounts' AND a.attname = 'id'))
       AND c.relname NOT IN ('audit_events', 'logout_notices')`
  )
  const found: Record<string, number> = {}
  for (const { name, attribute } of tables) {
    const { rows } = await database.run<{ n: number }>(
      `test.rows_of.${name}`,
      `SELECT count(*)::int AS n FROM ${name} WHERE ${attribute} = $1`,
      [id]
    )
    if ((rows[0]?.n ?? 0) > 0) found[name] = rows[0]?.n ?? 0
  }
  return found
}

t.test('it takes a recent sign-in, the word, and the page’s own form', async t => {
  const who = await newPerson('careful@example.com')
  const { browser, page } = await signIn(who)
  t.match(page, { heading: 'Delete your account', url: { pathname: path } })
  t.match(page.html, /10 days/)
  for (const word of ['', 'yes', 'delet', 'delete me']) {
    const answer = await deleting(browser, word)
    t.equal(answer.status, 422, word)
    t.match(answer.html, /Type “delete” exactly/)
  }
  t.equal((await browser.post(path, { word: 'delete' })).status, 403, 'no token')
  const csrf = page.forms.find(({ fields }) => fields.has('csrf'))?.fields.get('csrf') ?? ''
  const crossSite = { 'sec-fetch-site': 'cross-site' }
  t.equal((await browser.post(path, { word: 'delete', csrf }, crossSite)).status, 403)
  const other = await signIn(await newPerson('other@example.com'))
  t.equal((await other.browser.post(path, { word: 'delete', csrf })).status, 403, 'of another')

  await database.run(
    'test.long_ago',
    `UPDATE sessions SET payload = jsonb_set(payload, '{loginTs}', to_jsonb((payload ->> 'loginTs')::bigint - 301))
     WHERE account_id = $1`,
    [who.id]
  )
  for (const answer of [
    await browser.get(path),
    await browser.post(path, { word: 'delete', csrf })
  ]) {
    t.equal(answer.location?.searchParams.get('again'), 'yes', 'too long ago')
  }
  t.equal((await service.findById(who.id))?.deleteAt, undefined)
})

t.test('everything ends at once, and whoever signs in can only keep it, or leave', async t => {
  const who = await newPerson('ben@example.com')
  const app = createBrowser({ origin: issuer })
  const tokens = await requests.tokens({ ...offline, browser: app, who })
  const { browser } = await signIn(who)
  const answer = await deleting(browser, ' 삭제 ')
  t.match(answer, { status: 200, heading: 'Your account will be deleted' })
  t.equal((await requests.refresh(web, tokens.refresh_token)).status, 400)
  t.equal((await requests.userinfo(tokens.access_token)).status, 401)
  for (const one of [browser, app]) {
    t.equal((await one.get('/account')).location?.pathname, '/sign-in')
  }

  const again = await signIn(who)
  t.match(again.page.heading, 'Keep your account?')
  const { browser: kept } = again
  t.equal((await kept.get('/account')).location?.pathname, '/sign-in', 'not signed in by that')
  t.equal(kept.cookies().get('mintmark_session'), undefined)
  t.match((await kept.follow(await kept.get('/sign-in'))).heading, 'Keep your account?', 'a reload')
  t.match(await kept.get((await requests.authorizationUrl({ extra: { prompt: 'none' } })).url), {
    location: { searchParams: new URLSearchParams() }
  })
  const left = await kept.submitForm(again.page, {}, { button: ({ name }) => name === 'restart' })
  t.match((await kept.follow(left)).heading, 'Sign in')
  t.ok((await service.findById(who.id))?.deleteAt)

  const back = await signIn(who, kept)
  const empty = await kept.submitForm(back.page, { keep: '' })
  t.match((await kept.follow(empty)).heading, 'Keep your account?', 'an empty answer keeps nothing')
  const page = await kept.follow(await kept.submitForm(back.page))
  t.match(page, { status: 200, heading: 'Delete your account', url: { pathname: path } })
  t.equal((await service.findById(who.id))?.deleteAt, undefined)
  t.equal((await requests.refresh(web, tokens.refresh_token)).status, 400, 'what ended stays ended')
  t.strictSame(await trail(who.id), ['account.deletion_requested', 'account.deletion_cancelled'])
})

t.test('in an app’s sign-in, too: no code before the account is kept', async t => {
  const who = await newPerson('cleo@example.com')
  const { browser } = await signIn(who)
  await deleting(browser)
  const app = createBrowser({ origin: issuer })
  const { url } = await requests.authorizationUrl()
  const page = await app.follow(await app.get(url))
  const keep = await app.follow(await app.submitForm(page, who))
  t.match(keep.heading, 'Keep your account?')
  const skipped = await app.follow(await app.get(url), to => to.host !== new URL(issuer).host)
  t.match(skipped.heading, 'Sign in', 'another request begins anew')
  const consent = await app.follow(await app.submitForm(keep))
  t.not(consent.heading, 'Keep your account?')
  t.ok((await requests.code({ browser: app, who: { login: '', password: '' } })).code)
})

t.test(
  'after the grace the row is gone with all that hangs on it; the login is free, for a new sub (ASVS 10.3.3)',
  async t => {
    const who = await newPerson('dora@example.com')
    const stays = await newPerson('erin@example.com')
    const app = createBrowser({ origin: issuer })
    await requests.tokens({ ...offline, browser: app, who })
    await requests.tokens({ ...offline, browser: createBrowser({ origin: issuer }), who: stays })
    const { browser } = await signIn(who)
    await deleting(browser)
    const ofStays = await rowsOf(stays.id)
    t.ok(Object.keys(ofStays).length >= 5)
    t.equal(await deletion.deleteDue(), 0)
    await requests.turnClock(10 * day - 60)
    t.equal(await deletion.deleteDue(), 0, 'not a minute before')
    await requests.turnClock(10 * day + 60)
    const both = await Promise.all([deletion.deleteDue(), deletion.deleteDue()])
    await requests.turnClock(0)
    t.equal(both[0] + both[1], 1, 'by one of two leaders')
    t.strictSame(await rowsOf(who.id), {})
    t.strictSame(await rowsOf(stays.id), ofStays, 'and nobody else is touched')
    t.strictSame(await trail(who.id), ['account.deletion_requested', 'account.deleted'])

    const next = await newPerson(who.login)
    t.not(next.id, who.id)
    const tokens = await requests.tokens({ browser: createBrowser({ origin: issuer }), who: next })
    t.equal((await requests.userinfo(tokens.access_token)).body['sub'], next.id)
  }
)

t.test('keeping and deleting at one moment: one of them', async t => {
  const who = await newPerson('finn@example.com')
  await deletion.request(who.id, {})
  t.equal(await deletion.request(who.id, {}), undefined, 'once')
  await requests.turnClock(10 * day + 60)
  const [kept, deleted] = await Promise.all([deletion.cancel(who.id, {}), deletion.deleteDue()])
  await requests.turnClock(0)
  t.equal(Number(kept) + deleted, 1)
  t.equal((await service.findById(who.id)) !== undefined, kept)
})

t.test('an account that is disabled meanwhile is not kept', async t => {
  const who = await newPerson('gwen@example.com')
  await deletion.request(who.id, {})
  await service.disable(who.id, 'cli')
  t.equal(await deletion.cancel(who.id, {}), false)
  t.match((await signIn(who)).page.html, /Email or password is incorrect/)
})
