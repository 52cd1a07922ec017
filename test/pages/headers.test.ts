// The headers that every page carries, on every way a page can leave.

import t from 'tap'
import { pageHeaders } from '../../src/pages/headers.ts'
import { buildPages } from './harness.ts'

const issuer = 'https://id.example.com'

t.test('every page refuses frames, sniffing, caches and referrers', async t => {
  const { get, post } = await buildPages(t, { issuer })
  const responses = {
    login: await get('/interaction/abc'),
    refused: await post('/interaction/abc', 'csrf=wrong'),
    wrong: await post('/interaction/abc', 'csrf=right&prompt=login'),
    malformed: await post('/interaction/abc', 'a=1&a=2'),
    type: await post('/interaction/abc', '{}', { 'content-type': 'application/json' }),
    unknown: await get('/nowhere')
  }
  for (const [name, { headers }] of Object.entries(responses)) {
    const policy = String(headers['content-security-policy']).split('; ')
    for (const directive of [
      "default-src 'none'",
      "style-src 'self'",
      "script-src 'self'",
      "object-src 'none'",
      "base-uri 'none'",
      "frame-ancestors 'none'"
    ]) {
      t.ok(policy.includes(directive), `${name} ${directive}`)
    }
    t.notMatch(headers['content-security-policy'], 'unsafe', name)
    t.match(headers, {
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'cross-origin-opener-policy': 'same-origin',
      'strict-transport-security': 'max-age=31536000',
      'content-type': 'text/html; charset=utf-8'
    })
  }
})

t.test(
  'pages that lead onward carry no form-action: it would stop the redirect to the client',
  async t => {
    const { get, post } = await buildPages(t)
    for (const response of [
      await get('/interaction/abc'),
      await post('/interaction/abc', 'csrf=right&prompt=login'),
      await post('/interaction/abc', 'csrf=right&prompt=login&login=a&password=b')
    ]) {
      t.notMatch(response.headers['content-security-policy'], 'form-action')
      t.ok(response.headers['content-security-policy'])
    }
    t.match((await get('/nowhere')).headers['content-security-policy'], "form-action 'self'")
  }
)

t.test('HSTS goes with an https issuer only (RFC 6797 §7.2)', async t => {
  t.ok('strict-transport-security' in pageHeaders('own', 'https://id.example.com'))
  t.notOk('strict-transport-security' in pageHeaders('own', 'http://localhost:3000'))
})
