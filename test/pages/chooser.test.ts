// The accounts of a browser in the wrong hands, and what people see of them: handles of others, of before and tampered with, tabs that choose
// at once, cookies that are tossed, accounts that have ended. Nobody is ever signed in by it, and there is always a way on.

import t from 'tap'
import { createSessionStore } from '../../src/store/sessions.ts'
import { createRequests } from '../protocol/requests.ts'
import { type Browser, createBrowser, type Page } from '../support/browser.ts'
import { chooseAccount } from '../support/relying-party.ts'
import { person as ada, startTestServer } from '../support/server.ts'

const server = await startTestServer(t)
const { issuer, store } = server
const requests = createRequests(server)
const { service } = server.server.accounts
const idOf = new Map([[ada.login, server.accountId]])
async function add(name: string) {
  const who = { login: `${name}@example.com`, password: `the long passphrase of ${name}` }
  const made = await service.create({ ...who, name }, 'cli')
  if (!made.ok) throw new Error(made.reason)
  idOf.set(who.login, made.account.id)
  return who
}
const bob = await add('bob')

const newBrowser = () => createBrowser({ origin: issuer })
const asInUse = (login: string) => `Signed in as <bdi class="name">${login}</bdi>`
const hasPassword = ({ fields }: Page['forms'][number]) => fields.has('password')
const choices = (page: Page) => page.forms.filter(({ fields }) => fields.has('account'))
const chooser = (browser: Browser) => browser.get('/sign-in?with=choose')
const inUse = async (browser: Browser) =>
  /Signed in as <bdi class="name">([^<]*)/.exec((await browser.get('/sign-in')).html)?.[1]

async function signIn(browser: Browser, who: typeof ada) {
  const page = await browser.get('/sign-in?again=yes')
  const answer = await browser.submitForm(page, who, { form: hasPassword })
  if (answer.status !== 303) throw new Error(`${answer.status} ${answer.heading}`)
  return answer
}

async function withBoth(): Promise<Browser> {
  const browser = newBrowser()
  await signIn(browser, ada)
  await signIn(browser, bob)
  return browser
}

/** What the browser would send, with other cookies than it has by now. */
async function sent(cookie: string, page: Page, login: string) {
  const form = choices(page).find(({ buttons }) => buttons[0]?.label.includes(login))
  const answer = await fetch(new URL(form?.action ?? '', issuer), {
    ...{ method: 'POST', redirect: 'manual' },
    headers: { cookie },
    body: new URLSearchParams([...(form?.fields ?? [])])
  })
  return { status: answer.status, text: await answer.text(), set: answer.headers.getSetCookie() }
}
const cookieOf = (browser: Browser, change = (_: string, value: string) => value) =>
  [...browser.cookies()].map(([name, value]) => `${name}=${change(name, value)}`).join('; ')

t.test('the page lists who is signed in, and each is one press away', async t => {
  const browser = await withBoth()
  const page = await chooser(browser)
  t.equal(page.heading, 'Choose an account')
  t.same(
    choices(page).map(({ buttons }) => buttons[0]?.label.replace(/\s+/g, ' ')),
    ['Sign in as bob@example.comin use now', 'Sign in as ada@example.com']
  )
  t.notMatch(page.html, /<script|[0-9a-f]{8}-[0-9a-f]{4}/, 'no script, no id of an account')
  const own = await browser.get('/account/security')
  t.match(own.html, 'Switch account')
  const back = await chooseAccount(browser, own, ada.login)
  t.equal(back.location?.pathname, '/account/security', 'and comes back to the page')
  t.match((await browser.get('/account/security')).html, asInUse(ada.login))
  const another = await browser.get('/sign-in?again=yes&return_to=%2Faccount%2Fsecurity')
  t.ok(another.forms.some(hasPassword))
})

t.test('a page has one cookie for all of its forms', async t => {
  for (const path of ['/sign-in', '/sign-in?with=choose', '/sign-in?again=yes']) {
    const answer = await newBrowser().get(path)
    const cookies = answer.headers.getSetCookie().filter(line => line.includes('sign_in='))
    t.equal(cookies.length, 1, path)
  }
})

