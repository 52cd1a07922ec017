// Every address that somebody else chose and this server may ask, as a table, times every form of an inside address, names that lead inside
// and redirects: no connection arrives, and the answer does not tell which it was. An address that is never asked is in the table, too. A
// file of the source that sends requests and is not in the table is found.

import { randomUUID } from 'node:crypto'
import dns from 'node:dns'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { type AddressInfo, connect, createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { memberChecks } from '../../src/clients/member-checks.ts'
import { issueInitialAccessToken } from '../../src/clients/registration-token.ts'
import { pingContext, pingStatement } from '../../src/store/ping-notices.ts'
import { cibaGrantType } from '../protocol/backchannel.ts'
import { basic, createRequests } from '../protocol/requests.ts'
import { createBrowser } from '../support/browser.ts'
import type { Form } from '../support/forms.ts'
import { canMakeCertificates, serveAsHost } from '../support/https-host.ts'
import { createSigner, signJwt } from '../support/key-host.ts'
import { startTestServer } from '../support/server.ts'
import { authorizeQuery } from './endpoints.ts'

/** What names lead to; every other name is looked up as ever. */
const names: Record<string, string[]> = {
  'inside.example.com': ['127.0.0.1'],
  'inside-6.example.com': ['::1'],
  'mapped.example.com': ['::ffff:127.0.0.1'],
  'both.example.com': ['192.0.43.7', '127.0.0.1'],
  'metadata.example.com': ['169.254.169.254'],
  'none.example.com': []
}
const lookUp = dns.lookup
dns.lookup = ((name: string, options: object, callback: (...result: unknown[]) => void) => {
  const found = names[name]
  if (found === undefined) return lookUp(name, options, callback as never)
  callback(
    null,
    found.map(address => ({ address, family: address.includes(':') ? 6 : 4 }))
  )
}) as never
syncBuiltinESMExports()
t.teardown(() => {
  dns.lookup = lookUp
  syncBuiltinESMExports()
})

/** Forms of the address of this machine that reach the sink if they are let through, and addresses of its networks. */
const forms = [
  '127.0.0.1',
  '127.1',
  '2130706433',
  '0x7f000001',
  '0177.0.0.1',
  '0',
  '[::1]',
  '[::]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[64:ff9b::7f00:1]',
  '[2002:7f00:1::]',
  'localhost',
  '①②⑦.⓪.⓪.①',
  '10.0.0.1',
  '172.16.0.1',
  '192.168.1.1',
  '100.64.0.1',
  '169.254.169.254',
  '[fd00:ec2::254]',
  '[fe80::1]',
  ...Object.keys(names)
]

let connections = 0
const sink = createServer(socket => {
  connections += 1
  socket.destroy()
})
sink.listen(0, '::')
await once(sink, 'listening')
t.teardown(() => sink.close())
const { port } = sink.address() as AddressInfo

const signer = await createSigner('own')
const now = () => Math.floor(Date.now() / 1000)
const inside = forms.map(form => `https://${form}:${port}`)
/** A place on the internet that sends whoever asks it to the inside. */
const redirecting = '/redirects'
let redirected = 0
const elsewhereHost = canMakeCertificates()
  ? await serveAsHost(t, 'elsewhere.example.com', (_request, response) => {
      redirected += 1
      response.writeHead(302, { location: `https://127.0.0.1:${port}/` }).end()
    })
  : undefined

/** A provider that people may sign in with. */
const upstreamAt = (id: string, issuer: string) => ({
  ...{ id, name: id, issuer },
  ...{ client_id: 'mintmark', client_secret: 'theirs' }
})

/** The same server twice: as in production, and as on a developer's machine, where loopback may be asked: what is never asked shows there. */
const setting = (origins: readonly string[]) => ({
  upstreams: origins.map((origin, index) => upstreamAt(`u${index}`, `${origin}/there`)),
  registration: { enabled: true },
  clientMetadataDocuments: { enabled: true },
  ciba: { enabled: true },
  trustedIssuers: origins.map(origin => ({ issuer: `${origin}/ci` }))
})
const strict = await startTestServer(t, setting(inside), {
  settled: config => ({ ...config, mode: 'production' })
})
const lenient = await startTestServer(t, {
  ...setting([]),
  upstreams: [upstreamAt('u', `${elsewhereHost ?? 'https://x.example.com'}/there`)],
  trustedIssuers: [
    { issuer: 'https://ci.example.com', jwksUri: `${elsewhereHost ?? 'https://x.example.com'}/x` }
  ]
})
type Server = typeof strict

/** Files that send requests, and why to no address that a stranger chose. */
const elsewhere = {
  'src/lib/outbound.ts': 'what all of them go through',
  'src/accounts/breach-check.ts': 'an address that the operator chose',
  'src/views/passkeys.js': 'in a browser, the page that it stands on',
  'src/cli/status.ts': 'the operator’s own machine',
  'src/demo/relying-party.ts': 'a relying party, which asks its issuer',
  'src/demo/self-check.ts': 'a relying party, which asks its issuer',
  'src/resource-server/metadata.ts': 'an API, which asks its issuer',
  'oidc-provider/helpers/client_id_metadata_document.js': 'off: documents are ours',
  'oidc-provider/helpers/fetch_request.js': 'what the engine’s go through: to our fetch'
}

/** An address in a spelling that is in no row: whoever wrote it is told how to write it. */
const refusedUnwritten = 'refused when it is written'

interface PlaceAsked {
  /** files of the source that send its requests */
  by: readonly string[]
  /** has the server ask that origin, at that path; answers what whoever chose the address is told */
  ask(server: Server, origin: string, path: string): Promise<string>
}

const bearer = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const requestsOf = new Map([strict, lenient].map(server => [server, createRequests(server)]))
const at = (server: Server) => {
  const requests = requestsOf.get(server)
  if (requests === undefined) throw new Error('no such server')
  return requests
}

async function asserted(server: Server, claims: Record<string, unknown>) {
  const client_assertion = await signJwt(signer, {
    ...{ aud: server.issuer, jti: randomUUID(), exp: now() + 60 },
    ...claims
  })
  const caller = { headers: {}, parameters: { client_assertion, client_assertion_type: bearer } }
  const { status, text } = await at(server).token(caller, { grant_type: 'client_credentials' })
  return `${status} ${text}`
}

async function register(server: Server, members: object) {
  const { token } = await issueInitialAccessToken(server.store.database, { lifetimeSeconds: 600 })
  const { status, text } = await at(server).json(
    'POST',
    '/oauth/register',
    { redirect_uris: ['https://new.example.com/cb'], ...members },
    { authorization: `Bearer ${token}` }
  )
  return `${status} ${status === 201 ? 'registered' : text}`
}

const places: Record<string, PlaceAsked> = {
  'jwks_uri of a client': {
    by: [
      'src/clients/remote-keys.ts',
      'src/protocol/foreign-issuers.ts',
      'oidc-provider/models/client.js'
    ],
    async ask(server, origin, path) {
      const created = await server.server.clients.create({
        ...{ type: 'machine', owner: 'cli' },
        metadata: { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: origin + path }
      })
      if (!created.ok) return refusedUnwritten
      const { clientId } = created.client
      return asserted(server, { iss: clientId, sub: clientId })
    }
  },
  'sector_identifier_uri of a client': {
    by: ['src/protocol/configuration.ts', 'oidc-provider/helpers/sector_validate.js'],
    ask: (server, origin, path) =>
      register(server, { subject_type: 'pairwise', sector_identifier_uri: origin + path })
  },
  'client_id that is a document': {
    by: ['src/clients/documents.ts'],
    async ask(server, origin, path) {
      const query = new URLSearchParams(authorizeQuery)
      query.set('client_id', origin + path)
      const { status } = await createBrowser({ origin: server.issuer }).get(`/authorize?${query}`)
      return String(status)
    }
  },
  'keys of a trusted issuer': {
    by: ['src/clients/trusted-issuers.ts', 'src/protocol/foreign-issuers.ts'],
    ask: (server, origin) =>
      asserted(server, {
        iss: server === strict ? `${origin}/ci` : 'https://ci.example.com',
        sub: 'job'
      })
  },
  'issuer of an upstream': {
    by: ['src/federation/openid-client.ts'],
    async ask(server, origin) {
      const id = server === strict ? `u${inside.indexOf(origin)}` : 'u'
      const browser = createBrowser({ origin: server.issuer })
      const button = { form: (form: Form) => form.fields.get('upstream') === id }
      const page = await browser.submitForm(await browser.get('/sign-in'), {}, button)
      return `${page.status} ${page.heading}`
    }
  },
  'backchannel_logout_uri of a client': {
    by: ['src/protocol/logout-notices.ts'],
    async ask(server, origin, path) {
      const created = await server.server.clients.create({
        ...{ type: 'web', owner: 'cli' },
        metadata: {
          redirect_uris: ['https://rp.example.com/callback'],
          backchannel_logout_uri: origin + path
        }
      })
      if (!created.ok) return refusedUnwritten
      const { clientId } = created.client
      await server.store.database.run(
        'test.notice',
        `INSERT INTO logout_notices (client_id, account_id, sid) VALUES ($1, $2, 'x')`,
        [clientId, server.accountId]
      )
      const tried = () => server.log.find(line => line['clientId'] === clientId && 'reason' in line)
      while (tried() === undefined) await new Promise(resolve => setTimeout(resolve, 5))
      return 'nobody is told'
    }
  },
  'backchannel_client_notification_endpoint of a client': {
    by: ['src/protocol/pings.ts'],
    async ask(server, origin, path) {
      const created = await server.server.clients.create({
        ...{ type: 'web', owner: 'cli' },
        metadata: {
          grant_types: [cibaGrantType],
          backchannel_token_delivery_mode: 'ping',
          backchannel_client_notification_endpoint: origin + path
        }
      })
      if (!created.ok) return refusedUnwritten
      const { clientId } = created.client
      const id = randomUUID()
      const sealed = server.server.keys.seal.seal(
        Buffer.from(JSON.stringify({ requestId: 'x', token: 'x' })),
        pingContext(id)
      )
      const { accountId } = server
      const queued = pingStatement({ id, clientId, accountId, sealed, lifetimeSeconds: 60 })
      await server.store.database.pipeline([queued])
      const tried = () => server.log.find(line => line['clientId'] === clientId && 'reason' in line)
      while (tried() === undefined) await new Promise(resolve => setTimeout(resolve, 5))
      return 'nobody is told'
    }
  }
}

/** Members and parameters with an address that is for browsers, or for nobody. */
const neverAsked = {
  metadata: ['logo_uri', 'client_uri', 'policy_uri', 'tos_uri', 'initiate_login_uri'],
  names: ['redirect_uris', 'post_logout_redirect_uris', 'tls_client_auth_san_uri'],
  parameters: ['request_uri', 'registration', 'logo_uri', 'jwks_uri', 'resource', 'claims']
}

/** What is told, without the address that was chosen. */
const told = (text: string, origin: string) =>
  text.replaceAll(origin, '<origin>').replaceAll(new URL(origin).origin, '<origin>')

for (const [name, { ask }] of Object.entries(places)) {
  t.test(`${name}: nobody inside is asked, and no answer tells which it was (R-43)`, async t => {
    const answers = new Map<string, string[]>()
    for (const [index, origin] of inside.entries()) {
      const path = `/${randomUUID()}`
      const answer = told(await ask(strict, origin, path), origin).replaceAll(path, '')
      if (answer === refusedUnwritten) continue
      const kind = Object.hasOwn(names, forms[index] ?? '') ? 'name' : 'address'
      answers.set(`${kind}: ${answer}`, [
        ...(answers.get(`${kind}: ${answer}`) ?? []),
        forms[index] ?? ''
      ])
    }
    t.ok(answers.size <= 2, JSON.stringify([...answers], null, 2))
    t.equal(connections, 0, 'not even a connection')
  })

  t.test(`${name}: a redirect to the inside is not followed (R-43)`, async t => {
    if (elsewhereHost === undefined) {
      t.pass('openssl is not installed')
      return
    }
    const before = redirected
    await ask(lenient, elsewhereHost, redirecting)
    t.ok(redirected > before, 'the place itself is asked')
    t.equal(connections, 0)
  })
}

t.test(
  'addresses that are for browsers are asked by nobody here (RFC 9101 §5.2, R-43)',
  async t => {
    const requests = at(lenient)
    const origin = `https://127.0.0.1:${port}`
    const members = Object.fromEntries(
      neverAsked.metadata.map(member => [member, `${origin}/${member}`])
    )
    const redirect = 'https://shown.example.com/callback'
    const created = await lenient.server.clients.create({
      ...{ type: 'spa', owner: 'cli' },
      metadata: { redirect_uris: [redirect], ...members }
    })
    if (!created.ok) throw new Error(JSON.stringify(created))
    const app = {
      ...{ clientId: created.client.clientId, redirectUri: redirect },
      caller: { headers: {}, parameters: { client_id: created.client.clientId } }
    }
    t.ok(await requests.code({ app }), 'shown to a person, and asked by nobody')
    for (const member of neverAsked.metadata) {
      t.type(await register(lenient, { [member]: `${origin}/${member}` }), 'string', member)
    }
    for (const parameter of neverAsked.parameters) {
      const value = parameter === 'claims' ? `{"userinfo":{"x":{"value":"${origin}"}}}` : origin
      await requests.authorize({ app, extra: { [parameter]: value } })
      await requests.post('/oauth/par', basic('web'), { client_id: 'web', [parameter]: value })
    }
    t.equal(connections, 0)
    await new Promise<void>(resolve =>
      connect(port, '127.0.0.1', resolve).on('error', () => resolve())
    )
    t.equal(connections, 1, 'the sink sees whoever does connect')
  }
)

t.test('every member of a client that is an address is in one of the tables', async t => {
  const addresses = [...memberChecks.keys()].filter(name => /_(uris?|endpoint)$/.test(name))
  const asked = Object.keys(places).map(name => name.split(' ')[0] ?? '')
  const known = [...asked, ...neverAsked.metadata, ...neverAsked.names]
  t.same(
    addresses.filter(name => !known.includes(name)),
    []
  )
})

t.test('every file of the source that sends a request is in the table', async t => {
  const root = fileURLToPath(new URL('../../', import.meta.url))
  const engine = 'node_modules/oidc-provider/lib/'
  const sends: [string, RegExp][] = [
    ['src/', /\boutbound\.(send|fetch)\b|\bawait fetch\(|from 'node:https'|\bundici\b/],
    [engine, /\bfetchRequest\(/]
  ]
  const found = sends.flatMap(([folder, pattern]) =>
    readdirSync(root + folder, { recursive: true, encoding: 'utf8' })
      .map(name => folder + name)
      .filter(path => /\.[jt]s$/.test(path) && pattern.test(readFileSync(root + path, 'utf8')))
      .map(path => path.replace(engine, 'oidc-provider/'))
  )
  t.same(
    found.sort(),
    [
      ...new Set([...Object.values(places).flatMap(({ by }) => by), ...Object.keys(elsewhere)])
    ].sort()
  )
})
