// The certificate of whoever asks (RFC 8705 §2, §6.5): from the TLS connection, or from a header of a proxy that ended TLS (RFC 9440, or
// PEM as nginx writes it). Owns who is believed: a header counts only from a trusted proxy, and only where it was configured; from anybody
// else it is nothing. Owns also what the engine is told of mutual TLS.

import { X509Certificate } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { TLSSocket } from 'node:tls'
import type { Configuration, KoaContextWithOIDC } from 'oidc-provider'
import { isInTime, leadsToAuthority, longestChain } from '../clients/certificate-chain.ts'
import { certificateHasSubject, isSubjectMember } from '../clients/certificate-subject.ts'
import type { MutualTls } from '../clients/mutual-tls.ts'
import type { AddressList } from '../lib/address-list.ts'

/** A certificate whose private key the client holds: the handshake has proved it, here or at the proxy. */
export interface ClientCertificate {
  certificate: X509Certificate
  /** whether it comes from an authority that the operator named */
  isAuthorized(): boolean
}

export type Presented =
  | { ok: true; presented: ClientCertificate | undefined }
  /** `sentence` is for whoever sent it */
  | { ok: false; reason: 'malformed' | 'out of its time'; sentence: string }

export interface ClientCertificates {
  of(request: IncomingMessage): Presented
}

export interface CertificateSource {
  from?: 'tls' | 'proxy'
  header: string
  format: 'rfc9440' | 'pem'
}

const nobody: Presented = { ok: true, presented: undefined }

export function createClientCertificates(deps: {
  source: CertificateSource
  proxies: AddressList
  authorities(): readonly X509Certificate[]
  now: () => Date
}): ClientCertificates {
  const { source, proxies, authorities, now } = deps
  const header = source.header.toLowerCase()

  function taken(certificate: X509Certificate, isAuthorized: () => boolean): Presented {
    // what its owner may use no longer proves nothing, self-signed or not
    if (!isInTime(certificate, now())) {
      const sentence = 'the client certificate is out of its time'
      return { ok: false, reason: 'out of its time', sentence }
    }
    return { ok: true, presented: { certificate, isAuthorized } }
  }

  function ofConnection({ socket }: IncomingMessage): Presented {
    const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined
    if (certificate === undefined) return nobody
    // judged by OpenSSL in the handshake, against the authorities of then
    const { authorized } = socket as TLSSocket
    return taken(certificate, () => authorized && authorities().length > 0)
  }

  function ofProxy(request: IncomingMessage): Presented {
    const { remoteAddress } = request.socket
    // RFC 9440 §4: "Any requests containing the header fields MUST be dropped or sanitized" unless a proxy of ours has set them
    if (remoteAddress === undefined || !proxies.has(remoteAddress)) return nobody
    const lines = request.rawHeaders.filter(
      (name, at) => at % 2 === 0 && name.toLowerCase() === header
    )
    const value = request.headers[header]
    if (lines.length > 1) return malformed(`the header ${source.header} stands more than once`)
    if (typeof value !== 'string' || value.trim() === '') return nobody
    const read = source.format === 'pem' ? readPem(value) : readByteSequences(value, 1)
    const further =
      source.format === 'pem'
        ? []
        : readByteSequences(String(request.headers[`${header}-chain`] ?? ''), longestChain)
    const [certificate, ...chain] = [...(read ?? []), ...(further ?? [])]
    if (read === undefined || further === undefined || certificate === undefined) {
      return malformed(
        `the header ${source.header} holds no certificate as ${forms[source.format]}`
      )
    }
    return taken(certificate, () =>
      leadsToAuthority(certificate, { chain, authorities: authorities(), at: now() })
    )
  }

  return {
    of(request) {
      if (source.from === undefined) return nobody
      return source.from === 'tls' ? ofConnection(request) : ofProxy(request)
    }
  }
}

const forms = {
  rfc9440: 'RFC 9440 has it, base64 of DER between colons',
  pem: 'URL-encoded PEM'
} as const

