// The second factor in a sign-in, at the real server: asked for where the account, the operator, the client or the request wants one, and
// told truthfully in every token. Codes are real, and so is the database.

import { randomBytes } from 'node:crypto'
import t from 'tap'
import { claimsIn, createRequests, type Parameters, web } from '../protocol/requests.ts'
import { type Browser, createBrowser, type Page } from '../support/browser.ts'
import { redirectUri } from '../support/configuration.ts'
import { passPages } from '../support/relying-party.ts'
import { appWith, giveTotp } from '../support/second-factor.ts'
import { person, startTestServer, type TestServer } from '../support/server.ts'

const [password, multi] = ['urn:mintmark:acr:password', 'urn:mintmark:acr:multi-factor']
const secret = randomBytes(32).toString('hex')
const vault = {
  clientId: 'vault',
  redirectUri: 'https://vault.example.com/callback',
  caller: { headers: {}, parameters: { client_id: 'vault', client_secret: secret } }
}
const server = await startTestServer(t, {
  acr: [
    { value: password, amr: ['pwd'] },
    { value: multi, amr: ['mfa'] },
    { value: 'urn:sms', amr: ['sms'] }
  ],
  clients: [
    {
      client_id: vault.clientId,
      type: 'web',
      client_secret: secret,
      token_endpoint_auth_method: 'client_secret_post',
      redirect_uris: [vault.redirectUri],
      require_second_factor: true
    }
  ]
})
const { issuer, accountId } = server
const requests = createRequests(server)
const app = await giveTotp(server, accountId)
const atHome = (url: URL) => url.origin !== issuer
t.beforeEach(() => app.refill())

let people = 0
/** Somebody without a factor. */
async function newPerson({ server: { accounts } }: Pick<TestServer, 'server'> = server) {
  people++
  const who = { login: `person-${people}@example.com`, password: 'a long passphrase of theirs' }
  const made = await accounts.service.create(who, 'cli')
  if (!made.ok) throw new Error(made.reason)
  return { ...who, id: made.account.id }
}

const secretIn = (page: Page) => /<code class="secret" dir="ltr">([^<]+)/.exec(page.html)?.[1] ?? ''
const codesIn = (page: Page) =>
  [...page.html.matchAll(/<li><code>([^<]+)/g)].map(([, code = '']) => code)
const onwardIn = (page: Page) =>
  (/id="go-on" href="([^"]+)"/.exec(page.html)?.[1] ?? '').replaceAll('&amp;', '&')

/** Up to the screen that follows the password. */
async function afterPassword(browser: Browser, who = person, path = '/sign-in') {
  return browser.follow(await browser.submitForm(await browser.get(path), who), atHome)
}

/** Signed in without a client, with a code. */
async function signedIn(browser = createBrowser({ origin: issuer })) {
  await app.refill()
  await browser.submitForm(await afterPassword(browser), { code: app.code() })
  return browser
}

/** From an authorization request to the first page of ours, or to the client. */
async function ask(browser: Browser, extra: Parameters = {}, client = {}) {
  const request = await requests.authorizationUrl({ extra, ...client })
  return { ...request, page: await browser.follow(await browser.get(request.url), atHome) }
}

t.test('a password alone signs nobody in who has a factor (ASVS v5.0.0 §6.3.3)', async t => {
  const browser = createBrowser({ origin: issuer })
  const page = await afterPassword(browser)
  t.equal(page.heading, 'Enter your code')
  t.match(page.html, /inputmode="numeric"/)
  t.match(page.html, /autocomplete="one-time-code"/)
  t.notOk(browser.cookies().has('mintmark_session'))
  const empty = await browser.submitForm(page, { code: ' ' })
  t.equal(empty.status, 422)
  const wrong = await browser.submitForm(empty, { code: '000000' })
  t.equal(wrong.status, 422)
  const done = await browser.submitForm(wrong, { code: app.code() })
  t.equal(done.status, 303)
  t.match((await browser.get('/sign-in')).heading, 'You are signed in')
})

