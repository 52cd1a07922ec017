// Sign-out (OpenID Connect RP-Initiated Logout 1.0): a question first, always; redirects only to what is registered; and what ends with
// the session.

import { generateKeyPair, SignJWT } from 'jose'
import * as oidc from 'openid-client'
import t from 'tap'
import { createBrowser, declines } from '../support/browser.ts'
import { secretOf } from '../support/configuration.ts'
import { discover } from '../support/relying-party.ts'
import { startTestServer } from '../support/server.ts'
import { claimsIn, createRequests, headerOf, otherWeb, web } from './requests.ts'

const goodbye = 'https://app.example.com/goodbye'
const server = await startTestServer(t)
const requests = createRequests(server)
const { issuer } = requests

async function signedIn() {
  const browser = createBrowser({ origin: issuer })
  const tokens = await requests.tokens({ browser, scope: 'openid' })
  return { browser, tokens }
}

/** Whether this browser's session still signs in without a page. */
async function hasSession(browser: ReturnType<typeof createBrowser>): Promise<boolean> {
  const page = await requests.authorize({ browser, extra: { prompt: 'none' } })
  return page.location?.searchParams.has('code') ?? false
}

const isGoodbye = (url: URL) => url.href.startsWith(goodbye)

t.test(
  'openid-client signs out: question, back to the client with its state (RP-Initiated Logout §2, §3)',
  async t => {
    const { browser, tokens } = await signedIn()
    const config = await discover({ issuer, clientId: 'web', clientSecret: secretOf('web') })
    const url = oidc.buildEndSessionUrl(config, {
      post_logout_redirect_uri: goodbye,
      id_token_hint: tokens.id_token,
      state: 'a & b'
    })
    const question = await browser.get(url)
    t.equal(question.status, 200)
    t.match(question.html, /Example web app/)
    t.notMatch(question.html, /<script/)
    t.equal(await hasSession(browser), true, 'nothing is over by asking')
    const end = await browser.follow(await browser.submitForm(question), isGoodbye)
    t.equal(
      end.location?.href,
      `${goodbye}?state=a+%26+b`.replace(
        '+%26+',
        end.location?.search.includes('%20') ? '%20%26%20' : '+%26+'
      )
    )
    t.equal(await hasSession(browser), false)
    t.equal((await requests.userinfo(tokens.access_token)).status, 401, 'its tokens are over, too')
  }
)

t.test('without a client it asks, and ends on a page of ours (RP-Initiated Logout §2)', async t => {
  const { browser } = await signedIn()
  const question = await browser.get('/logout')
  t.equal(question.status, 200)
  const end = await browser.follow(await browser.submitForm(question))
  t.equal(end.status, 200)
  t.equal(end.url.origin, issuer)
  t.notMatch(end.html, /<script/)
  t.equal(await hasSession(browser), false)
})

t.test(
  'a GET alone never signs out, however often and with whatever (RP-Initiated Logout §2)',
  async t => {
    const { browser, tokens } = await signedIn()
    const queries = [
      {},
      { logout: 'yes' },
      { id_token_hint: tokens.id_token },
      { id_token_hint: tokens.id_token, post_logout_redirect_uri: goodbye, logout: 'yes' },
      { client_id: 'web', post_logout_redirect_uri: goodbye }
    ]
    for (const query of queries) {
      const page = await browser.get(
        `/logout?${new URLSearchParams(query as Record<string, string>)}`
      )
      t.equal(page.status, 200)
      t.equal(page.location, undefined)
    }
    for (const path of ['/logout/confirm?logout=yes', '/logout/success']) {
      const page = await browser.get(path)
      t.ok(
        page.status === 405 || page.status === 200 || page.status === 404,
        `${path} ${page.status}`
      )
    }
    t.equal(await hasSession(browser), true)
    t.equal((await requests.userinfo(tokens.access_token)).status, 200)
  }
)

t.test('a person may stay signed in (RP-Initiated Logout §2)', async t => {
  const { browser } = await signedIn()
  const question = await browser.get(`/logout?client_id=web&post_logout_redirect_uri=${goodbye}`)
  const stay = question.forms.find(form => !form.fields.has('lang'))?.buttons ?? []
  t.equal(stay.length, 2)
  const button = (one: { name: string | undefined }) => one.name !== 'logout'
  await browser.follow(await browser.submitForm(question, {}, { button }), isGoodbye)
  t.equal(await hasSession(browser), true)
  t.ok(declines)
})

t.test(
  'signing out needs the form that this browser was shown (RP-Initiated Logout §6)',
  async t => {
    const { browser, tokens } = await signedIn()
    const stranger = createBrowser({ origin: issuer })
    const shown = await stranger.get('/logout')
    const xsrf = shown.forms.find(({ fields }) => fields.has('xsrf'))?.fields.get('xsrf') ?? ''
    t.ok(xsrf)
    await browser.get('/logout')
    for (const fields of [
      { logout: 'yes' },
      { logout: 'yes', xsrf: '' },
      { logout: 'yes', xsrf }
    ]) {
      const page = await browser.post('/logout/confirm', fields)
      t.equal(page.status, 400)
      t.match(page.headers.get('content-type'), /^text\/html/)
    }
    t.equal(await hasSession(browser), true)
    t.equal((await requests.userinfo(tokens.access_token)).status, 200)
  }
)

t.test('a form is good once (RP-Initiated Logout §6)', async t => {
  const { browser } = await signedIn()
  const question = await browser.get('/logout')
  await browser.follow(await browser.submitForm(question))
  const again = await browser.submitForm(question)
  t.ok(again.status < 500, `${again.status}`)
})

