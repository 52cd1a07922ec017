// Sign-in and consent over HTTP: what reaches the ports, and what the browser is told.

import t from 'tap'
import { Fault } from '../../src/lib/fault.ts'
import { buildPages, consentDetails, loginDetails } from './harness.ts'

const url = '/interaction/abc'
const filled = 'csrf=right&prompt=login&login=ada&password=secret'

t.test('the right password goes on with 303 and the account', async t => {
  const { post, calls } = await buildPages(t)
  const response = await post(url, filled)
  t.equal(response.statusCode, 303)
  t.equal(response.headers.location, 'http://localhost:3000/authorize/abc')
  t.equal(response.headers['cache-control'], 'no-store')
  t.strictSame(calls, ['authenticate ada secret 127.0.0.1', 'login account-1 pwd'])
})

t.test(
  'a refusal is 422 with one sentence, whatever the reason; the login stays, the password goes',
  async t => {
    const documents = new Set<string>()
    for (const reason of ['password_mismatch', 'unknown_account', 'account_disabled']) {
      const { post, calls } = await buildPages(t, {
        authenticate: async () => ({ ok: false, reason })
      })
      const response = await post(url, filled)
      t.equal(response.statusCode, 422)
      t.notOk('www-authenticate' in response.headers)
      t.match(response.body, 'Email or password is incorrect.')
      t.match(response.body, 'value="ada"')
      t.notMatch(response.body, 'secret')
      t.equal(calls.length, 1, 'nobody was signed in')
      documents.add(response.body)
    }
    t.equal(documents.size, 1, 'the pages are the same to the byte')
  }
)

t.test('an empty field is told by name and nothing is looked up', async t => {
  const { post, calls } = await buildPages(t)
  const response = await post(url, 'csrf=right&prompt=login&login=&password=')
  t.equal(response.statusCode, 422)
  t.match(response.body, 'Enter your email or username.')
  t.match(response.body, 'Enter your password.')
  t.match((await post(url, 'csrf=right&prompt=login')).statusCode, 422)
  t.strictSame(calls, [])
})

t.test(
  'too many attempts are 429 with Retry-After, a full queue is 503 with Retry-After',
  async t => {
    const throttled = await buildPages(t, {
      authenticate: async () => ({ ok: false, reason: 'throttled', retryAfterSeconds: 90.2 })
    })
    const first = await throttled.post(url, filled)
    t.equal(first.statusCode, 429)
    t.equal(first.headers['retry-after'], '91')
    t.match(first.body, 'Try again in 2 minutes.')

    const busy = await buildPages(t, { authenticate: async () => ({ ok: false, reason: 'busy' }) })
    const second = await busy.post(url, filled)
    t.equal(second.statusCode, 503)
    t.equal(second.headers['retry-after'], '2')
    t.match(second.body, 'value="ada"')
  }
)

t.test('consent and its refusal each reach their port', async t => {
  const { get, post, calls } = await buildPages(t, { details: consentDetails })
  t.match((await get(url)).body, 'account-1@example.com')
  const decline = await post(url, 'csrf=right&prompt=consent&decline=yes')
  const allow = await post(url, 'csrf=right&prompt=consent')
  t.strictSame([decline.statusCode, allow.statusCode], [303, 303])
  t.strictSame(calls, ['decline', 'consent'])
})

t.test('sign-in can be cancelled without filling anything in', async t => {
  const { post, calls } = await buildPages(t)
  t.equal((await post(url, 'csrf=right&prompt=login&login=&password=&decline=yes')).statusCode, 303)
  t.strictSame(calls, ['decline'])
})

t.test('a form of the step before shows the step that is due', async t => {
  const { post, calls } = await buildPages(t, { details: consentDetails })
  const response = await post(url, filled)
  t.equal(response.statusCode, 303)
  t.equal(response.headers.location, url)
  t.strictSame(calls, [], 'a login form never consents')
})

t.test(
  'a wrong, missing or repeated CSRF token is refused before the password is looked at',
  async t => {
    const { post, calls } = await buildPages(t)
    for (const body of [
      'csrf=wrong&prompt=login&login=a&password=b',
      'prompt=login&login=a&password=b',
      'csrf=&prompt=login&decline=yes'
    ]) {
      const response = await post(url, body)
      t.equal(response.statusCode, 403, body)
      t.match(response.body, `href="${url}"`, 'and the way back is shown')
    }
    t.equal((await post(url, 'csrf=right&csrf=right&prompt=login')).statusCode, 400)
    t.strictSame(calls, [])
  }
)

