// docs/authorization-details.md and docs/fapi.md as they stand there: one server has the configurations of both, a shell runs the command, and
// what the pages say that comes, comes. Only the address and the secret are put in their place.

import { execFile, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import * as oidc from 'openid-client'
import t from 'tap'
import { claimsIn, createRequests } from '../protocol/requests.ts'
import { secretOf } from '../support/configuration.ts'
import { passPages } from '../support/relying-party.ts'
import { person, startTestServer } from '../support/server.ts'

const docs = new URL('../../docs/', import.meta.url)
const pageOf = (name: string) => readFileSync(new URL(name, docs), 'utf8')
const details = pageOf('authorization-details.md')
const fapi = pageOf('fapi.md')
const blocks = (page: string, language: string) =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 'gs'))].map(
    ([, code]) => code ?? ''
  )

const secret = secretOf('shopping')
const [configuration = '{}', granted = '[]'] = blocks(details, 'json')
const [profiles = '{}'] = blocks(fapi, 'json')
const written = JSON.parse(configuration.replace('env:SHOP_SECRET', secret))
const server = await startTestServer(t, {
  ...written,
  clients: [...written.clients, ...JSON.parse(profiles).clients]
})
const requests = createRequests(server)
const skip =
  spawnSync('curl', ['--version']).status === 0 ? false : 'needs curl, which is not installed'

t.test('the command pushes, the person reads it, and the details come', { skip }, async t => {
  const verifier = oidc.randomPKCECodeVerifier()
  const [command = ''] = blocks(details, 'sh')
  t.match(command, 'http://localhost:3000')
  const CHALLENGE = await oidc.calculatePKCECodeChallenge(verifier)
  const { stdout } = await promisify(execFile)(
    'sh',
    ['-c', command.replaceAll('http://localhost:3000', server.issuer)],
    { env: { ...process.env, SHOP_SECRET: secret, CHALLENGE } }
  )
  const url = new URL('/authorize', server.issuer)
  url.searchParams.set('client_id', 'shop')
  const pushed = JSON.parse(stdout)
  t.match(pushed, { expires_in: 60 }, stdout)
  url.searchParams.set('request_uri', pushed['request_uri'])
  const redirectUri = 'https://shop.example.com/callback'
  const { callbackUrl } = await passPages(requests.ada, await requests.ada.get(url), {
    ...person,
    redirectUri
  })
  const pair = Buffer.from(`shop:${secret}`).toString('base64')
  const tokens = await requests.token(
    { headers: { authorization: `Basic ${pair}` }, parameters: {} },
    {
      grant_type: 'authorization_code',
      code: callbackUrl.searchParams.get('code') ?? '',
      redirect_uri: redirectUri,
      code_verifier: verifier
    }
  )
  t.equal(tokens.status, 200, tokens.text)
  const expected = JSON.parse(granted)
  t.same(tokens.body['authorization_details'], expected)
  t.match(claimsIn(tokens.body.access_token), {
    aud: 'https://bank.example.com',
    authorization_details: expected
  })
})

t.test('the clients of the page about FAPI are held to their profiles', async t => {
  for (const clientId of ['bank-app', 'signing-app']) {
    const client = await server.server.clients.find(clientId)
    t.match(client?.metadata, {
      token_endpoint_auth_method: 'private_key_jwt',
      dpop_bound_access_tokens: true,
      require_pushed_authorization_requests: true,
      id_token_signed_response_alg: 'ES256'
    })
    const redirectUri = `https://${clientId}.example.com/callback`
    const app = { clientId, redirectUri, caller: { headers: {}, parameters: {} } }
    t.match(await requests.refusalOf({ app }), { error: 'invalid_request' })
  }
})

t.test('every link of the two pages leads to a page and a heading that are there', async t => {
  const slug = (heading: string) =>
    heading
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .trim()
      .replace(/\s/g, '-')
  for (const page of [details, fapi]) {
    const links = [...page.matchAll(/\]\(((?:\.\.\/config\/)?[a-z-]+\.md)(?:#([a-z-]+))?\)/g)]
    t.ok(links.length > 0)
    for (const [, name = '', heading] of links) {
      t.ok(existsSync(new URL(name, docs)), name)
      const headings = [...pageOf(name).matchAll(/^#+ (.*)$/gm)].map(([, text = '']) => slug(text))
      if (heading !== undefined) t.ok(headings.includes(heading), `${name}#${heading}`)
    }
  }
})
