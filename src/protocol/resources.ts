// Resource servers (RFC 8707): what a client may name as `resource`, and what its tokens are then like. The issuer itself is the default
// audience: it opens userinfo and nothing else, so that no API can replay its callers' tokens there (RFC 9068 §5).

import { errors } from 'oidc-provider'
import type { RegisteredClient } from '../clients/client.ts'
import { profileAlgorithms } from '../clients/profile.ts'
import { documentClients } from '../config/client-document-schema.ts'
import type { Config } from '../config/schema.ts'
import type { KeyRing, SigningAlgorithm } from '../keys/key-ring.ts'
import { openidScopes } from '../oauth/scope.ts'
import { grantScopes, grantsAudience } from './grant-scopes.ts'

type Resource = Config['resources'][number]

/** What the engine asks for; members as in its documentation of `getResourceServerInfo`. */
export interface ResourceServerInfo {
  scope: string
  audience: string
  accessTokenTTL: number
  accessTokenFormat: 'jwt'
  jwt: { sign: { alg: SigningAlgorithm; kid: string } }
}

export interface ResourceCatalogue {
  /**
   * @throws InvalidTarget when the client may not name this resource, known or not (RFC 8707 §2)
   */
  infoFor(identifier: string, client: RegisteredClient): ResourceServerInfo
  /**
   * The same for a token of the client's own (client_credentials): a web client gets one for the Grant Management API, a machine for the rest.
   * @throws InvalidTarget
   */
  infoForItself(identifier: string, client: RegisteredClient): ResourceServerInfo
  /**
   * The same for a token that is exchanged for one of this resource: who may is the resource's `exchange` and not its `clients`.
   * Undefined: there is no such resource.
   */
  infoForExchange(identifier: string, client: RegisteredClient): ResourceServerInfo | undefined
  mayName(identifier: string, client: RegisteredClient): boolean
  /** The audience of a request that names none. */
  defaultFor(client: RegisteredClient): string
  /** The token type of this audience (RFC 9068 §2.1); `JWT` for verifiers that refuse `at+jwt`. */
  typOf(audience: string): 'at+jwt' | 'JWT'
  /** The confidential client that is this resource server, if one is registered (RFC 7662 §2). */
  introspectionClientOf(audience: string): string | undefined
  isAudience(audience: string): boolean
  /** What a person may leave out when they are asked for its scopes. */
  optionalScopesOf(audience: string): ReadonlySet<string>
  /** Its tokens say where their status stands (status-claim.ts). */
  listsStatus(audience: string): boolean
  algorithms(): SigningAlgorithm[]
}

export function createResourceCatalogue(options: {
  issuer: string
  resources: readonly Resource[]
  accessTokens: Config['accessTokens']
  grantManagement: Pick<Config['grantManagement'], 'enabled'>
  keys: Pick<KeyRing, 'active'>
}): ResourceCatalogue {
  const { issuer, accessTokens, keys } = options
  const managesGrants = options.grantManagement.enabled
  const resources = new Map(options.resources.map(resource => [resource.identifier, resource]))

  function info(
    audience: string,
    scopes: readonly string[],
    client: RegisteredClient,
    tokens: { lifetimeSeconds: number; algorithm: SigningAlgorithm }
  ): ResourceServerInfo {
    const allowed = client.metadata.scope?.split(' ')
    const { algorithm, lifetimeSeconds } = tokens
    if (client.metadata.profile !== undefined && !profileAlgorithms.includes(algorithm)) {
      throw new errors.InvalidTarget(
        `tokens of the resource are signed with ${algorithm}, which the profile of this client refuses`
      )
    }
    return {
      scope: scopes.filter(scope => allowed === undefined || allowed.includes(scope)).join(' '),
      audience,
      accessTokenTTL: lifetimeSeconds,
      accessTokenFormat: 'jwt',
      jwt: { sign: { alg: algorithm, kid: keys.active('access_token', algorithm).kid } }
    }
  }

  function infoFor(identifier: string, client: RegisteredClient): ResourceServerInfo {
    // machine clients never hold OpenID scopes
    if (identifier === issuer) {
      return info(issuer, client.type === 'machine' ? [] : openidScopes, client, accessTokens)
    }
    const resource = resources.get(identifier)
    if (resource === undefined || !mayName(resource, client)) {
      throw new errors.InvalidTarget('the resource is unknown, or this client may not name it')
    }
    return info(identifier, Object.keys(resource.scopes), client, resource.accessTokens)
  }

  return {
    infoFor,

    infoForItself(identifier, client) {
      if (client.type === 'machine') return infoFor(identifier, client)
      // what people allow a web client, it does not get by itself
      if (!managesGrants || client.type !== 'web' || identifier !== grantsAudience(issuer)) {
        throw new errors.InvalidTarget(
          'this client gets tokens of its own for the grant management endpoint only'
        )
      }
      return info(identifier, grantScopes, client, accessTokens)
    },

    mayName(identifier, client) {
      const resource = resources.get(identifier)
      return resource !== undefined && mayName(resource, client)
    },

    infoForExchange(identifier, client) {
      const resource = resources.get(identifier)
      return (
        resource && info(identifier, Object.keys(resource.scopes), client, resource.accessTokens)
      )
    },

    defaultFor: client => client.metadata.default_resource ?? issuer,
    typOf: audience => resources.get(audience)?.accessTokens.typ ?? 'at+jwt',
    introspectionClientOf: audience => resources.get(audience)?.introspectionClient,
    isAudience: audience =>
      audience === issuer ||
      resources.has(audience) ||
      (managesGrants && audience === grantsAudience(issuer)),
    optionalScopesOf: audience => new Set(resources.get(audience)?.optionalScopes),
    listsStatus: audience => resources.get(audience)?.statusList === true,
    algorithms: () => [
      ...new Set([
        accessTokens.algorithm,
        ...options.resources.map(resource => resource.accessTokens.algorithm)
      ])
    ]
  }
}

function mayName(resource: Resource, client: RegisteredClient): boolean {
  return (
    resource.clients.includes(client.clientId) ||
    (client.metadata.first_party === true && resource.clients.includes('*first_party*')) ||
    (client.owner === 'document' && resource.clients.includes(documentClients))
  )
}
