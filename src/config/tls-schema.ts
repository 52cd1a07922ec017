// The part of the configuration schema that is about TLS: whether the server speaks it itself, and where the certificates of clients come
// from (RFC 8705). What the keys may not say together is in rules-tls.ts; what the files hold is looked at when they are read.

import Type from 'typebox'
import { closedObject, pathSchema } from './vocabulary.ts'

export const tlsSchema = closedObject(
  {
    certificate: Type.Optional(
      pathSchema({
        description:
          'File with the server’s certificate and those of the authorities between it and a root (PEM). Given: the server itself speaks TLS. A changed file is noticed.'
      })
    ),
    key: Type.Optional(
      pathSchema({ description: 'File with the private key of `tls.certificate` (PEM).' })
    )
  },
  { default: {} }
)

export const clientCertificatesSchema = closedObject(
  {
    from: Type.Optional(
      Type.Enum(['tls', 'proxy'], {
        description:
          'Where clients’ certificates come from (RFC 8705): `tls`, the connection itself, with `tls.certificate`; `proxy`, a header of an address in `trustedProxies`. Left out: mutual TLS is off.'
      })
    ),
    header: Type.String({
      pattern: '^[A-Za-z][A-Za-z0-9-]{0,63}$',
      default: 'Client-Cert',
      description:
        'The header in which the proxy hands on the certificate. The proxy must remove it from what comes in.'
    }),
    format: Type.Enum(['rfc9440', 'pem'], {
      default: 'rfc9440',
      description:
        'How it is written: as RFC 9440 has it (`:base64:`, further ones in the header with `-Chain` at its end), or as URL-encoded PEM (nginx’ `$ssl_client_escaped_cert`).'
    }),
    authorities: Type.Optional(
      pathSchema({
        description:
          'File with the certificates of the authorities that clients with `tls_client_auth` have theirs from (PEM); each is trusted as it is, root or not. Left out: only self-signed ones, each registered. A changed file is noticed.'
      })
    ),
    origin: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          'A second origin under which only clients with certificates reach the server, as in `https://mtls.example.com`: so browsers are not asked for one (`mtls_endpoint_aliases`, RFC 8705 §5).'
      })
    )
  },
  { default: {} }
)
