// By what a client that authenticates with a certificate of an authority is known: one of five members of its metadata (RFC 8705 §2.1.2).
// Owns what each may say, and whether a certificate has it. Everything of a name must be there: nothing matches a part, nothing a pattern.

import type { X509Certificate } from 'node:crypto'
import { isIPv4, isIPv6 } from 'node:net'
import { type AlternativeName, type CertificateParts, readCertificate } from './certificate.ts'
import { parseDistinguishedName, sameName } from './distinguished-name.ts'

export const subjectMembers = [
  'tls_client_auth_subject_dn',
  'tls_client_auth_san_dns',
  'tls_client_auth_san_uri',
  'tls_client_auth_san_ip',
  'tls_client_auth_san_email'
] as const

export type SubjectMember = (typeof subjectMembers)[number]

interface Subject {
  /** what is wrong with a registered value */
  problem(value: string): string | undefined
  matches(value: string, parts: CertificateParts): boolean
}

/** An entry of the certificate's alternative names that is the same once both are written in one way. */
function alternativeName(
  kind: AlternativeName['kind'],
  plain: (value: string) => string | undefined,
  problem: string
): Subject {
  return {
    problem: value => (plain(value) === undefined ? problem : undefined),
    matches: (value, { alternativeNames }) => {
      const expected = plain(value)
      return (
        expected !== undefined &&
        alternativeNames.some(name => name.kind === kind && plain(name.value) === expected)
      )
    }
  }
}

const subjects: Record<SubjectMember, Subject> = {
  // RFC 8705 §2.1.2: "The expected subject distinguished name of the certificate that the OAuth client will use in mutual-TLS
  // authentication", as RFC 4514 writes it
  tls_client_auth_subject_dn: {
    problem(value) {
      const parsed = parseDistinguishedName(value)
      return parsed.ok ? undefined : parsed.problem
    },
    matches(value, { subject }) {
      const parsed = parseDistinguishedName(value)
      return parsed.ok && sameName(parsed.name, subject)
    }
  },
  // capitals do not count in host names (RFC 5280 §7.2); a wildcard is a name like any other, and registered by nobody
  tls_client_auth_san_dns: alternativeName(
    'dns',
    value =>
      /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/i.test(value)
        ? value.toLowerCase()
        : undefined,
    'must be a host name, as in billing.example.com'
  ),
  tls_client_auth_san_uri: alternativeName(
    'uri',
    value => (/^[a-z][a-z0-9+.-]*:[!-~]+$/i.test(value) ? value : undefined),
    'must be an absolute URI, as in spiffe://example.com/billing'
  ),
  // RFC 8705 §2.1.2: "the IP address comparison of the value in this parameter and the SAN entry in the certificate is to be done in
  // binary format"
  tls_client_auth_san_ip: alternativeName('ip', plainAddress, 'must be an IPv4 or IPv6 address'),
  // RFC 5280 §7.5: the host part without regard to capitals, the local part exactly
  tls_client_auth_san_email: alternativeName(
    'email',
    value => {
      const [, local, host] = /^([!-?A-~]+)@([a-z0-9.-]+)$/i.exec(value) ?? []
      return local === undefined || host === undefined
        ? undefined
        : `${local}@${host.toLowerCase()}`
    },
    'must be an e-mail address'
  )
}

function plainAddress(value: string): string | undefined {
  if (isIPv4(value)) return value
  return isIPv6(value) ? URL.parse(`http://[${value}]`)?.hostname.slice(1, -1) : undefined
}

export function isSubjectMember(member: string): member is SubjectMember {
  return (subjectMembers as readonly string[]).includes(member)
}

/** What is wrong with a value that somebody registers. */
export function subjectProblem(member: SubjectMember, value: string): string | undefined {
  return subjects[member].problem(value)
}

/** Whether the certificate is of the client that is known by this. */
export function certificateHasSubject(
  certificate: X509Certificate,
  member: SubjectMember,
  value: string
): boolean {
  try {
    return subjects[member].matches(value, readCertificate(certificate))
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}
