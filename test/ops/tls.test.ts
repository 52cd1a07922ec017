// TLS of the server itself: what is spoken and what is not (FAPI 2.0 §5.2.1), clients with certificates as openid-client makes them
// (RFC 8705), and that limits, stop and renewed files work as they do in the open.

import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect as connectPlain } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import * as oidc from 'openid-client'
import t from 'tap'
import { certificateProblems, openCertificates } from '../../src/ops/tls.ts'
import {
  billing,
  certified,
  clients,
  grant,
  registered,
  resource,
  root,
  shown
} from '../protocol/certified.ts'
import { claimsIn } from '../protocol/requests.ts'
import { pemFolder, selfSigned } from '../support/certificates.ts'
import { fetchOver, serverIdentity, startTlsServer, writeTls } from '../support/tls-server.ts'

const authorities = join(pemFolder(t), 'authorities.pem')
writeFileSync(authorities, root.cert)
const running = await startTlsServer(t, {
  clientCertificates: { from: 'tls', authorities },
  clients,
  resources: [resource],
  http: { connectionsPerAddress: 20 }
})
const { issuer, port, ca } = running

async function until(what: () => boolean): Promise<void> {
  for (const begun = performance.now(); !what(); await sleep(10)) {
    if (performance.now() - begun > 30_000) throw new Error('it did not happen')
  }
}

/** A handshake: the connection, or the error that ended it. */
function shake(options: ConnectionOptions): Promise<TLSSocket | Error> {
  return new Promise(resolve => {
    const socket = connect({ host: '127.0.0.1', servername: 'localhost', port, ca, ...options })
    socket.once('secureConnect', () => resolve(socket))
    socket.once('error', resolve)
  })
}

