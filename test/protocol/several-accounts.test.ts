// Several accounts at one browser, as relying parties see it: openid-client at three clients, which are told of sign-outs by back channel. Single
// sign-on stays silent, each account keeps its own `sid`, time and methods, and a sign-out reaches those of one account and nobody else.

import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import * as oidc from 'openid-client'
import t from 'tap'
import { type Browser, createBrowser, type Page } from '../support/browser.ts'
import { authorize, type Client, chooseAccount, redeem } from '../support/relying-party.ts'
import { person as ada, startTestServer } from '../support/server.ts'
import { deviceGrantType, requestDeviceCode } from './device-approval.ts'
import { listenForSignOuts } from './logout-listener.ts'
import { basic, claimsIn, createRequests, type Parameters, publicly } from './requests.ts'

const names = ['one', 'two', 'three'] as const
type Name = (typeof names)[number]

const { told, port } = await listenForSignOuts(t)
const secret = randomBytes(32).toString('hex')
const redirectOf = (name: string) => `https://${name}.example.com/callback`
const server = await startTestServer(t, {
  clients: [...names, 'four'].map(name => ({
    client_id: name,
    type: 'web',
    client_secret: secret,
    redirect_uris: [redirectOf(name)],
    post_logout_redirect_uris: [`https://${name}.example.com/goodbye`],
    backchannel_logout_uri: `http://127.0.0.1:${port}/${name}`,
    backchannel_logout_session_required: true
  }))
})
const { issuer, store } = server
const requests = createRequests(server)
const bob = { login: 'bob@example.com', password: 'another long passphrase of his' }
const made = await server.server.accounts.service.create({ ...bob, name: 'Bob' }, 'cli')
if (!made.ok) throw new Error(made.reason)
const subOf = new Map([
  [ada.login, server.accountId],
  [bob.login, made.account.id]
])

const clientOf = (name: string): Client => ({ issuer, clientId: name, clientSecret: secret })
const appOf = (name: string) => ({
  clientId: name,
  redirectUri: redirectOf(name),
  caller: basic(name, secret)
})
const newBrowser = () => createBrowser({ origin: issuer })
const sessionOf = (browser: Browser) => browser.cookies().get('mintmark_session')
const cookieOf = (browser: Browser) =>
  [...browser.cookies()].map(([name, value]) => `${name}=${value}`).join('; ')

/** A whole sign-in at one client: what its ID token says, its tokens, and the pages that were shown. */
async function at(
  name: string,
  browser: Browser,
  who: typeof ada = { login: '', password: '' },
  extra: Record<string, string> = {}
) {
  const authorization = await authorize({
    ...clientOf(name),
    ...{ browser, ...who, extra },
    redirectUri: redirectOf(name),
    scope: 'openid email'
  })
  const tokens = await redeem(authorization)
  const { sub, sid, auth_time } = claimsIn(tokens.id_token ?? '')
  const { config, pages } = authorization
  return {
    identity: { sub, sid, auth_time },
    idToken: tokens.id_token ?? '',
    tokens,
    config,
    pages
  }
}

/** What a client is answered that asks without a page: whose code it is, or the error. */
async function silently(name: string, browser: Browser, extra: Parameters = {}) {
  const app = appOf(name)
  const { url, verifier, nonce } = await requests.authorizationUrl({
    app,
    scope: 'openid email',
    extra: { prompt: 'none', ...extra }
  })
  const page = await browser.get(url)
  const code = page.location?.searchParams.get('code')
  if (page.location === undefined || !code) return page.location?.searchParams.get('error')
  const callbackUrl = page.location
  const answer = await requests.redeem({ code, verifier, nonce, callbackUrl, app })
  const sub = claimsIn(answer.body.id_token)['sub']
  return [...subOf].find(([, id]) => id === sub)?.[0] ?? sub
}

/** A browser at which both are signed in: Ada at one and two, Bob at three and in use. */
async function both() {
  const browser = newBrowser()
  const first = await at('one', browser, ada)
  await at('two', browser, ada)
  const second = await at('three', browser, bob, { prompt: 'select_account' })
  return { browser, first, second }
}

async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await what())) await sleep(10)
}

async function noticesAreOut(): Promise<void> {
  await until(async () => {
    const { rows } = await store.database.run('test.queued', 'SELECT FROM logout_notices')
    return rows.length === 0
  })
}

