// The language menu: cookies, and a way back that never leads to another site.

import t from 'tap'
import { safeReturnTo } from '../../src/pages/return-to.ts'
import { buildPages } from './harness.ts'

t.test('a choice is kept in two cookies, __Host- over https, and leads back with 303', async t => {
  const { post } = await buildPages(t, { issuer: 'https://id.example.com' })
  const response = await post('/language', 'lang=ko&return_to=%2Finteraction%2Fabc')
  t.equal(response.statusCode, 303)
  t.equal(response.headers.location, '/interaction/abc')
  t.strictSame(response.headers['set-cookie'], [
    '__Host-mintmark_language=ko; Max-Age=31536000; Path=/; HttpOnly; SameSite=Lax; Secure',
    '__Host-mintmark_language_now=ko; Max-Age=3600; Path=/; HttpOnly; SameSite=Lax; Secure'
  ])
})

t.test('the choice shows on the page that the menu leads back to', async t => {
  const { get, post } = await buildPages(t)
  const response = await post('/language', 'lang=ko&return_to=%2Finteraction%2Fabc')
  const cookie = [response.headers['set-cookie']].flat().map(each => String(each).split(';')[0])
  t.notMatch(cookie.join(), '__Host-', 'http cannot set that prefix')
  const page = await get('/interaction/abc', { cookie: cookie.join('; ') })
  t.match(page.body, '<html lang="ko"')
})

t.test('a language that we do not speak sets nothing', async t => {
  const { post } = await buildPages(t)
  for (const lang of ['xx', '', 'ko%0d%0aSet-Cookie:x']) {
    const response = await post('/language', `lang=${lang}&return_to=%2F`)
    t.equal(response.statusCode, 303)
    t.notOk('set-cookie' in response.headers, lang)
  }
})

t.test('another site cannot set it', async t => {
  const { post } = await buildPages(t)
  const response = await post('/language', 'lang=ko&return_to=%2F', {
    'sec-fetch-site': 'cross-site'
  })
  t.equal(response.statusCode, 403)
  t.notOk('set-cookie' in response.headers)
  t.equal((await post('/language', 'lang=ko&lang=en')).statusCode, 400)
})

const bad = [
  '//evil.example',
  '///evil.example',
  '/\\evil.example',
  '\\\\evil.example',
  '/%09/evil.example',
  '/\t/evil.example',
  '\t//evil.example',
  ' //evil.example',
  '/%2f/evil.example',
  '/%5cevil.example',
  'https:evil.example',
  'https://evil.example',
  'http:/evil.example',
  'HTTPS://evil.example',
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  'data:text/html,x',
  'evil.example',
  '@evil.example',
  '/@evil.example',
  'https://localhost:3000@evil.example',
  '/..//evil.example',
  '/../evil',
  '/./evil',
  '/a/..//evil.example',
  '/a/%2e%2e//evil.example',
  '/.evil',
  '/a//b',
  '/a\r\nLocation: https://evil.example',
  '/a\nb',
  '/a\u0000b',
  '/a#b',
  '/a?b#c',
  '/a?b=//evil.example',
  '/a;b',
  '/é',
  '/\u2028',
  '/〱evil.example',
  '//\u3002',
  '',
  '?x',
  '#x',
  'a',
  `/${'a'.repeat(2000)}`,
  '/<script>',
  '/"onload=x'
]
const good = [
  '/',
  '/interaction/V1StGXR8_Z5jdHi6B-myT',
  '/device',
  '/device/',
  '/device?user_code=WDJB-MJHT',
  '/a/b.c/d~e'
]

t.test('return_to leads to a path of ours or to the default', async t => {
  for (const value of bad) {
    t.equal(safeReturnTo(value, '/default'), '/default', encodeURIComponent(value))
  }
  for (const value of [undefined, 7, ['/a'], {}])
    t.equal(safeReturnTo(value, '/default'), '/default')
  for (const value of good) t.equal(safeReturnTo(value, '/default'), value)
})

t.test('whatever passes is on our own origin, as a browser reads it', async t => {
  for (const value of [...bad, ...good]) {
    const url = new URL(safeReturnTo(value, '/default'), 'https://id.example.com')
    t.equal(url.origin, 'https://id.example.com')
  }
})

t.test('the route applies it', async t => {
  const { post } = await buildPages(t)
  for (const value of bad) {
    const response = await post('/language', `lang=ko&return_to=${encodeURIComponent(value)}`)
    t.equal(response.headers.location, '/', encodeURIComponent(value))
  }
})
