// Pairwise subjects (OpenID Connect Core §8, D-10): one `sub` for the clients of a sector, another one for everybody else's, the same in
// everything that a client is told, and never a way to the account.

import t from 'tap'
import { issueInitialAccessToken } from '../../src/clients/registration-token.ts'
import { createBrowser } from '../support/browser.ts'
import { secretOf } from '../support/configuration.ts'
import { canMakeCertificates, serveAsHost } from '../support/https-host.ts'
import { startServerProcess } from '../support/processes.ts'
import { startTestServer } from '../support/server.ts'
import { type App, basic, claimsIn, createRequests, web } from './requests.ts'

const appAt = (clientId: string, host: string): App => ({
  clientId,
  redirectUri: `https://${host}/callback`,
  caller: basic(clientId)
})
const one = appAt('pair-one', 'one.example.com')
const sibling = appAt('pair-sibling', 'one.example.com')
const two = appAt('pair-two', 'two.example.com')
const shopping = appAt('pair-shop', 'shop.example.com')
const blogging = appAt('pair-blog', 'blog.example.org')
const memberOf = ({ clientId, redirectUri }: App) => ({
  client_id: clientId,
  type: 'web',
  client_secret: secretOf(clientId),
  redirect_uris: [redirectUri],
  subject_type: 'pairwise'
})
const overrides = {
  registration: { enabled: true },
  clients: [
    ...[one, sibling, two].map(memberOf),
    ...[shopping, blogging].map(app => ({
      ...memberOf(app),
      sector_identifier_uri: 'https://group.example.com/sector.json'
    }))
  ],
  resources: [
    {
      identifier: 'https://pair.example.com',
      scopes: { 'read:pairs': { en: 'Read' } },
      clients: ['pair-one', 'pair-two'],
      introspectionClient: 'api-server'
    }
  ]
}
const server = await startTestServer(t, overrides)
const requests = createRequests(server)
const { issuer } = requests
const pairApi = 'https://pair.example.com'
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

const subFor = async (app: App) => claimsIn((await requests.tokens({ app })).id_token)['sub']

t.test('different sectors see different subjects, one sector sees one (Core §8.1)', async t => {
  const first = await subFor(one)
  t.match(first, uuid)
  t.not(first, server.accountId)
  t.equal(await subFor(one), first, 'each time')
  t.equal(await subFor(sibling), first, 'another client at the same host')
  // one after the other: they are one browser
  const others = [await subFor(two), await subFor(web)]
  t.equal(new Set([first, ...others]).size, 3)
  t.equal(others[1], server.accountId, 'public')
  const shop = await subFor(shopping)
  t.equal(await subFor(blogging), shop, 'a sector by document')
  t.not(shop, first)
})

t.test(
  'sub is the same in ID token, access token, userinfo and introspection, and pairwise once (D-10)',
  async t => {
    const sub = await subFor(one)
    const tokens = await requests.tokens({
      app: one,
      scope: 'openid email offline_access read:pairs',
      resource: [pairApi, issuer],
      extra: { prompt: 'consent' }
    })
    const refreshed = await requests.refresh(one, tokens.refresh_token, { resource: issuer })
    const { body: userinfo } = await requests.userinfo(refreshed.body.access_token)
    const told = {
      'ID token': claimsIn(tokens.id_token)['sub'],
      'access token for an API': claimsIn(tokens.access_token)['sub'],
      'ID token of a refresh': claimsIn(refreshed.body.id_token)['sub'],
      'access token for the issuer': claimsIn(refreshed.body.access_token)['sub'],
      userinfo: userinfo['sub'],
      'introspection, by the client': (await requests.introspect(one.caller, tokens.access_token))
        .body['sub'],
      'introspection, by the API': (
        await requests.introspect(basic('api-server'), tokens.access_token)
      ).body['sub'],
      'introspection of the refresh token': (
        await requests.introspect(one.caller, refreshed.body.refresh_token)
      ).body['sub']
    }
    for (const [where, value] of Object.entries(told)) t.equal(value, sub, where)
    t.equal(userinfo['email'], 'ada@example.com', 'of the right account')
    const all = JSON.stringify([tokens, claimsIn(tokens.access_token), claimsIn(tokens.id_token)])
    t.notOk(all.includes(server.accountId), 'the account id is nowhere')
  }
)

t.test('hints are judged by the subject that the client knows (Core §3.1.2.1, D-10)', async t => {
  const { id_token } = await requests.tokens({ app: one })
  const hinted = async (app: App, id_token_hint: string) =>
    (
      await requests.authorize({
        app,
        browser: requests.ada,
        extra: { prompt: 'none', id_token_hint }
      })
    ).location?.searchParams
  t.ok((await hinted(one, id_token))?.has('code'))
  t.equal((await hinted(two, id_token))?.get('error'), 'invalid_request', 'of another client')
  const eve = { login: 'eve@example.com', password: 'another horse battery staple' }
  const made = await server.server.accounts.service.create({ ...eve, name: 'Eve' }, 'cli')
  if (!made.ok) throw new Error(made.reason)
  const browser = createBrowser({ origin: issuer })
  const hers = await requests.tokens({ app: one, browser, who: eve })
  t.not(claimsIn(hers.id_token)['sub'], claimsIn(id_token)['sub'])
  t.equal((await hinted(one, hers.id_token))?.get('error'), 'login_required')
  const logout = await browser.get(
    `/logout?${new URLSearchParams({ id_token_hint: hers.id_token })}`
  )
  t.equal(logout.status, 200, 'the sign-out page takes it')
})

