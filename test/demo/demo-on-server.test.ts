// The demo's whole flow on a server as `npm start` runs it, over plain HTTP requests: sign-in, every button, sign-out; and what the person
// is asked and told. The same in a real browser: test/browser/demo.test.ts.

import { execFile } from 'node:child_process'
import { symlinkSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { createBrowser, type Page } from '../support/browser.ts'
import * as relyingParty from '../support/relying-party.ts'
import { startServerAsUsersDo } from '../support/started-server.ts'

type Claims = Record<string, unknown>

const { issuer, person, log } = await startServerAsUsersDo(t)

/** Header and payload of the tokens on the page, in order. */
function shownTokens({ html }: Page): Claims[] {
  const blocks = [...html.matchAll(/<pre tabindex="0"><code>(\{.*?)<\/code><\/pre>/gs)]
  const inTokens = blocks.filter(({ index }) => index > html.indexOf('class="demo-token"'))
  return inTokens.map(([, json = '']) => JSON.parse(json.replaceAll('&quot;', '"')))
}

function textOf({ html }: Page): string {
  const main = /<main.*<\/main>/s.exec(html)?.[0] ?? ''
  return main
    .replace(/<[^>]*>/g, ' ')
    .replaceAll('&quot;', '"')
    .replace(/\s+/g, ' ')
}

function startBrowser() {
  const browser = createBrowser({ origin: issuer })
  const pressed = async (page: Page, label: string, fields = {}) => {
    const button = (one: { label: string }) => one.label === label
    const form = (one: { buttons: { label: string }[] }) => one.buttons.some(button)
    return browser.follow(await browser.submitForm(page, fields, { form, button }))
  }
  return { browser, pressed }
}

/** From the demo's start page to its page of tokens. */
async function signIn({ browser, pressed }: ReturnType<typeof startBrowser>) {
  const login = await pressed(await browser.get('/demo'), 'Sign in')
  const consent = await pressed(login, 'Sign in', person)
  return { login, consent, tokens: await pressed(consent, 'Allow') }
}

t.test('sign-in, tokens, userinfo, refresh, API, sign-out', async t => {
  const visitor = startBrowser()
  const { browser, pressed } = visitor
  const { login, consent, tokens } = await signIn(visitor)
  t.match(textOf(login), 'to continue to Demo app')
  for (const scope of ['openid', 'profile', 'email', 'offline_access', 'read:things']) {
    t.match(textOf(consent), ` ${scope} `)
  }
  t.match(textOf(consent), /Your mintmark account.*Demo API.*See your things/)

  t.equal(tokens.heading, 'Signed in as Demo Person')
  const [idHeader, id, accessHeader, access] = shownTokens(tokens)
  t.match(idHeader, { alg: 'RS256' })
  t.match(id, { iss: issuer, aud: 'demo-web', email: person.login, email_verified: true })
  t.match(accessHeader, { alg: 'ES256', typ: 'at+jwt' })
  t.match(access, {
    iss: issuer,
    aud: `${issuer}/demo-api`,
    scope: 'read:things',
    sub: id?.['sub']
  })
  t.notOk(access?.['email'], 'an access token is lean')

  const userinfo = await pressed(tokens, 'Call userinfo')
  t.match(textOf(userinfo), `resource=${issuer} 200`, 'with a second token, for the issuer')
  t.match(textOf(userinfo), `"sub": "${id?.['sub']}"`)
  t.match(textOf(userinfo), '"email": "demo@example.com"')
  t.match(shownTokens(userinfo)[3], access ?? {}, 'the token for the API stays')

  const refreshed = await pressed(userinfo, 'Refresh')
  t.match(textOf(refreshed), 'the refresh token has rotated')
  const again = shownTokens(refreshed)[3]
  t.match(again, { aud: access?.['aud'], gid: access?.['gid'], scope: 'read:things' })
  t.not(again?.['jti'], access?.['jti'])

  const things = await pressed(refreshed, 'Call the demo API')
  t.match(textOf(things), 'The demo API accepted the access token')
  t.match(textOf(things), '"a mint mark"')
  t.notMatch((await browser.get('/demo')).html, 'demo-outcome', 'an outcome is shown once')

  const asked = await pressed(things, 'Sign out')
  t.equal(asked.heading, 'Sign out of mintmark?')
  t.ok(browser.cookies().get('mintmark_session'))
  const out = await pressed(asked, 'Sign out')
  t.equal(out.url.pathname, '/demo')
  t.match(textOf(out), 'You have signed out of the demo.')
  t.notOk(browser.cookies().get('mintmark_session'))
  t.same(
    log().filter(line => line['level'] === 'error'),
    []
  )
})

t.test(
  'the verification that the page shows runs as it stands there, from the repository',
  async t => {
    const { tokens } = await signIn(startBrowser())
    const [, shown = ''] =
      /<code>(import \{ createVerifier[\s\S]*?)<\/code>/.exec(tokens.html) ?? []
    const snippet = shown.replaceAll('&#39;', "'").replaceAll('&quot;', '"').replaceAll('&gt;', '>')
    const folder = t.testdir({
      'api.mjs': `const request = { headers: { authorization: 'Bearer ' + process.argv[2] } }
${snippet}
console.log(result.ok ? result.token.subject : result.status)`
    })
    symlinkSync(fileURLToPath(new URL('../../src', import.meta.url)), `${folder}/src`)
    const run = async (token: string) =>
      (await promisify(execFile)(process.execPath, [`${folder}/api.mjs`, token])).stdout.trim()
    const account = await relyingParty.signIn({
      issuer,
      clientId: 'demo-web',
      redirectUri: `${issuer}/demo/callback`,
      scope: 'openid read:things',
      resource: `${issuer}/demo-api`,
      ...person
    })
    t.equal(await run(account.tokens.access_token), account.tokens.claims()?.sub)
    t.equal(await run('x.y.z'), '401')
  }
)

t.test('who is asked for consent again sees the scopes of the API again', async t => {
  const { consent } = await signIn(startBrowser())
  t.match(textOf(consent), /Your mintmark account.*openid.*Demo API See your things read:things/)
})

t.test('who says no comes back to the demo, which explains it', async t => {
  const { browser, pressed } = startBrowser()
  const login = await pressed(await browser.get('/demo'), 'Sign in')
  const told = await pressed(await pressed(login, 'Sign in', person), 'Cancel')
  t.equal(told.heading, 'You said no, and the demo respects that')
  t.match(textOf(told), 'access_denied')
  t.equal((await browser.get('/demo')).heading, 'Try a sign-in')
})

t.test('signing out revokes the refresh token: a copy of the cookie opens nothing', async t => {
  const visitor = startBrowser()
  const { browser, pressed } = visitor
  const { tokens } = await signIn(visitor)
  const copied = browser.cookies().get('mintmark_demo') ?? ''
  await pressed(await pressed(tokens, 'Sign out'), 'Sign out')

  const csrf = tokens.forms[0]?.fields.get('csrf') ?? ''
  const cookie = `mintmark_demo=${copied}`
  const answer = await fetch(`${issuer}/demo/refresh`, {
    method: 'POST',
    headers: { cookie },
    body: new URLSearchParams({ csrf }),
    redirect: 'manual'
  })
  const [kept = ''] = answer.headers.getSetCookie()
  const page = await fetch(`${issuer}/demo`, { headers: { cookie: kept.split(';')[0] ?? '' } })
  t.match(await page.text(), 'The grant is no longer valid')
})

t.test('the demo API wants a token of its own audience', async t => {
  const at = (headers: Record<string, string>) => fetch(`${issuer}/demo/api/things`, { headers })
  const without = await at({})
  t.equal(without.status, 401)
  t.match(without.headers.get('www-authenticate'), 'Bearer')
  t.equal((await at({ authorization: 'Bearer x.y.z' })).status, 401)
})
