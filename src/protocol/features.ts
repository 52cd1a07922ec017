// The engine's optional features: which are on, and our answer to each question that they ask. What is not named here is off by default in
// the engine, or has a default that is ours (test/protocol/engine-facts.test.ts).

import { type Configuration, errors, type KoaContextWithOIDC } from 'oidc-provider'
import type { RegisteredClient } from '../clients/client.ts'
import { opensRegistration } from '../clients/conformance.ts'
import { mutualTlsOf } from '../clients/mutual-tls.ts'
import type { TrustedIssuers } from '../clients/trusted-issuers.ts'
import type { Config } from '../config/schema.ts'
import type { DetailCatalogue } from './authorization-details.ts'
import { clientAttestation } from './client-attestation.ts'
import { isPublic } from './client-authentication.ts'
import { type ClientCertificate, engineMutualTls } from './client-certificates.ts'
import type { EnginePages } from './engine-pages.ts'
import { asksForGrants, grantsAudience } from './grant-scopes.ts'
import { assertProofAlgorithm, assertSignedIntrospection } from './profile.ts'
import { statementPolicy } from './registration.ts'
import { type ClaimRequest, requestObjects } from './request-objects.ts'
import { narrowParameter } from './requested-claims.ts'
import type { ResourceCatalogue } from './resources.ts'

/** Our answers to what the engine asks about backchannel authentication. */
export type BackchannelFeature = NonNullable<NonNullable<Configuration['features']>['ciba']>

export interface FeatureParts {
  config: Config
  issuer: string
  resources: ResourceCatalogue
  details: DetailCatalogue
  pages: EnginePages
  registeredClient(client: NonNullable<KoaContextWithOIDC['oidc']['client']>): RegisteredClient
  /** undefined for one that is being registered */
  findRegistered(
    client: NonNullable<KoaContextWithOIDC['oidc']['client']>
  ): RegisteredClient | undefined
  address(ctx: KoaContextWithOIDC): string | undefined
  certificate(ctx: KoaContextWithOIDC): ClientCertificate | undefined
  backchannel: BackchannelFeature
  claimRequest: ClaimRequest
  clientId(): string
  /** for updates of registered clients (registration.ts) */
  reapplyStatement(properties: Record<string, unknown>): Promise<void>
  dpopNonceKey: Buffer
  attesters: Pick<TrustedIssuers, 'attestationKey'>
  /** when a backup of the database was restored; what was used before, it may have forgotten */
  restoredAt: Date | undefined
  now: () => Date
}

/** The client asks for a token of its own. */
function isItself(ctx: KoaContextWithOIDC): boolean {
  return ctx.oidc.params?.['grant_type'] === 'client_credentials'
}