t.test('a lock of the factor says how long, and leaves other methods and accounts', async t => {
  const browser = createBrowser({ origin: issuer })
  let page = await afterPassword(browser)
  for (let turn = 0; turn < 6; turn++) page = await browser.submitForm(page, { code: '000000' })
  t.equal(page.status, 429)
  t.ok(Number(page.headers.get('retry-after')) > 1_700)
  t.match(page.html, 'Too many wrong codes')
  const right = await browser.submitForm(page, { code: app.code() })
  t.equal(right.status, 429)
  const again = await browser.follow(
    await browser.submitForm(
      right,
      {},
      { form: form => form.buttons.some(b => b.name === 'restart') }
    )
  )
  t.ok(
    again.forms.some(form => form.fields.has('password')),
    'another account'
  )
})

t.test(
  'setting an app up, recovery codes, using one, and removing it (checks 168, 169, 172)',
  async t => {
    const who = await newPerson()
    const browser = createBrowser({ origin: issuer })
    await browser.submitForm(await browser.get('/sign-in'), who)
    const sid = browser.cookies().get('mintmark_session')
    const security = await browser.get('/account/security')
    t.match(security.html, 'Off. With an authenticator app')
    const page = await browser.get('/account/security/totp')
    t.match(page.html, /<svg class="qr"/)
    t.notMatch(page.html, /style=/)
    const mine = appWith(secretIn(page))
    const wrong = await browser.submitForm(page, { code: '000000' })
    t.equal(wrong.status, 422)
    t.equal(secretIn(wrong), secretIn(page), 'the same offer again')
    const shown = await browser.submitForm(wrong, { code: mine.code(-1) })
    t.equal(shown.status, 200)
    const codes = codesIn(shown)
    t.equal(codes.length, 10)
    t.not(browser.cookies().get('mintmark_session'), sid, 'more privilege, another session id')
    t.match((await browser.get('/account/security')).html, '10 of ten left')

    // the other browser: the factor is asked for, and a recovery code does
    const elsewhere = createBrowser({ origin: issuer })
    const asked = await afterPassword(elsewhere, who)
    const link = /href="([^"]*with=recovery_code)"/.exec(asked.html)?.[1] ?? ''
    const recovery = await elsewhere.get(link.replaceAll('&amp;', '&'))
    t.equal(recovery.heading, 'Use a recovery code')
    const used = await elsewhere.submitForm(recovery, { code: codes[2] ?? '' })
    t.match(used.html, 'You have 9 recovery codes left')
    await elsewhere.get(onwardIn(used))
    t.equal((await elsewhere.get('/sign-in')).heading, 'You are signed in')

    // new codes, and none without a factor
    const renewal = await elsewhere.get('/account/security/recovery-codes')
    const fresh = codesIn(await elsewhere.submitForm(renewal))
    t.equal(fresh.length, 10)
    t.notOk(fresh.some(code => codes.includes(code)))
    const manage = await browser.get('/account/security/totp')
    t.match(manage.html, 'Remove the authenticator app')
    const removed = await browser.submitForm(
      manage,
      {},
      {
        form: form => form.fields.get('what') === 'remove',
        button: () => true
      }
    )
    t.equal(removed.location?.pathname, '/account/security')
    t.match((await browser.get('/account/security')).html, 'You get recovery codes when')
    const plain = createBrowser({ origin: issuer })
    await browser.follow(await plain.submitForm(await plain.get('/sign-in'), who))
    t.equal((await plain.get('/sign-in')).heading, 'You are signed in')
  }
)

t.test(
  'no factor is added or removed after a sign-in that is old, or lacks the factor of now (check 172, R-58)',
  async t => {
    const who = await newPerson()
    const early = createBrowser({ origin: issuer })
    await early.submitForm(await early.get('/sign-in'), who)
    const form = await early.get('/account/security/totp')
    t.equal(form.status, 200)
    const theirs = await giveTotp(server, who.id)
    for (const path of ['/account/security/totp', '/account/security/recovery-codes']) {
      const page = await early.get(path)
      t.equal(page.location?.pathname, '/sign-in', path)
      t.equal(page.location?.searchParams.get('again'), 'yes')
    }
    const removal = await early.post('/account/security/totp', {
      csrf: form.forms.find(f => f.fields.has('csrf'))?.fields.get('csrf') ?? '',
      what: 'remove'
    })
    t.equal(removal.location?.pathname, '/sign-in')
    const { rows } = await server.store.database.run(
      'test.totp',
      'SELECT 1 FROM totp_factors WHERE account_id = $1',
      [who.id]
    )
    t.equal(rows.length, 1)
    const page = await early.follow(await early.get('/account/security/totp'))
    const code = await early.follow(await early.submitForm(page, who))
    t.equal(code.heading, 'Enter your code')
    const back = await early.submitForm(code, { code: theirs.code() })
    t.equal(back.location?.pathname, '/account/security/totp', 'and then it leads there')
  }
)

