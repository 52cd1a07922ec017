// The engine's configuration: every option that has a default which is not ours is set here, so that nothing of the engine's own (pages,
// keys, storage, policies) ever shows. What each means is said where it is not obvious.

import {
  type Configuration,
  errors,
  type FindAccount,
  type KoaContextWithOIDC
} from 'oidc-provider'
import type { RegisteredClient } from '../clients/client.ts'
import { mutualTlsOf, usableMethods } from '../clients/mutual-tls.ts'
import { templates } from '../clients/templates.ts'
import type { Config } from '../config/schema.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import { openidScopes } from '../oauth/scope.ts'
import { grantHandle } from '../store/grants.ts'
import { clockToleranceSeconds } from './access-tokens.ts'
import { claimsByScope } from './claims.ts'
import { extraMetadata } from './client.ts'
import { type ClientCertificate, endpointAliases, engineMutualTls } from './client-certificates.ts'
import type { EnginePages } from './engine-pages.ts'
import { createInteractionPolicy } from './policy.ts'
import type { ResourceCatalogue } from './resources.ts'
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
  code_verification: '/device',
  end_session: '/logout'
} as const

/** Algorithms of ID tokens, by what relying parties may register; RS256 is what they expect (OpenID Connect Core §15.1). */
export const idTokenAlgorithms = ['RS256', 'ES256', 'EdDSA'] as const

/** Longest life of a client assertion, seconds: a stranger must not decide how long its `jti` is remembered. */
const longestAssertionSeconds = 300

export interface ConfigurationParts {
  config: Config
  issuer: string
  keys: Pick<KeyRing, 'keys'>
  resources: ResourceCatalogue
  statusClaim: StatusClaims['claimFor']
  pages: EnginePages
  adapter: Configuration['adapter']
  findAccount: FindAccount
  loadExistingGrant: NonNullable<Configuration['loadExistingGrant']>
  registeredClient(client: NonNullable<KoaContextWithOIDC['oidc']['client']>): RegisteredClient
  address(ctx: KoaContextWithOIDC): string | undefined
  certificate(ctx: KoaContextWithOIDC): ClientCertificate | undefined
  clientId(): string
  cookieKeys: Buffer[]
  dpopNonceKey: Buffer
  /** when a backup of the database was restored; what was used before, it may have forgotten */
  restoredAt: Date | undefined
  now: () => Date
}

/** Seconds; 0 for never. */
export function epochOf(date: Date | undefined): number {
  return date === undefined ? 0 : Math.floor(date.getTime() / 1000)
}

function isPublic(client: { clientAuthMethod?: string | undefined }): boolean {
  return client.clientAuthMethod === 'none'
}

