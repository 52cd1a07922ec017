// The person who signs in at relying parties, with one cookie jar for each origin: follows redirects from app to issuer and back, types
// login and password, allows and signs out where the issuer asks. Remembers the pages of the issuer that were shown.

import { type Browser, createBrowser, type Page } from '../support/browser.ts'

export type Person = ReturnType<typeof createPerson>

/** Somebody whose cookie jars are empty. */
export function createPerson(options: { issuer: string; login: string; password: string }) {
  const { issuer, login, password } = options
  const browsers = new Map<string, Browser>()
  const headings: string[] = []

  function browserAt({ origin }: URL): Browser {
    const browser = browsers.get(origin) ?? createBrowser({ origin })
    browsers.set(origin, browser)
    return browser
  }

  /** Until a page comes that is not of the issuer, or is and asks for nothing. */
  async function goOn(start: Page): Promise<Page> {
    let page = start
    for (let steps = 0; steps < 30; steps++) {
      if (page.location !== undefined) {
        page = await browserAt(page.location).get(page.location)
        continue
      }
      if (page.url.origin !== issuer) return page
      headings.push(page.heading)
      if (page.status >= 400) {
        throw new Error(`stopped at ${page.url.pathname}: ${page.status} ${page.heading}`)
      }
      const form = page.forms.find(({ method, fields }) => method === 'POST' && !fields.has('lang'))
      if (form === undefined) return page
      const typed = form.fields.has('password') ? { login, password } : {}
      page = await browserAt(page.url).submitForm(page, typed)
    }
    throw new Error(`does not come to an end, at ${page.url}`)
  }

  const ask = (url: string | URL) => browserAt(new URL(url)).get(url)
  return {
    /** goes where an address leads, through the issuer's pages */
    open: async (url: string | URL) => goOn(await ask(url)),
    /** presses the button of an app's page, and goes where it leads */
    press: async (page: Page, fields: Record<string, string> = {}) =>
      goOn(await browserAt(page.url).submitForm(page, fields)),
    /** what an app answers, redirect or not */
    ask,
    /** the issuer's sign-out page, without an app */
    signOut: async () => goOn(await ask(`${issuer}/logout`)),
    /** headings of the issuer's pages since the last call */
    seen: () => headings.splice(0)
  }
}
