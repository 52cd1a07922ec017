// Members by which a client chooses how what it is sent is signed and encrypted, and how it signs its requests (OpenID Connect
// Registration §2, RFC 9101 §10.5, RFC 9701 §6, JARM §3). Owns what each may be, and what they need of one another.
// Refuses none, everything symmetric, and RSA1_5 (RFC 8725 §3.2): no key of ours is one of the client's, too.

/** What the server signs for a client: with its keys of the purpose `identity`. */
export const identityAlgorithms = ['RS256', 'ES256', 'EdDSA'] as const

/** What a client may sign: its assertions and its request objects; key-set.ts takes the keys that can. */
export const clientAlgorithms = ['ES256', 'RS256', 'PS256', 'EdDSA'] as const

/** How the key of an encrypted message travels (RFC 7518 §4.1): to a public key of the client. */
export const keyManagementAlgorithms = [
  'ECDH-ES',
  'ECDH-ES+A256KW',
  'RSA-OAEP',
  'RSA-OAEP-256'
] as const

/** The same of a client's requests to us: an elliptic curve, since anybody may make us decrypt, and RSA costs ten times as much. */
export const requestEncryptionAlgorithms = ['ECDH-ES'] as const

/** What the message itself is encrypted with (RFC 7518 §5.1). */
export const contentEncryptions = ['A128CBC-HS256', 'A128GCM', 'A256GCM'] as const

const unsigned = '; none and HS256 are not offered'
const symmetric = '; RSA1_5 and symmetric keys are not offered'

/** Messages to a client, by the first part of their members' names. */
export const messages = ['id_token', 'userinfo', 'introspection', 'authorization'] as const
export type Message = (typeof messages)[number]

export type JoseMembers = {
  readonly [M in Message as `${M}_signed_response_alg`]?: (typeof identityAlgorithms)[number]
} & {
  readonly [M in Message as `${M}_encrypted_response_alg`]?: (typeof keyManagementAlgorithms)[number]
} & {
  readonly [M in Message as `${M}_encrypted_response_enc`]?: (typeof contentEncryptions)[number]
} & {
  readonly request_object_signing_alg?: string
  readonly request_object_encryption_alg?: (typeof requestEncryptionAlgorithms)[number]
  readonly request_object_encryption_enc?: (typeof contentEncryptions)[number]
  readonly require_signed_request_object?: boolean
}

/** The values of each member, and why there are no others. */
export const joseValues: ReadonlyMap<string, { values: readonly string[]; hint: string }> = new Map(
  [
    ...messages.flatMap(message => [
      [`${message}_signed_response_alg`, identityAlgorithms, unsigned] as const,
      [`${message}_encrypted_response_alg`, keyManagementAlgorithms, symmetric] as const,
      [`${message}_encrypted_response_enc`, contentEncryptions, ''] as const
    ]),
    ['request_object_signing_alg', clientAlgorithms, unsigned] as const,
    ['request_object_encryption_alg', requestEncryptionAlgorithms, ''] as const,
    ['request_object_encryption_enc', contentEncryptions, ''] as const
  ].map(([member, values, hint]) => [member, { values, hint }])
)

/** Members that only a client with a person has; an API introspects without one. */
export const personalJoseMembers = [
  ...messages
    .filter(message => message !== 'introspection')
    .flatMap(
      message =>
        [
          `${message}_signed_response_alg`,
          `${message}_encrypted_response_alg`,
          `${message}_encrypted_response_enc`
        ] as const
    ),
  'request_object_signing_alg',
  'request_object_encryption_alg',
  'request_object_encryption_enc',
  'require_signed_request_object'
] as const

/** What is wrong with the members together. */
export function joseProblems(
  metadata: JoseMembers & { readonly jwks?: ClientKeys; readonly jwks_uri?: string }
): { member: string; problem: string }[] {
  const { jwks, jwks_uri } = metadata
  const problems: { member: string; problem: string }[] = []
  const report = (member: string, problem: string) => problems.push({ member, problem })
  if (metadata.request_object_encryption_enc && !metadata.request_object_encryption_alg) {
    report('request_object_encryption_enc', 'needs request_object_encryption_alg')
  }
  // what is encrypted is signed first (RFC 9101 §6.1)
  for (const member of [
    'request_object_signing_alg',
    'request_object_encryption_alg',
    'require_signed_request_object'
  ] as const) {
    if (!metadata[member] || jwks_uri !== undefined) continue
    if (!jwks?.keys.some(key => key['use'] !== 'enc')) {
      report(member, 'needs jwks_uri or jwks, with a key to verify with')
    }
  }
  for (const message of messages) {
    const alg = metadata[`${message}_encrypted_response_alg`]
    if (alg === undefined) {
      const enc = `${message}_encrypted_response_enc` as const
      if (metadata[enc] !== undefined) report(enc, `needs ${message}_encrypted_response_alg`)
      continue
    }
    const member = `${message}_encrypted_response_alg`
    // OpenID Connect Core §5.3.2, §16.14: signed, and then encrypted
    if (message === 'userinfo' && metadata.userinfo_signed_response_alg === undefined) {
      report(member, 'needs userinfo_signed_response_alg: what is encrypted is signed first')
    }
    if (jwks_uri === undefined && !jwks?.keys.some(key => encryptsWith(key, alg))) {
      report(member, `needs jwks_uri or jwks, with a key for ${alg} whose "use" is "enc"`)
    }
  }
  return problems
}

interface ClientKeys {
  readonly keys: readonly Readonly<Record<string, unknown>>[]
}

const curves = ['P-256', 'P-384', 'P-521', 'X25519']

/**
 * Whether a public key can take a message encrypted with `alg`. RFC 7517 §4.2 lets `use` away where a set has one kind of keys; we want it
 * said, since a signing key fits by its type as well.
 */
export function encryptsWith(key: Readonly<Record<string, unknown>>, alg: string): boolean {
  const fits = alg.startsWith('RSA')
    ? key['kty'] === 'RSA' && String(key['n'] ?? '').length >= leastModulusLength
    : curves.includes(String(key['crv']))
  return fits && key['use'] === 'enc' && (key['alg'] === undefined || key['alg'] === alg)
}

/** RFC 7518 §4.3: 2048 bits at least, here as characters of base64url. */
const leastModulusLength = Math.ceil((2048 / 8 / 3) * 4)
