// `npm run pictures`: what `npm run browser` has seen with SCREENSHOTS=folder, on one sheet for each walk: every page once, small. For docs/pages.

import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { launchChromium } from '../support/chromium.ts'
import { createLifetime } from '../support/lifetime.ts'

const [from, to = 'docs/pages'] = process.argv.slice(2)
if (from === undefined) throw new Error('say in which folder the pictures are')
mkdirSync(to, { recursive: true })

/** walk -> page -> file, in the order of the walk; a page that was seen again is there once. */
const walks = new Map<string, Map<string, string>>()
for (const file of readdirSync(from).sort()) {
  const [, walk, page] = /^(.+)-\d{3}-(.+)\.png$/.exec(file) ?? []
  if (walk === undefined || page === undefined) continue
  const pages = walks.get(walk) ?? new Map<string, string>()
  if (!pages.has(page)) pages.set(page, `${from}/${file}`)
  walks.set(walk, pages)
}

const life = createLifetime()
try {
  const browser = await launchChromium(life)
  for (const [walk, pages] of walks) {
    const columns = walk.endsWith('1280') ? 4 : 8
    const figures = [...pages].map(([page, file]) => {
      const data = readFileSync(file).toString('base64')
      return `<figure><img src="data:image/png;base64,${data}"><figcaption>${page}</figcaption></figure>`
    })
    const sheet = await browser.newPage({ viewport: { width: 1600, height: 900 } })
    await sheet.setContent(
      `<!doctype html><style>body { margin: 8px; columns: ${columns}; column-gap: 8px; font: 12px sans-serif; background: #ddd }
        figure { margin: 0 0 8px; break-inside: avoid } img { width: 100%; max-height: 700px; object-fit: cover; object-position: top; display: block }</style>${figures.join('')}`
    )
    await sheet.screenshot({ path: `${to}/${walk}.jpg`, fullPage: true, quality: 55 })
    process.stdout.write(`${to}/${walk}.jpg: ${pages.size} pages\n`)
  }
} finally {
  await life.end()
}
