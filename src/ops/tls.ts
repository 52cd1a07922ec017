// TLS of the server itself, and the authorities of clients' certificates: read from files, and read again when they have changed, so that a
// renewed certificate needs no restart. TLS 1.2 and newer, with suites that encrypt and authenticate in one (FAPI 2.0 §5.2.1, BCP 195);
// clients are asked for a certificate and never need one. Refuses to start with files that do not go together; a changed file that
// is wrong changes nothing.

import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Server } from 'node:http'
import { type TlsOptions, Server as TlsServer } from 'node:tls'
import type { Config } from '../config/schema.ts'
import { Fault } from '../lib/fault.ts'
import { httpLimits, httpOptions } from './http-limits.ts'

/** Of TLS 1.2: an ephemeral key, and AES-GCM or ChaCha20-Poly1305. All of TLS 1.3 are so. */
const ciphers = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305'
].join(':')

type Keys = Pick<Config, 'tls' | 'clientCertificates'>

interface Read {
  certificate: Buffer | undefined
  key: Buffer | undefined
  authorities: Buffer | undefined
}

export interface Certificates {
  /** options for Fastify: a server that speaks TLS, or one in the open */
  listener: typeof httpOptions
  authorities(): readonly X509Certificate[]
  /** Looks at the files from time to time, for as long as the server is there. */
  follow(server: Server): void
  end(): void
}

const wrong = (key: string, problem: string, cause?: unknown) =>
  new Fault('configuration_invalid', `${key}: ${problem}`, cause)

function read(key: string, file: string | undefined): Buffer | undefined {
  if (file === undefined) return undefined
  try {
    return readFileSync(file)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${error.code})` : ''
    throw wrong(key, `${file} cannot be read${code}. Name a PEM file that the server may read.`)
  }
}

function readAll({ tls, clientCertificates }: Keys): Read {
  return {
    certificate: read('tls.certificate', tls.certificate),
    key: read('tls.key', tls.key),
    authorities: read('clientCertificates.authorities', clientCertificates.authorities)
  }
}

const pemBlock = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

function certificatesIn(key: string, file: string | undefined, pem: Buffer | undefined) {
  if (pem === undefined) return []
  try {
    const found = (pem.toString('latin1').match(pemBlock) ?? []).map(
      one => new X509Certificate(one)
    )
    if (found.length > 0) return found
  } catch {
    // told below
  }
  throw wrong(key, `${file} holds no certificates in PEM, or one that cannot be read.`)
}

/** @throws Fault `configuration_invalid` where something is not what it should be */
function examine({ tls, clientCertificates }: Keys, { certificate, key, authorities }: Read) {
  const [own] = certificatesIn('tls.certificate', tls.certificate, certificate)
  if (own !== undefined && key !== undefined && !isKeyOf(key, own)) {
    throw wrong('tls.key', `${tls.key} is not the private key of ${tls.certificate}.`)
  }
  const { authorities: file } = clientCertificates
  const named = certificatesIn('clientCertificates.authorities', file, authorities)
  const bystander = named.find(({ ca }) => !ca)
  if (bystander !== undefined) {
    const subject = bystander.subject.replaceAll('\n', ', ')
    throw wrong(
      'clientCertificates.authorities',
      `${file} holds a certificate that is no authority's (${subject}).`
    )
  }
  return { own, authorities: named }
}

function isKeyOf(key: Buffer, certificate: X509Certificate): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(key))
  } catch {
    return false
  }
}

function secureOptions({ certificate, key, authorities }: Read): TlsOptions {
  return {
    cert: certificate,
    key,
    minVersion: 'TLSv1.2',
    ciphers,
    honorCipherOrder: true,
    // without authorities nobody is: whom the machine trusts for other things is no authority of clients
    ...(authorities === undefined ? {} : { ca: authorities, allowPartialTrustChain: true })
  } as TlsOptions
}

/** What a start would refuse, one line each. */
export function certificateProblems(config: Keys): string[] {
  try {
    examine(config, readAll(config))
    return []
  } catch (error) {
    if (error instanceof Fault) return [error.message]
    throw error
  }
}

/** When the server's own certificate ends; undefined without one. @throws Fault `configuration_invalid` */
export function certificateEnds(config: Keys): Date | undefined {
  const end = examine(config, readAll(config)).own?.validTo
  return end === undefined ? undefined : new Date(end)
}

/** @throws Fault `configuration_invalid` */
export function openCertificates(
  config: Keys,
  {
    log,
    everySeconds = 10
  }: {
    log: { info(data: object, message: string): void; error(data: object, message: string): void }
    everySeconds?: number
  }
): Certificates {
  let present = readAll(config)
  let { authorities } = examine(config, present)
  let timer: NodeJS.Timeout | undefined
  const isSecure = present.certificate !== undefined

  function look(server: Server) {
    try {
      const next = readAll(config)
      const isSame = (Object.keys(next) as (keyof Read)[]).every(
        name => next[name]?.equals(present[name] ?? Buffer.alloc(0)) ?? true
      )
      if (isSame) return
      const examined = examine(config, next)
      if (server instanceof TlsServer) server.setSecureContext(secureOptions(next))
      present = next
      authorities = examined.authorities
      log.info({}, 'certificates were read again')
    } catch (error) {
      // two files that are written one after the other do not go together in between
      log.error({ err: error }, 'changed certificates cannot be used; those of before go on')
    }
  }

  return {
    listener: isSecure ? listenSecurely(config, present) : httpOptions,
    authorities: () => authorities,
    follow(server) {
      timer = setInterval(() => look(server), everySeconds * 1_000)
      timer.unref()
    },
    end: () => clearInterval(timer)
  }
}

/** The same limits as in the open, and one more: how long a handshake may take. */
function listenSecurely({ clientCertificates }: Keys, files: Read): typeof httpOptions {
  const { http, ...rest } = httpOptions
  const https = {
    ...http,
    ...secureOptions(files),
    handshakeTimeout: httpLimits.headersTimeout,
    // RFC 8705 §6.1: who also has clients without certificates "would make mutual TLS optional"
    requestCert: clientCertificates.from === 'tls',
    rejectUnauthorized: false
  }
  // for Fastify's types a server that speaks TLS is another one, with the same routes, hooks and events
  return { ...rest, https } as unknown as typeof httpOptions
}
