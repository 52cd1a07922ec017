// Every refusal about TLS and the certificates of clients, one test each, from a table; and neighbours of them that are allowed.

import t from 'tap'
import { type Refusal, refuses, without } from './refusal.ts'
import { load, productionEnv } from './sound.ts'

const always: Refusal[] = [
  {
    title: 'a certificate of the server without its key',
    env: { ...productionEnv, MINTMARK_TLS__CERTIFICATE: '/tls.crt' },
    path: 'tls.key',
    says: /missing beside tls.certificate/
  },
  {
    title: 'a key of the server without its certificate',
    env: { ...productionEnv, MINTMARK_TLS__KEY: '/tls.key' },
    path: 'tls.certificate',
    says: /missing beside tls.key/
  },
  {
    title: 'TLS of the server with an issuer in the open',
    env: { ...without('MINTMARK_ISSUER'), MINTMARK_MODE: 'development' },
    file: { tls: { certificate: '/tls.crt', key: '/tls.key' } },
    path: 'tls.certificate',
    says: /issuer is not https/
  },
  {
    title: 'certificates of clients on connections without TLS',
    file: { clientCertificates: { from: 'tls' } },
    path: 'clientCertificates.from',
    says: /does not speak TLS itself/
  },
  {
    title: 'certificates of clients in a header that anybody may send (RFC 8705 §6.5)',
    file: { clientCertificates: { from: 'proxy' } },
    path: 'clientCertificates.from',
    says: /anybody could send the header/
  },
  {
    title: 'authorities of certificates that do not arrive',
    file: { clientCertificates: { authorities: '/clients.pem' } },
    path: 'clientCertificates.from',
    says: /missing, so clientCertificates.authorities does nothing/
  },
  ...['https://mtls.example.com/', 'http://mtls.example.com', 'mtls.example.com'].map(origin => ({
    title: `the second origin ${origin} (RFC 8705 §5)`,
    file: { trustedProxies: ['10.0.0.1'], clientCertificates: { from: 'proxy', origin } },
    path: 'clientCertificates.origin',
    says: /https origin other than the issuer/
  })),
  {
    title: 'a header name that is none',
    file: { trustedProxies: ['10.0.0.1'], clientCertificates: { from: 'proxy', header: 'a b' } },
    path: 'clientCertificates.header',
    says: /not written as it must be/
  }
]

refuses(t, 'every mode', productionEnv, always)

t.test(
  'TLS here, TLS at a proxy, and both, are allowed, and a second origin on loopback',
  async t => {
    const tls = { certificate: 'tls.crt', key: '/tls.key' }
    const authorities = 'clients.pem'
    const direct = load(productionEnv, { tls, clientCertificates: { from: 'tls', authorities } })
    t.equal(direct.tls.certificate, '/srv/mintmark/config/tls.crt')
    t.equal(direct.clientCertificates.authorities, '/srv/mintmark/config/clients.pem')
    const trustedProxies = ['10.0.0.5']
    const proxied = { from: 'proxy', origin: 'https://mtls.example.com' }
    load(productionEnv, { tls, trustedProxies, clientCertificates: proxied })
    load(
      {},
      {
        trustedProxies,
        clientCertificates: { from: 'proxy', origin: 'http://127.0.0.2:3000' }
      }
    )
    t.match(load(productionEnv).clientCertificates, { header: 'Client-Cert', format: 'rfc9440' })
  }
)