function malformed(sentence: string): Presented {
  return { ok: false, reason: 'malformed', sentence }
}

/** undefined: not all of them are certificates */
function parse(encoded: readonly (string | Buffer)[]): X509Certificate[] | undefined {
  try {
    return encoded.map(one => new X509Certificate(one))
  } catch {
    return undefined
  }
}

/** Byte sequences of structured fields, separated by commas (RFC 9440 §2.1, RFC 9651 §3.3.5): nothing stands in an absent header. */
function readByteSequences(value: string, most: number): X509Certificate[] | undefined {
  if (value.trim() === '') return []
  const members = value.split(',').map(member => /^ *:([A-Za-z0-9+/]+={0,2}): *$/.exec(member)?.[1])
  if (members.length > most) return undefined
  const encoded = members.filter(member => member !== undefined)
  if (encoded.length < members.length) return undefined
  return parse(encoded.map(member => Buffer.from(member, 'base64')))
}

const pemBlock = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g

/** The client's own certificate first; further ones may follow. */
function readPem(value: string): X509Certificate[] | undefined {
  let text: string
  try {
    text = decodeURIComponent(value)
  } catch {
    return undefined
  }
  const blocks = text.match(pemBlock) ?? []
  const isAll = text.replace(pemBlock, '').trim() === ''
  return isAll && blocks.length <= 1 + longestChain ? parse(blocks) : undefined
}

type Feature = NonNullable<NonNullable<Configuration['features']>['mTLS']>

/** What the engine asks; its answers do not depend on whether the feature is on, since tokens outlive a change of the configuration. */
export function engineMutualTls(
  mutualTls: MutualTls,
  presentedBy: (ctx: KoaContextWithOIDC) => ClientCertificate | undefined
): Feature {
  return {
    enabled: mutualTls !== 'off',
    certificateBoundAccessTokens: true,
    selfSignedTlsClientAuth: true,
    tlsClientAuth: mutualTls === 'on',
    getCertificate: ctx => presentedBy(ctx)?.certificate,
    certificateAuthorized: ctx => presentedBy(ctx)?.isAuthorized() ?? false,
    certificateSubjectMatches(ctx, member, expected) {
      const certificate = presentedBy(ctx)?.certificate
      return (
        certificate !== undefined &&
        isSubjectMember(member) &&
        certificateHasSubject(certificate, member, expected)
      )
    }
  }
}

/** Endpoints that clients reach with their certificate (RFC 8705 §5), by their names in the metadata. */
const aliased = {
  token_endpoint: 'token',
  revocation_endpoint: 'revocation',
  introspection_endpoint: 'introspection',
  userinfo_endpoint: 'userinfo',
  pushed_authorization_request_endpoint: 'pushed_authorization_request',
  device_authorization_endpoint: 'device_authorization',
  backchannel_authentication_endpoint: 'backchannel_authentication'
} as const

type Paths = Readonly<Record<(typeof aliased)[keyof typeof aliased], string>>

/** The paths that answer under the second origin, too; `below`: whatever is under this one, as well. */
export function aliasedPaths(paths: Paths, below?: string): Pick<ReadonlySet<string>, 'has'> {
  const exact = new Set<string>(Object.values(aliased).map(name => paths[name]))
  return {
    has: path => exact.has(path) || (below !== undefined && path.startsWith(`${below}/`))
  }
}

/** RFC 8705 §5: `mtls_endpoint_aliases`, where there is a second origin; of the endpoints that are there. */
export function endpointAliases(
  origin: string | undefined,
  paths: Partial<Paths>,
  further: Readonly<Record<string, string>> = {}
): object {
  if (origin === undefined) return {}
  const beside = Object.entries(further).map(([member, path]) => [member, origin + path])
  const aliases = Object.entries(aliased).flatMap(([member, name]) =>
    paths[name] === undefined ? [] : [[member, origin + paths[name]]]
  )
  return { mtls_endpoint_aliases: Object.fromEntries([...aliases, ...beside]) }
}
