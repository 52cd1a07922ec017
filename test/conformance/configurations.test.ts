// What `mintmark conformance-config` prints: two halves that fit together, nothing switched on that the plan does not need, and secrets that
// nobody else reads.

import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Visit } from '../../src/cli/conformance/automation.ts'
import { clientIds, person } from '../../src/cli/conformance/clients.ts'
import {
  serverConfiguration,
  suiteConfiguration
} from '../../src/cli/conformance/configurations.ts'
import { createCredentials } from '../../src/cli/conformance/credentials.ts'
import { planExpression, plans } from '../../src/cli/conformance/plans.ts'
import { conformanceConfigCommand } from '../../src/cli/conformance-config.ts'
import { declaredProblems } from '../../src/cli/declared.ts'
import { load, productionEnv } from '../config/sound.ts'
import { configurationOf, planNamed } from './run.ts'

const suite = 'https://www.certification.openid.net'
const place = { issuer: 'https://id.example.com', suite, alias: 'mintmark' }
// one key for all: making them takes long, and nothing here depends on whose they are
const jwk = createCredentials({}, () => new Date()).key('any')
const keys = Object.fromEntries(
  Object.values(clientIds).flatMap(ids => Object.values(ids).map(id => [id, jwk]))
)
const credentials = createCredentials({ keys }, () => new Date())

t.test('there is a configuration for each plan that issue 4 names', async t => {
  t.strictSame(
    plans.map(({ suite }) => suite),
    [
      'oidcc-basic-certification-test-plan',
      'oidcc-config-certification-test-plan',
      'oidcc-dynamic-certification-test-plan',
      'oidcc-formpost-basic-certification-test-plan',
      'oidcc-formpost-implicit-certification-test-plan',
      'oidcc-formpost-hybrid-certification-test-plan',
      'oidcc-implicit-certification-test-plan',
      'oidcc-hybrid-certification-test-plan',
      'oidcc-rp-initiated-logout-certification-test-plan',
      'oidcc-backchannel-rp-initiated-logout-certification-test-plan',
      'fapi2-security-profile-final-test-plan',
      'fapi2-security-profile-final-test-plan',
      'fapi2-message-signing-final-test-plan',
      'fapi-ciba-id1-test-plan',
      'fapi-ciba-id1-test-plan'
    ]
  )
  for (const plan of plans) {
    const { server, alias } = suiteConfiguration(plan, place, credentials)
    t.match(
      { server, alias },
      {
        server: { discoveryUrl: 'https://id.example.com/.well-known/openid-configuration' },
        alias: 'mintmark'
      }
    )
  }
})

/** The plan with certificates needs a server that speaks TLS itself (docs/conformance.md); its files are not there. */
const ownTls = { MINTMARK_TLS__CERTIFICATE: '/tls.crt', MINTMARK_TLS__KEY: '/tls.key' }

t.test('a production start takes the configuration of every plan', async t => {
  for (const plan of [undefined, ...plans]) {
    const chosen = plan === undefined ? plans : [plan]
    const { issuer: _, ...content } = serverConfiguration(chosen, place, credentials)
    const tls = 'clientCertificates' in content ? ownTls : {}
    const config = load({ ...productionEnv, ...tls }, content)
    const problems = declaredProblems(config).filter(problem => !problem.includes('/tls.crt'))
    t.strictSame(problems, [], plan?.name ?? 'all of them')
  }
})

t.test('what a plan does not need is off (D-19)', async t => {
  const switches = (...names: string[]) => {
    const { conformance, registration, clientCertificates, outbound } = serverConfiguration(
      names.map(planNamed),
      place,
      credentials
    ) as Record<string, unknown>
    return { conformance, registration, clientCertificates, outbound }
  }
  const off = { registration: undefined, clientCertificates: undefined, outbound: undefined }
  const only = { enabled: true, responseTypes: [], registration: 'token' }
  t.strictSame(switches('basic'), { ...off, conformance: only })
  t.strictSame(switches('fapi2-security-profile'), { ...off, conformance: only })
  t.strictSame(switches('implicit'), {
    ...off,
    conformance: { ...only, responseTypes: ['id_token', 'id_token token'] }
  })
  t.match(switches('dynamic'), {
    conformance: { registration: 'open' },
    registration: { enabled: true }
  })
  t.match(switches('fapi2-security-profile-mtls'), { clientCertificates: { from: 'tls' } })
  const near = { ...place, suite: 'https://localhost.emobix.co.uk:8443' }
  t.match(serverConfiguration([planNamed('basic')], near, credentials), {
    outbound: { allowed: ['localhost.emobix.co.uk'] }
  })
})

