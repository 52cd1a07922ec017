// Every page in a real browser: axe-core finds nothing, nothing overflows at 320 px, and the policy blocks nothing that the pages need.
// Skipped where no Chromium is installed.

import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import fastify from 'fastify'
import { chromium } from 'playwright-core'
import t from 'tap'
import type { Locale } from '../../src/i18n/locale.ts'
import { assetRoutes, createAssets } from '../../src/pages/assets.ts'
import { pageHeaders } from '../../src/pages/headers.ts'
import { createSite } from '../../src/pages/site.ts'
import { renderSamples } from '../views/samples.ts'

const executablePath = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'
].find(path => existsSync(path))

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
const looks = [
  { locale: 'en', colorScheme: 'light', width: 1280 },
  { locale: 'ko', colorScheme: 'dark', width: 320 }
] as const

t.test(
  'WCAG 2.2 AA and reflow at 320 px hold on every page',
  {
    skip: executablePath === undefined && 'no Chromium on this machine',
    timeout: 110_000
  },
  async t => {
    const issuer = 'http://localhost'
    const assets = createAssets({})
    const site = createSite({ product: { name: 'mintmark' }, issuer, assets })
    const app = fastify()
    app.register(assetRoutes, { assets })
    app.get<{ Params: { locale: Locale; name: string } }>('/:locale/:name', (request, reply) => {
      const { locale, name } = request.params
      const page = renderSamples({ site, locale, returnTo: '/' })[name]
      return reply
        .headers(pageHeaders('onward', issuer))
        .type('text/html; charset=utf-8')
        .send(page)
    })
    const base = await app.listen({ host: '127.0.0.1', port: 0 })
    const browser = await chromium.launch({
      ...(executablePath !== undefined && { executablePath }),
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking']
    })
    t.teardown(async () => {
      await browser.close()
      await app.close()
    })

    for (const { locale, colorScheme, width } of looks) {
      const viewport = { width, height: 720 }
      const page = await browser.newPage({ colorScheme, viewport, reducedMotion: 'reduce' })
      const complaints: string[] = []
      page.on('console', message => complaints.push(message.text()))
      page.on('requestfailed', request => {
        // the icon of a page that was left while it was on its way
        if (request.failure()?.errorText !== 'net::ERR_ABORTED') complaints.push(request.url())
      })
      for (const name of Object.keys(renderSamples({ site, locale }))) {
        await page.goto(`${base}/${locale}/${name}`)
        t.notOk(
          await page.evaluate('document.documentElement.scrollWidth > innerWidth'),
          `${name} ${locale} fits ${width} px`
        )
        await page.evaluate(axe)
        const found = await page.evaluate(
          `axe.run(document, { runOnly: ${JSON.stringify(rules)} }).then(all => all.violations.map(each => each.id + ' ' + each.nodes[0].html))`
        )
        t.strictSame(found, [], `${name} ${locale} ${colorScheme}`)
      }
      t.strictSame(complaints, [], 'the browser has nothing to complain about')
      await page.close()
    }
  }
)
