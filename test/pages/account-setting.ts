// A real server for the tests of an account's own pages: a relying party that is told of sign-outs, browsers that have names, and another person.

import { createServer } from 'node:http'
import type { Test } from 'tap'
import { type App, basic, createRequests } from '../protocol/requests.ts'
import { type Browser, createBrowser } from '../support/browser.ts'
import { person, startTestServer } from '../support/server.ts'

const secret = 'Zm9yIHRoZSB0ZXN0cyBvZiB0aGUgYWNjb3VudCBwYWdlcyBvbmx5'

export const app: App = {
  clientId: 'shop',
  redirectUri: 'https://shop.example.com/callback',
  caller: basic('shop', secret)
}
export const offline = { scope: 'openid offline_access', extra: { prompt: 'consent' } }
export const eve = { login: 'eve@example.com', password: 'eve and her long passphrase' }

const agents = {
  chrome:
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  firefox: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
}

export async function startAccounts(t: Test) {
  const told: string[] = []
  const party = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    told.push(new URLSearchParams(body).get('logout_token') ?? '')
    response.end()
  })
  await new Promise<void>(resolve => party.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    party.closeAllConnections()
    party.close()
  })
  const address = party.address()
  const port = typeof address === 'object' ? address?.port : 0
  const overrides = {
    clients: [
      {
        client_id: 'shop',
        type: 'web',
        client_name: 'The <shop>',
        client_secret: secret,
        redirect_uris: [app.redirectUri],
        refresh_tokens: 'always',
        backchannel_logout_session_required: true,
        backchannel_logout_uri: `http://127.0.0.1:${port}/logout`
      }
    ]
  }
  const server = await startTestServer(t, overrides)
  const { issuer, store, accountId } = server
  await server.server.accounts.service.create(eve, 'cli')

  const browserNamed = (name: keyof typeof agents) =>
    createBrowser({ origin: issuer, headers: { 'user-agent': agents[name] } })

  return {
    server,
    overrides,
    requests: createRequests(server),
    browserNamed,
    /** logout tokens that came */
    told,

    async signedIn(who = person, browser = browserNamed('chrome')): Promise<Browser> {
      const page = await browser.follow(await browser.get('/account'))
      if (page.url.pathname !== '/account') await browser.submitForm(page, who)
      return browser
    },

    async trail(type: string) {
      const { rows } = await store.database.run<{ data: object; address: string | null }>(
        'test.account_trail',
        'SELECT data, address FROM audit_events WHERE type = $1 AND account_id = $2 ORDER BY at, id',
        [type, accountId]
      )
      return rows
    },

    /** Whoever is signed in did so that much longer ago. */
    async age(seconds: number) {
      await store.database.run(
        'test.age',
        `UPDATE sessions SET payload = jsonb_set(payload, '{loginTs}', to_jsonb((payload ->> 'loginTs')::bigint - $1::int))
         WHERE account_id IS NOT NULL`,
        [seconds]
      )
    }
  }
}
