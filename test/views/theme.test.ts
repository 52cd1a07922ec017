// The product colour stays legible whatever an operator chooses, and nothing but a colour gets into the stylesheet.

import t from 'tap'
import { contrast, parseColour, renderTheme } from '../../src/views/theme.ts'

function colours(css: string, property: string) {
  const pair = css.match(new RegExp(`--${property}: light-dark\\((#\\w+), (#\\w+)\\)`))
  const [light, dark] = [parseColour(pair?.[1]), parseColour(pair?.[2])]
  if (light === undefined || dark === undefined) throw new Error(`no ${property} in ${css}`)
  return { light, dark }
}

t.test(
  'text on a button has 4.5:1 and the button 3:1 against the card (WCAG 2.2, 1.4.3, 1.4.11)',
  async t => {
    for (const colour of [
      undefined,
      '#000',
      '#fff',
      '#ffff00',
      '#777777',
      '#123456',
      '#e11d48',
      '#0b6b57'
    ]) {
      const css = renderTheme({ colour })
      const [brand, on] = [colours(css, 'brand'), colours(css, 'on-brand')]
      for (const mode of ['light', 'dark'] as const) {
        t.ok(contrast(brand[mode], on[mode]) >= 4.5, `text ${colour} ${mode}`)
      }
      t.ok(contrast(brand.light, [255, 255, 255]) >= 3, `button ${colour} light`)
      t.ok(contrast(brand.dark, [0x17, 0x1e, 0x1b]) >= 3, `button ${colour} dark`)
    }
  }
)

t.test('black on white is 21:1 (WCAG 2.2)', async t => {
  t.equal(contrast([0, 0, 0], [255, 255, 255]), 21)
})

t.test('what is not a hex colour is ignored', async t => {
  for (const colour of ['red', '#12345', '#fff}body{display:none', 'url(//evil)', '']) {
    t.equal(renderTheme({ colour }), renderTheme({}), colour)
  }
  t.strictSame(parseColour('#1af'), [0x11, 0xaa, 0xff])
})

t.test('corners are as round as configured, and a number or ours', async t => {
  t.match(renderTheme({ radius: 0 }), '--radius: 0rem;')
  t.match(renderTheme({ radius: 16 }), '--radius: 1rem;')
  for (const radius of [-1, 25, Number.NaN, Infinity, '1rem}body{display:none' as never]) {
    t.equal(renderTheme({ radius }), renderTheme({}), String(radius))
  }
})
