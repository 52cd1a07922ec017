// Signing up and a forgotten password, at the real server with a mail server of the test's own: from the page over the mail back to the page.

import t from 'tap'
import { createRequests } from '../protocol/requests.ts'
import { type Browser, createBrowser, type Page } from '../support/browser.ts'
import { linkOf } from '../support/mail-server.ts'
import { giveTotp } from '../support/second-factor.ts'
import { passphrase, startMailSetting, to } from './setting.ts'

const setting = await startMailSetting(t)
const { smtp, server, issuer, database, browse, rows, turnClock, forgive, emptied } = setting
const { askToSignUp, askForReset, signIn, newAccount, choose } = setting
const requests = createRequests(server)

t.test('sign up: the mail leads to an account, which signs in where it began', async t => {
  const browser = browse()
  const first = await browser.get('/sign-in?return_to=%2Fdevice')
  const link = /id="sign-up" href="([^"]+)"/.exec(first.html)?.[1]?.replaceAll('&amp;', '&') ?? ''
  const asked = await browser.submitForm(await browser.get(link), { email: 'Grace@Example.com' })
  t.equal(asked.status, 200)
  t.equal(asked.heading, 'Check your mail')
  t.equal((await rows(`SELECT FROM accounts WHERE login = 'grace@example.com'`)).length, 0)

  const mail = await smtp.next(to('Grace@example.com'))
  t.equal(mail.from, 'no-reply@id.example')
  t.equal(mail.headers.get('subject'), 'Create your mintmark account')
  const url = linkOf(mail, '/sign-up/finish')
  t.equal(url.origin, issuer)
  t.match(mail.html, `<a href="${url.href.replaceAll('&', '&amp;')}">`)
  await emptied()

  // a mail scanner opens it, twice
  for (const scanner of [browse(), browse()]) {
    t.equal((await scanner.get(url)).status, 200)
  }
  const page = await browser.get(url)
  t.match(page.html, 'autocomplete="new-password"')
  t.match(page.html, 'autocomplete="username" value="Grace@example.com"')
  const weak = await choose(browser, page, 'password')
  t.equal(weak.status, 422)
  t.match(weak.html, '<p class="field-problem" id="password-problem">')
  const different = await browser.submitForm(page, {
    name: 'Grace',
    password: passphrase,
    password_again: 'another long one'
  })
  t.match(different.html, 'The two passwords are not the same.')
  t.match(different.html, 'value="Grace"')
  const made = await browser.submitForm(different, {
    password: passphrase,
    password_again: passphrase
  })
  t.equal(made.status, 303)
  t.equal(browser.cookies().get('mintmark_session'), undefined, 'it signs nobody in')
  const done = await browser.follow(made)
  t.equal(done.heading, 'Your account is ready')
  const back = /id="go-on" href="([^"]+)"/.exec(done.html)?.[1] ?? ''
  t.equal(back, '/sign-in?return_to=%2Fdevice')
  const signedIn = await browser.submitForm(await browser.get(back), {
    login: 'GRACE@example.com',
    password: passphrase
  })
  t.equal(signedIn.location?.pathname, '/device')
  const [account] = await rows<Record<string, unknown>>(
    `SELECT login, name, email, email_verified, locale FROM accounts WHERE login = 'grace@example.com'`
  )
  t.same(account, {
    login: 'grace@example.com',
    name: 'Grace',
    email: 'Grace@example.com',
    email_verified: true,
    locale: 'en'
  })
  t.equal((await browse().get(url)).heading, 'This link does not work any more', 'once')
  t.equal((await choose(browser, page, passphrase)).status, 404)
})

