// A server whose apps ask for scopes that a person may leave out, and what that person does at the consent page: for consent-choices.test.ts.

import type { Test } from 'tap'
import { type Browser, createBrowser, type Page } from '../support/browser.ts'
import { person, startTestServer } from '../support/server.ts'
import { clientNamed } from './managed.ts'
import { type App, basic, createRequests } from './requests.ts'

export const api = 'https://diary.example.com'
const appNamed = (clientId: string): App => ({
  clientId,
  redirectUri: `https://${clientId}.example.com/callback`,
  caller: basic(clientId)
})
export const diary = appNamed('journal')
export const mailer = appNamed('mailer')
export const keeper = appNamed('keeper')
export const house = appNamed('household')

export const consenting = {
  grantManagement: { enabled: true },
  clients: [
    clientNamed(diary),
    clientNamed(mailer, { required_scopes: 'email write:pages' }),
    clientNamed(keeper),
    clientNamed(house, {
      first_party: true,
      redirect_uris: [house.redirectUri, 'http://localhost:3999/callback']
    })
  ],
  resources: [
    {
      identifier: api,
      name: { en: 'Diary' },
      scopes: {
        'read:pages': { en: 'Read' },
        'write:pages': { en: 'Write' },
        'share:pages': { en: 'Share' }
      },
      optionalScopes: ['write:pages', 'share:pages'],
      clients: ['journal', 'mailer', 'keeper', 'household']
    }
  ]
}
/** Back at an app; one of them listens where this server is, too. */
export const isBack = (url: URL) => !url.host.startsWith('localhost') || url.port === '3999'

interface Wanted {
  app?: App
  scope: string
  browser: Browser
  extra?: Record<string, string>
}

export const formOf = (page: Page) =>
  page.forms.find(({ fields }) => fields.get('prompt') === 'consent')

/** What the page offers to leave out, and whether it begins ticked. */
export function boxesOf(page: Page): Record<string, boolean> {
  const boxes = page.html.matchAll(/type="checkbox" name="allow-\d+" value="([^"]*)"( checked)?/g)
  return Object.fromEntries(
    [...boxes].map(([, value = '', ticked]) => [value, ticked !== undefined])
  )
}

/** Presses Allow with these boxes unticked and these fields besides. */
export async function allow(
  browser: Browser,
  page: Page,
  without: readonly string[] = [],
  more: Record<string, string> = {}
) {
  const kept = [...(formOf(page)?.fields ?? [])].filter(
    ([name, value]) => !(name.startsWith('allow-') && without.includes(value))
  )
  const body = new URLSearchParams({ ...Object.fromEntries(kept), ...more })
  return browser.follow(await browser.post(page.url, body), isBack)
}

export async function startConsenting(t: Test) {
  const server = await startTestServer(t, consenting)
  const requests = createRequests(server)
  const { issuer, store } = { ...requests, ...server }

  /** The page that a request leads to, or undefined where nobody is asked; `finish` redeems what came of it. */
  async function asked({ app = diary, scope, browser, extra = {} }: Wanted) {
    const made = await requests.authorizationUrl({ app, scope, resource: api, extra })
    let page = await browser.follow(await browser.get(made.url), isBack)
    if (page.forms.some(({ fields }) => fields.has('password'))) {
      page = await browser.follow(await browser.submitForm(page, person), isBack)
    }
    const finish = async (end: Page) => {
      const callbackUrl = end.location ?? new URL('x:')
      const code = callbackUrl.searchParams.get('code') ?? ''
      return requests.redeem({ ...made, code, callbackUrl, app }, { resource: api })
    }
    return { page, isAsked: page.location === undefined, finish }
  }

  /** A person's browser, signed in by the first request; what was allowed before is taken back. */
  async function fresh(...apps: App[]): Promise<Browser> {
    for (const { clientId } of apps) await takeBack(clientId)
    return createBrowser({ origin: issuer })
  }
  const takeBack = async (clientId: string) => {
    const { database } = store
    await database.run('test.forget', 'DELETE FROM consents WHERE client_id = $1', [clientId])
  }
  /** What the trail says last of a person's own account. */
  const events = async (type: string, accountId = server.accountId) => {
    const { rows } = await store.database.run<{ data: Record<string, unknown> }>(
      'test.events',
      'SELECT data FROM audit_events WHERE type = $1 AND account_id = $2 ORDER BY id DESC LIMIT 1',
      [type, accountId]
    )
    return rows[0]?.data
  }

  return { server, requests, issuer, asked, fresh, events }
}
