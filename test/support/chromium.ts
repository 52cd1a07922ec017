// A real Chromium for tests, headless, driven by playwright-core; and what a test holds against every page in it: no complaint in the
// console, no request elsewhere, nothing that axe-core finds. Where none is installed, tests say so and are skipped.

import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import type { Lifetime } from './lifetime.ts'

function findChromium(): string | undefined {
  return [
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'
  ].find(path => existsSync(path))
}

/** Why there is nothing to test with, or false, as things are now. */
export const lacksChromium = () => findChromium() === undefined && 'no Chromium on this machine'

/** The same for `t.test(title, { skip }, …)`. */
export const skip = lacksChromium()

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
  /** where axe-core looks at a copy of the page, when script is off in this one */
  judged: Page | undefined
  /** every message of the console, and what failed to load */
  complaints: string[]
  /** origins that were asked, in order, each once */
  origins: Set<string>
}

/** Starts Chromium, with more arguments; it ends with `t`. */
export async function launchChromium(t: Lifetime, ...more: string[]): Promise<Browser> {
  const executablePath = findChromium()
  const browser = await chromium.launch({
    ...(executablePath !== undefined && { executablePath }),
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...more
    ]
  })
  t.teardown(() => browser.close())
  return browser
}

/** A new person at the browser, without cookies. */
export async function openBrowser(browser: Browser, look: Look): Promise<Person> {
  const open = async (script: Look['script']) => {
    const context = await browser.newContext({
      viewport: { width: look.width, height: 860 },
      javaScriptEnabled: script === 'on',
      reducedMotion: 'reduce',
      locale: look.locale ?? 'en-GB',
      colorScheme: look.colorScheme ?? 'light'
    })
    context.setDefaultTimeout(15_000)
    return context
  }
  const context = await open(look.script)
  const complaints: string[] = []
  const origins = new Set<string>()
  context.on('console', message =>
    complaints.push(`${message.text()} ${message.location().url}`.trim())
  )
  context.on('weberror', error => complaints.push(String(error.error())))
  context.on('request', request => origins.add(new URL(request.url()).origin))
  context.on('requestfailed', request =>
    complaints.push(`${request.url()} ${request.failure()?.errorText}`)
  )
  const page = await context.newPage()
  const judged = look.script === 'on' ? undefined : await (await open('on')).newPage()
  return { page, judged, complaints, origins }
}

/** What reaches beyond the window. A picture of the whole page stretches the window, which gets its size back a moment later. */
async function tooWide(page: Page): Promise<string[]> {
  const isWide = () => page.evaluate('document.documentElement.scrollWidth > innerWidth')
  for (let attempt = 0; attempt < 20 && (await isWide()); attempt += 1) await sleep(100)
  if (!(await isWide())) return []
  return (await page.evaluate(
    `['the page', ...[...document.querySelectorAll('body *')]
      .filter(each => each.getBoundingClientRect().right > innerWidth + 0.5)
      .map(each => each.outerHTML.slice(0, 300)).slice(-2)]`
  )) as string[]
}

/** What is wrong with a person's page for people who need help, and whether it is wider than the window. */
export async function flawsOf({ page, judged }: Person): Promise<string[]> {
  const wide = await tooWide(page)
  if (judged !== undefined) await copyTo(judged, page)
  const place = judged ?? page
  await place.evaluate(axe)
  const found = (await place.evaluate(
    `axe.run(document, { runOnly: ${JSON.stringify(axeRules)} }).then(all => all.violations.map(each => each.id + ' ' + each.nodes[0].html))`
  )) as string[]
  return [...wide.map(each => `wider than the window: ${page.url()} ${each}`), ...found]
}

/** axe-core waits for timers, which stand still where script is off: it judges the same document elsewhere. */
async function copyTo(judged: Page, page: Page): Promise<void> {
  const url = page.url()
  const body = await page.content()
  await judged.route(url, route => route.fulfill({ body, contentType: 'text/html; charset=utf-8' }))
  await judged.goto(url)
  await judged.unroute(url)
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
