// People who sign in with another provider, by the buttons of our own pages. Owns the way there and back; what the provider says is the test's.

import { digest } from '../../src/lib/secret.ts'
import { type Browser, createBrowser, type Page } from '../support/browser.ts'
import { type OpenidProvider, registration } from '../support/openid-provider.ts'
import { person, type TestServer } from '../support/server.ts'

type Claims = Record<string, unknown>

interface Event {
  account_id: string | null
  data: Record<string, unknown>
}

/** An entry of the configuration. */
export const entry = (id: string, { issuer }: Pick<OpenidProvider, 'issuer'>, more = {}) => ({
  ...{ id, name: id.toUpperCase(), issuer, ...registration, signUp: 'allowed' },
  ...more
})

const button = (id: string) => ({
  form: (form: Page['forms'][number]) => form.fields.get('upstream') === id
})

export function visitsOf({ issuer, store }: Pick<TestServer, 'issuer' | 'store'>) {
  const start = '/sign-in?return_to=%2Fdevice'
  const newBrowser = () => createBrowser({ origin: issuer })

  async function rows<Row extends object>(text: string): Promise<Row[]> {
    const name = `test.${digest(text).toString('hex', 0, 8)}`
    return (await store.database.run<Row>(name, text)).rows
  }

  /** Presses the button; answers the request that the browser is sent away with. */
  async function leave(browser: Browser, id: string, page?: Page): Promise<Page> {
    return browser.submitForm(page ?? (await browser.get(start)), {}, button(id))
  }

  async function isSignedIn(browser: Browser): Promise<boolean> {
    return (await browser.get('/sign-in')).heading === 'You are signed in'
  }

  /** There and back with an honest answer; the page that the person ends at. */
  async function comeBack(
    browser: Browser,
    id: string,
    provider: OpenidProvider,
    claims: Claims
  ): Promise<Page> {
    const away = await leave(browser, id)
    const back = await browser.get(provider.authorize(away.location, claims))
    return browser.follow(back, url => url.pathname === '/device')
  }

  return {
    browser: newBrowser,
    ...{ rows, leave, isSignedIn, comeBack },

    /** The same, at a browser of its own; whether it signed in. */
    async signsIn(id: string, provider: OpenidProvider, claims: Claims): Promise<boolean> {
      const browser = newBrowser()
      await comeBack(browser, id, provider, claims)
      return isSignedIn(browser)
    },

    /** Signs in with a password and goes to a page of ours. */
    async signedIn(path: string, browser = newBrowser(), who = person): Promise<Page> {
      const form = await browser.follow(await browser.get(path))
      return browser.follow(await browser.submitForm(form, who))
    },

    /** whose identity it is */
    async owner(subject: string): Promise<string | undefined> {
      const text = `SELECT account_id FROM linked_identities WHERE subject = '${subject}'`
      return (await rows<{ account_id: string }>(text))[0]?.account_id
    },

    async events(type: string): Promise<Event[]> {
      return rows<Event>(
        `SELECT account_id, data FROM audit_events WHERE type = '${type}' ORDER BY at`
      )
    }
  }
}
