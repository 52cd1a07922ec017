// docs/token-exchange.md as it stands there: its configuration is loaded by a server, and its command run by a shell. Only the address and the
// secret are put in their place. What the page says that comes, comes.

import { execFile, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import t from 'tap'
import { claimsIn, createRequests } from '../protocol/requests.ts'
import { secretOf } from '../support/configuration.ts'
import { startTestServer } from '../support/server.ts'

const page = readFileSync(new URL('../../docs/token-exchange.md', import.meta.url), 'utf8')
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 'gs'))].map(
    ([, code]) => code ?? ''
  )

const skip =
  spawnSync('curl', ['--version']).status === 0 ? false : 'needs curl, which is not installed'

t.test(
  'the page’s configuration is sound, and its command answers what it says',
  { skip },
  async t => {
    const secret = secretOf('orders-api')
    const [configuration = '', answer = '', token = ''] = blocks('json')
    const main = await startTestServer(
      t,
      JSON.parse(configuration.replace('env:ORDERS_SECRET', secret))
    )
    const requests = createRequests(main)
    const subject = await requests.tokens({
      scope: 'openid read:orders write:orders',
      resource: 'https://orders.example.com'
    })
    const [command = ''] = blocks('sh')
    t.match(command, 'http://localhost:3000')
    const { stdout } = await promisify(execFile)(
      'sh',
      ['-c', command.replaceAll('http://localhost:3000', main.issuer)],
      { env: { ...process.env, ORDERS_SECRET: secret, ACCESS_TOKEN: subject.access_token } }
    )
    const body = JSON.parse(stdout) as Record<string, unknown>
    const said = JSON.parse(answer) as Record<string, unknown>
    t.same(Object.keys(body).sort(), Object.keys(said).sort())
    for (const member of ['issued_token_type', 'token_type', 'scope']) {
      t.equal(body[member], said[member], member)
    }
    const claims = claimsIn(String(body['access_token']))
    const shown = JSON.parse(token) as Record<string, unknown>
    t.same(Object.keys(claims).sort(), Object.keys(shown).sort())
    for (const member of ['aud', 'client_id', 'scope', 'act', 'via']) {
      t.same(claims[member], shown[member], member)
    }
  }
)

t.test('every link of the page leads to a page and a heading that are there', async t => {
  const links = [...page.matchAll(/\]\(([a-z-]+\.md)(?:#([a-z-]+))?\)/g)]
  t.ok(links.length > 1)
  for (const [, file = '', heading] of links) {
    const text = readFileSync(new URL(`../../docs/${file}`, import.meta.url), 'utf8')
    const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replaceAll(/[^a-z0-9 -]/g, '')
        .replaceAll(' ', '-')
    )
    t.ok(heading === undefined || headings.includes(heading), `${file}#${heading}`)
  }
})
