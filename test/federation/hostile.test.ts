// A provider that lies, and people who meddle with what comes back: nobody is signed in, no account is made, and the person is told what to do
// in a page, never a 500. Each refusal is shown beside the same answer without the lie, which signs in.

import type { RequestListener } from 'node:http'
import t from 'tap'
import { type Browser, createBrowser, type Page } from '../support/browser.ts'
import { registration, startOpenidProvider } from '../support/openid-provider.ts'
import { person, startTestServer } from '../support/server.ts'
import { asUpstream } from './bare.ts'
import { idTokenLies } from './lies.ts'
import { entry, visitsOf } from './visits.ts'

const evil = await startOpenidProvider(t)
const other = await startOpenidProvider(t)
const down = await startOpenidProvider(t)
evil.userinfo = { sub: 'nobody' }
const server = await startTestServer(t, {
  upstreams: [
    entry('evil', evil, { emails: 'trusted' }),
    entry('other', other),
    entry('down', down),
    { ...entry('off', other), issuer: 'http://localhost:1/', enabled: false }
  ]
})
const { issuer, log } = server
const visits = visitsOf(server)
const mine = { sub: 'person-1', email: 'eve@evil.example', email_verified: true, name: 'Eve' }

const { rows, isSignedIn } = visits
const accounts = async () => (await rows('SELECT id FROM accounts')).length
const session = (browser: Browser) => browser.cookies().get('mintmark_session')

const leave = (browser: Browser, id = 'evil', page?: Page) => visits.leave(browser, id, page)
const signsIn = (provider = evil, id = 'evil', claims: Record<string, unknown> = mine) =>
  visits.signsIn(id, provider, claims)

t.test('the honest way: a button, there, back, signed in where it was asked for', async t => {
  const browser = createBrowser({ origin: issuer })
  const page = await browser.get('/sign-in?return_to=%2Fdevice')
  t.match(page.html, 'Continue with <bdi class="name">EVIL</bdi>')
  t.notMatch(page.html, 'OFF', 'one that is switched off has no button')
  // browsers apply it to where a form's answer leads
  t.notMatch(page.headers.get('content-security-policy'), 'form-action')
  const away = await leave(browser, 'evil', page)
  t.equal(away.status, 303)
  const query = away.location?.searchParams
  t.equal(away.location?.origin, evil.issuer)
  t.equal(query?.get('redirect_uri'), `${issuer}/sign-in/upstream/evil/callback`)
  t.equal(query?.get('code_challenge_method'), 'S256')
  t.equal(query?.get('response_type'), 'code')
  t.equal(query?.get('scope'), 'openid email profile')
  for (const name of ['state', 'nonce', 'code_challenge']) {
    t.match(query?.get(name), /^[\w-]{43}$/, name)
  }
  const cookie = browser.cookie('mintmark_upstream')
  t.match(cookie, { httpOnly: true, sameSite: 'Lax', path: '/' })
  const back = await browser.get(evil.authorize(away.location, mine))
  t.equal(back.status, 303)
  t.equal(back.location?.pathname, '/sign-in', 'to the sign-in that it belongs to')
  const end = await browser.follow(back, url => url.pathname === '/device')
  t.equal(end.location?.pathname, '/device')
  t.ok(await isSignedIn(browser))
  const [account] = await rows<Record<string, unknown>>(
    `SELECT login, email, email_verified, name, password FROM accounts WHERE email = '${mine.email}'`
  )
  t.match(account, { email_verified: true, name: 'Eve', password: null })
  t.match(account?.['login'], /^u-[0-9a-f]{32}$/, 'a random login')
  const [linked] = await rows('SELECT issuer, subject, upstream, label FROM linked_identities')
  t.same(linked, {
    ...{ issuer: evil.issuer, subject: 'person-1', upstream: 'evil', label: mine.email }
  })
  const before = await accounts()
  t.ok(await signsIn(), 'and again')
  t.equal(await accounts(), before, 'the same account')
})

