// Clients whose instances prove themselves by an attestation (draft-ietf-oauth-attestation-based-client-auth): an attester that the operator trusts
// says of a key that it is of an instance of the client. Owns what a client's metadata says of that; who may say it to whom is the operator's.

import type { Config } from '../config/schema.ts'

/** What of a client's metadata is looked at here. */
interface Attested {
  readonly token_endpoint_auth_method: string
  readonly attester?: string
}

/** With a proof of its own, and with a DPoP proof in its place. */
export const attestationMethods = ['attest_jwt_client_auth', 'attest_jwt_client_auth_dpop'] as const

export function attestationsAreOn({ trustedIssuers }: Pick<Config, 'trustedIssuers'>): boolean {
  return trustedIssuers.some(({ attests }) => attests)
}

export type AttestationMethod = (typeof attestationMethods)[number]

export function isAttested(method: unknown): method is AttestationMethod {
  return attestationMethods.some(known => known === method)
}

/** Why a client that was let in once cannot be served now: without its attester it would prove nothing. */
export function unattestedReason(
  { token_endpoint_auth_method, attester }: Attested,
  { trustedIssuers }: Pick<Config, 'trustedIssuers'>
): string | undefined {
  if (!isAttested(token_endpoint_auth_method)) return undefined
  const attests = trustedIssuers.some(({ issuer, attests }) => attests && issuer === attester)
  return attests ? undefined : `no entry of trustedIssuers attests as ${attester}`
}

/** What is wrong with the metadata member `attester`. */
export function attesterProblem(
  value: unknown,
  trustedIssuers: readonly string[]
): string | undefined {
  if (typeof value === 'string' && trustedIssuers.includes(value)) return undefined
  return 'must be one of the configured trustedIssuers'
}

/** Rules about members together. */
export function checkAttestation(
  { attester, token_endpoint_auth_method }: Attested,
  report: (member: string, problem: string) => void
): void {
  const attested = isAttested(token_endpoint_auth_method)
  if (attested && attester === undefined) {
    report('attester', `is needed for token_endpoint_auth_method ${token_endpoint_auth_method}`)
  }
  if (!attested && attester !== undefined) {
    report('attester', `is for ${attestationMethods.join(' and ')} only`)
  }
}
