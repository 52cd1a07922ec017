// A server that speaks TLS itself, as production configures it, and clients with certificates in front of it: requests over node:https, for
// openid-client too. Everything is real: certificates, handshakes, PostgreSQL.

import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { join } from 'node:path'
import type * as oidc from 'openid-client'
import type { Test } from 'tap'
import { openStore } from '../../src/ops/parts.ts'
import { createServer } from '../../src/server.ts'
import { createLogger } from '../../src/telemetry/logger.ts'
import { type Authority, createAuthority, type Identity, pemFolder } from './certificates.ts'
import { type Overrides, testConfig } from './configuration.ts'
import { createTestDatabase } from './postgres.ts'
import { freePort, person } from './server.ts'

/** A certificate for `localhost`, of an authority that the test's clients trust. */
export async function serverIdentity(authority: Authority): Promise<Identity> {
  return authority.issue({
    subject: 'CN=localhost',
    names: [
      { type: 'dns', value: 'localhost' },
      { type: 'ip', value: '127.0.0.1' }
    ]
  })
}

/** Writes the files that `tls` names. */
export function writeTls(folder: string, identity: Identity) {
  const files = { certificate: join(folder, 'server.crt'), key: join(folder, 'server.key') }
  writeFileSync(files.certificate, identity.cert)
  writeFileSync(files.key, identity.key, { mode: 0o600 })
  return files
}

/** `fetch` over TLS, with a certificate of the caller's own. */
export function fetchOver(ca: string, own?: Identity, agentOptions: object = {}): oidc.CustomFetch {
  const agent = new Agent({ ca, cert: own?.cert, key: own?.key, keepAlive: false, ...agentOptions })
  return (url, { method, headers, body }) =>
    new Promise((resolve, reject) => {
      // localhost may be ::1 first, where nobody listens
      const sent = request(url, { agent, method, headers, family: 4 }, answer => {
        const chunks: Buffer[] = []
        answer.on('data', chunk => chunks.push(chunk))
        answer.on('end', () => {
          const fields = Object.entries(answer.headers).map(([name, value]) => [
            name,
            String(value)
          ])
          const { statusCode: status = 0 } = answer
          const text = [204, 304].includes(status) ? null : Buffer.concat(chunks)
          resolve(new Response(text, { status, headers: fields as [string, string][] }))
        })
      })
      sent.on('error', reject)
      sent.end(body == null ? undefined : String(body))
    })
}

/** Starts a production server with TLS on loopback; it ends with `t`. */
export async function startTlsServer(t: Test, overrides: Overrides = {}) {
  const { url } = await createTestDatabase(t)
  const port = await freePort()
  const issuer = `https://localhost:${port}`
  const authority = await createAuthority('CN=Authority of servers')
  const folder = pemFolder(t)
  const identity = await serverIdentity(authority)
  const masterKey = randomBytes(32)
  const config = testConfig(issuer, {
    mode: 'production',
    masterKey: masterKey.toString('hex'),
    database: { url },
    tls: writeTls(folder, identity),
    clientCertificates: { from: 'tls' },
    ...overrides
  })
  const log: Record<string, unknown>[] = []
  const stream = { write: (line: string) => void log.push(JSON.parse(line)) }
  const logger = createLogger({ level: 'info', stream })
  const store = openStore({ url, directUrl: url, pool: 10, log: logger })
  t.teardown(() => store.end())
  await store.feed.ready()
  const server = await createServer({ config, masterKey, store, log: logger })
  t.teardown(() => server.close())
  const reconciled = await server.clients.reconcile(config.clients, { from: 'key', value: 1 })
  if (!reconciled.ok) throw new Error(JSON.stringify(reconciled.problems))
  await server.accounts.service.create({ ...person, locale: 'en' }, 'cli')
  await server.app.listen({ port, host: '127.0.0.1' })
  return { issuer, port, server, store, log, folder, authority, ca: authority.cert }
}