t.test('a form is of this browser, and a handle of an account in it (CSRF, R-65)', async t => {
  const browser = await withBoth()
  const stranger = newBrowser()
  await signIn(stranger, await add('carol'))
  await signIn(stranger, await add('dora'))
  const theirs = choices(await chooser(stranger))[1]?.fields.get('account') ?? ''
  const [, second] = choices(await chooser(browser))
  const own = second?.fields.get('account') ?? ''
  const csrf = second?.fields.get('csrf') ?? ''
  t.ok(theirs && own && csrf)
  const post = (fields: Record<string, string>, headers = {}) =>
    browser.post('/sign-in', { prompt: 'choose', csrf, ...fields }, headers)
  for (const [what, account] of Object.entries({
    'of another browser': theirs,
    tampered: `${own.slice(0, -2)}AA`,
    cut: own.slice(0, -1),
    'an account id': server.accountId,
    nothing: ''
  })) {
    const answer = await post({ account })
    t.equal(answer.status, 409, what)
    t.match(answer.html, 'no longer signed in here', 'and there is a way on')
    t.ok(choices(answer).length > 0)
  }
  t.equal((await post({ account: own, csrf: '' })).status, 403)
  t.equal((await post({ account: own }, { 'sec-fetch-site': 'cross-site' })).status, 403)
  t.equal(await inUse(browser), bob.login, 'all of it changed nothing')
  t.equal((await post({ account: own })).status, 303, 'it was a good form')
  t.equal(await inUse(browser), ada.login)
})

t.test('what a browser sent before a choice is good for nothing after it (CWE-384)', async t => {
  const browser = await withBoth()
  const page = await chooser(browser)
  const before = cookieOf(browser)
  await chooseAccount(browser, page, ada.login)
  const replayed = await sent(before, page, bob.login)
  t.not(replayed.status, 200)
  t.same(
    replayed.set.filter(line => line.includes('session=')),
    []
  )
  t.notMatch((await requests.get('/sign-in', { cookie: before })).text, 'example.com</bdi>')
  t.equal(await inUse(browser), ada.login)
})

t.test('two tabs that choose at once: one of them does, and nobody is lost', async t => {
  const browser = await withBoth()
  await signIn(browser, await add('erin'))
  const page = await chooser(browser)
  const cookie = cookieOf(browser)
  const wanted = [ada, bob, ada, bob, ada, bob]
  const answers = await Promise.all(wanted.map(({ login }) => sent(cookie, page, login)))
  const chosen = answers.filter(({ set }) => set.some(line => line.startsWith('mintmark_session=')))
  t.equal(chosen.length, 1)
  t.ok(
    answers.every(({ status }) => [303, 409].includes(status)),
    JSON.stringify(answers.map(({ status }) => status))
  )
  const held = chosen[0]?.set.map(line => line.split(';')[0]).join('; ') ?? ''
  const after = await requests.get('/sign-in?with=choose', { cookie: held })
  for (const name of ['ada', 'bob', 'erin']) t.match(after.text, `${name}@example.com`)
  t.equal(after.text.match(/in use now/g)?.length, 1)
})

t.test('two that sign in at once at one browser: both do, and who was there stays', async t => {
  const browser = newBrowser()
  await signIn(browser, ada)
  const page = await browser.get('/sign-in?again=yes')
  const frank = await add('frank')
  const form = page.forms.find(hasPassword)?.fields ?? new Map()
  const cookie = cookieOf(browser)
  const answers = await Promise.all(
    [bob, frank].map(who =>
      fetch(`${issuer}/sign-in`, {
        ...{ method: 'POST', redirect: 'manual', headers: { cookie } },
        body: new URLSearchParams({ ...Object.fromEntries(form), ...who })
      })
    )
  )
  t.same(
    answers.map(({ status }) => status),
    [303, 303]
  )
  const set = answers.map(answer => answer.headers.getSetCookie().map(line => line.split(';')[0]))
  // as browsers do: what comes later takes the place of what came before
  const jar = new Map(set.flat().map(line => line?.split('=') as [string, string]))
  const held = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
  const after = await requests.get('/sign-in?with=choose', { cookie: held })
  t.match(after.text, ada.login)
  t.match(after.text, 'in use now')
  const { rows } = await store.database.run<{ sessions: string }>(
    'test.of_frank',
    'SELECT count(*) AS sessions FROM sessions WHERE account_id = $1',
    [idOf.get(frank.login)]
  )
  t.equal(Number(rows[0]?.sessions), 1, 'no session is left over')
})

