// The engine's configuration: every option that has a default which is not ours is set here, so that nothing of the engine's own (pages,
// keys, storage, policies) ever shows. What each means is said where it is not obvious.

import {
  type Configuration,
  errors,
  type FindAccount,
  type KoaContextWithOIDC
} from 'oidc-provider'
import { isRelaxed } from '../clients/conformance.ts'
import { documentClients } from '../config/client-document-schema.ts'
import type { Config } from '../config/schema.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import type { Outbound } from '../lib/outbound.ts'
import { openidScopes } from '../oauth/scope.ts'
import { clientGeneration, grantHandle } from '../store/grants.ts'
import { clockToleranceSeconds } from './access-tokens.ts'
import { type AuthenticationContexts, authenticationOf } from './authentication-context.ts'
import { requestSeconds } from './backchannel-authentication.ts'
import { claimsByScope } from './claims.ts'
import { extraMetadata } from './client.ts'
import {
  buildClientAuthentication,
  type ClientAuthenticationParts,
  isPublic
} from './client-authentication.ts'
import { endpointAliases } from './client-certificates.ts'
import { cookieNames, sessionCookie } from './cookies.ts'
import { buildFeatures, type FeatureParts } from './features.ts'
import type { GrantManagement } from './grant-management.ts'
import { grantManagementMetadata, grantsPath } from './grant-scopes.ts'
import { createSubjectCheck } from './hints.ts'
import { pairwiseIdentifiers } from './pairwise.ts'
import { createInteractionPolicy } from './policy.ts'
import { longestProfileCodeSeconds } from './profile.ts'
import { enabledAlgorithms } from './signed-messages.ts'
import type { StatusClaims } from './status-claim.ts'

/** Where each endpoint is, under the issuer. */
export const endpoints = {
  authorization: '/authorize',
  token: '/oauth/token',
  userinfo: '/userinfo',
  jwks: '/.well-known/jwks.json',
  introspection: '/oauth/introspect',
  revocation: '/oauth/revoke',
  pushed_authorization_request: '/oauth/par',
  registration: '/oauth/register',
  device_authorization: '/oauth/device',
  backchannel_authentication: '/oauth/backchannel',
  code_verification: '/device',
  end_session: '/logout',
  challenge: '/oauth/challenge'
} as const

const { backchannel_authentication: _, ...withoutBackchannel } = endpoints

export interface ConfigurationParts extends FeatureParts, ClientAuthenticationParts {
  keys: Pick<KeyRing, 'keys'>
  statusClaim: StatusClaims['claimFor']
  /** claims of a token that is issued by exchange, in this request; none in every other */
  exchangedClaims(): Record<string, unknown>
  adapter: Configuration['adapter']
  findAccount: FindAccount
  /** whether the refresh token of this request is replaced */
  rotates(ctx: KoaContextWithOIDC): boolean
  loadExistingGrant: NonNullable<Configuration['loadExistingGrant']>
  cookieKeys: Buffer[]
  pairwiseKey(): Buffer
  authenticationContexts: AuthenticationContexts
  management: Pick<GrantManagement, 'parameters'>
  outbound: Pick<Outbound, 'fetch'>
}

/** The APIs whose clients nobody registers: they are found by whoever knows their address, so that they are is no secret. */
function openResources({ resources }: Config): string[] {
  return resources
    .filter(({ clients }) => clients.includes(documentClients))
    .map(({ identifier }) => identifier)
}

