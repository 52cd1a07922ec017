// Links that the operator gives every page: help, privacy policy and terms at its foot, and where an app can be reported.

import t from 'tap'
import { locales } from '../../src/i18n/locale.ts'
import { tagsNamed } from './markup-reader.ts'
import { frameIn, renderSamples, site } from './samples.ts'

const links = {
  help: 'mailto:help@acme.example',
  privacy: 'https://acme.example/privacy-of-ours',
  terms: 'https://acme.example/terms-of-ours',
  report: 'https://acme.example/report'
}
const pagesWith = (given: typeof links | undefined, locale: 'en' | 'ko') =>
  renderSamples(frameIn(locale, { site: { ...site, product: { name: 'mintmark', links: given } } }))
const addresses = (page: string) =>
  tagsNamed(page, 'a').flatMap(({ attributes }) => attributes['href'] ?? [])

t.test('every page has them at its foot, in every language', async t => {
  for (const locale of locales) {
    const without = pagesWith(undefined, locale)
    for (const [name, page] of Object.entries(pagesWith(links, locale))) {
      const [, foot = ''] = page.split('<footer class="site-footer">')
      t.same(addresses(foot), [links.help, links.privacy, links.terms], `${name} ${locale}`)
      t.notOk(addresses(without[name] ?? '').includes(links.help))
    }
  }
})

t.test(
  'an app is reported from where it asks and where it fails, and the operator’s own is not',
  async t => {
    const pages = pagesWith(links, 'en')
    const reporting = Object.entries(pages)
      .filter(([, page]) => addresses(page).includes(links.report))
      .map(([name]) => name)
    t.ok(reporting.some(name => name.startsWith('consent')))
    t.ok(reporting.some(name => name.startsWith('error')))
    t.ok(
      reporting.every(name => /^(consent|error)/.test(name)),
      reporting.join()
    )
  }
)

t.test('what leads elsewhere tells nobody from where, and leaves the page open', async t => {
  for (const tag of tagsNamed(pagesWith(links, 'en')['consent'] ?? '', 'a')) {
    if (!tag.attributes['href']?.startsWith('https://acme.example')) continue
    t.match(tag.attributes, {
      target: '_blank',
      rel: 'noopener noreferrer nofollow',
      referrerpolicy: 'no-referrer'
    })
  }
})
