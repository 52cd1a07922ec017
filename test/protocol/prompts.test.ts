// `prompt` (OpenID Connect Core §3.1.2.1): what a client may ask the person for, alone and together, and that nothing happens to the session
// of a person who turns back.

import t from 'tap'
import { type Browser, createBrowser, type Page } from '../support/browser.ts'
import { chooseAccount } from '../support/relying-party.ts'
import { person, startTestServer } from '../support/server.ts'
import { claimsIn, createRequests, type Parameters, web } from './requests.ts'

const server = await startTestServer(t)
const requests = createRequests(server)
const { issuer } = requests
const eve = { login: 'eve@example.com', password: 'another horse battery staple' }
const made = await server.server.accounts.service.create({ ...eve, name: 'Eve' }, 'cli')
if (!made.ok) throw new Error(made.reason)
const eveId = made.account.id

const isBack = (url: URL) => url.host === 'app.example.com'
const hasPassword = ({ fields }: Page['forms'][number]) => fields.has('password')
const asksForPassword = (page: Page) => page.forms.some(hasPassword)

async function signedIn(): Promise<Browser> {
  const browser = createBrowser({ origin: issuer })
  await requests.code({ browser })
  return browser
}

const start = async (browser: Browser, extra: Parameters) =>
  browser.follow(await requests.authorize({ browser, extra }), isBack)

/** Who is signed in at this browser, and since when; undefined: nobody. */
async function sessionOf(browser: Browser) {
  const { url, verifier, nonce } = await requests.authorizationUrl({
    extra: { prompt: 'none', max_age: '10000' }
  })
  const page = await browser.get(url)
  const code = page.location?.searchParams.get('code')
  if (!page.location || !code) return undefined
  const answer = await requests.redeem({
    code,
    verifier,
    nonce,
    callbackUrl: page.location,
    app: web
  })
  const { sub, auth_time } = claimsIn(answer.body.id_token)
  return { sub, auth_time }
}

t.test(
  'select_account offers whoever is signed in and a sign-in, and takes whoever it is (Core §3.1.2.1)',
  async t => {
    for (const [who, accountId] of [
      [person, server.accountId],
      [eve, eveId]
    ] as const) {
      const browser = await signedIn()
      const page = await start(browser, { prompt: 'select_account' })
      t.notOk(asksForPassword(page), who.login)
      t.match(page.heading, 'Choose an account')
      t.match(page.html, 'ada@example.com')
      let end = await browser.follow(await chooseAccount(browser, page, who.login), isBack)
      if (asksForPassword(end))
        end = await browser.follow(
          await browser.submitForm(end, who, { form: hasPassword }),
          isBack
        )
      // who has not allowed this app anything yet is asked
      if (end.location === undefined)
        end = await browser.follow(await browser.submitForm(end), isBack)
      t.ok(end.location?.searchParams.has('code'), who.login)
      t.equal((await sessionOf(browser))?.sub, accountId, who.login)
    }
    const browser = createBrowser({ origin: issuer })
    const page = await start(browser, { prompt: 'select_account' })
    const end = await browser.follow(await browser.submitForm(page, person), isBack)
    t.ok(end.location?.searchParams.has('code'), 'without a session, once and not twice')
    const both = await start(browser, { prompt: 'login select_account consent' })
    const again = await browser.follow(await chooseAccount(browser, both, person.login), isBack)
    const known = again.forms.find(hasPassword)?.fields.get('login')
    t.equal(known, person.login, 'who was chosen signs in again, as that person')
    const filled = { login: person.login, password: person.password }
    const consent = await browser.follow(
      await browser.submitForm(again, filled, { form: hasPassword }),
      isBack
    )
    t.notOk(asksForPassword(consent), 'one sign-in is enough for both')
    const done = await browser.follow(await browser.submitForm(consent), isBack)
    t.ok(done.location?.searchParams.has('code'))
  }
)

t.test(
  'who turns back at a sign-in that was asked for keeps the session as it was, and the app gets no code (Core §3.1.2.6)',
  async t => {
    for (const extra of [
      { prompt: 'login' },
      { prompt: 'select_account' },
      { max_age: '0' },
      { prompt: 'consent' }
    ] as Parameters[]) {
      const browser = await signedIn()
      const before = await sessionOf(browser)
      const page = await start(browser, extra)
      const end = await browser.follow(
        await browser.submitForm(
          page,
          {},
          {
            form: ({ buttons }) => buttons.some(({ name }) => name === 'decline'),
            button: ({ name }) => name === 'decline'
          }
        ),
        isBack
      )
      t.equal(end.location?.searchParams.get('error'), 'access_denied', JSON.stringify(extra))
      t.notOk(end.location?.searchParams.has('code'))
      t.same(await sessionOf(browser), before)
    }
  }
)

t.test('prompt=login is a new sign-in, by its time (Core §3.1.2.1)', async t => {
  const browser = await signedIn()
  const before = await sessionOf(browser)
  // a second has to pass before the time can be another one
  while (Math.floor(Date.now() / 1000) <= Number(before?.auth_time)) {
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  const page = await start(browser, { prompt: 'login' })
  const end = await browser.follow(await browser.submitForm(page, person), isBack)
  t.ok(end.location?.searchParams.has('code'))
  const after = await sessionOf(browser)
  t.ok(Number(after?.auth_time) > Number(before?.auth_time))
})

t.test('none stands alone, and what is unknown is refused (Core §3.1.2.1)', async t => {
  const browser = await signedIn()
  for (const prompt of ['none login', 'none consent', 'select_account none', 'create', 'Login']) {
    const page = await requests.authorize({ browser, extra: { prompt } })
    t.equal(page.location?.searchParams.get('error'), 'invalid_request', prompt)
  }
})

t.test('a login_hint fills in the form, and signs nobody in or out (Core §3.1.2.1)', async t => {
  const fresh = createBrowser({ origin: issuer })
  const page = await start(fresh, { login_hint: eve.login })
  const form = page.forms.find(({ fields }) => fields.has('password'))
  t.equal(form?.fields.get('login'), eve.login)
  const hostile = await start(createBrowser({ origin: issuer }), {
    login_hint: '"><script>alert(1)</script>'
  })
  t.notMatch(hostile.html, /<script>alert/)
  const browser = await signedIn()
  const end = await start(browser, { login_hint: eve.login })
  t.ok(end.location?.searchParams.has('code'))
  t.equal((await sessionOf(browser))?.sub, server.accountId)
})