t.test(
  'every process knows the same subjects, also when all other secrets change (Core §8.1)',
  async t => {
    const before = await subFor(one)
    const other = await startServerProcess(t, server, overrides)
    const code = await requests.code({ app: one })
    const form = new URLSearchParams({
      grant_type: 'authorization_code',
      code: code.code,
      redirect_uri: one.redirectUri,
      code_verifier: code.verifier
    })
    const answer = await other.fetch('/oauth/token', {
      method: 'POST',
      headers: { ...one.caller.headers, 'content-type': 'application/x-www-form-urlencoded' },
      body: form.toString()
    })
    t.equal(claimsIn(JSON.parse(answer.text).id_token)['sub'], before)
    const scheduled = await server.server.keys.secretRotation.schedule()
    const pairwise = scheduled.filter(({ secret }) => secret.purpose === 'pairwise')
    t.match(pairwise, [{ next: { step: 'none' } }], 'one version, with no successor, ever')
  }
)

t.test('both subject types are advertised (Discovery §3)', async t => {
  const { body } = await requests.get('/.well-known/openid-configuration')
  t.same([...(body['subject_types_supported'] as string[])].sort(), ['pairwise', 'public'])
})

t.test(
  'a sector document is asked once, and must name every redirect URI (Core §8.1, Registration §5)',
  { skip: canMakeCertificates() ? false : 'openssl is not installed' },
  async t => {
    let asked = 0
    let document: unknown = []
    const host = await serveAsHost(t, 'sector.example.com', (request, response) => {
      asked += 1
      if (request.url === '/moved') response.writeHead(302, { location: '/sector.json' }).end()
      else if (request.url === '/large') response.end(' '.repeat(70_000))
      else response.end(JSON.stringify(document))
    })
    // in development alone loopback is no inside: there is no public host in a test
    const local = await startTestServer(t, { ...overrides, mode: 'development' })
    const mine = createRequests(local)
    const uris = ['https://a.example.com/callback', 'https://b.example.com/callback']
    const register = async (path: string, changed: object = {}) =>
      mine.json(
        'POST',
        '/oauth/register',
        {
          redirect_uris: uris,
          subject_type: 'pairwise',
          sector_identifier_uri: `${host}${path}`,
          ...changed
        },
        {
          authorization: `Bearer ${(await issueInitialAccessToken(local.store.database, { lifetimeSeconds: 60 })).token}`
        }
      )
    const wrong: [string, unknown, string][] = [
      ['nothing', [], '/sector.json'],
      ['one of two', uris.slice(0, 1), '/sector.json'],
      ['an object', { uris }, '/sector.json'],
      ['text', 'x', '/sector.json'],
      ['other values', [1, ...uris], '/sector.json'],
      ['a redirect', uris, '/moved'],
      ['more than 64 KiB', uris, '/large']
    ]
    for (const [what, content, path] of wrong) {
      document = content
      const answer = await register(path)
      t.match(answer, { status: 400, body: { error: 'invalid_client_metadata' } }, what)
    }
    document = [...uris, 'https://c.example.com/callback']
    asked = 0
    const made = await register('/sector.json')
    t.equal(made.status, 201, made.text)
    t.equal(asked, 1)
    const { client_id, client_secret } = made.body as unknown as Record<string, string>
    const app: App = {
      clientId: String(client_id),
      redirectUri: uris[0] ?? '',
      caller: basic(String(client_id), client_secret)
    }
    const tokens = await mine.tokens({ app })
    await mine.tokens({ app })
    t.equal(asked, 1, 'and by no request since')
    t.match(claimsIn(tokens.id_token)['sub'], uuid)
    for (const [what, sector_identifier_uri] of [
      ['a private address', 'https://10.0.0.1/sector.json'],
      ['loopback', 'https://127.0.0.1/sector.json'],
      ['a local name', 'https://sector.internal/sector.json'],
      ['not https', 'http://sector.example.com/sector.json']
    ] as const) {
      const answer = await register('', { sector_identifier_uri })
      t.match(answer, { status: 400, body: { error: 'invalid_client_metadata' } }, what)
    }
    t.equal(asked, 1)
  }
)

t.test(
  'an API is told nothing that is the same in two sectors but for the sign-in (Core §8.1)',
  async t => {
    const of = async (app: App) =>
      claimsIn(
        (await requests.tokens({ app, scope: 'openid read:pairs', resource: [pairApi, issuer] }))
          .access_token
      )
    const [first, second] = [await of(one), await of(two)]
    t.same([first['aud'], second['aud']], [pairApi, pairApi])
    const own = new Set(Object.values(first).map(value => JSON.stringify(value)))
    const shared = Object.entries(second)
      .filter(([, value]) => own.has(JSON.stringify(value)))
      .map(([name]) => name)
    t.same(
      shared.filter(
        name => !['iss', 'aud', 'scope', 'iat', 'exp', 'acr', 'auth_time'].includes(name)
      ),
      []
    )
  }
)
