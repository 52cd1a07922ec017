// A server that speaks TLS itself, as an operator starts it: two workers on one port, clients with and without a certificate, an orderly
// stop; and what a start says of files that do not go together.

import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as oidc from 'openid-client'
import t from 'tap'
import { claimsIn } from '../protocol/requests.ts'
import { createAuthority, selfSigned } from '../support/certificates.ts'
import { createTestDatabase } from '../support/postgres.ts'
import { makePlace, mintmark, startMintmark } from '../support/process.ts'
import { freePort } from '../support/server.ts'
import { fetchOver, serverIdentity, writeTls } from '../support/tls-server.ts'

t.test(
  'two workers speak TLS on one port, with and without certificates of clients (RFC 8705)',
  async t => {
    const { url } = await createTestDatabase(t)
    const port = await freePort()
    const issuer = `https://localhost:${port}`
    const authority = await createAuthority()
    const secret = randomBytes(32).toString('hex')
    const clientIdentity = await authority.issue({ subject: 'O=Example, CN=certified' })
    const place = makePlace(t, {
      DATABASE_URL: url,
      MINTMARK_ISSUER: issuer,
      MINTMARK_PORT: String(port),
      MINTMARK_MASTER_KEY: randomBytes(32).toString('hex'),
      MINTMARK_WORKERS: '2',
      MINTMARK_SHUTDOWN__DELAY: '0s',
      MINTMARK_CONFIG: 'mintmark.json'
    })
    writeTls(place.folder, await serverIdentity(authority))
    writeFileSync(join(place.folder, 'clients.pem'), authority.cert)
    const configuration = {
      tls: { certificate: 'server.crt', key: 'server.key' },
      clientCertificates: { from: 'tls', authorities: 'clients.pem' },
      clients: [
        { client_id: 'plain', type: 'machine', client_secret: secret },
        {
          client_id: 'certified',
          type: 'machine',
          token_endpoint_auth_method: 'tls_client_auth',
          tls_client_auth_subject_dn: 'CN=certified,O=Example',
          tls_client_certificate_bound_access_tokens: true
        }
      ]
    }
    writeFileSync(join(place.folder, 'mintmark.json'), JSON.stringify(configuration))

    const server = await startMintmark(t, place)
    t.equal(server.issuer, issuer)
    const discover = (clientId: string, auth: oidc.ClientAuth, identity?: typeof clientIdentity) =>
      oidc.discovery(new URL(issuer), clientId, {}, auth, {
        [oidc.customFetch]: fetchOver(authority.cert, identity)
      })
    const certified = await discover('certified', oidc.TlsClientAuth(), clientIdentity)
    const plain = await discover('plain', oidc.ClientSecretBasic(secret))
    // connections go to the workers in turn
    for (let round = 0; round < 6; round += 1) {
      const bound = await oidc.clientCredentialsGrant(certified)
      const cnf = claimsIn(bound.access_token)['cnf']
      t.same(cnf, { 'x5t#S256': clientIdentity.thumbprint })
      const bearer = await oidc.clientCredentialsGrant(plain)
      t.notOk('cnf' in claimsIn(bearer.access_token))
    }
    const stranger = await discover('certified', oidc.TlsClientAuth(), await selfSigned())
    const refused = await oidc.clientCredentialsGrant(stranger).catch((error: unknown) => error)
    t.match(refused, { status: 401 })
    await server.stop()

    const told = await mintmark(t, place, ['doctor'])
    t.match(told.out + told.err, /TLS certificate\s+ends on \d{4}-\d\d-\d\d/)
    t.match(told.out + told.err, /TLS\s+ends here/)
    t.match(
      told.out + told.err,
      /client certificates\s+of authorities, or self-signed, on connections/
    )

    writeFileSync(join(place.folder, 'server.key'), clientIdentity.key)
    for (const command of [['start'], ['config', 'check']]) {
      const { code, out, err } = await mintmark(t, place, command)
      t.equal(code, 1, command.join(' '))
      t.match(out + err, /tls\.key: .*server\.key is not the private key of .*server\.crt/)
    }
  }
)