t.test('sign up inside the sign-in of an app leads back to it', async t => {
  await forgive()
  const browser = browse()
  const page = await browser.follow(await requests.authorize({ browser }))
  t.match(page.url.pathname, /^\/interaction\//)
  const link = /id="sign-up" href="([^"]+)"/.exec(page.html)?.[1] ?? ''
  await browser.submitForm(await browser.get(link), { email: 'mary@example.com' })
  const url = linkOf(await smtp.next(to('mary@example.com')), '/sign-up/finish')
  t.equal(url.searchParams.get('return_to'), page.url.pathname)
  const done = await browser.follow(await choose(browser, await browser.get(url), passphrase))
  const back = /id="go-on" href="([^"]+)"/.exec(done.html)?.[1] ?? ''
  const answer = await browser.submitForm(await browser.get(back), {
    login: 'mary@example.com',
    password: passphrase
  })
  t.equal(answer.status, 303)
  t.match(answer.location?.pathname, /^\/authorize\//)
  const elsewhere = linkOf(
    await (async () => {
      await askToSignUp(browse(), 'other@example.com', '//evil.example')
      return smtp.next(to('other@example.com'))
    })(),
    '/sign-up/finish'
  )
  t.equal(elsewhere.searchParams.get('return_to'), null, 'nowhere but to pages of ours')
})

t.test(
  'whoever has an account is answered in the same bytes as who has none, at sign-up and reset (R-55)',
  async t => {
    await forgive()
    await newAccount('known@example.com')
    const sent = async (ask: (browser: Browser) => Promise<Page>, name: string) => {
      const { html, status, headers } = await ask(browse())
      const told = [...headers].filter(([key]) => !['date', 'set-cookie'].includes(key))
      return { status, html: html.replaceAll(name, 'NAME'), told: JSON.stringify(told) }
    }
    const length = { known: 'known@example.com', nobody: 'other@example.net' }
    for (const ask of [askToSignUp, askForReset]) {
      const known = await sent(browser => ask(browser, length.known), length.known)
      const nobody = await sent(browser => ask(browser, length.nobody), length.nobody)
      t.same(known, nobody)
      t.equal(known.status, 200)
    }
    const subjects = [
      await smtp.next(to('known@example.com')),
      await smtp.next(to('known@example.com'))
    ].map(mail => mail.headers.get('subject'))
    t.same(subjects.sort(), [
      'Set a new password for mintmark',
      'You already have a mintmark account'
    ])
    await smtp.next(to('other@example.net'))
    t.equal(smtp.mails.filter(to('other@example.net')).length, 0, 'a reset writes to nobody else')

    // the work is the same: the round trips of one are those of the other
    await forgive()
    const trips = async (work: () => Promise<unknown>) =>
      (await server.counted(work)).roundTrips
        .filter(names => names.some(name => /^(attempts|mail_links)\./.test(name)))
        .map(names => names.join())
    for (const ask of [askToSignUp, askForReset]) {
      const [one, other] = [browse(), browse()]
      t.same(
        await trips(() => ask(one, length.known)),
        await trips(() => ask(other, length.nobody))
      )
    }
  }
)

t.test(
  'a reset sets a password, ends sessions, grants and sign-ins that have begun, and signs nobody in (check 173)',
  async t => {
    await forgive()
    const account = await newAccount('reset@example.com')
    const browser = browse()
    await signIn(browser, 'reset@example.com', passphrase)
    t.equal((await browser.get('/account/grants')).status, 200)
    await database.run(
      'test.pending',
      `INSERT INTO pending_sign_ins (id, account_id, amr, expires_at)
       VALUES ('\\x01', $1, '{pwd}', clock_time() + interval '5 minutes')`,
      [account.id]
    )
    const other = browse()
    await askForReset(other, 'reset@example.com')
    const url = linkOf(await smtp.next(to('reset@example.com')), '/reset-password/new')
    const page = await other.get(url)
    t.match(page.html, 'autocomplete="username" value="reset@example.com"')
    t.equal((await choose(other, page, 'short')).status, 422, 'and the link is not spent')
    const answer = await choose(other, page, 'the new passphrase of today')
    t.equal(answer.location?.pathname, '/reset-password/done')
    t.match((await other.follow(answer)).html, 'href="/sign-in"')
    t.equal(other.cookies().get('mintmark_session'), undefined)
    t.equal((await browser.get('/account/grants')).status, 303, 'signed out everywhere')
    t.equal((await signIn(browse(), 'reset@example.com', passphrase)).status, 422)
    t.equal(
      (await signIn(browse(), 'reset@example.com', 'the new passphrase of today')).status,
      303
    )
    t.equal((await choose(other, page, 'yet another passphrase')).status, 404, 'once')
    t.match(
      (await smtp.next(to('reset@example.com'))).headers.get('subject'),
      'Your mintmark password was reset'
    )
    const [pending] = await rows<{ live: boolean }>(
      `SELECT p.started_at > a.valid_after AS live FROM pending_sign_ins p JOIN accounts a ON a.id = p.account_id`
    )
    t.equal(pending?.live, false)
  }
)