t.test(
  'TLS 1.2 and 1.3 with suites that encrypt and authenticate in one, and nothing older (FAPI 2.0 §5.2.1, BCP 195)',
  async t => {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const socket = await shake({ minVersion: version, maxVersion: version })
      if (socket instanceof Error) throw socket
      t.equal(socket.getProtocol(), version)
      t.match(socket.getCipher().standardName, /GCM|POLY1305/, version)
      socket.destroy()
    }
    const weak: Record<string, ConnectionOptions> = {
      'TLS 1.0': { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' },
      'TLS 1.1': { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
      CBC: {
        maxVersion: 'TLSv1.2',
        ciphers: 'ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA:AES128-SHA'
      },
      'CCM with a short tag': { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-CCM8' }
    }
    for (const [what, options] of Object.entries(weak)) {
      t.match(await shake(options), { message: /alert|protocol|handshake|no ciphers/i }, what)
    }
  }
)

async function discover(clientId: string, own: typeof billing | undefined, auth: oidc.ClientAuth) {
  const options = { [oidc.customFetch]: fetchOver(ca, own) }
  return oidc.discovery(new URL(issuer), clientId, {}, auth, options)
}

t.test(
  'openid-client authenticates with its certificate, and gets bound tokens (RFC 8705 §2.1, §3)',
  async t => {
    for (const { client_id } of certified) {
      const config = await discover(client_id, billing, oidc.TlsClientAuth())
      const tokens = await oidc.clientCredentialsGrant(config)
      t.same(claimsIn(tokens.access_token)['cnf'], { 'x5t#S256': billing.thumbprint }, client_id)
    }
    const self = await discover('self-signed', registered, oidc.TlsClientAuth())
    t.ok((await oidc.clientCredentialsGrant(self)).access_token, 'registered by itself (§2.2)')
  }
)

t.test(
  'another certificate, another authority’s, an old one, none, or only the header of one: 401 (RFC 8705 §2.1)',
  async t => {
    const subject = 'C=DE, O=Example, CN=billing'
    const day = 86_400
    const wrong = {
      'another subject': await root.issue({ subject: 'CN=x' }),
      'signed by itself': await selfSigned({ subject }),
      expired: await root.issue({ subject, from: -2 * day, to: -day }),
      'another authority’s': await running.authority.issue({ subject }),
      none: undefined
    }
    for (const [what, own] of Object.entries(wrong)) {
      const config = await discover('certified-0', own, oidc.TlsClientAuth())
      const told = await oidc.clientCredentialsGrant(config).catch((error: unknown) => error)
      t.match(told, { status: 401, response: { status: 401 } }, what)
    }
    const answer = await fetchOver(ca)(`${issuer}/oauth/token`, {
      method: 'POST',
      headers: { ...shown(billing), 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ ...grant, client_id: 'certified-0' }),
      redirect: 'manual'
    })
    t.equal(answer.status, 401)
  }
)

t.test(
  'a session that is resumed has the certificate of its beginning (RFC 8446 §4.6.1)',
  async t => {
    const first = await shake({ cert: billing.cert, key: billing.key, maxVersion: 'TLSv1.2' })
    if (first instanceof Error) throw first
    const session = first.getSession()
    first.destroy()
    const ask = async (options: ConnectionOptions) => {
      const socket = await shake({ ...options, maxVersion: 'TLSv1.2' })
      if (socket instanceof Error) throw socket
      const resumed = socket.isSessionReused()
      const body = new URLSearchParams({ ...grant, client_id: 'certified-0' }).toString()
      socket.write(
        `POST /oauth/token HTTP/1.1\r\nhost: localhost:${port}\r\nconnection: close\r\n` +
          `content-type: application/x-www-form-urlencoded\r\ncontent-length: ${body.length}\r\n\r\n${body}`
      )
      let text = ''
      for await (const chunk of socket) text += chunk
      return { resumed, status: text.split(' ')[1] }
    }
    if (session === undefined) throw new Error('no session')
    t.same(await ask({ session }), { resumed: true, status: '200' })
    t.same(await ask({}), { resumed: false, status: '401' }, 'and without it there is none')
  }
)

t.test('a request in the open is told so or cut off, and takes nobody along', async t => {
  const socket = connectPlain(port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')
  await once(socket, 'close')
  t.notOk(
    running.log.some(line => Number(line['level']) >= 50),
    'nothing failed'
  )
  const answer = await fetchOver(ca)(`${issuer}/livez`, {
    method: 'GET',
    headers: {},
    body: null,
    redirect: 'manual'
  })
  t.equal(answer.status, 200)
  t.equal(answer.headers.get('strict-transport-security'), 'max-age=31536000')
})

t.test('connections of one address are counted before their handshakes', async t => {
  const sockets = Array.from({ length: 40 }, () => connectPlain(port, '127.0.0.1'))
  let closed = 0
  for (const socket of sockets) {
    socket.on('error', () => undefined)
    socket.on('close', () => {
      closed += 1
    })
  }
  await until(() => closed >= 20)
  t.ok(closed < 40, 'the others may go on')
  for (const socket of sockets) socket.destroy()
  await until(() => closed === 40)
})

t.test(
  'a stop waits for no handshake that never comes, and finishes what is in flight',
  async t => {
    const one = await startTlsServer(t)
    const silent = connectPlain(one.port, '127.0.0.1')
    silent.on('error', () => undefined)
    await once(silent, 'connect')
    const gone = once(silent, 'close')
    const ends: (string | undefined)[] = []
    one.server.app.server.on('tlsClientError', ({ code }: NodeJS.ErrnoException) => {
      ends.push(code)
    })
    const known = once(one.server.app.server, 'request')
    const body = 'grant_type=client_credentials'
    const socket = connect({
      host: '127.0.0.1',
      servername: 'localhost',
      port: one.port,
      ca: one.ca
    })
    await once(socket, 'secureConnect')
    socket.write(
      `POST /oauth/token HTTP/1.1\r\nhost: localhost:${one.port}\r\ncontent-type: application/x-www-form-urlencoded\r\n` +
        `content-length: ${body.length}\r\n\r\n${body.slice(0, 5)}`
    )
    await known
    const closing = one.server.close()
    socket.write(body.slice(5))
    let text = ''
    for await (const chunk of socket) text += chunk
    t.match(text, /^HTTP\/1\.1 401 .*\r\nconnection: close\r\n/is)
    await closing
    await gone
    t.notOk(
      ends.includes('ERR_TLS_HANDSHAKE_TIMEOUT'),
      'the handshake’s own time was not waited for'
    )
  }
)

t.test(
  'a renewed certificate is served without a restart, and a wrong file changes nothing',
  async t => {
    const folder = pemFolder(t)
    const tls = writeTls(folder, await serverIdentity(running.authority))
    const told: string[] = []
    const note = (_: object, message: string) => void told.push(message)
    const config = {
      tls,
      clientCertificates: { header: 'Client-Cert', format: 'rfc9440', from: 'tls', authorities }
    } as const
    const files = openCertificates(config, { log: { info: note, error: note }, everySeconds: 0.02 })
    const { createServer } = await import('node:https')
    const { https } = files.listener as unknown as { https: object }
    const server = createServer(https, (_request, response) => response.end('here'))
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const address = server.address()
    const own = typeof address === 'object' && address !== null ? address.port : 0
    files.follow(server)
    t.teardown(() => {
      files.end()
      server.close()
    })
    const serial = async () => {
      const socket = await shake({ port: own })
      if (socket instanceof Error) throw socket
      const { serialNumber } = socket.getPeerCertificate()
      socket.destroy()
      return serialNumber
    }
    const before = await serial()
    const next = await serverIdentity(running.authority)
    writeFileSync(tls.certificate, next.cert)
    await until(() => told.some(message => /cannot be used/.test(message)))
    t.equal(await serial(), before, 'the certificate alone does not go with the key')
    writeFileSync(tls.key, next.key)
    await until(() => told.some(message => /read again/.test(message)))
    t.equal(await serial(), next.certificate.serialNumber)

    t.equal(files.authorities().length, 1)
    writeFileSync(authorities, root.cert + running.authority.cert)
    await until(() => files.authorities().length === 2)
    t.equal(await serial(), next.certificate.serialNumber)
  }
)

t.test('files that cannot be served with are told before a start', async t => {
  const folder = pemFolder(t)
  const tls = writeTls(folder, await serverIdentity(running.authority))
  const other = writeTls(pemFolder(t), await selfSigned())
  const text = join(folder, 'text')
  const member = { header: 'Client-Cert', format: 'rfc9440' } as const
  const client = join(folder, 'client.pem')
  writeFileSync(client, billing.cert)
  const problems = (given: object, clientCertificates: object = {}) =>
    certificateProblems({ tls: given, clientCertificates: { ...member, ...clientCertificates } })
  t.same(problems(tls, { authorities }), [])
  t.same(problems({}), [])
  writeFileSync(text, 'x')
  t.match(problems({ ...tls, certificate: join(folder, 'absent') }), [
    /tls.certificate: .* cannot be read \(ENOENT\)/
  ])
  t.match(problems({ ...tls, certificate: text }), [/tls.certificate: .* holds no certificates/])
  t.match(problems({ ...tls, key: text }), [/tls.key: .* is not the private key/])
  t.match(problems({ certificate: client, key: other.key }), [/is not the private key/])
  t.match(problems({}, { authorities: text }), [/authorities: .* holds no certificates/])
  t.match(problems({}, { authorities: client }), [/no authority's \(C=DE, O=Example, CN=billing\)/])
})
