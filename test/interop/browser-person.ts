// The person at a real browser: signs in, allows and signs out on the issuer's pages until the browser is elsewhere.

import type { Page } from 'playwright-core'
import { launchChromium, openBrowser } from '../support/chromium.ts'
import type { Lifetime } from '../support/lifetime.ts'
import type { Setting } from './setting.ts'

export interface BrowserPerson {
  page: Page
  /** what the console complained of, without cut-off requests of pages that were left */
  complaints(): string[]
  /** from one of the issuer's pages to the app's; answers the headings on the way */
  goThrough(): Promise<string[]>
}

export async function openBrowserPerson(
  life: Lifetime,
  { issuer, person: { login, password } }: Pick<Setting, 'issuer' | 'person'>
): Promise<BrowserPerson> {
  const browser = await launchChromium(life)
  const { page, complaints } = await openBrowser(browser, { width: 1000, script: 'on' })

  return {
    page,
    complaints: () => complaints.filter(each => !each.includes('net::ERR_ABORTED')),
    async goThrough() {
      const headings: string[] = []
      await page.waitForURL(url => url.origin === issuer)
      for (let steps = 0; new URL(page.url()).origin === issuer && steps < 6; steps++) {
        await page.waitForLoadState()
        headings.push((await page.locator('h1').first().textContent()) ?? '')
        const asked = page.locator('[name=password]')
        if ((await asked.count()) > 0) {
          await page.fill('[name=login]', login)
          await asked.fill(password)
        }
        const form = page.locator('form[method=post]:not(:has([name=lang]))').first()
        const before = page.url()
        await form.locator('button:not([value=no]):not([name=abort])').first().click()
        await page.waitForURL(url => url.href !== before)
      }
      return headings
    }
  }
}