/** A second has to pass before a sign-in can have another time. */
async function nextSecond(): Promise<void> {
  const now = Math.floor(Date.now() / 1_000)
  await until(() => Math.floor(Date.now() / 1_000) > now)
}

async function signOut(browser: Browser, page: Page, button: string) {
  const pressed = ({ value }: { value: string }) => value === button
  return browser.follow(
    await browser.submitForm(
      page,
      {},
      { form: ({ buttons }) => buttons.some(pressed), button: pressed }
    ),
    url => url.pathname === '/goodbye'
  )
}

t.test(
  'two accounts, three clients: single sign-on for each, and a sign-out from one tells the clients of that account (issue 5, Must show 5)',
  async t => {
    const browser = newBrowser()
    const one = await at('one', browser, ada)
    const two = await at('two', browser)
    t.notOk(two.pages.includes('Sign in'))
    t.equal(one.identity.sub, server.accountId)
    t.equal(two.identity.sub, server.accountId)
    t.equal(two.identity.auth_time, one.identity.auth_time)
    t.not(two.identity.sid, one.identity.sid)

    await nextSecond()
    const three = await at('three', browser, bob, { prompt: 'select_account' })
    t.same(three.pages.slice(0, 2), ['Choose an account', 'Sign in'])
    t.equal(three.identity.sub, made.account.id)
    t.ok(Number(three.identity.auth_time) > Number(one.identity.auth_time), 'of his own sign-in')
    t.equal(
      (await oidc.fetchUserInfo(one.config, one.tokens.access_token, server.accountId)).sub,
      server.accountId
    )

    // silent, each client with the account that it has had here, and as it was told before
    for (const [name, before] of [
      ['one', one],
      ['two', two],
      ['three', three]
    ] as const) {
      const again = await at(name, browser)
      t.same(again.pages, [], `${name} asks nothing`)
      t.same(again.identity, before.identity, name)
    }

    // the other account at a client is another session there
    const other = await at('two', browser, bob, { prompt: 'select_account' })
    t.notOk(other.pages.includes('Sign in'), 'without a password')
    t.equal(other.identity.sub, made.account.id)
    t.not(other.identity.sid, two.identity.sid)
    t.equal(other.identity.auth_time, three.identity.auth_time, 'choosing is no sign-in')
    t.same((await at('two', browser)).identity, other.identity, 'the last one counts')

    await noticesAreOut()
    t.same([...told], [], 'nobody was signed out so far')

    // Ada is not in use: the hint says whose session it is
    const page = await browser.get(
      oidc.buildEndSessionUrl(one.config, {
        id_token_hint: one.idToken,
        post_logout_redirect_uri: 'https://one.example.com/goodbye'
      })
    )
    t.match(page.html, 'Sign out <bdi class="name">ada@example.com</bdi>')
    t.match(page.html, 'Also signed in here: <bdi class="name">bob@example.com</bdi>')
    const end = await signOut(browser, page, 'yes')
    t.equal(end.location?.href, 'https://one.example.com/goodbye')
    await until(() => told.has('one') && told.has('two'))
    await noticesAreOut()
    const ofAda = (sid: unknown) => [{ sub: server.accountId, sid }]
    const asTold = (name: Name) => told.get(name)?.map(({ sub, sid }) => ({ sub, sid }))
    t.same(asTold('one'), ofAda(one.identity.sid))
    t.same(asTold('two'), ofAda(two.identity.sid), 'not Bob, who is signed in there as well')
    t.equal(asTold('three'), undefined)

    await t.rejects(oidc.fetchUserInfo(one.config, one.tokens.access_token, server.accountId))
    t.ok(await oidc.fetchUserInfo(three.config, three.tokens.access_token, made.account.id))
    t.same((await at('two', browser)).identity, other.identity)
    t.same((await at('three', browser)).identity, three.identity)
    t.equal(await silently('one', browser), 'consent_required', 'Bob has allowed it nothing')
  }
)

