// Software statements (RFC 7591 §2.3): what somebody whom the operator trusts says of a client's software, as a signed JWT. Its claims stand in
// place of what the client says itself. Refuses whoever is not named in the configuration, what they have not signed, and what is over.

import { createLocalJWKSet, decodeJwt, errors, type JSONWebKeySet, jwtVerify } from 'jose'
import { hasOneReading } from '../oauth/compact-jwt.ts'
import { clientAlgorithms } from './jose-members.ts'

export interface StatementSigner {
  issuer: string
  jwks: { keys: readonly object[] }
}

export type ReadStatement =
  | { ok: true; statement: string; claims: Record<string, unknown> }
  /** `unapproved`: well made, as far as can be told, and by nobody who is trusted */
  | { ok: false; reason: 'invalid' | 'unapproved'; problem: string }

/** It stands in a row, and in each answer about the client. */
const longest = 8_192

/** About the statement and not about the software; and what no statement can give. */
const notMetadata = /^(iss|sub|aud|exp|nbf|iat|jti|client_id|client_secret.*|software_statement)$/

/** Claims of a statement that was verified when it came: metadata of the client. */
export function statementClaims(statement: string): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(decodeJwt(statement)).filter(([claim]) => !notMetadata.test(claim))
  )
}

export function createStatementReader(options: {
  signers: readonly StatementSigner[]
  now: () => Date
}): (value: unknown) => Promise<ReadStatement> {
  const keys = new Map(
    options.signers.map(({ issuer, jwks }) => [
      issuer,
      createLocalJWKSet(structuredClone(jwks) as unknown as JSONWebKeySet)
    ])
  )
  const refused = (reason: 'invalid' | 'unapproved', problem: string): ReadStatement => ({
    ok: false,
    reason,
    problem
  })

  return async value => {
    if (typeof value !== 'string' || value.length > longest) {
      return refused('invalid', 'software_statement is not a JWT of bearable length')
    }
    if (!hasOneReading(value)) {
      return refused('invalid', 'software_statement is no JWT that can be read in one way only')
    }
    const issuer = issuerOf(value)
    if (issuer === undefined) return refused('invalid', 'software_statement has no issuer')
    const keySet = keys.get(issuer)
    // RFC 7591 §3.2.2: "The software statement presented is not approved for use by this authorization server."
    if (keySet === undefined) {
      return refused('unapproved', 'software_statement is of an issuer that is not trusted here')
    }
    try {
      // RFC 7591 §2.3: "digitally signed or MACed"; a MAC would be a secret that we share with whoever signs
      await jwtVerify(value, keySet, {
        issuer,
        algorithms: [...clientAlgorithms],
        currentDate: options.now(),
        clockTolerance: 15
      })
      return { ok: true, statement: value, claims: statementClaims(value) }
    } catch (error) {
      if (!(error instanceof errors.JOSEError)) throw error
      const why = error instanceof errors.JWTExpired ? 'is over' : 'is not signed as it must be'
      return refused('invalid', `software_statement ${why}`)
    }
  }
}

/** Unverified. */
function issuerOf(value: string): string | undefined {
  try {
    return decodeJwt(value).iss
  } catch {
    return undefined
  }
}