t.test('who is not signed in comes to the same end (RP-Initiated Logout §2)', async t => {
  const browser = createBrowser({ origin: issuer })
  const query = new URLSearchParams({ client_id: 'web', post_logout_redirect_uri: goodbye })
  let page = await browser.follow(await browser.get(`/logout?${query}`), isGoodbye)
  if (page.location === undefined) {
    page = await browser.follow(await browser.submitForm(page), isGoodbye)
  }
  t.equal(page.location?.href.replace(/\?$/, ''), goodbye)
})

t.test(
  'a post_logout_redirect_uri without a client, or of another one, is not followed (RP-Initiated Logout §3)',
  async t => {
    const { browser, tokens } = await signedIn()
    const queries: Record<string, string>[] = [
      { post_logout_redirect_uri: goodbye },
      { post_logout_redirect_uri: goodbye, client_id: 'other-web' },
      { post_logout_redirect_uri: goodbye, client_id: 'stranger' },
      { post_logout_redirect_uri: 'https://evil.test/', client_id: 'web' },
      { post_logout_redirect_uri: web.redirectUri, client_id: 'web' },
      { post_logout_redirect_uri: 'https://evil.test/', id_token_hint: tokens.id_token },
      { post_logout_redirect_uri: goodbye, id_token_hint: tokens.id_token, client_id: 'other-web' }
    ]
    for (const query of queries) {
      const page = await browser.get(`/logout?${new URLSearchParams(query)}`)
      const label = JSON.stringify(query).slice(0, 100)
      t.equal(page.location, undefined, label)
      if (page.status === 200) {
        const end = await browser.follow(await browser.submitForm(page))
        t.equal(end.location, undefined, label)
      } else {
        t.equal(page.status, 400, label)
        t.match(page.headers.get('content-type'), /^text\/html/)
      }
    }
  }
)

t.test('a hint must be an ID token that we signed (RP-Initiated Logout §4)', async t => {
  const { browser, tokens } = await signedIn()
  const { privateKey } = await generateKeyPair('RS256')
  const { kid } = headerOf(tokens.id_token)
  const claims = claimsIn(tokens.id_token)
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const [header, payload] = tokens.id_token.split('.')
  const forged: Record<string, string> = {
    'another key': await new SignJWT(claims)
      .setProtectedHeader({ alg: 'RS256', kid: String(kid) })
      .sign(privateKey),
    HS256: await new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256', kid: String(kid) })
      .sign(new TextEncoder().encode('x'.repeat(32))),
    'alg none': `${part({ alg: 'none' })}.${payload}.`,
    'no signature': `${header}.${payload}.`,
    'an access token': tokens.access_token,
    'no JWT': 'x'
  }
  for (const [what, id_token_hint] of Object.entries(forged)) {
    const query = new URLSearchParams({ id_token_hint, post_logout_redirect_uri: goodbye })
    const page = await browser.get(`/logout?${query}`)
    t.equal(page.status, 400, what)
    t.equal(page.location, undefined, what)
  }
  t.equal(await hasSession(browser), true)
})

t.test('a hint that has expired still tells the client (RP-Initiated Logout §4)', async t => {
  const { browser, tokens } = await signedIn()
  const { kid } = headerOf(tokens.id_token)
  const key = server.server.keys.ring.keys().find(one => one.kid === kid)
  if (key === undefined) throw new Error('no key')
  const old = { ...claimsIn(tokens.id_token), iat: 1_700_000_000, exp: 1_700_003_600 }
  const id_token_hint = await new SignJWT(old)
    .setProtectedHeader({ alg: key.alg, kid: key.kid })
    .sign(key.privateJwk)
  const query = new URLSearchParams({ id_token_hint, post_logout_redirect_uri: goodbye })
  const question = await browser.get(`/logout?${query}`)
  t.match(question.html, /Example web app/)
  const end = await browser.follow(await browser.submitForm(question), isGoodbye)
  t.ok(end.location && isGoodbye(end.location))
})

t.test(
  'signing out ends what every client of the session holds, and nothing of other browsers (Core §11)',
  async t => {
    const { browser, tokens } = await signedIn()
    const other = await requests.tokens({ browser, app: otherWeb })
    const stays = await requests.tokens({
      browser,
      scope: 'openid offline_access',
      extra: { prompt: 'consent' }
    })
    const elsewhere = await signedIn()
    await requests.signOut(browser)
    t.equal((await requests.userinfo(tokens.access_token)).status, 401)
    t.equal((await requests.userinfo(other.access_token)).status, 401)
    t.equal((await requests.userinfo(stays.access_token)).status, 200, 'offline access stays')
    t.equal((await requests.userinfo(elsewhere.tokens.access_token)).status, 200)
    t.equal(await hasSession(elsewhere.browser), true)
  }
)

t.test('the cookie of a session that was signed out signs nobody in (ASVS 7.4.1)', async t => {
  const { browser } = await signedIn()
  const cookie = [...browser.cookies()].map(([name, value]) => `${name}=${value}`).join('; ')
  await requests.signOut(browser)
  const { url } = await requests.authorizationUrl({ extra: { prompt: 'none' } })
  const answer = await requests.get(url.pathname + url.search, { cookie })
  t.match(answer.headers.get('location'), /error=login_required/)
})

t.test(
  'a code that was issued before signing out is worth nothing after it (RFC 6749 §4.1.4)',
  async t => {
    const { browser } = await signedIn()
    const code = await requests.code({ browser })
    await requests.signOut(browser)
    t.match(await requests.redeem(code), { status: 400, body: { error: 'invalid_grant' } })
  }
)