t.test(
  'prompt=none: the one that is named or came last, else account_selection_required (Core §3.1.2.6)',
  async t => {
    const { browser, first } = await both()
    t.equal(await silently('one', browser), ada.login)
    t.equal(await silently('three', browser), bob.login)
    t.equal(await silently('four', browser), 'account_selection_required', 'it has had nobody here')
    t.equal(
      await silently('three', browser, { login_hint: 'nobody@example.com' }),
      'account_selection_required'
    )
    t.equal(await silently('two', browser, { login_hint: 'ADA@Example.com' }), ada.login)
    // whether somebody is signed in here is told of a client's own people only
    for (const login_hint of [ada.login, 'nobody@example.com', 'eve@example.com']) {
      t.equal(await silently('four', browser, { login_hint }), 'account_selection_required')
    }
    t.equal(
      await silently('one', browser, { id_token_hint: first.idToken, login_hint: bob.login }),
      ada.login,
      'the hint that is proof'
    )
    const app = appOf('one')
    const { url } = await requests.authorizationUrl({
      app,
      extra: { prompt: 'none', login_hint: ada.login }
    })
    const pushed = await requests.post(
      '/oauth/par',
      app.caller,
      Object.fromEntries(url.searchParams)
    )
    const request = new URLSearchParams({
      client_id: 'one',
      request_uri: String(pushed.body['request_uri'])
    })
    t.ok(
      (await browser.get(`/authorize?${request}`)).location?.searchParams.has('code'),
      'a hint that was pushed'
    )
    const sub = (value: unknown) => JSON.stringify({ id_token: { sub: { value } } })
    t.equal(await silently('one', browser, { claims: sub(server.accountId) }), ada.login)
    t.equal(await silently('one', browser, { claims: sub('somebody else') }), 'login_required')
    t.equal(await silently('one', newBrowser()), 'login_required')
  }
)

t.test(
  'a request without a page names nobody else as the one in use, and disturbs no tab',
  async t => {
    const { browser } = await both()
    const before = sessionOf(browser)
    const wanted = [...names, ...names, ...names].map(name => (name === 'three' ? bob : ada).login)
    const got = await Promise.all(
      [...names, ...names, ...names].map(name => silently(name, browser))
    )
    t.same(got, wanted)
    t.equal(sessionOf(browser), before)
    t.match((await browser.get('/sign-in')).html, 'Signed in as <bdi class="name">bob@example.com')

    const finds = async (one: Browser) => {
      const extra = { prompt: 'none' }
      const { url } = await requests.authorizationUrl({ app: appOf('one'), extra })
      const { result, roundTrips } = await server.counted(() => one.get(url))
      t.ok(result.location?.searchParams.has('code'))
      return roundTrips.flat().filter(name => /^(browser_accounts|sessions)\.find/.test(name))
    }
    t.same(await finds(browser), ['sessions.find', 'browser_accounts.find', 'sessions.find_by_uid'])
    const alone = newBrowser()
    await at('one', alone, ada)
    t.same(await finds(alone), ['sessions.find'], 'one account costs what it did')
  }
)

t.test('a device is connected to the account that is chosen (RFC 8628 §3.3)', async t => {
  const { browser } = await both()
  const { deviceCode, userCode } = await requestDeviceCode(requests, 'openid')
  const entered = await browser.submitForm(await browser.get('/device'), { user_code: userCode })
  const chooser = await browser.follow(await browser.submitForm(entered))
  t.equal(chooser.heading, 'Choose an account')
  const consent = await browser.follow(await chooseAccount(browser, chooser, ada.login))
  t.match(consent.html, 'Signed in as <bdi class="name">ada@example.com')
  const end = await browser.follow(await browser.submitForm(consent))
  t.equal(end.status, 200, end.heading)
  const polled = await requests.token(publicly('tv'), {
    grant_type: deviceGrantType,
    device_code: deviceCode
  })
  t.equal(claimsIn(polled.body.id_token)['sub'], server.accountId)
})