t.test(
  'a reset leaves the second factor, which is asked for as before (CVE-2026-18963)',
  async t => {
    await forgive()
    const { id } = await newAccount('factor@example.com')
    const app = await giveTotp(server, id)
    const browser = browse()
    await askForReset(browser, 'factor@example.com')
    const url = linkOf(await smtp.next(to('factor@example.com')), '/reset-password/new')
    await choose(browser, await browser.get(url), 'the new passphrase of today')
    const sent = await signIn(browser, 'factor@example.com', 'the new passphrase of today')
    const page = await browser.follow(sent)
    t.equal(page.heading, 'Enter your code')
    t.equal((await browser.get('/account')).status, 303, 'nobody is signed in yet')
    const answer = await browser.submitForm(page, { code: app.code() })
    t.equal((await browser.follow(answer)).url.pathname, '/device')
    t.equal((await browser.get('/account')).status, 200)
  }
)

t.test(
  'reset links: of any number at once one counts; too old, overtaken by a newer one or by another password, none (R-59)',
  async t => {
    await forgive()
    const account = await newAccount('links@example.com')
    const ask = async () => {
      await forgive()
      await askForReset(browse(), 'links@example.com')
      return linkOf(await smtp.next(to('links@example.com')), '/reset-password/new')
    }
    const opened = async (url: URL) => {
      const browser = browse()
      return { browser, page: await browser.get(url) }
    }
    const set = (each: { browser: Browser; page: Page }) =>
      choose(each.browser, each.page, `of attempt ${Math.random()}`)

    const first = await opened(await ask())
    const second = await ask()
    t.equal((await set(first)).status, 404, 'the newer one counts')
    const tabs = await Promise.all([1, 2, 3, 4].map(() => opened(second)))
    const statuses = (await Promise.all(tabs.map(set))).map(answer => answer.status)
    t.same(statuses.sort(), [303, 404, 404, 404])
    await smtp.next(to('links@example.com'))

    const late = await opened(await ask())
    await turnClock(901)
    t.equal((await set(late)).status, 404)
    await turnClock(0)
    const before = await opened(await ask())
    await server.server.accounts.service.setPassword(account.id, 'by the operator, today', 'cli')
    t.equal((await set(before)).status, 404)
    await smtp.next(to('links@example.com'))
    const disabled = await opened(await ask())
    await server.server.accounts.service.disable(account.id, 'cli')
    t.equal((await set(disabled)).status, 404)
    await forgive()
    await askForReset(browse(), 'links@example.com')
    t.equal(
      (await rows("SELECT FROM mails WHERE kind <> 'none'")).length,
      0,
      'nor does a disabled account get one'
    )
    const garbage = await browse().get('/reset-password/new?token=nothing&token=twice')
    t.equal(garbage.status, 404)
    const urlOfReset = new URL(second)
    urlOfReset.pathname = '/confirm-email'
    t.equal((await browse().get(urlOfReset)).status, 404, 'a link is for its own purpose')
  }
)

