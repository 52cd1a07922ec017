// What the demo keeps in the browser: sealed, small enough for a cookie, and worth nothing to
// anybody else. Broken, foreign and outdated cookies must be an empty state, never an error.

import { createHash } from 'node:crypto'
import t from 'tap'
import { createStateCookie, type DemoState, freshState, hasCsrf } from '../../src/demo/state.ts'

const key = createHash('sha256').update('the key of this test').digest()
const cookie = createStateCookie({ key, secure: false })

/** What a browser sends back after these Set-Cookie values. */
function sendBack(setCookies: string[]): string {
  return setCookies
    .filter(value => !value.includes('Max-Age=0'))
    .map(value => value.split(';')[0])
    .join('; ')
}

/** Text that packs as badly as a signed token does. */
function tokenLike(length: number): string {
  let text = ''
  while (text.length < length) {
    text += createHash('sha512').update(text).digest('base64url')
  }
  return text.slice(0, length)
}

t.test('a state survives the browser, and a restart with the same key', async t => {
  const state: DemoState = {
    csrf: 'c',
    tokens: { id: 'i', access: 'a', refresh: 'r' },
    notice: 'signed_out'
  }
  const header = sendBack(cookie.write(state))
  t.same(cookie.read(`other=1; ${header}; more=2`), state)
  t.same(createStateCookie({ key, secure: false }).read(header), state)
})

t.test('the cookie shows neither tokens nor csrf, and two of the same state differ', async t => {
  const state = { csrf: 'the-csrf', tokens: { id: 'the-id', access: 'the-access' } }
  const [one, two] = [sendBack(cookie.write(state)), sendBack(cookie.write(state))]
  t.not(one, two)
  const bytes = Buffer.from(one.split('=')[1] ?? '', 'base64url').toString('latin1')
  t.notMatch(bytes, 'the-')
})

t.test('a cookie that was changed, cut or sealed with another key is no state', async t => {
  const header = sendBack(cookie.write({ csrf: 'c' }))
  const other = createStateCookie({ key: Buffer.alloc(32, 7), secure: false })
  t.equal(other.read(header), undefined)
  t.equal(cookie.read(header.slice(0, -4)), undefined)
  t.equal(cookie.read(header.replace(/.$/, last => (last === 'A' ? 'B' : 'A'))), undefined)
  for (const junk of [undefined, '', 'mintmark_demo=', 'mintmark_demo=AAAA', ';;=;a', 'x']) {
    t.equal(cookie.read(junk), undefined)
  }
})

t.test('the cookie is HttpOnly, SameSite=Lax, bound to /demo, and Secure over https', async t => {
  const [first] = cookie.write({ csrf: 'c' })
  t.match(first, /^mintmark_demo=[\w-]+; Path=\/demo; HttpOnly; SameSite=Lax$/)
  const [secure] = createStateCookie({ key, secure: true }).write({ csrf: 'c' })
  t.match(secure, /; Secure$/)
})

t.test('three signed tokens and an answer fit one cookie of 4096 bytes', async t => {
  const state: DemoState = {
    csrf: tokenLike(24),
    // an RS256 ID token with profile and e-mail, an ES256 access token, a refresh token
    tokens: { id: tokenLike(1_200), access: tokenLike(800), refresh: tokenLike(220) },
    outcome: {
      title: 'Userinfo says who is signed in',
      exchanges: [{ request: 'GET /userinfo', status: '200' }],
      body: JSON.stringify({ sub: 'x', name: 'y', email: 'z' })
    }
  }
  const [first, second, third] = cookie.write(state)
  t.ok((first ?? '').length < 4096, `${first?.length} bytes`)
  t.match(second, /^mintmark_demo_2=; .*Max-Age=0$/)
  t.match(third, /^mintmark_demo_3=; .*Max-Age=0$/)
})

t.test('larger tokens are split over cookies that each fit, and come back whole', async t => {
  const state = { csrf: 'c', tokens: { id: tokenLike(4_000), access: tokenLike(4_000) } }
  const written = cookie.write(state)
  for (const piece of written) t.ok(piece.length < 4096)
  t.same(cookie.read(sendBack(written)), state)
  const huge = { csrf: 'c', tokens: { id: tokenLike(40_000), access: '' } }
  t.throws(() => cookie.write(huge), /too many for cookies/)
})

t.test('a short key is refused', async t => {
  t.throws(() => createStateCookie({ key: Buffer.alloc(16), secure: false }), /32 bytes/)
})

t.test('a form counts only with the csrf of this browser', async t => {
  const state = freshState()
  t.equal(hasCsrf(state, { csrf: state.csrf }), true)
  const other = freshState().csrf
  for (const form of [undefined, null, {}, { csrf: '' }, { csrf: other }, { csrf: [state.csrf] }]) {
    t.equal(hasCsrf(state, form), false)
  }
})
