// The second factor in a sign-in, at the real server: asked for where the account, the operator, the client or the request wants one, and
// never left out. Codes are real, and so is the database.

import t from 'tap'
import { createBrowser } from '../support/browser.ts'
import { giveTotp } from '../support/second-factor.ts'
import { person, startTestServer } from '../support/server.ts'

const server = await startTestServer(t)
const { issuer, accountId } = server
const app = await giveTotp(server, accountId)
t.beforeEach(() => app.refill())

t.test('a password alone signs nobody in who has a factor (ASVS v5.0.0 §6.3.3)', async t => {
  const browser = createBrowser({ origin: issuer })
  const page = await browser.follow(await browser.submitForm(await browser.get('/sign-in'), person))
  t.equal(page.status, 200)
  t.equal(page.heading, 'Enter your code')
  t.notOk(browser.cookies().has('mintmark_session'))
  const wrong = await browser.submitForm(page, { code: '000000' })
  t.equal(wrong.status, 422)
  const done = await browser.submitForm(wrong, { code: app.code() })
  t.equal(done.status, 303)
  t.ok(browser.cookies().has('mintmark_session'))
  t.match((await browser.get('/sign-in')).heading, 'You are signed in')
})