t.test(
  'amr and acr say what was done, in every token and after a refresh (check 80, RFC 8176)',
  async t => {
    const browser = await signedIn()
    const tokens = await requests.tokens({
      browser,
      scope: 'openid offline_access',
      extra: { prompt: 'consent', acr_values: multi }
    })
    t.match(claimsIn(tokens.id_token), { acr: multi, amr: ['pwd', 'otp', 'mfa'] })
    t.equal(claimsIn(tokens.access_token)['acr'], multi)
    const { body } = await requests.refresh(web, tokens.refresh_token)
    t.match(claimsIn(body.id_token), { acr: multi })
    t.equal(claimsIn(body.access_token)['acr'], multi)
    t.match((await requests.introspect(web.caller, body.access_token)).body, { acr: multi })
    const who = await newPerson()
    const plain = await requests.tokens({
      who,
      browser: createBrowser({ origin: issuer }),
      extra: { acr_values: `${multi} ${password}` }
    })
    t.match(claimsIn(plain.id_token), { acr: password, amr: ['pwd'] })
    t.strictSame(claimsIn(plain.id_token)['amr'], ['pwd'])
  }
)

t.test(
  'somebody signed in by a password is asked for the missing factor alone, under a new session id (RFC 9470)',
  async t => {
    const who = await newPerson()
    const browser = createBrowser({ origin: issuer })
    await browser.submitForm(await browser.get('/sign-in'), who)
    const theirs = await giveTotp(server, who.id)
    const before = browser.cookies().get('mintmark_session')
    const first = await requests.tokens({ browser, who })
    t.strictSame(claimsIn(first.id_token)['amr'], ['pwd'], 'the session of before is what it was')

    const { page } = await ask(browser, { acr_values: multi })
    t.equal(page.heading, 'Enter your code', 'no password')
    const end = await browser.follow(
      await browser.submitForm(page, { code: theirs.code() }),
      atHome
    )
    t.ok(end.location?.searchParams.has('code'))
    t.not(browser.cookies().get('mintmark_session'), before)
    const { id_token } = await requests.tokens({ browser, who, extra: { acr_values: multi } })
    t.match(claimsIn(id_token), { acr: multi, amr: ['pwd', 'otp', 'mfa'] })

    for (const extra of [{ prompt: 'login' }, { max_age: '0' }]) {
      const anew = await ask(browser, { acr_values: multi, ...extra })
      t.ok(
        anew.page.forms.some(form => form.fields.has('password')),
        'another reason: all anew'
      )
    }
    const silent = await requests.authorizationUrl({ extra: { acr_values: multi, prompt: 'none' } })
    t.ok((await browser.get(silent.url)).location?.searchParams.has('code'), 'and it is enough now')
  }
)

t.test('a factor makes an old sign-in stronger, not younger (R-58)', async t => {
  const who = await newPerson()
  const browser = createBrowser({ origin: issuer })
  await browser.submitForm(await browser.get('/sign-in'), who)
  const theirs = await giveTotp(server, who.id)
  await server.store.database.run(
    'test.age',
    `UPDATE sessions SET payload = jsonb_set(payload, '{loginTs}', to_jsonb((payload->>'loginTs')::bigint - 3000))
      WHERE payload ? 'loginTs'`,
    []
  )
  const old = await requests.tokens({ browser, who })
  const { page } = await ask(browser, { acr_values: multi })
  await browser.follow(await browser.submitForm(page, { code: theirs.code() }), atHome)
  const { id_token } = await requests.tokens({ browser, who, extra: { acr_values: multi } })
  t.equal(claimsIn(id_token)['auth_time'], claimsIn(old.id_token)['auth_time'])
  t.equal(claimsIn(id_token)['acr'], multi)
  const factors = await browser.get('/account/security/totp')
  t.equal(factors.location?.pathname, '/sign-in', 'not recent')
})

