// Whether a certificate comes from an authority that the operator named, where a proxy ended TLS and its word is the bytes alone (RFC 5280
// §6.1). Node has no such check outside of a handshake, so the steps that matter here are done one by one: signature, name, dates, the
// right to issue, the length of the path, the purpose. What a certificate demands and we do not check refuses it. No revocation lists.

import type { X509Certificate } from 'node:crypto'
import { extensionIds, readCertificate } from './certificate.ts'

/** Certificates of authorities between a client's and a named one, at most. */
export const longestChain = 4

const clientAuthentication = '1.3.6.1.5.5.7.3.2'
const anyPurpose = '2.5.29.37.0'

/** Extensions that are looked at here or by OpenSSL (`checkIssued`), or that ask for nothing (policies: RFC 5280 §6.1.1 (c)). */
const understood = new Set<string>([
  ...Object.values(extensionIds),
  '2.5.29.14',
  '2.5.29.35',
  '2.5.29.32'
])

/** Whether `at` lies in the validity of the certificate. */
export function isInTime({ validFrom, validTo }: X509Certificate, at: Date): boolean {
  return Date.parse(validFrom) <= at.getTime() && at.getTime() <= Date.parse(validTo)
}

/** With MD2, MD5 or SHA-1: who can make two texts of one digest has the second one signed, too (BCP 195). */
const broken = new Set([
  '1.2.840.113549.1.1.2',
  '1.2.840.113549.1.1.4',
  '1.2.840.113549.1.1.5',
  '1.2.840.10045.4.1',
  '1.2.840.10040.4.3'
])

/** RFC 5280 §4.2: "A certificate-using system MUST reject the certificate if it encounters a critical extension it does not recognize" */
function isSound(certificate: X509Certificate): boolean {
  const { extensions, signatureAlgorithm } = readCertificate(certificate)
  return (
    !broken.has(signatureAlgorithm) &&
    extensions.every(({ critical, oid }) => !critical || understood.has(oid))
  )
}

/** RFC 5280 §4.2.1.12: without the extension, for everything. */
function isForClients({ keyUsage }: X509Certificate): boolean {
  const purposes = keyUsage as readonly string[] | undefined
  return (
    purposes === undefined ||
    purposes.some(purpose => purpose === clientAuthentication || purpose === anyPurpose)
  )
}

/** `below`: authorities between the issuer and the client's own certificate. */
function mayIssue(issuer: X509Certificate, below: number): boolean {
  const { pathLength } = readCertificate(issuer)
  // RFC 5280 §4.2.1.9: who is no authority issues nothing, and no more authorities below it than it says
  return issuer.ca && (pathLength === undefined || below <= pathLength)
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
}

/**
 * Follows the certificate to one of `authorities`, over those that came with it. Each named authority is trusted as it is, root or not.
 */
export function leadsToAuthority(
  certificate: X509Certificate,
  {
    chain,
    authorities,
    at
  }: { chain: readonly X509Certificate[]; authorities: readonly X509Certificate[]; at: Date }
): boolean {
  const between = chain.slice(0, longestChain)

  function reaches(current: X509Certificate, below: number): boolean {
    const issues = (issuer: X509Certificate) =>
      isInTime(issuer, at) && mayIssue(issuer, below) && isIssuedBy(current, issuer)
    if (authorities.some(issues)) return true
    if (below >= longestChain) return false
    return between.some(
      issuer =>
        issuer.fingerprint256 !== current.fingerprint256 &&
        isSound(issuer) &&
        issues(issuer) &&
        reaches(issuer, below + 1)
    )
  }

  try {
    return (
      isInTime(certificate, at) &&
      isForClients(certificate) &&
      isSound(certificate) &&
      reaches(certificate, 0)
    )
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}
