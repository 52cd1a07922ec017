// Tokens that are bound to a certificate (RFC 8705 §3): in which forms an API may have the certificate of a request, and whether it is the
// token's.

import { createHash } from 'node:crypto'

/**
 * A client's certificate whose handshake is known to have succeeded: DER, PEM, or what has the DER
 * as `raw`, as Node's certificates do. An object without `raw` is none, as Node says it of a client
 * that showed none.
 */
export type ClientCertificate = Uint8Array | string | { readonly raw?: Uint8Array }

/** RFC 8705 §3.1: SHA-256 of the DER, in base64url; undefined: there is no certificate. */
export function thumbprintOf(certificate: ClientCertificate | undefined): string | undefined {
  if (certificate === undefined) return undefined
  const der =
    typeof certificate === 'string'
      ? derOf(certificate)
      : certificate instanceof Uint8Array
        ? certificate
        : certificate.raw
  return der && createHash('sha256').update(der).digest('base64url')
}

/** The first certificate of a PEM text. */
function derOf(pem: string): Uint8Array | undefined {
  const [, body] =
    /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/.exec(pem) ?? []
  return body === undefined ? undefined : Buffer.from(body, 'base64')
}

/** What is wrong with the certificate, as one sentence for the caller; undefined: it is the token's. */
export function certificateProblem(
  expected: unknown,
  certificate: ClientCertificate | undefined
): string | undefined {
  const shown = thumbprintOf(certificate)
  if (shown === undefined) {
    return 'The access token is bound to a certificate, and the request shows none.'
  }
  // RFC 8705 §3: "If a client certificate is not presented or does not match, the protected resource
  // MUST reject the resource access attempt" with 401 and invalid_token
  return shown === expected ? undefined : 'The access token is bound to another certificate.'
}
