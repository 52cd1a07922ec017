// The page of the account with the apps that may use it, at the real server: what it shows, that a button there ends everything of that app
// and nothing else, and that nobody else can press it.

import t from 'tap'
import { keeper, otherKeeper, startManaged, things } from '../protocol/managed.ts'
import { type Browser, createBrowser } from '../support/browser.ts'
import type { Form } from '../support/forms.ts'
import { person } from '../support/server.ts'

const { server, requests, change, query, endpoint } = await startManaged(t)
const { issuer } = requests
const path = '/account/grants'
const { ada } = requests
const formOf = (clientId: string) => ({
  form: ({ fields }: Form) => fields.get('client_id') === clientId
})
const offline = { scope: 'openid offline_access read:things', extra: { prompt: 'consent' } }

async function signedIn(who = person): Promise<Browser> {
  const browser = createBrowser({ origin: issuer })
  const page = await browser.follow(await browser.get(path))
  t.equal(page.url.pathname, '/sign-in', 'nobody is shown anything')
  const back = await browser.follow(await browser.submitForm(page, who))
  t.match(back, { status: 200, heading: 'Connected apps', url: { pathname: path } })
  return browser
}

t.test('whoever has allowed nothing is told so, after signing in without an app', async t => {
  const browser = await signedIn()
  const page = await browser.get(path)
  t.match(page.html, /No app has access to your account/)
  t.match(page.html, /ada@example\.com/)
  t.match(page.headers.get('content-security-policy'), /form-action 'self'/)
  t.equal(page.headers.get('cache-control'), 'no-store')
})

t.test(
  'each app is shown with its name, its host, what it may do in words, and since when',
  async t => {
    await requests.tokens({ app: keeper, resource: things, ...offline })
    await change('create', { app: otherKeeper, scope: 'read:things write:things' })
    await requests.tokens({ scope: 'openid email' })
    const page = await ada.get(path)
    t.same(page.forms.flatMap(form => form.fields.get('client_id') ?? []).sort(), [
      'keeper',
      'other-keeper',
      'web'
    ])
    const [, , last = ''] = page.html.split('<section class="app">')
    t.match(page.html, /The keeper/)
    t.match(page.html, /keeper\.example\.com/)
    t.match(page.html, /See your email address/)
    t.match(page.html, /write:things/)
    t.match(page.html, /First allowed/)
    t.match(last, /<time datetime="20/)
    t.match(page.html, /Remove access<span class="unseen"> of <bdi class="name">The keeper<\/bdi>/)
    const korean = await ada.get(path, { 'accept-language': 'ko' })
    t.match(korean.heading, '연결된 앱')
  }
)

t.test(
  'removing access ends tokens, grants and consent of that app alone, with a trace',
  async t => {
    const plain = await requests.tokens({ app: keeper, ...offline, resource: [issuer, things] })
    const managed = await change('create', { ...offline })
    const other = await change('create', { app: otherKeeper, ...offline })
    const page = await ada.get(path)
    const answer = await ada.submitForm(page, {}, formOf('keeper'))
    t.match(answer, { status: 303, location: { pathname: path } })
    const after = await ada.follow(answer)
    t.notMatch(after.html, /The keeper</)
    t.match(after.html, /The other-keeper</)

    for (const token of [plain, managed]) {
      t.equal((await requests.refresh(keeper, token.refresh_token)).status, 400)
    }
    t.equal((await query(managed.id)).status, 404)
    t.equal((await query(other.id, otherKeeper)).status, 200)
    t.equal((await requests.refresh(otherKeeper, other.refresh_token)).status, 200)
    // the next request is asked about
    const { url } = await requests.authorizationUrl({ app: keeper, scope: 'openid' })
    t.match((await ada.get(url)).location?.pathname, /^\/interaction\//)
    const { rows } = await server.store.database.run<{
      type: string
      data: Record<string, string>
    }>(
      'test.trail',
      `SELECT type, data FROM audit_events WHERE client_id = 'keeper' AND account_id = '${server.accountId}'
       AND (data ->> 'reason' = 'account' OR data ->> 'by' = 'account' OR type = 'consent.withdrawn')`
    )
    const types = new Set(rows.map(({ type }) => type))
    t.same([...types].sort(), ['consent.withdrawn', 'grant.revoked', 'managed_grant.revoked'])
  }
)

t.test(
  'nobody else can press the button: no session, no token, another person’s, another site',
  async t => {
    const { id } = await change('create', offline)
    const page = await ada.get(path)
    const csrf = page.forms.find(formOf('keeper').form)?.fields.get('csrf') ?? ''
    const eve = { login: 'eve@example.com', password: 'eve and her long passphrase' }
    await server.server.accounts.service.create(eve, 'cli')
    const theirs = await signedIn(eve)
    const fields = { csrf, client_id: 'keeper' }
    const rows: [string, Browser, Record<string, string>, Record<string, string>, number][] = [
      ['without a token', ada, { client_id: 'keeper' }, {}, 403],
      ['a token that is none', ada, { ...fields, csrf: `${csrf.slice(1)}A` }, {}, 403],
      ['from another site', ada, fields, { 'sec-fetch-site': 'cross-site' }, 403],
      ['from another origin', ada, fields, { origin: 'https://evil.example' }, 403],
      ['with another person’s token', theirs, fields, {}, 403],
      ['no client', ada, { csrf }, {}, 400],
      ['not signed in', createBrowser({ origin: issuer }), fields, {}, 303]
    ]
    for (const [what, browser, form, headers, status] of rows) {
      const answer = await browser.post(path, form, headers)
      t.equal(answer.status, status, what)
      if (status === 303) t.equal(answer.location?.pathname, '/sign-in')
    }
    t.equal((await query(id)).status, 200, 'the grant stands')
    // eve may press her own, and it takes nothing from ada
    const own = await change('create', { browser: theirs, who: eve, scope: 'read:things' })
    const answer = await theirs.submitForm(await theirs.get(path), {}, formOf('keeper'))
    t.equal(answer.status, 303)
    t.equal((await query(own.id)).status, 404)
    t.equal((await query(id)).status, 200)
    t.equal(
      (await ada.submitForm(page, {}, formOf('keeper'))).status,
      303,
      'ada’s form is good still'
    )
    t.equal((await query(id)).status, 404)
    t.match(endpoint, issuer)
  }
)

t.test(
  'what only is remembered is shown, and can be taken back; what ended with a session is not in use',
  async t => {
    const browser = createBrowser({ origin: issuer })
    await requests.tokens({ app: keeper, scope: 'openid', browser })
    await requests.signOut(browser)
    await signedIn()
    const again = await browser.follow(await browser.get(path))
    const page = await browser.follow(await browser.submitForm(again, person))
    const section = page.html.split('<section class="app">').find(each => /The keeper</.test(each))
    t.ok(section)
    t.notMatch(section, /Last used/)
    const answer = await browser.submitForm(page, {}, formOf('keeper'))
    t.notMatch((await browser.follow(answer)).html, /The keeper</)
  }
)
