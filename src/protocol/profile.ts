// What a client's profile (clients/profile.ts) is held to in a request, beside what its metadata makes the engine refuse: the algorithms of
// everything that it signs, what a signed request must say, and the form of introspection. Refuses a client whose stored metadata does not keep
// to its profile, however it got there.

import { errors, type KoaContextWithOIDC } from 'oidc-provider'
import type { RegisteredClient } from '../clients/client.ts'
import { profileAlgorithms, profileProblems } from '../clients/profile.ts'

type Header = Record<string, unknown>

/** FAPI 2.0 Security Profile §5.3.2.1: codes "with a maximum lifetime of 60 seconds". */
export const longestProfileCodeSeconds = 60

/** FAPI 2.0 Message Signing §5.3.1: `exp` is at most an hour behind `nbf`. */
const longestRequestSeconds = 3600

/** Why a client that is stored cannot be served. */
export function brokenProfile({ metadata, type }: RegisteredClient): string | undefined {
  const [found] = profileProblems(metadata, type)
  return found && `${found.member} ${found.problem}`
}

/** True where the profile of the client asks for it, or there is none. */
function mayUse(client: RegisteredClient, algorithm: unknown): boolean {
  return client.metadata.profile === undefined || profileAlgorithms.includes(String(algorithm))
}

const sentence = (what: string) => `${what} must be signed with ${profileAlgorithms.join(', ')}`

/** @throws InvalidClientAuth */
export function assertAssertionAlgorithm(client: RegisteredClient, header: Header): void {
  if (mayUse(client, header['alg'])) return
  throw new errors.InvalidClientAuth(sentence('an assertion of a client with a profile'))
}

/** @throws InvalidDpopProof */
export function assertProofAlgorithm(client: RegisteredClient, proof: string): void {
  if (mayUse(client, headerOf(proof)['alg'])) return
  throw new errors.InvalidDpopProof(sentence('a proof of a client with a profile'))
}

/** @throws InvalidRequestObject */
export function assertRequestObject(
  client: RegisteredClient,
  claims: Header,
  header: Header
): void {
  const { profile } = client.metadata
  if (profile === undefined) return
  if (!mayUse(client, header['alg'])) {
    throw new errors.InvalidRequestObject(sentence('a request of a client with a profile'))
  }
  const { nbf, exp, response_mode: mode } = claims
  if (typeof nbf !== 'number' || Number(exp) - nbf > longestRequestSeconds) {
    throw new errors.InvalidRequestObject(
      `nbf must be there, and exp at most ${longestRequestSeconds} s behind it`
    )
  }
  // Message Signing §5.4.1: answers are signed (JARM)
  const answers = claims['response_type'] !== undefined
  if (profile === 'fapi2-message-signing' && answers && !/^(\w+\.)?jwt$/.test(String(mode))) {
    throw new errors.InvalidRequestObject('response_mode must be jwt: the answer is signed')
  }
}

/** @throws InvalidRequest */
export function assertSignedIntrospection(client: RegisteredClient, ctx: KoaContextWithOIDC): void {
  if (client.metadata.profile !== 'fapi2-message-signing') return
  const jwt = 'application/token-introspection+jwt'
  // Message Signing §5.5: "shall request signed token introspection responses"
  if (ctx.accepts('json', jwt) !== jwt) throw new errors.InvalidRequest(`ask with Accept: ${jwt}`)
}

function headerOf(jwt: string): Header {
  try {
    return JSON.parse(Buffer.from(jwt.split('.')[0] ?? '', 'base64url').toString('utf8'))
  } catch {
    return {}
  }
}