t.test('both halves know the same clients, and keys stay with whoever has them', async t => {
  const all = serverConfiguration(plans, place, credentials) as unknown as {
    clients: Record<string, unknown>[]
    accounts: Record<string, unknown>[]
  }
  t.notMatch(JSON.stringify(all.clients), /"(d|p|q|dp|dq|qi)":/, 'no private key')
  const flagged = all.clients.map(({ client_id, conformance }) => [client_id, conformance])
  t.ok(
    flagged.every(
      ([id, part]) => part === (/^(suite|poll|ping)/.test(String(id)) ? 'relaxed' : 'strict')
    )
  )
  t.match(all.accounts, [{ login: person.login, password: credentials.password() }])
  for (const plan of plans) {
    const half = suiteConfiguration(plan, place, credentials) as Record<string, Client>
    for (const member of ['client', 'client2', 'client_secret_post']) {
      const known = half[member]
      if (known?.client_id === undefined) continue
      const ours = all.clients.find(({ client_id }) => client_id === known.client_id)
      t.equal(ours?.['client_secret'], known.client_secret, `${plan.name}: ${member}`)
      const { keys = [] } = (ours?.['jwks'] ?? {}) as { keys?: { n: string; x5c?: string[] }[] }
      t.equal(keys[0]?.n, known.jwks?.keys[0]?.n)
      t.ok(known.jwks === undefined || known.jwks.keys[0]?.d, 'the suite has the private one')
    }
  }
})

interface Client {
  client_id?: string
  client_secret?: string
  jwks?: { keys: { n: string; d: string }[] }
}

t.test('a certificate of a client is self-signed, and of its key (RFC 8705 §2.2)', async t => {
  const { cert, key } = credentials.certificate('mtls-one')
  const certificate = new X509Certificate(cert)
  t.ok(certificate.verify(certificate.publicKey), 'the signature holds')
  t.equal(certificate.subject, 'CN=mtls-one')
  t.equal(certificate.issuer, certificate.subject)
  t.match(key, /BEGIN PRIVATE KEY/)
  const { n } = certificate.publicKey.export({ format: 'jwk' })
  t.equal(n, credentials.key('mtls-one').n)
  const days = (Date.parse(certificate.validTo) - Date.parse(certificate.validFrom)) / 86_400_000
  t.equal(days, 30)
})

t.test('an address of the suite is matched from its start: it stands in ours, too', async t => {
  for (const plan of plans) {
    const { browser = [], override = {} } = suiteConfiguration(plan, place, credentials) as {
      browser?: Visit[]
      override?: Record<string, { browser: Visit[] }>
    }
    const visits = [...browser, ...Object.values(override).flatMap(each => each.browser)]
    for (const match of visits.flatMap(each => [each.match, ...each.tasks.map(one => one.match)])) {
      t.match(match, /^https:\/\/(id\.example\.com|www\.certification\.openid\.net)\//)
    }
  }
})

t.test(
  'the command keeps secrets in a file of its own, and prints the same ones again',
  async t => {
    const folder = mkdtempSync(join(tmpdir(), 'mintmark-conformance-'))
    t.teardown(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'run', 'keys.json')
    function command(...args: string[]) {
      const printed = { out: '', err: '' }
      conformanceConfigCommand({
        config: () => configurationOf({ issuer: 'http://localhost:3000' }),
        out: text => {
          printed.out += `${text}\n`
        },
        err: text => {
          printed.err += `${text}\n`
        }
      }).parse(['--keys', file, ...args], { from: 'user' })
      return printed
    }

    const basic = command('--plan', 'basic', '--issuer', 'https://id.example.com')
    t.equal(basic.err, `plan: ${planExpression(planNamed('basic'))}\n`)
    const half = JSON.parse(basic.out)
    t.equal(half.server.discoveryUrl, 'https://id.example.com/.well-known/openid-configuration')
    t.equal(statSync(file).mode & 0o777, 0o600)

    const server = JSON.parse(command('--plan', 'basic', '--server', '--alias', 'other').out)
    t.equal(server.issuer, 'http://localhost:3000', 'that of the configuration')
    t.equal(server.clients[0].client_secret, half.client.client_secret)
    t.strictSame(server.clients[0].redirect_uris[0], `${suite}/test/a/other/callback`)
    t.match(readFileSync(file, 'utf8'), half.client.client_secret)

    t.equal(JSON.parse(command('--plan', 'basic', 'config').out).length, 2)
    const listed = command('--list').out.trimEnd().split('\n')
    t.equal(listed.length, plans.length)
    writeFileSync(file, JSON.stringify(credentials.kept()))
  }
)
