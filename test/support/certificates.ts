// Certificates for tests, made when they are needed: authorities, and what they or nobody issues. Nothing is kept in files that would expire.

import 'reflect-metadata'
import { randomBytes, type webcrypto, X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'
import type { Lifetime } from './lifetime.ts'

export { x509 }

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

/** A certificate with its private key. */
export interface Identity {
  certificate: X509Certificate
  /** PEM */
  cert: string
  /** PEM */
  key: string
  /** as `Client-Cert` carries it (RFC 9440 §2.1) */
  byteSequence: string
  /** as nginx’ `$ssl_client_escaped_cert` */
  escaped: string
  /** as in `cnf` (RFC 8705 §3.1) */
  thumbprint: string
  /** the public key, with the certificate (RFC 7517 §4.7) */
  jwk: Record<string, unknown>
}

export interface Wanted {
  /** in the order of the certificate: the most significant part first */
  subject?: string | x509.JsonName
  names?: x509.JsonGeneralName[]
  /** seconds from now */
  from?: number
  to?: number
  extensions?: x509.Extension[]
}

export interface Authority extends Identity {
  issue(wanted?: Wanted): Promise<Identity>
  /** another authority below this one */
  authority(subject: string, pathLength?: number): Promise<Authority>
}

type Issuer = { name: x509.JsonName; keys: webcrypto.CryptoKeyPair } | 'itself'

async function make(issuer: Issuer, wanted: Wanted) {
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const subject = new x509.Name(wanted.subject ?? 'CN=client').toJSON()
  const { names, from = -60, to = 3600, extensions = [] } = wanted
  const at = (seconds: number) => new Date(Date.now() + seconds * 1_000)
  const made = await x509.X509CertificateGenerator.create({
    serialNumber: `00${randomBytes(8).toString('hex')}`,
    subject,
    issuer: issuer === 'itself' ? subject : issuer.name,
    notBefore: at(from),
    notAfter: at(to),
    signingKey: (issuer === 'itself' ? keys : issuer.keys).privateKey,
    publicKey: keys.publicKey,
    signingAlgorithm: algorithm,
    extensions: [
      ...(names === undefined ? [] : [new x509.SubjectAlternativeNameExtension(names)]),
      ...extensions
    ]
  })
  const raw = Buffer.from(made.rawData)
  const certificate = new X509Certificate(raw)
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey))
  const lines = pkcs8.toString('base64').replace(/.{64}(?=.)/g, '$&\n')
  const digest = await crypto.subtle.digest('SHA-256', raw)
  const identity: Identity = {
    certificate,
    cert: certificate.toString(),
    key: `-----BEGIN PRIVATE KEY-----\n${lines}\n-----END PRIVATE KEY-----\n`,
    byteSequence: `:${raw.toString('base64')}:`,
    escaped: encodeURIComponent(certificate.toString()),
    thumbprint: Buffer.from(digest).toString('base64url'),
    jwk: {
      ...certificate.publicKey.export({ format: 'jwk' }),
      x5c: [raw.toString('base64')],
      use: 'sig',
      alg: 'ES256'
    }
  }
  return { identity, keys, name: subject }
}

/** A certificate that its own key has signed. */
export async function selfSigned(wanted: Wanted = {}): Promise<Identity> {
  return (await make('itself', wanted)).identity
}

async function makeAuthority(
  issuer: Issuer,
  subject: string,
  pathLength?: number
): Promise<Authority> {
  const { identity, ...own } = await make(issuer, {
    subject,
    extensions: [
      new x509.BasicConstraintsExtension(true, pathLength, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true)
    ]
  })
  return {
    ...identity,
    issue: async (wanted = {}) => (await make(own, wanted)).identity,
    authority: (name, length) => makeAuthority(own, name, length)
  }
}

/** A root. */
export const createAuthority = (subject = 'O=Example, CN=Root', pathLength?: number) =>
  makeAuthority('itself', subject, pathLength)

/** A folder for PEM files, that goes with `life`. */
export function pemFolder(life: Pick<Lifetime, 'teardown'>): string {
  const folder = mkdtempSync(join(tmpdir(), 'mintmark-pem-'))
  life.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