export function buildConfiguration(parts: ConfigurationParts): Configuration {
  const { config, issuer, resources, pages, registeredClient } = parts
  const pairwise = pairwiseIdentifiers(parts.pairwiseKey)
  const secure = issuer.startsWith('https:')

  return {
    adapter: parts.adapter,
    // Order decides: an ID token is signed with the first key of its algorithm, so those of the identity purpose stand first; access
    // tokens name their key by `kid` (resources.ts).
    jwks: {
      keys: parts.keys
        .keys()
        .filter(key => key.purpose !== 'status_list')
        .toSorted((a, b) => b.purpose.localeCompare(a.purpose))
        .map(key => ({ ...key.privateJwk }))
    },
    routes: { ...endpoints },
    scopes: [...openidScopes],
    claims: claimsByScope,
    // never applies, since every access token has an audience: an ID token carries the claims of its scopes (claims.ts)
    conformIdTokenClaims: false,
    subjectTypes: ['public', 'pairwise'],
    pairwiseIdentifier: pairwise,
    acrValues: parts.authenticationContexts.values,
    // implicit and hybrid exist for conformance runs only (RFC 9700 §2.1.2)
    responseTypes: [
      'code',
      ...(config.conformance.enabled ? config.conformance.responseTypes : [])
    ],
    allowOmittingSingleRegisteredRedirectUri: false,
    clockTolerance: clockToleranceSeconds,
    ...buildClientAuthentication(parts),
    clientDefaults: {
      grant_types: ['authorization_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
      id_token_signed_response_alg: config.idTokens.algorithm
    },
    enabledJWA: enabledAlgorithms(),
    extraClientMetadata: {
      properties: [...extraMetadata],
      // what a stranger may not say of himself; the policy of clients/metadata.ts judges everything else
      validator(ctx, key, value) {
        const routes = ['registration', 'client_update']
        if (value !== undefined && ctx !== undefined && routes.includes(ctx.oidc?.route)) {
          throw new errors.InvalidClientMetadata(`${key} cannot be chosen at registration`)
        }
      }
    },

    extraParams: parts.management.parameters,

    // RFC 9700 §2.1.1: PKCE for every client, unless the operator exempted this one by name, or it is the conformance suite's, which
    // tests what is older
    pkce: {
      required: (_ctx, client) =>
        isPublic(client) ||
        registeredClient(client).metadata.profile !== undefined ||
        !(
          client.clientId === config.pkce.exemptClient ||
          isRelaxed(config, registeredClient(client))
        )
    },

    cookies: {
      keys: parts.cookieKeys,
      names: cookieNames(secure),
      long: sessionCookie(secure),
      short: { signed: true, httpOnly: true, sameSite: 'lax', secure }
    },

    ttl: {
      AccessToken: (_ctx, token) =>
        token.resourceServer?.accessTokenTTL ?? config.accessTokens.lifetimeSeconds,
      ClientCredentials: (_ctx, token) =>
        token.resourceServer?.accessTokenTTL ?? config.accessTokens.lifetimeSeconds,
      AuthorizationCode: (_ctx, _code, client) => {
        const { lifetimeSeconds } = config.authorizationCodes
        return registeredClient(client).metadata.profile === undefined
          ? lifetimeSeconds
          : Math.min(lifetimeSeconds, longestProfileCodeSeconds)
      },
      DeviceCode: config.deviceCodes.lifetimeSeconds,
      BackchannelAuthenticationRequest: ctx => requestSeconds(config, ctx),
      IdToken: config.idTokens.lifetimeSeconds,
      Interaction: config.interactions.lifetimeSeconds,
      RefreshToken: config.refreshTokens.idleSeconds,
      // the grant never dies before its family
      Grant: config.refreshTokens.absoluteSeconds + 86_400,
      Session: (_ctx, session) => {
        const now = Math.floor(parts.now().getTime() / 1000)
        // nobody has signed in: it only holds a form's state, and strangers make them
        if (session.loginTs === undefined) return config.interactions.lifetimeSeconds
        const { idleSeconds, absoluteSeconds } = config.sessions
        return Math.max(1, Math.min(idleSeconds, absoluteSeconds - (now - session.loginTs)))
      }
    },
    // Sign-out ends grants by their session's row (store/grants.ts), so that parallel tabs cannot lose each other's.
    expiresWithSession: async () => false,
    rotateRefreshToken: ctx => parts.rotates(ctx),
    issueRefreshToken: async (_ctx, client, code) => {
      if (!client.grantTypeAllowed('refresh_token')) return false
      const always = registeredClient(client).metadata.refresh_tokens === 'always'
      return always || code.scopes.has('offline_access')
    },
    // Revoking an access token ends that token alone (RFC 7009 §2.1 leaves it open); anything else ends the grant.
    revokeGrantPolicy: ctx => ctx.oidc.entities.AccessToken === undefined,

    findAccount: parts.findAccount,
    loadExistingGrant: parts.loadExistingGrant,
    interactions: {
      policy: createInteractionPolicy({
        details: parts.details,
        strength: parts.authenticationContexts,
        subject: createSubjectCheck(pairwise)
      }),
      url: (_ctx, interaction) => `/interaction/${interaction.uid}`
    },
    renderError: async (ctx, out) => pages.error(ctx, out),
    // RFC 9700 §2.6: browsers call the token endpoint and userinfo from the places that the client redirects to, and from nowhere else
    clientBasedCORS: (_ctx, origin, client) =>
      // the origin of a private-use scheme is the word `null`, and so is that of every sandboxed page
      origin !== 'null' &&
      (client.redirectUris ?? []).some(uri => URL.parse(uri)?.origin === origin),

    formats: {
      bitsOfOpaqueRandomness: 256,
      customizers: {
        jwt: async (ctx, token, jwt) => {
          const audience = jwt.payload?.['aud']
          const typ = typeof audience === 'string' ? resources.typOf(audience) : 'at+jwt'
          jwt.header = { ...jwt.header, typ }
          if ('grantId' in token && token.grantId !== undefined && jwt.payload !== undefined) {
            jwt.payload['gid'] = grantHandle(token.grantId)
            Object.assign(jwt.payload, authenticationOf(ctx))
            Object.assign(jwt.payload, parts.exchangedClaims())
          }
          if (typeof audience !== 'string' || token.client === undefined) return
          const client = registeredClient(token.client)
          const grantId = 'grantId' in token ? token.grantId : undefined
          const generation = clientGeneration(client.clientId, client.tokensNotBefore)
          if (grantId === undefined && generation !== undefined && jwt.payload !== undefined) {
            jwt.payload['cgn'] = generation
          }
          const status = await parts.statusClaim(audience, { grantId, client })
          if (status !== undefined && jwt.payload !== undefined) jwt.payload['status'] = status
        }
      }
    },

    // the engine's own guard looks at the address after it has connected, and lets an answer be as large as it likes
    fetch: (url, options) => parts.outbound.fetch(String(url), options),

    features: buildFeatures(parts),
    discovery: {
      ui_locales_supported: ['en', 'ko'],
      ...(config.clientMetadataDocuments.enabled
        ? {
            client_id_metadata_document_supported: true,
            // RFC 9728 §4; only those that anybody's client may come to
            protected_resources: openResources(config)
          }
        : {}),
      ...grantManagementMetadata(issuer, config.grantManagement),
      ...endpointAliases(
        config.clientCertificates.origin,
        config.ciba.enabled ? endpoints : withoutBackchannel,
        config.grantManagement.enabled ? { grant_management_endpoint: grantsPath } : {}
      )
    }
  } satisfies Configuration as Configuration
}
