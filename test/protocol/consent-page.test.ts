// The consent page of a real request: what is new and what was allowed before, and for how long, is what the tokens then show.

import t from 'tap'
import { createBrowser } from '../support/browser.ts'
import { secretOf } from '../support/configuration.ts'
import { passPages } from '../support/relying-party.ts'
import { person, startTestServer } from '../support/server.ts'
import { type App, api, basic, createRequests, web } from './requests.ts'

const always: App = {
  clientId: 'always',
  redirectUri: 'https://always.example.com/callback',
  caller: basic('always')
}
const server = await startTestServer(t, {
  clients: [
    {
      client_id: 'always',
      type: 'web',
      client_secret: secretOf('always'),
      redirect_uris: [always.redirectUri],
      refresh_tokens: 'always'
    }
  ]
})
const requests = createRequests(server)
const first = 'openid profile email offline_access read:things'

const words = (html: string) => html.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ')

/** The page of a request of the person who is signed in at `browser`, and the tokens that it ends with. */
async function consentTo(
  { app, scope, resource }: { app: App; scope: string; resource?: string },
  browser = requests.ada
) {
  const { url, verifier, nonce } = await requests.authorizationUrl({
    app,
    scope,
    ...(resource === undefined ? {} : { resource }),
    extra: { prompt: 'consent' }
  })
  const page = await browser.follow(await browser.get(url))
  const { callbackUrl } = await passPages(browser, page, {
    ...person,
    redirectUri: app.redirectUri
  })
  const code = callbackUrl.searchParams.get('code') ?? ''
  const { body } = await requests.redeem({ code, verifier, nonce, callbackUrl, app })
  return { text: words(page.html), tokens: body }
}

t.test(
  'added scopes are told from those allowed before, and offline_access still lasts (Core §11)',
  async t => {
    await requests.tokens({ scope: first, resource: api, extra: { prompt: 'consent' } })
    const { text, tokens } = await consentTo({
      app: web,
      scope: `${first} write:things`,
      resource: api
    })
    const [fresh = '', earlier = ''] = text.split('Already allowed')
    t.match(fresh, /New: this will also allow .* write:things $/)
    t.notMatch(fresh, /read:things|offline_access|openid/)
    t.match(earlier, /openid .* profile .* email .* offline_access .* read:things/)
    t.notMatch(earlier, 'write:things')
    t.match(text, 'How long Also when you are not using the app.')
    t.match(tokens.refresh_token, /./, 'and so it is')
  }
)

t.test('asked again for the same, everything is listed once', async t => {
  const { text } = await consentTo({ app: web, scope: first, resource: api })
  t.match(text, /This will allow .* openid .* offline_access .* read:things/)
  t.notMatch(text, 'Already allowed')
  t.match(text, 'Keep access when you are not using the app offline_access Optional')
})

t.test('what the request leaves out is not told of, though it was allowed before', async t => {
  const { text, tokens } = await consentTo({ app: web, scope: 'openid address' })
  t.match(text, /New: .* address Optional Already allowed .* openid How long Until you sign out\./)
  t.notOk('refresh_token' in tokens)
})

t.test(
  'a client that always gets a refresh token keeps it until sign-out, and the page says so',
  async t => {
    const browser = createBrowser({ origin: requests.issuer })
    await requests.code({ app: always, browser })
    const { text, tokens } = await consentTo({ app: always, scope: 'openid email' }, browser)
    t.match(text, 'How long Until you sign out.')
    await requests.signOut(browser)
    t.match(await requests.refresh(always, tokens.refresh_token), { status: 400 })
  }
)
