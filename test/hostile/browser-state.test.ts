// What a browser holds, in the wrong hands or tampered with: cookies of others, of before, forged, doubled and tossed from a sibling domain,
// a flow that another browser began, a resumed request with other parameters. Each time the flow fails closed, and is answered in words.

import t from 'tap'
import { issueInitialAccessToken } from '../../src/clients/registration-token.ts'
import { claimsIn, createRequests, otherWeb, web } from '../protocol/requests.ts'
import { type Browser, createBrowser } from '../support/browser.ts'
import { person, startTestServer } from '../support/server.ts'

const server = await startTestServer(t, { registration: { enabled: true } })
const requests = createRequests(server)
const { issuer } = requests
const eve = { login: 'eve@example.com', password: 'another horse, another staple' }
const made = await server.server.accounts.service.create({ ...eve, name: 'Eve' }, 'cli')
if (!made.ok) throw new Error(made.reason)
const https = await startTestServer(
  t,
  {},
  { settled: config => ({ ...config, issuer: config.issuer.replace('http:', 'https:') }) }
)

const cookiesOf = (browser: Browser) => [...browser.cookies()]
const header = (cookies: readonly (readonly [string, string])[]) =>
  cookies.map(([name, value]) => `${name}=${value}`).join('; ')
/** Another first character, whichever it is. */
const otherwise = (value: string) => (value.startsWith('x') ? 'y' : 'x') + value.slice(1)

const silently = async (cookie: string) => {
  const { url } = await requests.authorizationUrl({ extra: { prompt: 'none' } })
  const response = await fetch(url, { headers: { cookie }, redirect: 'manual' })
  const { searchParams } = new URL(response.headers.get('location') ?? 'x:')
  return searchParams.has('code') ? 'signed in' : (searchParams.get('error') ?? response.status)
}

t.test(
  'a session cookie that is forged, cut or of another server signs nobody in (ASVS 3.3.3)',
  async t => {
    await requests.code()
    const cookies = cookiesOf(requests.ada)
    t.equal(await silently(header(cookies)), 'signed in')
    const changed = (change: (name: string, value: string) => string) =>
      header(cookies.map(([name, value]) => [name, change(name, value)] as const))
    const signature = (name: string) => name.endsWith('.sig')
    for (const [what, cookie] of Object.entries({
      'another signature': changed((name, value) => (signature(name) ? otherwise(value) : value)),
      'no signature': header(cookies.filter(([name]) => !signature(name))),
      'another session': changed((name, value) => (signature(name) ? value : otherwise(value))),
      'a cut session': changed((name, value) => (signature(name) ? value : value.slice(0, -1))),
      'an empty session': changed((name, value) => (signature(name) ? value : '')),
      garbage: changed(() => '%ff%00"'),
      // RFC 6265 §5.4: the cookie of the longer path comes first
      'tossed before it': `${changed(() => 'tossed')}; ${header(cookies)}`,
      'a chunk counter': header(
        cookies.map(([name, value]) => [`${name}.99999999`, value] as const)
      )
    }))
      t.equal(await silently(cookie), 'login_required', what)
    const many = Array.from({ length: 200 }, (_, at) => [`c${at}`, 'v'] as const)
    t.equal(await silently(header([...many, ...cookies])), 'signed in', '200 others beside it')
  }
)

t.test(
  'every cookie of an https issuer is Secure, HttpOnly, SameSite and of one host (ASVS 3.3.1)',
  async t => {
    const { host } = new URL(https.issuer)
    const seen = new Map<string, string>()
    async function get(path: string, cookie = '') {
      const response = await fetch(`http://${host}${path}`, {
        headers: { cookie },
        redirect: 'manual'
      })
      for (const line of response.headers.getSetCookie()) seen.set(line.split('=')[0] ?? '', line)
      return response
    }
    const { url } = await createRequests({ ...https, issuer: `http://${host}` }).authorizationUrl()
    const begun = await get(`${url.pathname}${url.search}`)
    const held = begun.headers.getSetCookie().map(line => line.split(';')[0])
    await get(new URL(begun.headers.get('location') ?? '', https.issuer).pathname, held.join('; '))
    for (const path of ['/device', '/logout', '/userinfo']) await get(path)
    // with the second account comes the cookie of the accounts
    await https.server.accounts.service.create({ ...eve, name: 'Eve' }, 'cli')
    const jar = new Map<string, string>()
    for (const who of [person, eve]) {
      const sent = () => [...jar].map(pair => pair.join('=')).join('; ')
      const keep = (response: Response) => {
        for (const line of response.headers.getSetCookie()) {
          seen.set(line.split('=')[0] ?? '', line)
          jar.set(...((line.split(';')[0] ?? '').split('=') as [string, string]))
        }
        return response
      }
      const shown = await keep(await get('/sign-in?again=yes', sent())).text()
      const csrf = /name="csrf" value="([^"]*)"/.exec(shown)?.[1] ?? ''
      const body = new URLSearchParams({ ...who, csrf, prompt: 'login', again: 'yes' })
      keep(
        await fetch(`http://${host}/sign-in`, {
          ...{ method: 'POST', redirect: 'manual' as const, body },
          headers: { cookie: sent() }
        })
      )
    }
    t.ok(seen.has('__Host-accounts'), [...seen.keys()].join())
    t.ok(seen.size >= 4, [...seen.keys()].join())
    for (const [name, line] of seen) {
      t.match(line, /; secure/i, name)
      t.match(line, /; httponly/i, name)
      t.match(line, /; samesite=(lax|strict)/i, name)
      t.notMatch(line, /; domain=/i, name)
      t.ok(line.length < 4096, name)
      // the engine forces the path of two, so that they can be __Secure- only
      const hostBound = name.startsWith('__Host-') && /; path=\/(;|$)/i.test(line)
      const pathBound = /^__Secure-(interaction|resume)(\.sig)?$/.test(name)
      t.ok(hostBound || pathBound, `${name}: ${line}`)
    }
  }
)