export function buildFeatures(parts: FeatureParts): NonNullable<Configuration['features']> {
  const { config, issuer, resources, details, pages, registeredClient } = parts
  return {
    devInteractions: { enabled: false },
    claimsParameter: {
      enabled: true,
      assertClaimsParameter: async (ctx, claims, client) =>
        narrowParameter(ctx, claims as Record<string, unknown>, registeredClient(client))
    },
    clientCredentials: { enabled: true },
    // its metadata and members; tokens are made and sent by ours (logout-notices.ts)
    backchannelLogout: { enabled: true },
    userinfo: { enabled: true },
    encryption: { enabled: true },
    jwtUserinfo: { enabled: true },
    jwtIntrospection: { enabled: true },
    jwtResponseModes: { enabled: true },
    requestObjects: requestObjects(parts.now, parts.claimRequest, registeredClient),
    dPoP: {
      enabled: true,
      nonceSecret: parts.dpopNonceKey,
      // RFC 9449 §8, §9: a proof cannot be made ahead then. At userinfo nobody knows yet whose token it is: there only the switch counts
      requireNonce: ctx => {
        const client = ctx.oidc.client && registeredClient(ctx.oidc.client)
        // the engine asks here of each proof before it looks at it
        if (client !== undefined) assertProofAlgorithm(client, ctx.get('dpop'))
        return config.dpop.nonce === 'required' || client?.metadata.dpop_nonce === 'required'
      }
    },
    attestClientAuth: clientAttestation({ ...parts, challengeKey: parts.dpopNonceKey }),
    mTLS: engineMutualTls(mutualTlsOf(config.clientCertificates), parts.certificate),
    pushedAuthorizationRequests: { enabled: true },
    // at the same clients as ours (profile.ts), so that whatever a later engine knows to refuse is refused, too
    fapi: {
      enabled: true,
      profile: (_ctx, client) =>
        client !== undefined && parts.findRegistered(client)?.metadata.profile !== undefined
          ? '2.0'
          : undefined
    },
    richAuthorizationRequests: details.feature(registeredClient),
    resourceIndicators: {
      enabled: true,
      // At authorize nothing is chosen yet; at the token endpoint `oneOf` are the granted ones. An API comes before the issuer's own
      // audience, which is granted along with it (provider.ts).
      defaultResource: (ctx, client, oneOf) => {
        // RFC 8707 §2.2: a token is for one audience; of several that a token request names, the engine refuses what is still a list
        if (ctx.oidc.route === 'token' && Array.isArray(ctx.oidc.params?.['resource'])) return oneOf
        if (
          config.grantManagement.enabled &&
          isItself(ctx) &&
          asksForGrants(ctx.oidc.requestParamScopes)
        ) {
          return grantsAudience(issuer)
        }
        return (
          oneOf?.find(resource => resource !== issuer) ??
          oneOf?.[0] ??
          details.resourcesOf(ctx.oidc.params, registeredClient(client)) ??
          resources.defaultFor(registeredClient(client))
        )
      },
      useGrantedResource: async () => true,
      getResourceServerInfo: async (ctx, identifier, client) => {
        const info = isItself(ctx)
          ? resources.infoForItself(identifier, registeredClient(client))
          : resources.infoFor(identifier, registeredClient(client))
        if (isItself(ctx)) {
          // RFC 6749 §3.3: a scope that cannot be granted is an error, not a token that silently opens less
          const known = new Set(info.scope.split(' '))
          const missing = [...ctx.oidc.requestParamScopes].filter(scope => !known.has(scope))
          if (missing.length > 0) {
            throw new errors.InvalidScope(
              'this client may not ask for the scope at this resource',
              missing.join(' ')
            )
          }
        }
        return info
      }
    },
    introspection: {
      enabled: true,
      // RFC 7662 §4: a token tells about itself to its client and to the API that it is for; public clients cannot prove who asks
      allowedPolicy: async (ctx, client, token) => {
        if (isPublic(client)) return false
        assertSignedIntrospection(registeredClient(client), ctx)
        if (token.clientId === client.clientId) return true
        const audience = 'aud' in token ? token.aud : undefined
        return (
          typeof audience === 'string' &&
          resources.introspectionClientOf(audience) === client.clientId
        )
      }
    },
    revocation: {
      enabled: true,
      // RFC 7009 §2.2: somebody else's token is answered with 200 and left alone
      allowedPolicy: async (_ctx, client, token) => token.clientId === client.clientId
    },
    registration: {
      enabled: config.registration.enabled,
      idFactory: parts.clientId,
      // the engine knows policies only beside a token, by which they are found
      ...(opensRegistration(config)
        ? {}
        : {
            initialAccessToken: true,
            policies: {
              [statementPolicy]: (_ctx, properties) =>
                parts.reapplyStatement(properties as Record<string, unknown>)
            }
          })
    },
    registrationManagement: { enabled: config.registration.enabled },
    deviceFlow: {
      enabled: config.deviceCodes.enabled,
      charset: 'base-20',
      mask: '****-****',
      deviceInfo: ctx => ({ address: parts.address(ctx), startedAt: parts.now().getTime() }),
      userCodeInputSource: async (ctx, form, _out, error) => pages.deviceInput(ctx, form, error),
      userCodeConfirmSource: async (ctx, form, client, device, code) =>
        pages.deviceConfirm(ctx, form, client, device, code),
      successSource: async ctx => pages.deviceDone(ctx)
    },
    ciba: parts.backchannel,
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: async (ctx, form) => pages.logout(ctx, form),
      postLogoutSuccessSource: async ctx => pages.loggedOut(ctx)
    }
  }
}
