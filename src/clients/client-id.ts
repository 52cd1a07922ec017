// Client identifiers (RFC 6749 §2.2): how ours are made, and which may be chosen.
// Refuses what could be taken for something else in a token's claims: an account (`sub` of a machine token is its client id), a
// resource (`aud`), and characters that clients forget to encode in HTTP Basic.

import { randomBytes } from 'node:crypto'

// RFC 6749 §2.3.1: identifier and password are form-encoded before Base64. Few clients do it, so an identifier must be the same
// encoded or not.
const allowed = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/
const uuid = /^\{?[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\}?$/i
const absoluteUri = /^[a-z][a-z0-9+.-]*:/i
const base32 = 'abcdefghijklmnopqrstuvwxyz234567'

/** A new identifier: `c_` and 80 random bits in base32. It is public; being unguessable is not its task. */
export function issueClientId(): string {
  const letters = [...randomBytes(16)].map(byte => base32[byte % base32.length])
  return `c_${letters.join('')}`
}

/** Why an identifier may not be used, as a sentence; undefined when it may. */
export function clientIdProblem(
  clientId: unknown,
  resources: readonly string[]
): string | undefined {
  if (typeof clientId !== 'string' || clientId === '') return 'must be a string that is not empty'
  // RFC 9068 §5: the authorization server should prevent clients from choosing an identifier that could be taken for the subject of
  // somebody else
  if (uuid.test(clientId)) return 'must not look like a UUID: account ids do'
  if (resources.includes(clientId) || absoluteUri.test(clientId)) {
    return 'must not be a URI nor the identifier of a resource: it would look like an audience'
  }
  if (!allowed.test(clientId)) {
    return 'may have up to 128 letters, digits, ".", "_" and "-", and begins with a letter or digit'
  }
  return undefined
}
