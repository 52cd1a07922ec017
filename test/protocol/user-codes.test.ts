// User codes (RFC 8628 §5.1, §6.1; RFC 10027 §6.1): how they may be typed, and how often somebody may try one that is not there. The server believes
// the test about addresses, so that a browser can be anywhere.

import t from 'tap'
import { ofAll } from '../../src/protocol/user-code-guesses.ts'
import { type Browser, createBrowser, type Page } from '../support/browser.ts'
import { startTestServer } from '../support/server.ts'
import { requestDeviceCode } from './device-approval.ts'
import { createRequests } from './requests.ts'

const server = await startTestServer(t, { trustedProxies: ['127.0.0.1', '::1'] })
const requests = createRequests(server)
const { issuer } = requests

t.afterEach(async () => {
  await requests.turnClock(0)
  // wrong codes of one test are not those of the next
  await server.store.database.run('test.forget', 'DELETE FROM attempts')
})

const start = async () => ({ user_code: (await requestDeviceCode(requests)).userCode })

const browserAt = (address: string) =>
  createBrowser({ origin: issuer, headers: { 'x-forwarded-for': address } })
const newBrowser = () => browserAt('192.0.2.1')

/** Types a code in and sees what comes: the page with the code to compare, or the same page with a problem. */
async function enter(code: string, browser: Browser): Promise<Page> {
  const page = await browser.get('/device')
  return browser.submitForm(page, { user_code: code })
}

t.test(
  'an unknown code is said on the page, and the field keeps what was typed (RFC 8628 §3.3)',
  async t => {
    for (const code of [
      'BBBB-BBBB',
      '',
      '   ',
      '<script>',
      'BBBB-BBBB-BBBB',
      '\u0411\u0411\u0411\u0411'
    ]) {
      const page = await enter(code, browserAt(`192.0.2.${code.length}`))
      t.ok(page.status < 500, `${page.status}`)
      t.ok(
        page.forms.some(({ fields }) => fields.has('user_code')),
        JSON.stringify(code)
      )
      t.notMatch(page.html, /<script>/)
    }
  }
)

t.test(
  'more than five wrong codes a minute are too many, for one address (RFC 8628 §5.1)',
  async t => {
    const device = await start()
    const wrong = () => enter('BBBB-BBBB', browserAt('203.0.113.7'))
    for (let i = 0; i < 5; i += 1) t.equal((await wrong()).status, 200)
    const refused = await wrong()
    t.equal(refused.status, 429)
    t.ok(Number(refused.headers.get('retry-after')) > 0)
    t.match(refused.html, /Too many wrong codes/)
    const right = await enter(device.user_code, browserAt('203.0.113.7'))
    t.equal(right.status, 429, 'nor is a right one looked at')
    t.notMatch(right.html, /Example TV/)
    t.match(
      (await enter(device.user_code, browserAt('203.0.113.8'))).html,
      /Example TV/,
      'elsewhere'
    )
    await wrong()
    const { rows } = await server.store.database.run<{ count: number }>(
      'test.throttled',
      `SELECT count(*)::int AS count FROM audit_events WHERE type = 'device.throttled'`
    )
    t.equal(rows[0]?.count, 1, 'told once')
    await requests.turnClock(61)
    t.match((await enter(device.user_code, browserAt('203.0.113.7'))).html, /Example TV/)
  }
)

t.test('nor from many addresses in one session, nor from everywhere (RFC 8628 §5.1)', async t => {
  const device = await start()
  const browser = newBrowser()
  const at = async (address: string, user_code: string) => {
    const page = await browser.get('/device')
    const xsrf = page.forms.find(({ fields }) => fields.has('xsrf'))?.fields.get('xsrf') ?? ''
    return browser.post('/device', { xsrf, user_code }, { 'x-forwarded-for': address })
  }
  const statuses = []
  for (let i = 1; i < 7; i += 1) statuses.push((await at(`203.0.113.${i}`, 'BBBB-BBBB')).status)
  t.same(statuses, [200, 200, 200, 200, 200, 429])
  await server.store.database.run(
    'test.nearly',
    `UPDATE attempts SET count = ${ofAll} WHERE kind = 'user_code.all'`
  )
  t.equal((await enter(device.user_code, browserAt('198.51.100.1'))).status, 429)
  await requests.turnClock(601)
  const later = await start()
  t.match((await enter(later.user_code, browserAt('198.51.100.1'))).html, /Example TV/)
})

t.test(
  'guessing a code while it lives succeeds once in a million at most (RFC 8628 §5.1)',
  async t => {
    const { user_code } = await start()
    const letters = user_code.replace('-', '').length
    // two windows meet while one code lives
    t.ok((2 * ofAll) / 20 ** letters <= 2 ** -20)
  }
)

t.test('right codes are not counted', async t => {
  for (let i = 0; i < 7; i += 1) {
    const { user_code } = await start()
    t.match((await enter(user_code, browserAt('203.0.113.9'))).html, /Example TV/)
  }
})

t.test(
  'a code may be typed in small letters, without the dash, with blanks (RFC 8628 §6.1)',
  async t => {
    const spellings: ((code: string) => string)[] = [
      code => code.toLowerCase(),
      code => code.replace('-', ''),
      code => code.toLowerCase().replace('-', ' '),
      code => ` ${code} `,
      code => code.split('').join(' ')
    ]
    for (const spelled of spellings) {
      const { user_code } = await start()
      const page = await enter(spelled(user_code), newBrowser())
      t.match(page.html, new RegExp(user_code), JSON.stringify(spelled(user_code)))
    }
  }
)