t.test('who is signed out everywhere, disabled or expired is no choice any more', async t => {
  const browser = newBrowser()
  const grace = await add('grace')
  const id = idOf.get(grace.login) ?? ''
  for (const end of [
    () => service.signOut(id, 'operator'),
    () => service.disable(id, 'cli'),
    // one session of all, as the page of sessions does it
    async () => {
      const sessions = createSessionStore({ sql: store.database })
      const { rows } = await store.database.run<{ uid: string }>(
        'test.uid',
        'SELECT uid FROM sessions WHERE account_id = $1',
        [id]
      )
      for (const { uid } of rows) await store.database.pipeline(sessions.endStatements(uid))
    },
    () =>
      store.database.run(
        'test.expire',
        `UPDATE sessions SET expires_at = clock_time() - interval '1 s' WHERE account_id = $1`,
        [id]
      )
  ]) {
    await signIn(browser, grace)
    await signIn(browser, bob)
    const page = await chooser(browser)
    t.match(page.html, grace.login)
    await end()
    const answer = await chooseAccount(browser, page, grace.login)
    t.equal(answer.status, 409)
    t.notMatch(answer.html, grace.login)
    t.equal(await inUse(browser), bob.login)
    await service.enable(id, 'cli')
    t.notMatch((await chooser(browser)).html, grace.login, 'nor when the account is back')
  }
})

t.test('a cookie that is forged, cut, doubled or tossed shows nobody (checks 184-186)', async t => {
  const browser = await withBoth()
  const accounts = (name: string) => name.startsWith('mintmark_accounts')
  const line = browser.cookie('mintmark_accounts')
  t.match(line, { httpOnly: true, sameSite: 'lax', path: '/' })
  t.ok((line?.value.length ?? 0) < 100)
  const list = async (cookie: string) => {
    const { text } = await requests.get('/sign-in?with=choose', { cookie })
    return [ada, bob].filter(({ login }) => text.includes(login)).map(({ login }) => login)
  }
  t.same(await list(cookieOf(browser)), [ada.login, bob.login])
  const changed = (change: (name: string, value: string) => string) =>
    cookieOf(browser, (name, value) => (accounts(name) ? change(name, value) : value))
  for (const [what, cookie] of Object.entries({
    'another signature': changed((name, value) =>
      name.endsWith('.sig') ? `x${value.slice(1)}` : value
    ),
    'another value': changed((name, value) =>
      name.endsWith('.sig') ? value : `x${value.slice(1)}`
    ),
    cut: changed((_, value) => value.slice(0, -1)),
    garbage: changed(() => '%ff%00"'),
    'tossed before': `mintmark_accounts=tossed; ${cookieOf(browser)}`,
    'tossed behind': `${cookieOf(browser)}; mintmark_accounts=tossed`
  })) {
    t.same(await list(cookie), [bob.login], `${what}: only whose session it is`)
  }
  const many = Array.from({ length: 200 }, (_, at) => `c${at}=v`).join('; ')
  t.same(await list(`${many}; ${cookieOf(browser)}`), [ada.login, bob.login])
  const alone = [...browser.cookies()].filter(([name]) => accounts(name))
  const { text } = await requests.get('/account/security', {
    cookie: alone.map(pair => pair.join('=')).join('; ')
  })
  t.notMatch(text, 'Sign-in and security', 'it opens no page')
})

t.test('a sixth account takes the place of the one that signed in first', async t => {
  const browser = newBrowser()
  const people = [ada, bob]
  for (const name of ['heidi', 'ivan', 'judy', 'kim']) people.push(await add(name))
  for (const [at, who] of people.entries()) {
    await signIn(browser, who)
    // a second apart
    await store.database.run(
      'test.order',
      `UPDATE sessions SET payload = jsonb_set(payload, '{loginTs}', to_jsonb((payload->>'loginTs')::int - 100 + $2::int))
       WHERE account_id = $1`,
      [idOf.get(who.login), at]
    )
  }
  const page = await chooser(browser)
  t.equal(choices(page).length, 5)
  t.notMatch(page.html, ada.login)
  const { rows } = await store.database.run<{ account_id: string }>(
    'test.ended',
    `SELECT account_id FROM audit_events WHERE type = 'session.ended'`
  )
  t.same(
    rows.map(row => row.account_id),
    [server.accountId]
  )
})