t.test('a session alone adds no factor: who has none signs in anew and sets one up', async t => {
  const who = await newPerson()
  const browser = createBrowser({ origin: issuer })
  await browser.submitForm(await browser.get('/sign-in'), who)
  const { page } = await ask(browser, { acr_values: multi })
  t.ok(page.forms.some(form => form.fields.has('password')))
  const enrol = await browser.follow(await browser.submitForm(page, who))
  t.equal(enrol.heading, 'Set up an authenticator app')
  const shown = await browser.submitForm(enrol, { code: appWith(secretIn(enrol)).code() })
  t.equal(codesIn(shown).length, 10)
  const end = await browser.follow(await browser.get(onwardIn(shown)), atHome)
  const { callbackUrl } = await passPages(browser, end, { ...who, redirectUri })
  t.ok(callbackUrl.searchParams.has('code'))
  const { id_token } = await requests.tokens({ browser, who, extra: { acr_values: multi } })
  t.match(claimsIn(id_token), { acr: multi, amr: ['pwd', 'otp', 'mfa'] })
})

t.test('a level that nothing here reaches is unmet_authentication_requirements', async t => {
  const claims = JSON.stringify({ id_token: { acr: { essential: true, value: 'urn:sms' } } })
  const page = await requests.authorize({ extra: { claims } })
  t.equal(page.location?.searchParams.get('error'), 'unmet_authentication_requirements')
})

t.test(
  'a client that wants a second factor gets nobody without (require_second_factor)',
  async t => {
    const who = await newPerson()
    const browser = createBrowser({ origin: issuer })
    await browser.submitForm(await browser.get('/sign-in'), who)
    const silent = await requests.authorizationUrl({ app: vault, extra: { prompt: 'none' } })
    t.equal(
      (await browser.get(silent.url)).location?.searchParams.get('error'),
      'login_required',
      'a session without is not enough'
    )
    const theirs = await giveTotp(server, who.id)
    const { page } = await ask(browser, {}, { app: vault })
    t.equal(page.heading, 'Enter your code')
    const end = await browser.follow(
      await browser.submitForm(page, { code: theirs.code() }),
      atHome
    )
    const { callbackUrl } = await passPages(browser, end, {
      ...who,
      redirectUri: vault.redirectUri
    })
    t.ok(callbackUrl.searchParams.has('code'))
  }
)

t.test(
  'an operator may want a second factor of everybody, at devices and pages without a client too (R-50)',
  async t => {
    const strict = await startTestServer(t, { secondFactor: 'required' })
    const who = { ...person, id: strict.accountId }
    for (const path of ['/sign-in', '/sign-in?return_to=/account/security']) {
      const browser = createBrowser({ origin: strict.issuer })
      const page = await browser.follow(await browser.submitForm(await browser.get(path), who))
      t.equal(page.heading, 'Set up an authenticator app', path)
      t.notOk(browser.cookies().has('mintmark_session'))
    }
    const own = createRequests(strict)
    const device = await own.post(
      '/oauth/device',
      { headers: {}, parameters: { client_id: 'tv' } },
      { scope: 'openid' }
    )
    t.equal(device.status, 200)
    const browser = createBrowser({ origin: strict.issuer })
    const entry = await browser.follow(
      await browser.get(String(device.body['verification_uri_complete']))
    )
    // the code, its confirmation, the password
    let page = entry
    for (let turn = 0; turn < 3; turn++) {
      page = await browser.follow(await browser.submitForm(page, who))
    }
    t.equal(page.heading, 'Set up an authenticator app')
  }
)

t.test(
  'an operator takes the factors of somebody away who lost them, and ends what they have',
  async t => {
    const who = await newPerson()
    await giveTotp(server, who.id)
    const { service } = server.server.accounts
    const before = await service.findById(who.id)
    t.match(await service.removeFactors(who.id), { ok: true, changed: true })
    t.match(await service.removeFactors(who.id), { ok: true, changed: false })
    t.not((await service.findById(who.id))?.validAfter, before?.validAfter)
    const { rows } = await server.store.database.run<{ type: string }>(
      'test.events.removed',
      `SELECT type FROM audit_events WHERE account_id = $1 ORDER BY id`,
      [who.id]
    )
    t.strictSame(
      rows.map(({ type }) => type).filter(type => type !== 'account.created'),
      ['totp.removed', 'sign_out']
    )
    const browser = createBrowser({ origin: issuer })
    await browser.submitForm(await browser.get('/sign-in'), who)
    t.equal((await browser.get('/sign-in')).heading, 'You are signed in')
  }
)
