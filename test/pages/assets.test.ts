// Stylesheets, icon and script: named by content, cached for ever, and nothing else is served from there.

import t from 'tap'
import { createAssets } from '../../src/pages/assets.ts'
import { createSite } from '../../src/pages/site.ts'
import { buildPages } from './harness.ts'

t.test('a file under its content hash may be kept for ever (RFC 8246)', async t => {
  const { get, assets } = await buildPages(t)
  t.equal(assets.files.length, 5)
  for (const file of assets.files) {
    const response = await get(file.path)
    t.equal(response.statusCode, 200)
    t.equal(response.headers['cache-control'], 'public, max-age=31536000, immutable')
    t.equal(response.headers['content-type'], file.type)
    t.equal(response.headers['x-content-type-options'], 'nosniff')
  }
})

t.test(
  'another version of a file gets ours, to be kept by nobody; other names get 404',
  async t => {
    const { get } = await buildPages(t)
    const old = await get('/assets/mintmark-0000.css')
    t.equal(old.statusCode, 200)
    t.equal(old.headers['cache-control'], 'no-store')
    for (const path of [
      '/assets/',
      '/assets/mintmark.css',
      '/assets/..%2flayout.ts',
      '/assets/other-1.css'
    ]) {
      t.equal((await get(path)).statusCode, 404, path)
    }
  }
)

t.test('every page asks for exactly these stylesheets, and this icon', async t => {
  const { get, assets } = await buildPages(t)
  const { body } = await get('/interaction/abc')
  const files = assets.files.filter(({ extension }) => extension !== 'js')
  t.equal(files.length, 3)
  for (const file of files) t.ok(body.includes(`href="${file.path}"`), file.path)
})

t.test('the script is the bundle of the library and ours behind it', async t => {
  const script = createAssets({}).files.find(({ stem }) => stem === 'passkeys')
  t.match(script?.path, /^\/assets\/passkeys-[0-9a-f]{16}\.js$/)
  t.match(script?.type, 'text/javascript')
  t.match(
    script?.body.toString(),
    /SimpleWebAuthnBrowser=\{\}[\s\S]*browserSupportsWebAuthnAutofill/
  )
})

t.test('a new colour is a new address', async t => {
  const [one, other] = [createAssets({ colour: '#123456' }), createAssets({ colour: '#654321' })]
  t.equal(one.stylesheets[0], other.stylesheets[0])
  t.not(one.stylesheets[1], other.stylesheets[1])
})

t.test(
  'the stylesheet loads nothing from elsewhere and moves only where motion is welcome',
  async t => {
    for (const file of createAssets({}).files.filter(each => each.extension === 'css')) {
      const css = file.body.toString()
      t.notMatch(css, /@import|url\(|@font-face/)
      const moving = css.indexOf('transition:')
      t.ok(
        moving === -1 ||
          css.lastIndexOf('@media', moving) ===
            css.indexOf('@media (prefers-reduced-motion: no-preference)')
      )
      t.notMatch(
        css,
        /(margin|padding|border|inset)-(left|right)|text-align: (left|right)/,
        'logical only'
      )
    }
  }
)

t.test('a product logo is ours or none', async t => {
  const logoOf = (logo: string) =>
    createSite({ product: { name: 'x', logo }, issuer: 'https://id.example.com' }).product.logo
  t.equal(logoOf('/logo.svg'), '/logo.svg')
  t.equal(logoOf('data:image/png;base64,AA'), 'data:image/png;base64,AA')
  for (const logo of [
    'https://cdn.example/l.png',
    '//cdn.example/l.png',
    '/\\cdn.example/l.png',
    'data:text/html,x'
  ]) {
    t.equal(logoOf(logo), undefined, logo)
  }
})

t.test('an issuer with a path has its pages and files under that path', async t => {
  const site = createSite({ product: { name: 'x' }, issuer: 'https://example.com:8443/auth/' })
  t.equal(site.basePath, '/auth')
  t.equal(site.issuerHost, 'example.com:8443')
  t.match(site.icon, /^\/auth\/assets\//)
})

t.test(
  'a logo of the operator is served like everything else, and a missing one is told',
  async t => {
    const folder = t.testdir({ 'logo.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>' })
    const { logo, files } = createAssets({ logo: `${folder}/logo.svg` })
    const file = files.find(({ path }) => path === logo)
    t.match(file, { type: 'image/svg+xml', path: /^\/assets\/logo-[0-9a-f]{16}\.svg$/ })
    t.throws(() => createAssets({ logo: `${folder}/none.png` }), {
      code: 'configuration_invalid',
      message: /MINTMARK_PRODUCT__LOGO/
    })
  }
)