t.test('a post that another site started is refused (Fetch Metadata, Origin)', async t => {
  const { post, calls } = await buildPages(t)
  const foreign: Record<string, string>[] = [
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { origin: 'https://evil.example' },
    { origin: 'http://localhost:3001' }
  ]
  for (const headers of foreign) {
    t.equal((await post(url, filled, headers)).statusCode, 403, JSON.stringify(headers))
  }
  t.strictSame(calls, [])
  const own: Record<string, string>[] = [
    { 'sec-fetch-site': 'same-origin', origin: 'null' },
    { 'sec-fetch-site': 'none' },
    { origin: 'http://localhost:3000' },
    {}
  ]
  for (const headers of own) t.equal((await post(url, filled, headers)).statusCode, 303)
})

t.test('a field that appears twice is 400, not the first or the last of them', async t => {
  const { post, calls } = await buildPages(t)
  for (const extra of ['login=b', 'password=b', 'prompt=login', 'decline=&decline=', 'x=1&x=2']) {
    t.equal((await post(url, `${filled}&${extra}`)).statusCode, 400, extra)
  }
  t.strictSame(calls, [])
})

t.test('only a form of at most 16 KB is read', async t => {
  const { post, calls } = await buildPages(t)
  const kinds = ['application/json', 'text/plain', 'multipart/form-data; boundary=x']
  for (const type of kinds) {
    const response = await post(url, '{}', { 'content-type': type })
    t.equal(response.statusCode, 415, type)
    t.match(response.headers['content-type'], 'text/html')
  }
  t.equal((await post(url, `${filled}&x=${'y'.repeat(16 * 1024)}`)).statusCode, 413)
  t.equal((await post(url, '')).statusCode, 403, 'an empty form has no token')
  t.strictSame(calls, [])
})

t.test('an unknown, expired or foreign interaction says how to go on', async t => {
  const gone = await buildPages(t, { details: async () => undefined })
  for (const response of [await gone.get(url), await gone.post(url, filled)]) {
    t.equal(response.statusCode, 404)
    t.match(response.body, 'Go back to the app and start again.')
  }
  const other = await buildPages(t, { details: { ...loginDetails, uid: 'another' } })
  t.equal((await other.get(url)).statusCode, 404, 'cookie and address must be of one interaction')
  t.equal((await other.post(url, filled)).statusCode, 404)
  t.strictSame([...gone.calls, ...other.calls], [])
})

t.test(
  'an outage is 503 with Retry-After and a page, logged once, with nothing private in it',
  async t => {
    const { get, post, lines } = await buildPages(t, {
      details: async () => {
        throw new Fault(
          'store_unavailable',
          'SELECT secret FROM x failed',
          new Error('ECONNREFUSED')
        )
      }
    })
    const response = await get(url)
    t.equal(response.statusCode, 503)
    t.equal(response.headers['retry-after'], '5')
    t.match(response.body, 'temporarily_unavailable')
    t.notMatch(response.body, /SELECT|ECONNREFUSED|node_modules/)
    t.equal(lines.filter(line => line.includes('"level":50')).length, 1)
    t.equal((await post(url, filled)).statusCode, 503)
  }
)

t.test('an internal error is 500 with the request number and no stack', async t => {
  const { get, lines } = await buildPages(t, {
    details: async () => {
      throw new TypeError('boom at secret.ts')
    }
  })
  const response = await get(url)
  t.equal(response.statusCode, 500)
  t.notMatch(response.body, /boom|secret\.ts/)
  const logged = lines.find(line => line.includes('"level":50')) ?? '{}'
  t.match(response.body, JSON.parse(logged).reqId)
})

t.test('the hint of a request fills the login, and its ui_locales choose the language', async t => {
  const { get } = await buildPages(t, {
    details: { ...loginDetails, loginHint: 'ada@example.com', uiLocales: 'ko' }
  })
  const { body } = await get(url)
  t.match(body, 'value="ada@example.com"')
  t.match(body, '<html lang="ko"')
})
