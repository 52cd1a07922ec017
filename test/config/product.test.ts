// Addresses of the operator's own stand in links of every page: of the web or of mail, and nothing that a browser would run.

import t from 'tap'
import { refuses } from './refusal.ts'
import { load, productionEnv } from './sound.ts'

refuses(
  t,
  'production',
  productionEnv,
  [
    'javascript:alert(1)',
    'http://example.com/help',
    ' https://example.com',
    'https://example.com/"onclick="x',
    'mailto:',
    'mailto:a@b@c',
    'data:text/html,x',
    ''
  ].map(help => ({
    title: `${JSON.stringify(help)} as an address of help`,
    file: { product: { links: { help } } },
    path: 'product.links.help',
    says: /./
  }))
)

t.test('an address of the web or of mail is taken', async t => {
  const links = { help: 'mailto:help@example.com', terms: 'https://example.com/terms?v=2#a' }
  t.match(load(productionEnv, { product: { links } }).product.links, links)
  t.same(load(productionEnv).product.links, {})
})
