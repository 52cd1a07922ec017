// Mutual TLS behind a proxy that ends TLS (RFC 8705, RFC 9440): who is believed, and how clients authenticate by a certificate. What is
// bound to one is in bound-to-certificate.test.ts, TLS of the server itself in test/ops/tls.test.ts.

import { request } from 'node:http'
import t from 'tap'
import { createServer } from '../../src/server.ts'
import { createAuthority, selfSigned } from '../support/certificates.ts'
import { testConfig } from '../support/configuration.ts'
import { freePort, masterKey, startTestServer } from '../support/server.ts'
import {
  authorities,
  behindProxy,
  billing,
  certified,
  clients,
  day,
  expired,
  grant,
  origin,
  registered,
  root,
  secretApp,
  shown
} from './certified.ts'
import { api, claimsIn, createRequests, publicly } from './requests.ts'

const stranger = await createAuthority()
const middle = await root.authority('O=Example, CN=Middle')
const server = await startTestServer(t, behindProxy)
const requests = createRequests(server)
const { issuer } = requests

const tokenOf = (clientId: string, headers: Record<string, string>) =>
  requests.token(publicly(clientId), grant, headers)

t.test(
  'a client of an authority is known by one name of its certificate (RFC 8705 §2.1)',
  async t => {
    for (const { client_id } of certified) {
      const answer = await tokenOf(client_id, shown(billing))
      t.equal(answer.status, 200, `${client_id}: ${answer.text}`)
      t.same(claimsIn(answer.body.access_token)['cnf'], { 'x5t#S256': billing.thumbprint })
      t.equal(answer.body['token_type'], 'Bearer')
    }
  }
)

t.test(
  'a certificate with another name, out of its time, of another authority, or none: 401 (RFC 8705 §2.1)',
  async t => {
    const subject = 'C=DE, O=Example, CN=billing'
    const wrong: Record<string, Record<string, string>> = {
      'another subject': shown(await root.issue({ subject: 'C=DE, O=Example, CN=shop' })),
      'the subject the other way round': shown(
        await root.issue({ subject: 'CN=billing, O=Example, C=DE' })
      ),
      expired: shown(await root.issue({ subject, from: -2 * day, to: -day })),
      'not valid yet': shown(await root.issue({ subject, from: day, to: 2 * day })),
      'another authority': shown(await stranger.issue({ subject })),
      'nobody’s': shown(await selfSigned({ subject })),
      'over an authority that was not sent': shown(await middle.issue({ subject })),
      none: {},
      empty: { 'client-cert': '' }
    }
    for (const [what, headers] of Object.entries(wrong)) {
      const answer = await tokenOf('certified-0', headers)
      t.match(answer, { status: 401, body: { error: 'invalid_client' } }, what)
      t.notOk('access_token' in answer.body, what)
    }
    for (const { client_id } of certified.slice(1)) {
      const bare = await root.issue({ subject: 'CN=billing.example.com' })
      t.match(await tokenOf(client_id, shown(bare)), { status: 401 }, client_id)
    }
    const reasons = server.log.map(line => String(line['reason'] ?? ''))
    t.ok(reasons.includes('the client certificate is out of its time'), 'the log says why')
  }
)

t.test('authorities between come along in Client-Cert-Chain (RFC 9440 §2.3)', async t => {
  const own = await middle.issue({ subject: 'C=DE, O=Example, CN=billing' })
  const chain = { 'client-cert-chain': `${middle.byteSequence}, ${root.byteSequence}` }
  t.match(await tokenOf('certified-0', { ...shown(own), ...chain }), { status: 200 })
  const foreign = { 'client-cert-chain': stranger.byteSequence }
  t.match(await tokenOf('certified-0', { ...shown(own), ...foreign }), { status: 401 })
  const long = { 'client-cert-chain': Array(5).fill(middle.byteSequence).join(', ') }
  t.match(await tokenOf('certified-0', { ...shown(own), ...long }), { status: 400 })
})

t.test(
  'a self-signed certificate is one that the client has registered (RFC 8705 §2.2)',
  async t => {
    t.match(await tokenOf('self-signed', shown(registered)), { status: 200 })
    const twin = await selfSigned({ subject: 'CN=registered' })
    const wrong = {
      'of the same name': twin,
      'of an authority': billing,
      'over, though registered': expired
    }
    for (const [what, identity] of Object.entries(wrong)) {
      const answer = await tokenOf('self-signed', shown(identity))
      t.match(answer, { status: 401, body: { error: 'invalid_client' } }, what)
    }
    t.match(await tokenOf('self-signed', {}), { status: 401 }, 'none')
  }
)

t.test(
  'a header that holds no certificate is 400, twice one is, too, and nothing is 500 (RFC 9440 §2)',
  async t => {
    const { byteSequence } = billing
    const der = Buffer.from(byteSequence.slice(1, -1), 'base64')
    const wrong: Record<string, string> = {
      'no colons': byteSequence.slice(1, -1),
      'one colon': byteSequence.slice(1),
      'not base64': ':*:',
      'nothing between': '::',
      'not a certificate': ':AAAA:',
      'cut short': `:${der.subarray(0, -1).toString('base64')}:`,
      PEM: billing.escaped,
      two: `${byteSequence}, ${byteSequence}`,
      'with a parameter': `${byteSequence};a=1`,
      'Apache without one': '(null)'
    }
    for (const [what, value] of Object.entries(wrong)) {
      const answer = await tokenOf('certified-0', { 'client-cert': value })
      t.match(answer, { status: 400, body: { error: 'invalid_request' } }, what)
      t.match(answer.body['error_description'], /Client-Cert/, what)
    }
    t.equal((await requests.userinfo('x', { 'client-cert': 'x' })).status, 400, 'anywhere')
    t.equal((await requests.get('/.well-known/jwks.json', { 'client-cert': 'x' })).status, 200)

    const twice = (values: string[]) =>
      new Promise<string>((resolve, reject) => {
        const body = new URLSearchParams({ ...grant, client_id: 'certified-0' }).toString()
        const sent = request(`${issuer}/oauth/token`, { method: 'POST' }, answer => {
          let told = `${answer.statusCode} `
          answer.on('data', chunk => {
            told += chunk
          })
          answer.on('end', () => resolve(told))
        })
        sent.setHeader('content-type', 'application/x-www-form-urlencoded')
        sent.setHeader('client-cert', values)
        sent.on('error', reject)
        sent.end(body)
      })
    t.match(await twice([byteSequence]), /^200 /)
    t.match(await twice([byteSequence, byteSequence]), /^400 .*stands more than once/)
  }
)

