// A host on the internet, for tests: a name that leads to this machine, and a certificate that this process believes. For what is fetched
// over https only. Needs openssl for the certificate; tests skip without it.

import { execFileSync } from 'node:child_process'
import dns from 'node:dns'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:https'
import { syncBuiltinESMExports } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import type { Test } from 'tap'

/** False: say so and skip. */
export function canMakeCertificates(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

function makeCertificate(name: string): { key: string; cert: string } {
  const folder = mkdtempSync(join(tmpdir(), 'mintmark-https-'))
  try {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
    const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`]
    const form = ['-x509', '-nodes', '-days', '1', '-newkey', 'ec']
    const curve = ['-pkeyopt', 'ec_paramgen_curve:prime256v1']
    execFileSync('openssl', ['req', ...form, ...curve, ...subject, '-keyout', key, '-out', cert], {
      stdio: 'ignore'
    })
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Serves `listener` as `https://name:port`, for this process and as long as `t` runs. */
export async function serveAsHost(
  t: Test,
  name: string,
  listener: RequestListener
): Promise<string> {
  const made = makeCertificate(name)
  const trusted = getCACertificates('default')
  setDefaultCACertificates([...trusted, made.cert])
  const { lookup } = dns
  const known = (
    host: string,
    options: dns.LookupOptions,
    callback: (...found: unknown[]) => void
  ) =>
    host !== name
      ? lookup(host, options, callback)
      : options.all
        ? callback(null, [{ address: '127.0.0.1', family: 4 }])
        : callback(null, '127.0.0.1', 4)
  dns.lookup = known as typeof lookup
  syncBuiltinESMExports()
  const server = createServer(made, listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    dns.lookup = lookup
    syncBuiltinESMExports()
    setDefaultCACertificates(trusted)
    server.closeAllConnections()
    server.close()
  })
  return `https://${name}:${(server.address() as AddressInfo).port}`
}
