// Certificates of clients: how their names are read and compared, and which lead to an authority (RFC 8705 §2.1, RFC 5280 §6.1).

import t from 'tap'
import { readCertificate } from '../../src/clients/certificate.ts'
import { leadsToAuthority } from '../../src/clients/certificate-chain.ts'
import {
  certificateHasSubject,
  type SubjectMember,
  subjectProblem
} from '../../src/clients/certificate-subject.ts'
import { createAuthority, type Identity, selfSigned, x509 } from '../support/certificates.ts'

const root = await createAuthority()
const now = new Date()

t.test(
  'a subject is compared part by part, however it is spelled (RFC 8705 §2.1.2, RFC 4514)',
  async t => {
    const { certificate } = await root.issue({
      subject: [
        { C: ['DE'] },
        { O: ['Example, Inc. + Söhne'] },
        { DC: ['example'] },
        { OU: ['Bill  ing'], CN: ['eins'] },
        { '1.2.3.4': ['free'] },
        { CN: ['Billing # 1'] }
      ]
    })
    const is = (text: string) =>
      certificateHasSubject(certificate, 'tls_client_auth_subject_dn', text)
    const written = String.raw`CN=Billing # 1,1.2.3.4=free,OU=Bill ing+CN=eins,DC=example,O=Example\, Inc. \+ Söhne,C=DE`
    t.equal(is(written), true)
    const same: Record<string, string> = {
      'capitals and blanks': written
        .replace('Billing # 1', 'BILLING  #  1')
        .replaceAll(',', ' , ')
        .replace(String.raw`\ ,`, String.raw`\,`),
      'the order inside one part': written.replace('OU=Bill ing+CN=eins', 'CN=eins+OU=Bill ing'),
      'types as OIDs': written
        .replace('C=DE', '2.5.4.6=DE')
        .replace('CN=Billing', '2.5.4.3=Billing'),
      'hex of the encoding': written.replace('C=DE', 'C=#13024445'),
      'escaped bytes': written.replace('ö', String.raw`\C3\B6`)
    }
    for (const [what, text] of Object.entries(same)) t.equal(is(text), true, `${what}: ${text}`)
    const others: Record<string, string> = {
      'the other way round': written
        .split(/(?<!\\),/)
        .reverse()
        .join(','),
      'a part less': written.replace(',C=DE', ''),
      'a part more': `${written},C=DE`,
      'one of two attributes of a part': written.replace('OU=Bill ing+CN=eins', 'OU=Bill ing'),
      'two parts in place of one': written.replace('OU=Bill ing+CN=eins', 'OU=Bill ing,CN=eins'),
      'another value': written.replace('# 1', '# 2'),
      'another type': written.replace('DC=', 'L='),
      'nothing of it': 'CN=x'
    }
    for (const [what, text] of Object.entries(others)) t.equal(is(text), false, `${what}: ${text}`)
  }
)

t.test('a value that is not text is no text that looks like it (RFC 4514 §2.4)', async t => {
  const { certificate } = await root.issue({ subject: 'CN=#030200ff' })
  const parts = readCertificate(certificate)
  t.equal(typeof parts.subject[0]?.[0]?.value, 'object', 'a BIT STRING')
  const is = (text: string) =>
    certificateHasSubject(certificate, 'tls_client_auth_subject_dn', text)
  t.equal(is('CN=#030200ff'), true)
  t.equal(is(String.raw`CN=\#030200ff`), false)
})

t.test('alternative names are compared as what they are (RFC 8705 §2.1.2)', async t => {
  const { certificate } = await root.issue({
    subject: 'CN=dns.example.com',
    names: [
      { type: 'dns', value: 'Billing.example.com' },
      { type: 'dns', value: '*.wild.example.com' },
      { type: 'url', value: 'spiffe://example.com/billing' },
      { type: 'ip', value: '192.0.2.7' },
      { type: 'ip', value: '2001:db8::a' },
      { type: 'email', value: 'Ada@Example.com' }
    ]
  })
  const cases: [SubjectMember, string, boolean][] = [
    ['tls_client_auth_san_dns', 'billing.EXAMPLE.com', true],
    ['tls_client_auth_san_dns', 'example.com', false],
    ['tls_client_auth_san_dns', 'a.wild.example.com', false],
    ['tls_client_auth_san_dns', 'dns.example.com', false],
    ['tls_client_auth_san_dns', 'spiffe://example.com/billing', false],
    ['tls_client_auth_san_uri', 'spiffe://example.com/billing', true],
    ['tls_client_auth_san_uri', 'spiffe://example.com/Billing', false],
    ['tls_client_auth_san_uri', 'spiffe://example.com/', false],
    ['tls_client_auth_san_ip', '192.0.2.7', true],
    ['tls_client_auth_san_ip', '2001:0DB8:0:0::A', true],
    ['tls_client_auth_san_ip', '::ffff:192.0.2.7', false],
    ['tls_client_auth_san_ip', '192.0.2.8', false],
    ['tls_client_auth_san_email', 'Ada@example.com', true],
    ['tls_client_auth_san_email', 'ada@example.com', false]
  ]
  for (const [member, value, expected] of cases) {
    t.equal(certificateHasSubject(certificate, member, value), expected, `${member} ${value}`)
  }
  const { certificate: bare } = await root.issue({ subject: 'CN=billing.example.com' })
  t.equal(certificateHasSubject(bare, 'tls_client_auth_san_dns', 'billing.example.com'), false)
})