t.test('a flow that one browser began is no flow of another (CVE-2024-28197)', async t => {
  const attacker = createBrowser({ origin: issuer })
  const { url } = await requests.authorizationUrl()
  const page = await attacker.follow(await attacker.get(url))
  const victim = createBrowser({ origin: issuer })
  t.equal((await victim.get(page.url)).status, 404, 'the link, opened elsewhere')
  await requests.code({ browser: victim })
  t.equal((await victim.get(page.url)).status, 404, 'also by somebody who is signed in')
  const posted = await fetch(page.url, {
    method: 'POST',
    headers: { cookie: header(cookiesOf(victim)) },
    body: new URLSearchParams([...(page.forms[0]?.fields ?? [])])
  })
  t.ok([403, 404].includes(posted.status), 'nor is its form taken')
})

t.test('consent is of the browser and the flow that asked for it (CVE-2022-39222)', async t => {
  const consent = { prompt: 'consent' }
  const first = createBrowser({ origin: issuer })
  const second = createBrowser({ origin: issuer })
  await requests.code({ browser: first })
  await requests.code({ browser: second, who: eve })
  const pageOf = async (browser: Browser, app = web) =>
    browser.follow(
      await browser.get((await requests.authorizationUrl({ app, extra: consent })).url)
    )
  const asked = await pageOf(first)
  const form = asked.forms.find(each => each.fields.has('csrf'))
  const fields = new URLSearchParams([...(form?.fields ?? [])])
  const sent = async (browser: Browser, url: URL, body: URLSearchParams) =>
    (
      await fetch(url, {
        ...{ method: 'POST', redirect: 'manual' as const, body },
        headers: { cookie: header(cookiesOf(browser)), origin: issuer }
      })
    ).status
  t.equal(await sent(second, asked.url, fields), 404, 'somebody else approves')
  const other = await pageOf(second, otherWeb)
  t.equal(await sent(second, other.url, fields), 403, 'the form of another flow')
  const unsigned = new URLSearchParams(fields)
  unsigned.delete('csrf')
  t.equal(await sent(first, asked.url, unsigned), 403, 'an approval without its token')
  t.equal(await sent(first, asked.url, fields), 303, 'and as it should be')
})

t.test('a request that is resumed is the one that was begun (CVE-2020-13300)', async t => {
  const browser = createBrowser({ origin: issuer })
  await requests.code({ browser })
  const { url, verifier, nonce } = await requests.authorizationUrl({ extra: { prompt: 'consent' } })
  const page = await browser.follow(await browser.get(url))
  const answered = await browser.submitForm(page)
  const resume = answered.location
  t.match(resume?.pathname, /^\/authorize\//)
  for (const [name, value] of Object.entries({
    client_id: 'other-web',
    redirect_uri: otherWeb.redirectUri,
    scope: 'openid email',
    state: 'another',
    nonce: 'another',
    code_challenge: 'x'.repeat(43)
  }))
    resume?.searchParams.set(name, value)
  const end = await browser.get(resume ?? '')
  t.equal(end.location?.origin, new URL(web.redirectUri).origin, 'the client that began it')
  t.equal(end.location?.searchParams.get('state'), 'state-of-this-request')
  const code = end.location?.searchParams.get('code') ?? ''
  const callbackUrl = end.location ?? new URL('x:')
  const tokens = await requests.redeem({ code, verifier, nonce, callbackUrl, app: web })
  t.match(tokens, { status: 200, body: { scope: 'openid' } })
  t.equal(claimsIn(tokens.body.id_token)['nonce'], nonce)
})

t.test(
  'who signs in after somebody whose cookies are gone has nothing of his (CVE-2025-12390)',
  async t => {
    const browser = createBrowser({ origin: issuer })
    const before = await requests.tokens({ browser, scope: 'openid email' })
    const anonymous = createBrowser({ origin: issuer })
    await requests.signOut(anonymous)
    const after = await requests.tokens({
      ...{ browser, who: eve, scope: 'openid email' },
      extra: { prompt: 'login' }
    })
    const [ada, other] = [claimsIn(before.id_token), claimsIn(after.id_token)]
    t.equal(other['sub'], made.account.id)
    for (const claim of ['sub', 'email']) t.not(other[claim], ada[claim], claim)
    t.not(claimsIn(after.access_token)['gid'], claimsIn(before.access_token)['gid'])
    const told = (await requests.userinfo(after.access_token)).body
    t.equal(told['sub'], made.account.id)
  }
)

t.test('names of JavaScript and of columns are no members of a client (ASVS 15.3.6)', async t => {
  for (const member of [
    ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'],
    ...['id', 'owner', 'created_at', 'disabled_at', 'is_admin', 'tenant_id', 'tokens_not_before']
  ]) {
    const { token } = await issueInitialAccessToken(server.store.database, { lifetimeSeconds: 60 })
    const body = `{"redirect_uris":["https://new.example.com/cb"],"${member}":{"a":"polluted"}}`
    const response = await fetch(`${issuer}/oauth/register`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body
    })
    const text = await response.text()
    t.ok([201, 400].includes(response.status), `${member}: ${text}`)
    t.notMatch(text, 'polluted', member)
  }
  t.equal(({} as Record<string, unknown>)['a'], undefined, 'nobody else has it either')
})
