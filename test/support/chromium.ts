// A real Chromium for tests, headless, driven by playwright-core; and what a test holds against every page in it: no complaint in the
// console, no request elsewhere, nothing that axe-core finds. Where none is installed, tests say so and are skipped.

import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import type { Test } from 'tap'

const executablePath = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'
].find(path => existsSync(path))

/** For `t.test(title, { skip }, …)`: why there is nothing to test with, or false. */
export const skip = executablePath === undefined && 'no Chromium on this machine'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const axeRules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

/** How a person looks at the pages. */
export interface Look extends Pick<BrowserContextOptions, 'colorScheme' | 'locale'> {
  width: number
  script: 'on' | 'off'
}

/** One person's browser: cookies of their own, and what was seen. */
export interface Person {
  page: Page
  script: Look['script']
  /** console messages that are not about a refused form or a page of ours with an error status, and what failed to load */
  complaints: string[]
  /** origins that were asked, in order, each once */
  origins: Set<string>
}

/** Starts Chromium; it ends with `t`. */
export async function launchChromium(t: Test): Promise<Browser> {
  const browser = await chromium.launch({
    ...(executablePath !== undefined && { executablePath }),
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync'
    ]
  })
  t.teardown(() => browser.close())
  return browser
}

/** A new person at the browser, without cookies. */
export async function openBrowser(browser: Browser, look: Look): Promise<Person> {
  const context = await browser.newContext({
    viewport: { width: look.width, height: 860 },
    javaScriptEnabled: look.script === 'on',
    reducedMotion: 'reduce',
    locale: look.locale ?? 'en-GB',
    colorScheme: look.colorScheme ?? 'light'
  })
  context.setDefaultTimeout(15_000)
  const complaints: string[] = []
  const origins = new Set<string>()
  context.on('console', message => complaints.push(`${message.text()} ${message.location().url}`))
  context.on('weberror', error => complaints.push(String(error.error())))
  context.on('request', request => origins.add(new URL(request.url()).origin))
  context.on('requestfailed', request =>
    complaints.push(`${request.url()} ${request.failure()?.errorText}`)
  )
  return { page: await context.newPage(), script: look.script, complaints, origins }
}

/** What is wrong with a page for people who need help, and whether it is wider than the window. */
export async function flawsOf({ page, script }: Person): Promise<string[]> {
  const wide = await page.evaluate('document.documentElement.scrollWidth > innerWidth')
  // axe waits for promises, which stand still where script is off: the page has its chance to run some only before
  const devtools = await page.context().newCDPSession(page)
  const allow = (value: boolean) =>
    devtools.send('Emulation.setScriptExecutionDisabled', { value: !value })
  await allow(true)
  await page.evaluate(axe)
  const found = (await page.evaluate(
    `axe.run(document, { runOnly: ${JSON.stringify(axeRules)} }).then(all => all.violations.map(each => each.id + ' ' + each.nodes[0].html))`
  )) as string[]
  await allow(script === 'on')
  await devtools.detach()
  return [...(wide === true ? [`wider than the window: ${page.url()}`] : []), ...found]
}

/** Keeps a picture of the page in the folder SCREENSHOTS, for somebody who wants to look; does nothing without it. */
export async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env['SCREENSHOTS']
  if (folder === undefined) return
  mkdirSync(folder, { recursive: true })
  await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true })
}

/** The text of the first heading. */
export async function headingOf(page: Page): Promise<string> {
  return (await page.locator('h1').first().textContent()) ?? ''
}
