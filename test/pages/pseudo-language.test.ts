// A language is added as docs/languages.md says, in a copy of the source: one file, and its name in languages.ts. It writes three times as many
// letters, from right to left. No page of it is wider than a telephone or a desk. Skipped where no Chromium is installed.

import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import fastify from 'fastify'
import t from 'tap'
import { assetRoutes, createAssets } from '../../src/pages/assets.ts'
import { pageHeaders } from '../../src/pages/headers.ts'
import { createSite } from '../../src/pages/site.ts'
import { launchChromium, openBrowser, skip } from '../support/chromium.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const issuer = 'http://localhost'

/** The new file: English, letter by letter in another alphabet, each word three times as long. */
const pseudo = `
import { en } from './en.ts'
import type { Messages } from './messages.ts'

const letters = 'ابتثجحخدذرزسشصضطظعغفقكلمنه'
const said = (text: string) =>
  text.replace(/[a-z]+/gi, word =>
    [...word.toLowerCase()].map(letter => letters[letter.charCodeAt(0) - 97]).join('').repeat(3)
  )

function translated(value: unknown): unknown {
  if (typeof value === 'string') return said(value)
  if (Array.isArray(value)) return value.map(part => (typeof part === 'string' ? said(part) : part))
  if (typeof value === 'function') return (...args: unknown[]) => translated(value(...args))
  if (typeof value !== 'object' || value === null || value instanceof String) return value
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, translated(part)]))
}

export const ar = { ...(translated(en) as Messages), direction: 'rtl' } satisfies Messages
`

type Samples = (frame: object) => Record<string, string>

/** The pages of a copy of the source that speaks one language more. */
async function pagesOfCopy(folder: string): Promise<Samples> {
  for (const part of ['src/i18n', 'src/views', 'src/oauth', 'src/lib', 'test/views']) {
    cpSync(join(root, part), join(folder, part), { recursive: true })
  }
  cpSync(join(root, 'package.json'), join(folder, 'package.json'))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'src/i18n/ar.ts'), pseudo)
  const list = join(folder, 'src/i18n/languages.ts')
  const more = readFileSync(list, 'utf8')
    .replace('import { en }', "import { ar } from './ar.ts'\nimport { en }")
    .replace('languages = { ', 'languages = { ar, ')
  writeFileSync(list, more)
  const samples: { renderSamples: Samples } = await import(
    pathToFileURL(join(folder, 'test/views/samples.ts')).href
  )
  return samples.renderSamples
}

t.test(
  'a new language is one file and its name, and no page is too wide in it',
  { skip },
  async t => {
    const folder = mkdtempSync(join(tmpdir(), 'mintmark-language-'))
    t.teardown(() => rmSync(folder, { recursive: true, force: true }))
    const assets = createAssets({})
    const site = createSite({ product: { name: 'mintmark' }, issuer, assets })
    const pages = (await pagesOfCopy(folder))({ site, locale: 'ar', returnTo: '/' })
    const app = fastify()
    app.register(assetRoutes, { assets })
    app.get<{ Params: { name: string } }>('/pages/:name', (request, reply) =>
      reply
        .headers(pageHeaders('onward', issuer))
        .type('text/html; charset=utf-8')
        .send(pages[request.params.name])
    )
    const base = await app.listen({ host: '127.0.0.1', port: 0 })
    t.teardown(() => app.close())
    const browser = await launchChromium(t)

    for (const width of [320, 1280]) {
      const { page, complaints } = await openBrowser(browser, { width, script: 'on' })
      for (const name of Object.keys(pages)) {
        await page.goto(`${base}/pages/${name}`)
        const seen = await page.evaluate(`({
        direction: getComputedStyle(document.body).direction,
        said: /[\\u0621-\\u064a]{9}/.test(document.body.innerText),
        title: document.title.length > 12,
        wide: [...document.querySelectorAll('body *')].filter(each => {
          const { left, right, width } = each.getBoundingClientRect()
          return !each.closest('.unseen') && width > 1 && (left < -0.5 || right > innerWidth + 0.5)
        }).map(each => each.outerHTML.slice(0, 200)).slice(-2),
        scrolls: document.documentElement.scrollWidth > innerWidth
      })`)
        const good = { direction: 'rtl', said: true, title: true, wide: [], scrolls: false }
        t.same(seen, good, `${name} at ${width} px`)
      }
      t.same(
        complaints.filter(text => !text.includes('ERR_ABORTED')),
        [],
        'the browser has nothing to complain about'
      )
      await page.context().close()
    }
  }
)