export function buildConfiguration(parts: ConfigurationParts): Configuration {
  const { config, issuer, resources, pages, registeredClient } = parts
  const secure = issuer.startsWith('https:')
  const mutualTls = mutualTlsOf(config.clientCertificates)
  const name = (cookie: string, prefix: string) =>
    secure ? `${prefix}${cookie}` : `mintmark_${cookie}`

  return {
    adapter: parts.adapter,
    // Order decides: an ID token is signed with the first key of its algorithm, so those of the identity purpose stand first; access
    // tokens name their key by `kid` (resources.ts).
    jwks: {
      keys: parts.keys
        .keys()
        .filter(key => key.purpose === 'identity' || key.purpose === 'access_token')
        .toSorted((a, b) => b.purpose.localeCompare(a.purpose))
        .map(key => ({ ...key.privateJwk, kid: key.kid, alg: key.alg, use: 'sig' }))
    },
    routes: { ...endpoints },
    scopes: [...openidScopes],
    claims: claimsByScope,
    // never applies, since every access token has an audience: an ID token carries the claims of its scopes (claims.ts)
    conformIdTokenClaims: false,
    subjectTypes: ['public'],
    // implicit and hybrid exist for conformance runs only (RFC 9700 §2.1.2)
    responseTypes: [
      'code',
      ...(config.conformance.enabled ? config.conformance.responseTypes : [])
    ],
    allowOmittingSingleRegisteredRedirectUri: false,
    clockTolerance: clockToleranceSeconds,
    clientAuthMethods: [...usableMethods(templates.web.authMethods, mutualTls), 'none'],
    clientDefaults: {
      grant_types: ['authorization_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
      id_token_signed_response_alg: config.idTokens.algorithm
    },
    enabledJWA: {
      idTokenSigningAlgValues: [...idTokenAlgorithms],
      clientAuthSigningAlgValues: ['ES256', 'RS256', 'PS256', 'EdDSA'],
      dPoPSigningAlgValues: ['ES256', 'RS256', 'PS256', 'EdDSA']
    },
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

    // RFC 9700 §2.1.1: PKCE for every client, unless the operator exempted this one by name
    pkce: {
      required: (_ctx, client) => isPublic(client) || client.clientId !== config.pkce.exemptClient
    },

    // RFC 7523 §3 as tightened by RFC 7523bis: the issuer alone is our name, so an assertion made for another server cannot be used here
    assertJwtClientAuthClaimsAndHeader: async (_ctx, claims) => {
      if (claims['aud'] !== issuer) {
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
    },

    cookies: {
      keys: parts.cookieKeys,
      names: {
        session: name('session', '__Host-'),
        // the engine forces the paths of these two, so that __Host- is not to be had
        interaction: name('interaction', '__Secure-'),
        resume: name('resume', '__Secure-')
      },
      long: { signed: true, httpOnly: true, sameSite: 'lax', secure, path: '/' },
      short: { signed: true, httpOnly: true, sameSite: 'lax', secure }
    },

    ttl: {
      AccessToken: (_ctx, token) =>
        token.resourceServer?.accessTokenTTL ?? config.accessTokens.lifetimeSeconds,
      ClientCredentials: (_ctx, token) =>
        token.resourceServer?.accessTokenTTL ?? config.accessTokens.lifetimeSeconds,
      AuthorizationCode: config.authorizationCodes.lifetimeSeconds,
      DeviceCode: config.deviceCodes.lifetimeSeconds,
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
    rotateRefreshToken: true,
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
      policy: createInteractionPolicy(),
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
        jwt: async (_ctx, token, jwt) => {
          const audience = jwt.payload?.['aud']
          const typ = typeof audience === 'string' ? resources.typOf(audience) : 'at+jwt'
          jwt.header = { ...jwt.header, typ }
          if ('grantId' in token && token.grantId !== undefined && jwt.payload !== undefined) {
            jwt.payload['gid'] = grantHandle(token.grantId)
          }
          if (typeof audience !== 'string' || token.client === undefined) return
          const status = await parts.statusClaim(audience, {
            grantId: 'grantId' in token ? token.grantId : undefined,
            client: registeredClient(token.client)
          })
          if (status !== undefined && jwt.payload !== undefined) jwt.payload['status'] = status
        }
      }
    },

    features: {
      devInteractions: { enabled: false },
      claimsParameter: { enabled: false },
      clientCredentials: { enabled: true },
      userinfo: { enabled: true },
      dPoP: { enabled: true, nonceSecret: parts.dpopNonceKey },
      mTLS: engineMutualTls(mutualTls, parts.certificate),
      pushedAuthorizationRequests: { enabled: true },
      resourceIndicators: {
        enabled: true,
        // At authorize nothing is chosen yet; at the token endpoint `oneOf` are the granted ones. An API comes before the issuer's own
        // audience, which is granted along with it (provider.ts).
        defaultResource: (ctx, client, oneOf) => {
          // RFC 8707 §2.2: a token is for one audience; of several that a token request names, the engine refuses what is still a list
          if (ctx.oidc.route === 'token' && Array.isArray(ctx.oidc.params?.['resource']))
            return oneOf
          return (
            oneOf?.find(resource => resource !== issuer) ??
            oneOf?.[0] ??
            resources.defaultFor(registeredClient(client))
          )
        },
        useGrantedResource: async () => true,
        getResourceServerInfo: async (ctx, identifier, client) => {
          const info = resources.infoFor(identifier, registeredClient(client))
          if (ctx.oidc.params?.['grant_type'] === 'client_credentials') {
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
        allowedPolicy: async (_ctx, client, token) => {
          if (isPublic(client)) return false
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
        initialAccessToken: true,
        idFactory: parts.clientId
      },
      registrationManagement: { enabled: config.registration.enabled },
      deviceFlow: {
        enabled: true,
        charset: 'base-20',
        mask: '****-****',
        deviceInfo: ctx => ({ address: parts.address(ctx), startedAt: parts.now().getTime() }),
        userCodeInputSource: async (ctx, form, _out, error) => pages.deviceInput(ctx, form, error),
        userCodeConfirmSource: async (ctx, form, client, device, code) =>
          pages.deviceConfirm(ctx, form, client, device, code),
        successSource: async ctx => pages.deviceDone(ctx)
      },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: async (ctx, form) => pages.logout(ctx, form),
        postLogoutSuccessSource: async ctx => pages.loggedOut(ctx)
      }
    },
    discovery: {
      ui_locales_supported: ['en', 'ko'],
      ...endpointAliases(config.clientCertificates.origin, endpoints)
    }
  } satisfies Configuration as Configuration
}