t.test('links lead to the issuer, whatever a request says of itself (R-46)', async t => {
  await forgive()
  await newAccount('host@example.com')
  for (const headers of [
    { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' },
    { forwarded: 'host=evil.example;proto=https', 'x-original-host': 'evil.example' },
    { origin: issuer, referer: 'https://evil.example/' }
  ] as Record<string, string>[]) {
    t.equal((await askForReset(browse(), 'host@example.com', headers)).status, 200)
    const mail = await smtp.next(to('host@example.com'))
    t.equal(linkOf(mail, '/reset-password/new').origin, issuer)
    t.notMatch(mail.raw, 'evil.example')
  }
})

t.test('a name that is a list, or an address that is two, asks for nothing (R-56)', async t => {
  await forgive()
  await newAccount('one@example.com')
  const browser = browse()
  const page = await browser.get('/reset-password')
  const csrf = page.forms.find(each => each.fields.has('csrf'))?.fields.get('csrf') ?? ''
  const twice = new URLSearchParams([
    ['csrf', csrf],
    ['login', 'one@example.com'],
    ['login', 'evil@example.net']
  ])
  t.equal((await browser.post('/reset-password', twice)).status, 400)
  for (const login of ['one@example.com,evil@example.net', 'one@example.com\r\nBcc: evil@x.net']) {
    t.equal((await askForReset(browse(), login)).status, 200)
  }
  t.equal((await rows('SELECT FROM mails')).length, 0)
  t.equal(smtp.mails.filter(to('one@example.com')).length, 0)
})

t.test('addresses that are no single mailbox are refused before any mail (check 175)', async t => {
  await forgive()
  for (const email of [
    'a@b@example.com',
    'a@example.com\r\nBcc: x@example.net',
    'a%0d%0a@example.com',
    'a(comment)@example.com',
    '"a b"@example.com',
    'a＠example.com',
    'a@example.com, b@example.com',
    'mıke@example.com',
    'ａda@example.com',
    'a@[127.0.0.1]',
    'nobody'
  ]) {
    const answer = await askToSignUp(browse(), email)
    if (email === 'a%0d%0a@example.com') {
      t.equal(answer.status, 200, 'a percent sign is a letter like others')
      await smtp.next(to(email))
    } else t.equal(answer.status, 422, email)
  }
  t.equal((await rows('SELECT FROM mails')).length, 0)
})

t.test('limits: per address exactly, with the same answer, over any number at once', async t => {
  await forgive()
  await newAccount('limit@example.com')
  const pages = await Promise.all(
    Array.from({ length: 12 }, () => askForReset(browse(), 'limit@example.com'))
  )
  const bodies = new Set(pages.map(page => `${page.status} ${page.html}`))
  t.equal(bodies.size, 1, 'whoever is over the limit is told the same')
  const [counted] = await rows<{ count: number }>(
    `SELECT count FROM attempts WHERE kind = 'mail.mailbox'`
  )
  t.ok((counted?.count ?? 0) >= 6)
  const mails = []
  for (let sent = 0; sent < 5; sent += 1) mails.push(await smtp.next(to('limit@example.com')))
  await emptied()
  t.equal(smtp.mails.filter(to('limit@example.com')).length, 0, 'five, and not one more')
})

t.test('a Korean page makes a Korean mail, and an account its own language', async t => {
  await forgive()
  const korean = createBrowser({ origin: issuer, headers: { 'accept-language': 'ko' } })
  await askToSignUp(korean, 'hana@example.com')
  const mail = await smtp.next(to('hana@example.com'))
  t.equal(mail.headers.get('subject'), 'mintmark 계정 만들기')
  t.match(mail.html, '<html lang="ko" dir="ltr">')
  await newAccount('english@example.com')
  await askForReset(korean, 'english@example.com')
  const english = await smtp.next(to('english@example.com'))
  t.match(english.headers.get('subject'), 'Set a new password')
})

t.test('no token, address or password is in the log, and no referrer leads out', async t => {
  const text = JSON.stringify(server.log)
  t.notMatch(text, /token=[A-Za-z0-9_-]{20}/)
  t.notOk(text.includes(passphrase))
  t.notMatch(text, 'reset@example.com')
  const page = await browse().get('/reset-password/new?token=x')
  t.equal(page.headers.get('referrer-policy'), 'no-referrer')
})
