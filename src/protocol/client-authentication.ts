// How clients prove who they are, as options of the engine: which methods there are, and what a signed assertion must say (RFC 7523 §3,
// tightened). The keys and secrets themselves are client.ts and clients/.

import { type Client, type Configuration, errors, type KoaContextWithOIDC } from 'oidc-provider'
import type { RegisteredClient } from '../clients/client.ts'
import { isRelaxed } from '../clients/conformance.ts'
import { mutualTlsOf, usableMethods } from '../clients/mutual-tls.ts'
import { templates } from '../clients/templates.ts'
import type { Config } from '../config/schema.ts'
import { hasDuplicateMembers } from '../lib/json-members.ts'
import { clockToleranceSeconds } from './access-tokens.ts'
import { assertAssertionAlgorithm } from './profile.ts'

/** Longest life of a client assertion, seconds: a stranger must not decide how long its `jti` is remembered. */
const longestAssertionSeconds = 300

/** Seconds; 0 for never. */
export function epochOf(date: Date | undefined): number {
  return date === undefined ? 0 : Math.floor(date.getTime() / 1000)
}

/** A client without credentials (RFC 6749 §2.1). */
export function isPublic(client: { clientAuthMethod?: string | undefined }): boolean {
  return client.clientAuthMethod === 'none'
}

export interface ClientAuthenticationParts {
  config: Config
  issuer: string
  /** when a backup of the database was restored; what was used before, it may have forgotten */
  restoredAt: Date | undefined
  registeredClient(client: Client): RegisteredClient
  /** told of each assertion that is good */
  noteAssertion(ctx: KoaContextWithOIDC): void
  now: () => Date
}

export function buildClientAuthentication(
  parts: ClientAuthenticationParts
): Pick<Configuration, 'clientAuthMethods' | 'assertJwtClientAuthClaimsAndHeader'> {
  const { issuer } = parts
  const mutualTls = mutualTlsOf(parts.config.clientCertificates)
  return {
    clientAuthMethods: [...usableMethods(templates.web.authMethods, mutualTls), 'none'],
    // RFC 7523 §3 as tightened by RFC 7523bis: the issuer alone is our name, so an assertion made for another server cannot be used here
    assertJwtClientAuthClaimsAndHeader: async (ctx, claims, header, client) => {
      // RFC 8725 §3.11: a request object has the same issuer and audience (RFC 9101 §4)
      if (String(header['typ']).toLowerCase() === 'oauth-authz-req+jwt') {
        throw new errors.InvalidClientAuth('a request object is no client assertion')
      }
      const row = parts.registeredClient(client)
      assertAssertionAlgorithm(row, header)
      assertOneReading(ctx.oidc.params?.['client_assertion'])
      // the suite names the endpoint, as RFC 7523 §3 has it; the engine has seen that it is one of ours
      const byEndpoint = typeof claims['aud'] === 'string' && isRelaxed(parts.config, row)
      if (claims['aud'] !== issuer && !byEndpoint) {
        throw new errors.InvalidClientAuth('aud must be the issuer identifier, as a string')
      }
      const now = Math.floor(parts.now().getTime() / 1000)
      if (Number(claims['exp']) > now + longestAssertionSeconds) {
        throw new errors.InvalidClientAuth(
          `exp must not lie more than ${longestAssertionSeconds} s ahead`
        )
      }
      if (claims['iat'] !== undefined && Number(claims['iat']) > now + clockToleranceSeconds) {
        throw new errors.InvalidClientAuth('iat must not lie ahead')
      }
      const restored = epochOf(parts.restoredAt)
      const doubtful = now < restored + longestAssertionSeconds + 2 * clockToleranceSeconds
      if (doubtful && !(Number(claims['iat']) >= restored)) {
        throw new errors.InvalidClientAuth('sign a new assertion, with iat')
      }
      parts.noteAssertion(ctx)
    }
  }
}

/** RFC 7519 §4: claim names are unique, and «JWT parsers MUST either reject JWTs with duplicate Claim Names» or take the last one. */
function assertOneReading(assertion: unknown): void {
  const parts = String(assertion).split('.').slice(0, 2)
  if (parts.some(part => hasDuplicateMembers(Buffer.from(part, 'base64url').toString('utf8')))) {
    throw new errors.InvalidClientAuth('a member of the assertion stands twice')
  }
}