t.test('an interaction of an app goes on where it was', async t => {
  const browser = createBrowser({ origin: issuer })
  const query = new URLSearchParams({
    ...{ client_id: 'web', response_type: 'code', scope: 'openid', state: 'x' },
    redirect_uri: 'https://app.example.com/callback',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256'
  })
  const page = await browser.follow(await browser.get(`/authorize?${query}`))
  const away = await leave(browser, 'evil', page)
  const back = await browser.get(evil.authorize(away.location, mine))
  t.match(back.location?.pathname, /^\/interaction\//)
  const consent = await browser.follow(back)
  t.match(consent.heading, 'wants to access')
  const done = await browser.follow(await browser.submitForm(consent))
  t.match(done.location?.href, /^https:\/\/app\.example\.com\/callback\?code=/)
})

t.test(
  'an ID token that is not theirs, not for us, or not for this request (check 179)',
  async t => {
    const lies = await idTokenLies(evil, other.issuer)
    const before = await accounts()
    for (const [lie, forge] of Object.entries(lies)) {
      const browser = createBrowser({ origin: issuer })
      const away = await leave(browser)
      evil.forge = claims => forge({ ...claims, sub: 'forged' })
      const back = await browser.get(evil.authorize(away.location, mine))
      evil.honest()
      t.equal(back.status, 502, lie)
      t.equal(back.heading, 'That sign-in did not work', lie)
      t.match(back.html, 'href="/sign-in?return_to=%2Fdevice">Other ways to sign in', lie)
      t.notOk(await isSignedIn(browser), lie)
    }
    t.equal(await accounts(), before)
    t.same(await rows(`SELECT 1 FROM linked_identities WHERE subject = 'forged'`), [])
    t.ok(await signsIn(), 'the honest one still works')
  }
)

t.test(
  'a subject is a text of at most 255 ASCII characters, and nothing else (check 177)',
  async t => {
    const before = await accounts()
    for (const sub of [
      null,
      '',
      17,
      0,
      true,
      ['x'],
      { a: 1 },
      'x'.repeat(256),
      'a\nb',
      'ä',
      ' x',
      undefined
    ]) {
      const browser = createBrowser({ origin: issuer })
      const away = await leave(browser)
      const back = await browser.get(evil.authorize(away.location, { ...mine, sub }))
      t.equal(back.status, 502, JSON.stringify(sub))
      t.notOk(await isSignedIn(browser))
    }
    t.equal(await accounts(), before)
    t.ok(await signsIn(other, 'other', { sub: 'person-1' }), 'the same subject of another issuer')
    t.equal(await accounts(), before + 1, 'is another person')
    const owners = await rows<{ account_id: string }>(
      `SELECT account_id FROM linked_identities WHERE subject = 'person-1'`
    )
    t.equal(new Set(owners.map(row => row.account_id)).size, 2)
  }
)

t.test('an answer that this browser did not ask for, or asked another for (check 178)', async t => {
  const asked = createBrowser({ origin: issuer })
  const away = await leave(asked)
  const to = evil.authorize(away.location, mine)

  const elsewhere = createBrowser({ origin: issuer })
  t.equal((await elsewhere.get(to)).status, 400, 'another browser, without a cookie')
  await leave(elsewhere)
  t.equal((await elsewhere.get(to)).status, 400, 'another browser, with a cookie of its own')
  t.notOk(session(elsewhere))

  const mixed = new URL(to)
  mixed.pathname = '/sign-in/upstream/other/callback'
  t.equal((await asked.get(mixed)).status, 400, 'at the address of another provider')
  mixed.pathname = '/sign-in/upstream/off/callback'
  t.match((await asked.get(mixed)).html, 'not offered here', 'at that of one that is off')
  mixed.pathname = '/sign-in/upstream/nobody/callback'
  t.equal((await asked.get(mixed)).status, 400)

  for (const query of ['', '?code=x', '?state=', `?code=x&state=${'x'.repeat(43)}`]) {
    const page = await asked.get(`/sign-in/upstream/evil/callback${query}`)
    t.equal(page.status, 400, `unsolicited: ${query}`)
    t.equal(page.heading, 'That sign-in is over')
  }
  const twice = new URL(to)
  twice.searchParams.append('state', 'x')
  t.equal((await asked.get(twice)).status, 400, 'a parameter that is there twice')

  t.equal((await asked.get(to)).status, 303, 'all of that has spent nothing')
  t.equal((await asked.get(to)).status, 400, 'and once is all')
})

t.test('of parallel answers exactly one counts', async t => {
  const browser = createBrowser({ origin: issuer })
  const away = await leave(browser)
  const to = evil.authorize(away.location, mine)
  const asked = evil.asked.length
  const answers = await Promise.all(Array.from({ length: 8 }, () => browser.get(to)))
  const statuses = answers.map(({ status }) => status).sort()
  t.same(statuses, [303, 400, 400, 400, 400, 400, 400, 400])
  t.same(
    evil.asked.slice(asked).filter(line => line === 'POST /token'),
    ['POST /token'],
    'and the code goes out once'
  )
})

t.test('a code of another request does not fit: PKCE and nonce (code injection)', async t => {
  const victim = createBrowser({ origin: issuer })
  const stolen = evil.authorize((await leave(victim)).location, mine)
  const attacker = createBrowser({ origin: issuer })
  const own = evil.authorize((await leave(attacker)).location, { sub: 'attacker' })
  own.searchParams.set('code', stolen.searchParams.get('code') ?? '')
  const back = await attacker.get(own)
  t.equal(back.status, 502)
  t.notOk(await isSignedIn(attacker))
})

t.test('iss of the answer is looked at where it is told or promised (RFC 9207 §2.4)', async t => {
  const browser = createBrowser({ origin: issuer })
  const told = evil.authorize((await leave(browser)).location, mine, 'told')
  t.equal((await browser.get(told)).status, 303, 'told rightly')
  const second = createBrowser({ origin: issuer })
  const wrong = evil.authorize((await leave(second)).location, mine)
  wrong.searchParams.set('iss', other.issuer)
  t.equal((await second.get(wrong)).status, 502, 'told wrongly')
  const promising = await startOpenidProvider(t)
  promising.metadata = { authorization_response_iss_parameter_supported: true }
  const strict = await startTestServer(t, { upstreams: [entry('strict', promising)] })
  const strictBrowser = createBrowser({ origin: strict.issuer })
  const strictAway = await visitsOf(strict).leave(strictBrowser, 'strict')
  const without = promising.authorize(strictAway.location, mine)
  t.equal((await strictBrowser.get(without)).status, 502, 'promised, and not told')
})

t.test('an error of theirs is a page in our words', async t => {
  for (const [error, status, heading] of [
    ['access_denied', 200, 'You did not sign in'],
    ['temporarily_unavailable', 503, 'That way to sign in does not answer'],
    ['server_error', 503, 'That way to sign in does not answer'],
    ['invalid_scope', 502, 'That sign-in did not work'],
    ['<script>alert(1)</script>', 502, 'That sign-in did not work'],
    ['x\r\nset-cookie: a=b', 502, 'That sign-in did not work']
  ] as const) {
    const browser = createBrowser({ origin: issuer })
    const back = evil.authorize((await leave(browser)).location, mine)
    back.searchParams.delete('code')
    back.searchParams.set('error', error)
    back.searchParams.set('error_description', 'call 555-1234 now')
    const page = await browser.get(back)
    t.equal(page.status, status, error)
    t.equal(page.heading, heading, error)
    t.notMatch(page.html, /555-1234|alert\(1\)/, 'nothing of theirs')
    t.notOk(browser.cookies().has('a'))
    t.notOk(await isSignedIn(browser))
  }
  t.notMatch(JSON.stringify(log), '555-1234', 'and not in the log (R-92)')
})

t.test('userinfo of somebody else is not believed (Core §5.3.2)', async t => {
  const browser = createBrowser({ origin: issuer })
  const away = await leave(browser)
  evil.userinfo = { sub: 'the administrator', email: person.login, email_verified: true }
  const back = await browser.get(evil.authorize(away.location, { sub: 'person-2' }))
  t.equal(back.status, 502)
  evil.userinfo = { sub: 'person-2', email: 'two@evil.example', email_verified: true }
  t.ok(await signsIn(evil, 'evil', { sub: 'person-2' }), 'its own is')
  const [row] = await rows<{ email: string }>(
    `SELECT email FROM accounts WHERE email = 'two@evil.example' AND email_verified`
  )
  t.ok(row)
})

t.test('keys, tokens and userinfo that are huge, redirect, or are no JSON', async t => {
  const hostile: Record<string, RequestListener> = {
    huge: (_request, response) => {
      response.setHeader('content-type', 'application/json')
      response.write('{"keys":[')
      const more = () => {
        while (response.write(' '.repeat(65_536)));
      }
      response.on('drain', more)
      more()
    },
    redirect: (_request, response) =>
      response.writeHead(302, { location: `${other.issuer}/jwks` }).end(),
    'no JSON': (_request, response) => response.end('<html>'),
    'a list': (_request, response) =>
      response.setHeader('content-type', 'application/json').end('[1]'),
    'status 500': (_request, response) => response.writeHead(500).end('boom secret-of-theirs'),
    hangup: request => request.socket.destroy()
  }
  for (const [kind, answer] of Object.entries(hostile)) {
    for (const path of ['/jwks', '/token', '/userinfo']) {
      // keys are kept for a while: a provider of its own for each
      const fresh = await startOpenidProvider(t)
      fresh.userinfo = { sub: 'person-1' }
      const upstream = asUpstream(fresh)
      const begun = await upstream.begin()
      fresh.answers.set(path, answer)
      const finished = await upstream.finish(fresh.authorize(begun, { sub: 'person-1' }))
      t.equal(finished.ok, false, `${path}: ${kind}`)
      if (!finished.ok && kind !== 'no JSON' && kind !== 'a list') {
        t.equal(finished.reason, 'unavailable', `${path}: ${kind}`)
      }
    }
  }
})

t.test('a provider that cannot be asked is a page with the other ways, not a 500', async t => {
  const json = (body: object): RequestListener => {
    return (_request, response) => {
      response.setHeader('content-type', 'application/json').end(JSON.stringify(body))
    }
  }
  const answers: Record<string, RequestListener> = {
    'status 503': (_request, response) => response.writeHead(503).end(),
    'metadata of another': json({ issuer: other.issuer }),
    'no endpoint': json({ issuer: down.issuer })
  }
  for (const [kind, answer] of Object.entries(answers)) {
    down.answers.set('/.well-known/openid-configuration', answer)
    const browser = createBrowser({ origin: issuer })
    const page = await leave(browser, 'down')
    t.equal(page.status, 503, kind)
    t.equal(page.heading, 'That way to sign in does not answer', kind)
    t.match(page.html, 'href="/sign-in?return_to=%2Fdevice">Other ways to sign in')
    const form = await browser.get('/sign-in?return_to=%2Fdevice')
    const signedIn = await browser.submitForm(form, person)
    t.equal(signedIn.location?.pathname, '/device', 'a password still does')
  }
  down.answers.clear()
  t.ok(await signsIn(down, 'down', { sub: 'x' }), 'and it is asked again once it is back')
  t.same(await rows(`SELECT 1 FROM upstream_requests WHERE upstream = 'down'`), [])
})

t.test('what they call a person is text, and an address that is none is nobody’s', async t => {
  const claims = {
    sub: 'names',
    name: 'Mallory\r\nset-cookie: x=y\u202e<script>alert(1)</script>',
    picture: 'javascript:alert(1)',
    locale: '../../etc/passwd'
  }
  for (const [index, email] of [
    'eve@evil.example\r\nBcc: all@example.com',
    'eve@evil.example,ada@example.com',
    'ada@example.com@evil.example',
    '"ada@example.com"@evil.example',
    'ada＠example.com',
    'ada(comment)@example.com',
    ['ada@example.com'],
    { email: 'ada@example.com' },
    'x'.repeat(2_000)
  ].entries()) {
    t.ok(
      await signsIn(evil, 'evil', { ...claims, sub: `names-${index}`, email, email_verified: true })
    )
  }
  const made = await rows<Record<string, unknown>>(
    `SELECT a.email, a.name, a.locale, a.claims FROM accounts a JOIN linked_identities i ON i.account_id = a.id
     WHERE i.subject LIKE 'names-%'`
  )
  t.equal(made.length, 9)
  for (const row of made) {
    t.same(row, {
      ...{ email: null, locale: null, claims: {} },
      name: 'Malloryset-cookie: x=y<script>alert(1)</script>'
    })
  }
})

t.test('nothing that opens something is in a column or in the log', async t => {
  const browser = createBrowser({ origin: issuer })
  const away = await leave(browser)
  const query = away.location?.searchParams
  const cookie = browser.cookies().get('mintmark_upstream') ?? ''
  const [kept] = await rows<Record<string, unknown>>(
    `SELECT encode(id, 'escape') AS id, encode(browser, 'escape') AS browser, encode(sealed, 'escape') AS sealed
     FROM upstream_requests ORDER BY expires_at DESC LIMIT 1`
  )
  const text = JSON.stringify(kept) + JSON.stringify(log)
  for (const value of [
    query?.get('state'),
    query?.get('nonce'),
    cookie,
    registration.client_secret
  ]) {
    t.ok(value && !text.includes(value))
  }
  t.notMatch(text, /return_to|device/, 'and not where they were going')
})
