// Clients that have certificates, and the authority that most of them have theirs from, for tests of mutual TLS behind a proxy (RFC 8705).
// The test is the proxy: it connects from an address that is trusted, and says in a header which certificate the client has shown.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createAuthority, type Identity, pemFolder, selfSigned } from '../support/certificates.ts'
import { secretOf } from '../support/configuration.ts'
import { type App, basic, publicly } from './requests.ts'

export const day = 86_400

/** The authority of clients. */
export const root = await createAuthority()

/** A file with its certificate. */
export const authorities = join(pemFolder(t), 'authorities.pem')
writeFileSync(authorities, `# authorities of clients\n${root.cert}`)

/** Registered by the client `self-signed`. */
export const registered = await selfSigned({ subject: 'CN=registered' })
/** The same, and its time is over. */
export const expired = await selfSigned({ from: -2 * day, to: -day })

/** Of the clients `certified-0` to `certified-4`, each known by another of its names. */
export const billing = await root.issue({
  subject: 'C=DE, O=Example, CN=billing',
  names: [
    { type: 'dns', value: 'billing.example.com' },
    { type: 'url', value: 'spiffe://example.com/billing' },
    { type: 'ip', value: '192.0.2.7' },
    { type: 'email', value: 'billing@example.com' }
  ]
})

const known = {
  tls_client_auth_subject_dn: 'CN=Billing,O=Example,C=de',
  tls_client_auth_san_dns: 'BILLING.example.com',
  tls_client_auth_san_uri: 'spiffe://example.com/billing',
  tls_client_auth_san_ip: '192.0.2.7',
  tls_client_auth_san_email: 'billing@EXAMPLE.com'
}

export const certified = Object.entries(known).map(([member, value], at) => ({
  client_id: `certified-${at}`,
  type: 'machine',
  token_endpoint_auth_method: 'tls_client_auth',
  tls_client_certificate_bound_access_tokens: true,
  [member]: value
}))

/** Public: its tokens are bound to whatever certificate it shows. */
export const publicApp: App = {
  clientId: 'device-app',
  redirectUri: 'https://device-app.example.com/callback',
  caller: publicly('device-app')
}

/** With a secret, and bound tokens. */
export const secretApp: App = {
  clientId: 'secret-app',
  redirectUri: 'https://secret-app.example.com/callback',
  caller: basic('secret-app')
}

export const clients = [
  ...certified,
  {
    client_id: 'self-signed',
    type: 'machine',
    token_endpoint_auth_method: 'self_signed_tls_client_auth',
    jwks: {
      keys: [
        { ...registered.jwk, kid: 'now' },
        { ...expired.jwk, kid: 'before' }
      ]
    }
  },
  {
    client_id: publicApp.clientId,
    type: 'native',
    redirect_uris: [publicApp.redirectUri],
    tls_client_certificate_bound_access_tokens: true
  },
  {
    client_id: secretApp.clientId,
    type: 'web',
    client_secret: secretOf('secret-app'),
    redirect_uris: [secretApp.redirectUri],
    tls_client_certificate_bound_access_tokens: true
  }
]

/** An API that `certified-0` may ask for. */
export const resource = {
  identifier: 'https://bound.example.com',
  name: { en: 'Bound API' },
  scopes: { 'read:bound': { en: 'See' } },
  clients: ['certified-0'],
  introspectionClient: 'api-server'
}

/** A second origin, for clients with certificates alone. */
export const origin = 'https://mtls.example.com'

/** A server behind this test as its proxy. */
export const behindProxy = {
  trustedProxies: ['127.0.0.1', '::1'],
  clientCertificates: { from: 'proxy', authorities, origin },
  clients,
  resources: [resource]
}

/** The header in which the proxy hands the certificate on (RFC 9440 §2.2). */
export const shown = ({ byteSequence }: Identity) => ({ 'client-cert': byteSequence })

export const grant = { grant_type: 'client_credentials' }