t.test('discovery says what is on, and where (RFC 8705 §3.3, §5)', async t => {
  const { body } = await requests.get('/.well-known/openid-configuration')
  t.equal(body['tls_client_certificate_bound_access_tokens'], true)
  for (const method of ['tls_client_auth', 'self_signed_tls_client_auth']) {
    t.ok((body['token_endpoint_auth_methods_supported'] as string[]).includes(method), method)
  }
  t.same(body['mtls_endpoint_aliases'], {
    token_endpoint: `${origin}/oauth/token`,
    revocation_endpoint: `${origin}/oauth/revoke`,
    introspection_endpoint: `${origin}/oauth/introspect`,
    userinfo_endpoint: `${origin}/userinfo`,
    pushed_authorization_request_endpoint: `${origin}/oauth/par`,
    device_authorization_endpoint: `${origin}/oauth/device`
  })
})

t.test(
  'the second origin answers what clients ask, says what the issuer says, and shows no page (RFC 8705 §5)',
  async t => {
    const ask = (path: string, form?: Record<string, string>) =>
      new Promise<{ status: number; text: string }>((resolve, reject) => {
        const sent = request(
          issuer + path,
          {
            method: form ? 'POST' : 'GET',
            headers: { host: 'mtls.example.com', ...shown(billing) }
          },
          answer => {
            let text = ''
            answer.on('data', chunk => {
              text += chunk
            })
            answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }))
          }
        )
        if (form) sent.setHeader('content-type', 'application/x-www-form-urlencoded')
        sent.on('error', reject)
        sent.end(form && new URLSearchParams(form).toString())
      })
    const answer = await ask('/oauth/token', { ...grant, client_id: 'certified-0' })
    t.equal(answer.status, 200)
    t.equal(claimsIn(JSON.parse(answer.text).access_token)['iss'], issuer)
    for (const path of [
      '/authorize',
      '/.well-known/openid-configuration',
      '/demo',
      '/oauth/register'
    ]) {
      t.equal((await ask(path)).status, 421, path)
    }
  }
)

t.test(
  'the header counts from nobody but a trusted proxy, and from it only as configured (D 71)',
  async t => {
    const elsewhere = await startTestServer(t, {
      trustedProxies: ['192.0.2.1'],
      clientCertificates: { from: 'proxy', authorities },
      clients
    })
    const others = createRequests(elsewhere)
    for (const value of [billing.byteSequence, 'x']) {
      const answer = await others.token(publicly('certified-0'), grant, { 'client-cert': value })
      t.match(answer, { status: 401, body: { error: 'invalid_client' } })
    }
  }
)

t.test('URL-encoded PEM, in the header that the configuration names (nginx)', async t => {
  const behind = await startTestServer(t, {
    trustedProxies: ['127.0.0.1', '::1'],
    clientCertificates: { from: 'proxy', header: 'X-Client-Cert', format: 'pem', authorities },
    clients
  })
  const others = createRequests(behind)
  const ask = (header: string, value: string) =>
    others.token(publicly('certified-0'), grant, { [header]: value })
  t.match(await ask('x-client-cert', billing.escaped), { status: 200 })
  const own = await middle.issue({ subject: 'C=DE, O=Example, CN=billing' })
  t.match(
    await ask('x-client-cert', own.escaped + middle.escaped),
    { status: 200 },
    'with its chain'
  )
  t.match(await ask('client-cert', billing.byteSequence), { status: 401 }, 'no other header')
  const wrong = [
    '%',
    'x',
    billing.byteSequence,
    billing.escaped.slice(0, -20),
    `${billing.escaped}x`,
    encodeURIComponent('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')
  ]
  for (const value of wrong) t.match(await ask('x-client-cert', value), { status: 400 }, value)
})

t.test(
  'where certificates no longer arrive, who needs one is refused, and gets nothing that is unbound',
  async t => {
    const port = await freePort()
    const config = testConfig(`http://localhost:${port}`)
    const { store } = server
    const log = server.server.app.log as Parameters<typeof createServer>[0]['log']
    const off = await createServer({ config, masterKey, store, log })
    t.teardown(() => off.close())
    await off.app.listen({ port, host: '127.0.0.1' })
    const others = createRequests({ issuer: config.issuer, store })
    for (const caller of [publicly('certified-0'), publicly('self-signed'), secretApp.caller]) {
      const answer = await others.token(caller, grant, shown(billing))
      t.match(answer, { status: 401, body: { error: 'invalid_client' } })
    }
    const { body } = await others.get('/.well-known/openid-configuration')
    t.notOk('tls_client_certificate_bound_access_tokens' in body || 'mtls_endpoint_aliases' in body)
    t.notMatch(body['token_endpoint_auth_methods_supported'], ['tls_client_auth'])
    t.equal((await others.machine('billing', { resource: api })).status, 200, 'others go on')
  }
)
