// What must hold for every page, in every language: nothing inline, nothing from elsewhere, labels, one heading, honest forms.

import t from 'tap'
import { locales } from '../../src/i18n/locale.ts'
import { formsOf, readTags, shapeOf, tagsNamed } from './markup-reader.ts'
import { frameIn, renderSamples, site } from './samples.ts'

const all = locales.flatMap(locale =>
  Object.entries(renderSamples(frameIn(locale))).map(([name, page]) => ({ name, locale, page }))
)

const probes = [
  `"><img src=x onerror=alert(1)>`,
  `'><svg/onload=alert(1)>`,
  `</title></bdi></p><script>alert(1)</script>`,
  `{{7*7}}\${7*7}<%= 7 %>`,
  `javascript:alert(1)//`,
  `" autofocus onfocus="alert(1)`,
  `&lt;b&gt;`,
  `\u202Egnp.exe`
]

t.test('a probe in any string changes no tag and no attribute name', async t => {
  for (const locale of locales) {
    for (const probe of probes) {
      const say = (usual: string) => usual + probe
      const usual = renderSamples(frameIn(locale))
      const probed = renderSamples(
        frameIn(locale, {
          returnTo: say('/x'),
          site: {
            ...site,
            product: { name: say('mintmark') },
            issuerHost: say('id.example.com'),
            basePath: say('')
          }
        }),
        say
      )
      for (const [name, page] of Object.entries(probed)) {
        t.strictSame(shapeOf(page), shapeOf(usual[name] ?? ''), `${name} ${locale} ${probe}`)
        t.ok(page.includes('mintmark'), 'the page was made')
        if (/[<"']/.test(probe)) t.notOk(page.includes(probe), `${name}: the probe is escaped`)
      }
    }
  }
})

t.test('a link that is not https is left out (R-06)', async t => {
  for (const url of [
    'javascript:alert(1)',
    ' jAvAsCrIpT:alert(1)',
    'data:text/html,x',
    'http://a.example',
    '//a',
    ''
  ]) {
    const pages = renderSamples(frameIn('en'), usual =>
      usual.startsWith('https://acme') ? url : usual
    )
    t.strictSame(tagsNamed(pages['consent'] ?? '', 'a'), [], url)
  }
  const links = tagsNamed(renderSamples(frameIn('en'))['consent'] ?? '', 'a')
  t.equal(links.length, 3)
  for (const link of links) {
    t.equal(link.attributes['referrerpolicy'], 'no-referrer')
    t.equal(link.attributes['rel'], 'noopener noreferrer nofollow')
  }
})

t.test('no page has an inline script, an inline style or an event handler', async t => {
  for (const { name, locale, page } of all) {
    for (const tag of readTags(page)) {
      t.notOk(['style', 'iframe', 'object', 'base'].includes(tag.name), `${name} ${locale}`)
      if (tag.name === 'script' && !tag.closing) t.match(tag.attributes['src'], /^\/assets\//, name)
      const forbidden = Object.keys(tag.attributes).filter(
        key => key === 'style' || key.startsWith('on')
      )
      t.strictSame(forbidden, [], `${name} ${locale} <${tag.name}>`)
    }
  }
})

t.test('a script of a page is a file: nothing stands between its tags', async t => {
  for (const { name, page } of all) t.notMatch(page, /<script[^>]*>[^<]/, name)
})

t.test('no page loads anything from another site', async t => {
  for (const { name, page } of all) {
    for (const tag of readTags(page)) {
      const loaded =
        tag.attributes['src'] ?? (tag.name === 'link' ? tag.attributes['href'] : undefined)
      if (loaded !== undefined) t.match(loaded, /^\/(?!\/)/, name)
    }
  }
})

t.test(
  'every page says its language and direction, has one h1, one main and the title form',
  async t => {
    for (const { name, locale, page } of all) {
      const [root] = tagsNamed(page, 'html')
      t.strictSame(root?.attributes, { lang: locale, dir: 'ltr' }, name)
      t.equal(tagsNamed(page, 'h1').length, 1, name)
      t.equal(tagsNamed(page, 'main').length, 1, name)
      t.match(page, /<title>[^<]+ – mintmark<\/title>/, name)
      t.ok(page.includes('id.example.com'), `${name} shows the issuer's host`)
    }
  }
)

t.test('a form has one submit button, or a second one only to decline', async t => {
  const declining = new Set(['restart', 'decline', 'abort', 'logout-stay'])
  for (const { name, locale, page } of all) {
    for (const form of formsOf(page)) {
      const buttons = form.tags.filter(tag => tag.name === 'button' && !tag.closing)
      t.ok(buttons.length === 1 || buttons.length === 2, `${name} ${locale}`)
      for (const button of buttons) t.equal(button.attributes['type'], 'submit')
      const second = buttons[1]
      if (second === undefined) continue
      t.ok('formnovalidate' in second.attributes, `${name}: the second button skips the fields`)
      t.ok(declining.has(second.attributes['name'] ?? 'logout-stay'), name)
    }
  }
})

t.test('every visible field has a label and what describes it exists', async t => {
  for (const { name, page } of all) {
    const tags = readTags(page).filter(tag => !tag.closing)
    const ids = tags.flatMap(tag => tag.attributes['id'] ?? [])
    t.equal(new Set(ids).size, ids.length, `${name}: no id twice`)
    const labelled = new Set(tagsNamed(page, 'label').map(tag => tag.attributes['for']))
    for (const input of tagsNamed(page, 'input')) {
      if (input.attributes['type'] === 'hidden') continue
      t.ok(labelled.has(input.attributes['id']), `${name} ${input.attributes['name']}`)
      t.notOk('placeholder' in input.attributes, 'a placeholder is no label')
      for (const id of input.attributes['aria-describedby']?.split(' ') ?? [])
        t.ok(ids.includes(id), id)
    }
  }
})

t.test('the language menu is left out where nothing would lead back', async t => {
  const pages = renderSamples(frameIn('en', { returnTo: undefined }))
  t.strictSame(formsOf(pages['logged-out'] ?? ''), [])
  t.equal(formsOf(renderSamples(frameIn('en'))['logged-out'] ?? '')[0]?.action, '/language')
})
