// A second mintmark as the provider: two real servers, one the relying party of the other. What is demanded here besides (a second factor, a
// level of authentication) is demanded of whoever comes from there, too.

import t from 'tap'
import { claimsIn, createRequests, web } from '../protocol/requests.ts'
import { createBrowser, type Page } from '../support/browser.ts'
import { secretOf } from '../support/configuration.ts'
import { giveTotp } from '../support/second-factor.ts'
import { person, startTestServer } from '../support/server.ts'
import { visitsOf } from './visits.ts'

const clientOf = (origin: string) => ({
  ...{ client_id: 'downstream', type: 'web' as const, client_secret: secretOf('downstream') },
  redirect_uris: [`${origin}/sign-in/upstream/mint/callback`],
  ...{ first_party: true, dpop_nonce: 'optional' as const },
  refresh_tokens: 'offline_access' as const
})
const upstream = await startTestServer(t)
const password = 'urn:mintmark:acr:password'
const server = await startTestServer(t, {
  upstreams: [
    {
      ...{ id: 'mint', name: 'The other mint', issuer: upstream.issuer, signUp: 'allowed' },
      ...{ client_id: 'downstream', client_secret: secretOf('downstream') }
    }
  ]
})
const known = await upstream.server.clients.reconcile([clientOf(server.issuer)], {
  from: 'key',
  value: 2
})
if (!known.ok) throw new Error(JSON.stringify(known.problems))
const visits = visitsOf(server)
const requests = createRequests(server)

/** Presses the button on `page`, signs in there, and comes back. */
async function goThere(browser: ReturnType<typeof createBrowser>, page?: Page) {
  const away = await visits.leave(browser, 'mint', page)
  const there = createBrowser({ origin: upstream.issuer })
  if (away.location === undefined) throw new Error(`${away.status} ${away.heading}`)
  const form = await there.follow(await there.get(away.location))
  const consent = await there.follow(await there.submitForm(form, person))
  // a callback on this machine could be anybody's: they ask, though it is their operator's own
  const back = await there.follow(await there.submitForm(consent))
  t.equal(back.location?.origin, server.issuer, 'it leads back')
  t.equal(back.location?.searchParams.get('iss'), upstream.issuer, 'and says from where')
  return browser.get(back.location ?? '/')
}

t.test('a request that wants a sign-in anew wants it there, too (Core §3.1.2.1)', async t => {
  for (const [extra, wanted] of [
    [{}, [null, null]],
    [{ prompt: 'consent' }, [null, null]],
    [{ prompt: 'login consent' }, ['login', '300']],
    [{ max_age: '600' }, ['login', '300']]
  ] as const) {
    const browser = visits.browser()
    const { url } = await requests.authorizationUrl({ extra })
    const away = await visits.leave(browser, 'mint', await browser.follow(await browser.get(url)))
    const query = away.location?.searchParams
    t.same([query?.get('prompt'), query?.get('max_age')], wanted, JSON.stringify(extra))
  }
})

t.test(
  'a person of the one signs in at the other, and an app learns no more than is known',
  async t => {
    const browser = visits.browser()
    const asked = await requests.authorizationUrl({ extra: { acr_values: password } })
    const page = await browser.follow(await browser.get(asked.url))
    const consent = await browser.follow(await goThere(browser, page))
    const { location } = await browser.follow(await browser.submitForm(consent))
    const code = location?.searchParams.get('code') ?? ''
    const { body } = await requests.redeem({ ...asked, code, app: web, callbackUrl: asked.url })
    const claims = claimsIn(body.id_token)
    const owner = await visits.owner(upstream.accountId)
    t.ok(owner, 'known by their subject there')
    t.equal(claims['sub'], owner, 'and here by one of ours')
    t.equal(claims['acr'], undefined, 'no level that takes a password (ASVS 6.8.4)')
    t.notOk((claims['amr'] as string[] | undefined)?.length, 'no method (RFC 8176)')
    const [account] = await visits.rows<Record<string, unknown>>(
      `SELECT name, email_verified FROM accounts WHERE id = '${owner}'`
    )
    t.same(account, { name: 'Ada Lovelace', email_verified: false }, 'the address is not believed')
  }
)

t.test('the second factor of an account is asked for after it, too (check 181)', async t => {
  const owner = (await visits.owner(upstream.accountId)) ?? ''
  const app = await giveTotp(server, owner)
  const browser = visits.browser()
  const back = await goThere(browser)
  t.equal(back.status, 303)
  const form = await browser.follow(back, url => url.pathname === '/device')
  t.equal(form.location, undefined, 'not let through')
  t.notOk(await visits.isSignedIn(browser))
  for (const path of [
    '/sign-in?return_to=/device',
    '/account/security',
    '/account/security/linked'
  ]) {
    const page = await browser.follow(await browser.get(path))
    t.notMatch(page.html, 'Sign out', path)
  }
  const wrong = await browser.submitForm(form, { code: '000000' })
  t.notOk(await visits.isSignedIn(browser), `a wrong code: ${wrong.status}`)
  const done = await browser.submitForm(form, { code: app.code() })
  t.equal(done.location?.pathname, '/device')
  t.ok(await visits.isSignedIn(browser))
})