t.test('a name that no certificate could have is refused when it is registered', async t => {
  const wrong: [SubjectMember, string[]][] = [
    [
      'tls_client_auth_subject_dn',
      [
        'billing',
        'CN=',
        'CN=a,',
        'CN=a,,C=DE',
        'Foo=a',
        'CN=a"b',
        'CN=#zz',
        'CN=#13',
        String.raw`CN=a\z`,
        'CN=a;C=DE'
      ]
    ],
    ['tls_client_auth_san_dns', ['a b', '*.example.com', 'https://a.example.com', '', 'a..b']],
    ['tls_client_auth_san_uri', ['billing', '/a', 'a:b c']],
    ['tls_client_auth_san_ip', ['192.0.2', 'example.com', '::1%lo', '192.0.2.07']],
    ['tls_client_auth_san_email', ['ada', 'ada@', '@example.com', 'a da@example.com']]
  ]
  for (const [member, values] of wrong) {
    for (const value of values)
      t.type(subjectProblem(member, value), 'string', `${member} ${value}`)
  }
})

const chainOf = (...chain: Identity[]) => chain.map(({ certificate }) => certificate)
const leads = (
  own: Identity,
  between: Identity[] = [],
  authorities: Identity[] = [root],
  at = now
) =>
  leadsToAuthority(own.certificate, {
    chain: chainOf(...between),
    authorities: chainOf(...authorities),
    at
  })

t.test(
  'a certificate leads to a named authority, over those that came with it (RFC 5280 §6.1)',
  async t => {
    const middle = await root.authority('O=Example, CN=Middle')
    const low = await middle.authority('O=Example, CN=Low')
    const own = await root.issue()
    const far = await low.issue()
    t.equal(leads(own), true)
    t.equal(leads(far, [middle, low]), true, 'in any order')
    t.equal(leads(far, [low], [middle]), true, 'a named one need not be a root')
    t.equal(leads(far, [low]), false, 'a link is missing')
    t.equal(leads(far), false)
    t.equal(leads(own, [root], []), false, 'what came with it is no authority by itself')
  }
)

t.test(
  'what an authority did not issue, or not for this, leads nowhere (RFC 5280 §6.1)',
  async t => {
    const other = await createAuthority()
    const person = await root.issue({ subject: 'CN=person' })
    const day = 86_400
    const forServers = new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth])
    const forClients = new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth])
    const unknown = (critical: boolean) =>
      new x509.Extension('1.2.3.4.5', critical, new Uint8Array([5, 0]))
    t.equal(
      leads(await root.issue({ extensions: [forClients, unknown(false)] })),
      true,
      'the control'
    )
    const wrong: Record<string, boolean> = {
      'another authority of the same name': leads(await other.issue()),
      nobody: leads(await selfSigned()),
      'of the right name, signed by itself': leads(
        await selfSigned({ subject: 'O=Example, CN=Root' })
      ),
      'the authority itself': leads(root, [], [other]),
      over: leads(await root.issue({ from: -2 * day, to: -day })),
      'not yet': leads(await root.issue({ from: day, to: 2 * day })),
      'for servers': leads(await root.issue({ extensions: [forServers] })),
      'with a demand that nobody here knows': leads(
        await root.issue({ extensions: [unknown(true)] })
      ),
      'when the authority is over': leads(
        await root.issue({ to: 4 * day }),
        [],
        [root],
        new Date(Date.now() + 2 * day * 1_000)
      )
    }
    for (const [what, led] of Object.entries(wrong)) t.equal(led, false, what)
    const below = await createBelow(person)
    t.equal(leads(below, [person]), false, 'issued by somebody who is no authority')
  }
)

/** Issued with the key of a certificate that may not issue. */
async function createBelow(person: Identity): Promise<Identity> {
  const { createPrivateKey } = await import('node:crypto')
  const pkcs8 = createPrivateKey(person.key).export({ format: 'der', type: 'pkcs8' })
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const signingKey = await crypto.subtle.importKey('pkcs8', pkcs8, algorithm, true, ['sign'])
  const { X509Certificate } = await import('node:crypto')
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const made = await x509.X509CertificateGenerator.create({
    subject: 'CN=below',
    issuer: 'CN=person',
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 60_000),
    signingKey,
    publicKey: keys.publicKey,
    signingAlgorithm: algorithm
  })
  return { ...person, certificate: new X509Certificate(Buffer.from(made.rawData)) }
}

t.test('an authority lets no more authorities follow than it says (RFC 5280 §4.2.1.9)', async t => {
  const narrow = await createAuthority('CN=Narrow', 0)
  const middle = await narrow.authority('CN=Middle')
  t.equal(leads(await narrow.issue(), [], [narrow]), true)
  t.equal(leads(await middle.issue(), [middle], [narrow]), false)
})

t.test(
  'names and extensions are read as they are encoded, and garbage throws nothing else',
  async t => {
    const { certificate } = await root.issue({ names: [{ type: 'ip', value: '192.0.2.7' }] })
    const parts = readCertificate(certificate)
    t.same(parts.alternativeNames, [{ kind: 'ip', value: '192.0.2.7' }])
    t.equal(parts.signatureAlgorithm, '1.2.840.10045.4.3.2')
    for (let cut = 0; cut < certificate.raw.length; cut += 7) {
      const raw = Buffer.from(certificate.raw)
      raw[cut] = 0xff
      try {
        readCertificate({ raw })
      } catch (error) {
        t.ok(error instanceof RangeError, `${cut}: ${error}`)
      }
    }
  }
)
