// Development without a mail server: mails go to a page. And who may make an account at all: everybody, whoever was invited, or nobody.

import t from 'tap'
import { composeInvitations } from '../../src/ops/mail-parts.ts'
import { createBrowser } from '../support/browser.ts'
import { testConfig } from '../support/configuration.ts'
import { person, startTestServer } from '../support/server.ts'

const server = await startTestServer(t, { signUp: 'invitation' })
const { issuer, store } = server
const { database } = store
const { seal } = server.server.keys
const parts = { database, seal, ...server.server.accounts }
const browse = () => createBrowser({ origin: issuer })

/** The first link of the outbox that leads there. */
async function linkTo(path: string): Promise<string> {
  for (;;) {
    const { html } = await browse().get('/dev/outbox')
    const link = new RegExp(`href="([^"]*${path}[^"]*)"`).exec(html)?.[1]
    if (link !== undefined) return link.replaceAll('&amp;', '&')
  }
}

t.test('mails of development go to its outbox, where their links work', async t => {
  t.match((await browse().get('/dev/outbox')).html, 'There are none yet.')
  const browser = browse()
  const page = await browser.get('/reset-password')
  await browser.submitForm(page, { login: person.login })
  const link = await linkTo('/reset-password/new')
  t.equal((await browser.get(link)).heading, 'Choose a new password')
  const { rows } = await database.run<{ row: string }>(
    'test.outbox',
    `SELECT outbox_mails::text AS row FROM outbox_mails`
  )
  t.notOk(JSON.stringify(rows).includes('ada@example.com'), 'what is kept is sealed')
})

t.test('an invitation lets in, where nobody else gets in', async t => {
  const browser = browse()
  t.equal((await browser.get('/sign-up')).status, 404)
  t.notMatch((await browser.get('/sign-in')).html, 'id="sign-up"')
  const config = testConfig(issuer, { signUp: 'invitation' })
  const invitations = composeInvitations({ config, ...parts })
  if (typeof invitations === 'string') throw new Error(invitations)
  t.equal(await invitations.invite('a@b@example.com', 'en'), 'email_malformed')
  t.equal(await invitations.invite(person.login, 'en'), 'known')
  t.equal(await invitations.invite('guest@example.com', 'ko'), 'sent')
  const page = await browser.get(await linkTo('/sign-up/finish'))
  const password = 'the passphrase of a guest'
  const made = await browser.submitForm(page, { password, password_again: password })
  t.equal(made.location?.pathname, '/sign-up/done')
  const signIn = await browser.get('/sign-in')
  const answer = await browser.submitForm(signIn, { login: 'guest@example.com', password })
  t.equal(answer.status, 303)
})

t.test('where sign-up is closed, or no mail can be sent, nobody is invited', async t => {
  const closed = testConfig(issuer, { signUp: 'closed' })
  t.equal(composeInvitations({ config: closed, ...parts }), 'closed')
  const production = { ...closed, mode: 'production' as const }
  t.equal(composeInvitations({ config: production, ...parts }), 'no mail')
})

t.test('production without a mail server has no page that needs one', async t => {
  const silent = await startTestServer(
    t,
    {},
    {
      settled: config => ({ ...config, mode: 'production' as const })
    }
  )
  const browser = createBrowser({ origin: silent.issuer })
  const paths = ['/sign-up', '/sign-up/finish', '/reset-password', '/confirm-email', '/dev/outbox']
  for (const path of paths) t.equal((await browser.get(path)).status, 404, path)
  const page = await browser.get('/sign-in?return_to=/account/security')
  t.notMatch(page.html, 'id="forgot-password"')
  const security = await browser.follow(await browser.submitForm(page, person))
  t.notMatch(security.html, 'id="change-email"')
  t.match(security.html, 'id="change-password"')
  t.equal((await browser.get('/account/security/email')).status, 404)
})