t.test(
  'max_age and prompt=login are judged of the account, and a consent is given by it',
  async t => {
    const browser = newBrowser()
    await at('one', browser, ada)
    await store.database.run(
      'test.earlier',
      `UPDATE sessions SET payload = jsonb_set(payload, '{loginTs}', to_jsonb((payload->>'loginTs')::int - 1000))
     WHERE account_id = '${server.accountId}'`
    )
    await at('three', browser, bob, { prompt: 'select_account' })
    t.equal(await silently('three', browser, { max_age: '500' }), bob.login)
    t.equal(await silently('one', browser, { max_age: '500' }), 'login_required')
    t.equal(await silently('one', browser, { max_age: '5000' }), ada.login)
    const before = sessionOf(browser)
    const again = await at('one', browser, ada, { max_age: '500' })
    t.same(again.pages, ['Sign in'])
    t.not(sessionOf(browser), before, 'whoever signs in uses the browser, under a new identifier')
    t.match((await browser.get('/sign-in')).html, 'Signed in as <bdi class="name">ada@example.com')
    t.equal(await silently('three', browser), bob.login)
    // Bob is not in use, and he is the one who is asked and who allows
    const asked = await at('three', browser, bob, { prompt: 'consent' })
    t.equal(asked.identity.sub, made.account.id)
    t.match((await browser.get('/sign-in')).html, 'Signed in as <bdi class="name">ada@example.com')
  }
)

t.test('whoever is asked for consent may be another account (pages: Switch account)', async t => {
  const { browser } = await both()
  const app = appOf('four')
  const isBack = (url: URL) => url.host === 'four.example.com'
  const { url } = await requests.authorizationUrl({ app, scope: 'openid email' })
  const chooser = await browser.follow(await browser.get(url), isBack)
  t.equal(chooser.heading, 'Choose an account', 'nothing says which')
  const consent = await browser.follow(await chooseAccount(browser, chooser, ada.login), isBack)
  t.match(consent.html, 'Signed in as <bdi class="name">ada@example.com')
  const [, link = ''] = /<a href="([^"]*)">Not you\? Switch account/.exec(consent.html) ?? []
  const again = await browser.get(link)
  const other = await browser.follow(await chooseAccount(browser, again, bob.login), isBack)
  t.match(other.html, 'Signed in as <bdi class="name">bob@example.com')
  const end = await browser.follow(await browser.submitForm(other), isBack)
  t.ok(end.location?.searchParams.has('code'))
  t.equal(await silently('four', browser), bob.login)
  t.equal(await silently('four', browser, { login_hint: ada.login }), 'account_selection_required')
})

t.test(
  'a session has a new identifier at each step up and each choice, and the old ones are dead (CWE-384)',
  async t => {
    const browser = newBrowser()
    const seen: string[] = []
    const asBefore: string[] = []
    const note = () => {
      seen.push(sessionOf(browser) ?? '')
      asBefore.push(cookieOf(browser))
    }
    await at('one', browser, ada)
    note()
    await at('one', browser, ada, { prompt: 'login' })
    note()
    await at('one', browser, bob, { prompt: 'select_account' })
    note()
    await at('one', browser, ada, { prompt: 'select_account' })
    note()
    await at('one', browser, bob, { prompt: 'select_account' })
    t.equal(new Set([...seen, sessionOf(browser)]).size, 5)
    for (const cookie of asBefore) {
      const page = await requests.get('/sign-in', { cookie })
      t.match(page.text, 'name="password"')
      t.notMatch(page.text, 'example.com</bdi>', 'neither the session nor the accounts')
    }
  }
)

t.test('all accounts are signed out together, or one at a time', async t => {
  const { browser, first, second } = await both()
  told.clear()
  const page = await browser.get('/logout')
  t.match(page.html, 'Sign out <bdi class="name">bob@example.com</bdi>', 'the one in use')
  const end = await signOut(browser, page, 'yes')
  t.match(end.html, 'Still signed in here: <bdi class="name">ada@example.com')
  await until(() => told.has('three'))
  await noticesAreOut()
  t.same([...told.keys()], ['three'])
  t.equal(told.get('three')?.[0]?.['sid'], second.identity.sid)
  t.equal(await silently('one', browser), ada.login, 'she goes on')

  await at('three', browser, bob, { prompt: 'select_account' })
  told.clear()
  const all = await signOut(browser, await browser.get('/logout'), 'all')
  t.notMatch(all.html, 'Still signed in')
  await until(() => told.size === 3)
  await noticesAreOut()
  t.equal(told.get('one')?.[0]?.['sid'], first.identity.sid)
  t.equal(await silently('one', browser), 'login_required')
  t.equal(browser.cookies().get('mintmark_accounts'), undefined)
  t.match((await browser.get('/sign-in')).html, 'name="password"')
})
