// Members by which a client chooses how what it is sent is signed and encrypted, and how it signs its requests (OpenID Connect
// Registration §2, RFC 9101 §10.5, RFC 9701 §6, JARM §3). Owns what each may be, and what they need of one another.
// Refuses none, anything symmetric, and RSA1_5: the two sides of a key are never the same secret (RFC 8725 §3.2).

/** What the server signs for a client: with its keys of the purpose `identity`. */
export const identityAlgorithms = ['RS256', 'ES256', 'EdDSA'] as const

/** What a client may sign: its assertions and its request objects; key-set.ts takes the keys that can. */
export const clientAlgorithms = ['ES256', 'RS256', 'PS256', 'EdDSA'] as const

/** Messages to a client, by the first part of their members' names. */
export const messages = ['id_token', 'userinfo', 'introspection', 'authorization'] as const
export type Message = (typeof messages)[number]

export type JoseMembers = {
  readonly [M in Message as `${M}_signed_response_alg`]?: (typeof identityAlgorithms)[number]
} & {
  readonly request_object_signing_alg?: string
  readonly require_signed_request_object?: boolean
}

const unsigned = '; none and HS256 are not offered'

/** The values of each member, and why there are no others. */
export const joseValues: ReadonlyMap<string, { values: readonly string[]; hint: string }> = new Map(
  [
    ...messages.map(
      message =>
        [
          `${message}_signed_response_alg`,
          { values: identityAlgorithms as readonly string[], hint: unsigned }
        ] as const
    ),
    ['request_object_signing_alg', { values: clientAlgorithms, hint: unsigned }] as const
  ]
)

/** Members that only a client with a person has. */
export const personalJoseMembers = [
  'id_token_signed_response_alg',
  'userinfo_signed_response_alg',
  'authorization_signed_response_alg',
  'request_object_signing_alg',
  'require_signed_request_object'
] as const

/** What is wrong with the members together. */
export function joseProblems(
  metadata: JoseMembers & { readonly jwks?: unknown; readonly jwks_uri?: unknown }
): { member: string; problem: string }[] {
  const keys = metadata.jwks !== undefined || metadata.jwks_uri !== undefined
  const signs = (['request_object_signing_alg', 'require_signed_request_object'] as const).filter(
    member => metadata[member]
  )
  return keys
    ? []
    : signs.map(member => ({ member, problem: 'needs jwks_uri or jwks, to verify with' }))
}
