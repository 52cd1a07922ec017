// Builds one engine around the current keys, and owns what surrounds each of its requests: the pinned host, the unit of work and its
// commit, and the answers that the engine has no words for. A new one is built when the keys change; requests in flight finish on the
// old one.

import {
  type Client as EngineClient,
  errors,
  type KoaContextWithOIDC,
  Provider
} from 'oidc-provider'
import type { AuditBatch } from '../audit/batch.ts'
import { jwtBearerGrantType } from '../clients/assertion-grants.ts'
import { unattestedReason } from '../clients/attestation.ts'
import { cibaGrantType } from '../clients/backchannel-members.ts'
import { mutualTlsOf, unservedReason } from '../clients/mutual-tls.ts'
import type { RemoteKeys } from '../clients/remote-keys.ts'
import type { TrustedIssuers } from '../clients/trusted-issuers.ts'
import type { Config } from '../config/schema.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import { Fault, isPassing } from '../lib/fault.ts'
import type { Outbound } from '../lib/outbound.ts'
import { tokenExchangeGrantType } from '../oauth/token-exchange.ts'
import { Refused } from '../store/database.ts'
import type { GrantStore } from '../store/grants.ts'
import type { ReplayStore } from '../store/replay.ts'
import { type AdapterDependencies, createAdapterFactory } from './adapter.ts'
import { hideAmbiguousProof } from './ambiguous-proofs.ts'
import { createAuthenticationContexts } from './authentication-context.ts'
import type { DetailCatalogue } from './authorization-details.ts'
import {
  type BackchannelDependencies,
  backchannelAuthentication
} from './backchannel-authentication.ts'
import { claimsOf } from './claims.ts'
import type { ClientSource } from './client.ts'
import { installClients } from './client.ts'
import { buildConfiguration } from './configuration.ts'
import { grantForRequest } from './consent.ts'
import { deviceAccess } from './device-access.ts'
import { createDocumentDigests } from './document-digests.ts'
import { createEncryptedRequests } from './encrypted-requests.ts'
import { createEnginePages, type EnginePages } from './engine-pages.ts'
import { installSessions } from './engine-sessions.ts'
import { attachEvents } from './events.ts'
import { createExchangePolicy } from './exchange-policy.ts'
import { createGrantManagement } from './grant-management.ts'
import { installHintCheck } from './id-token-hints.ts'
import { registerJwtBearer } from './jwt-bearer.ts'
import type { Renderers } from './ports.ts'
import { type Published, publishedAs, withoutEmpty } from './published.ts'
import type { RefreshTokens } from './refresh-tokens.ts'
import { completeRecord } from './registration.ts'
import { installReplayDetection, replaySeconds } from './replay-detection.ts'
import type { RequestFactsBook } from './request-facts.ts'
import type { ResourceCatalogue } from './resources.ts'
import {
  answerFailed,
  answerLost,
  answerUnavailable,
  completeAnswer,
  completeRedirect,
  statusTells
} from './response.ts'
import type { StatusClaims } from './status-claim.ts'
import { registerTokenExchange } from './token-exchange.ts'
import type { UnitOfWork, UnitOfWorkRunner } from './unit-of-work.ts'

export interface EngineDependencies {
  config: Config
  issuer: string
  keys: KeyRing
  resources: ResourceCatalogue
  details: DetailCatalogue
  statusClaims: StatusClaims
  clients: ClientSource
  units: UnitOfWorkRunner
  grants: GrantStore
  replay: ReplayStore
  refreshTokens: RefreshTokens
  adapter: Omit<AdapterDependencies, 'units' | 'grants' | 'issuer' | 'resources' | 'documents'>
  backchannel: Pick<BackchannelDependencies, 'attempts' | 'requests'>
  findAccount(accountId: string): Promise<Parameters<typeof claimsOf>[0] | undefined>
  renderers: Renderers
  clientId(): string
  cookieKeys(): Buffer[]
  dpopNonceKey(): Buffer
  pairwiseKey(): Buffer
  log: {
    info(data: object, message: string): void
    error(data: object, message: string): void
  }
  requests: RequestFactsBook
  audit: Pick<AuditBatch, 'add'>
  outbound: Pick<Outbound, 'fetch'>
  /** keys that clients publish */
  remoteKeys: RemoteKeys
  issuers: TrustedIssuers
  /** by login or id; undefined for unknown and disabled accounts */
  accountNamed(name: string): Promise<{ id: string } | undefined>
  /** told of each refresh token that was presented, by what it was: rotated, leeway, stale, reuse, ahead, refused */
  countRefresh(outcome: string): void
  /** when a backup of the database was restored */
  restoredAt: Date | undefined
  now: () => Date
}

export interface Engine {
  provider: Provider
  callback: ReturnType<Provider['callback']>
  pages: EnginePages
  /** The discovery document, once somebody asked for it: it is the same for everybody as long as the engine lives. */
  metadata(): Published | undefined
}

type ResponseMode = Parameters<Provider['registerResponseMode']>[1]

/** The engine registers its own response modes by this method, too: each gets to see a refusal with a sentence that helps. */
class SpeakingProvider extends Provider {
  override registerResponseMode(name: string, mode: ResponseMode): void {
    super.registerResponseMode(name, (ctx, redirectUri, payload) =>
      mode.call(this, ctx, redirectUri, completeRedirect(payload))
    )
  }
}

export function createEngine(deps: EngineDependencies): Engine {
  const { config, issuer, units, resources, details, grants, renderers, requests, log } = deps
  const publicUrl = new URL(issuer)
  const registeredOf = (client: EngineClient) => clients.registeredOf(client)
  const findRegistered = (client: EngineClient) => clients.findRegistered(client)

  const pages = createEnginePages({
    renderers,
    endSession: uid => {
      const unit = units.current()
      if (unit !== undefined) deps.adapter.sessions.end(unit, uid)
    },
    requestId: ctx => requests.of(ctx.req).requestId,
    registeredOf,
    requestedOf: ctx => deviceAccess(ctx, { resources, details, registeredOf })
  })

  const authenticationContexts = createAuthenticationContexts(config, findRegistered)
  const management = createGrantManagement({
    ...config.grantManagement,
    managed: deps.adapter.managed,
    available(identifier = issuer, client) {
      try {
        return new Set(
          resources.infoFor(identifier, registeredOf(client as EngineClient)).scope.split(' ')
        )
      } catch (error) {
        if (error instanceof errors.InvalidTarget) return new Set()
        throw error
      }
    },
    guarded
  })
  const configuration = buildConfiguration({
    config,
    issuer,
    keys: deps.keys,
    resources,
    details,
    exchangedClaims: () => ({ ...units.current()?.exchanged }),
    statusClaim: (audience, token) => guarded(() => deps.statusClaims.claimFor(audience, token)),
    pages,
    adapter: createAdapterFactory({
      ...{ ...deps.adapter, units, grants, issuer, resources },
      documents: createDocumentDigests({ clients: deps.clients, findRegistered })
    }),
    registeredClient: registeredOf,
    findRegistered,
    address: ctx => requests.of(ctx.req).address,
    certificate: ctx => requests.of(ctx.req).certificate,
    backchannel: backchannelAuthentication({
      ...{ ...deps.backchannel, config, units, buckets: deps.adapter.buckets },
      accountNamed: name => guarded(() => deps.accountNamed(name)),
      address: ctx => requests.of(ctx.req).address
    }),
    claimRequest: (...request) =>
      guarded(() => deps.replay.claim('backchannel request', ...request)),
    clientId: deps.clientId,
    reapplyStatement: properties =>
      guarded(() => deps.adapter.reapplyStatement(units.current(), properties)),
    cookieKeys: deps.cookieKeys(),
    dpopNonceKey: deps.dpopNonceKey(),
    attesters: deps.issuers,
    pairwiseKey: deps.pairwiseKey,
    authenticationContexts,
    management,
    outbound: deps.outbound,
    restoredAt: deps.restoredAt,
    noteAssertion: ctx => clients.noteAssertion(ctx),
    rotates: ctx => {
      const unit = units.current()
      const { profile } = (ctx.oidc.client && registeredOf(ctx.oidc.client))?.metadata ?? {}
      return unit === undefined || profile === undefined || !deps.refreshTokens.keep(unit)
    },
    now: deps.now,
    findAccount: async (_ctx, accountId) => {
      const known = [...(units.current()?.grants.values() ?? [])].find(
        grant => grant?.accountId === accountId
      )
      const account = known?.account ?? (await guarded(() => deps.findAccount(accountId)))
      return account && { accountId, claims: async () => claimsOf(account) }
    },
    loadExistingGrant: async ctx => {
      const client = ctx.oidc.client
      if (client === undefined) return undefined
      assertStillRegistered(client, ctx.oidc.params?.['redirect_uri'])
      grantOwnAudience(ctx)
      const unit = units.current()
      const row = registeredOf(client)
      return guarded(() =>
        grantForRequest(ctx, { issuer, grants, details, management, unit, client: row })
      )
    }
  })
  const provider = new SpeakingProvider(issuer, configuration)
  authenticationContexts.install(provider)
  const exchange = createExchangePolicy(config.resources)
  const clients = installClients(provider, {
    source: deps.clients,
    remoteKeys: deps.remoteKeys,
    assertion: () => units.current()?.assertion,
    seal: deps.adapter.seal,
    unservedReason: metadata =>
      unservedReason(metadata, mutualTlsOf(config.clientCertificates)) ??
      unattestedReason(metadata, config),
    detailTypes: client => details.typesFor(client),
    // the engine would refuse the whole client for a grant type that it was not told of
    switchedOff: new Set([
      ...(exchange.offered ? [] : [tokenExchangeGrantType]),
      ...(config.trustedIssuers.length > 0 ? [] : [jwtBearerGrantType]),
      ...(config.ciba.enabled ? [] : [cibaGrantType])
    ]),
    now: deps.now
  })
  const { accessTokens } = deps.adapter
  registerTokenExchange(provider, {
    ...{ issuer, policy: exchange, accessTokens, resources, units, registeredOf, now: deps.now }
  })

  /** A sign-in at an API's client opens userinfo as well, with an access token of its own for the issuer's audience. */
  function grantOwnAudience(ctx: KoaContextWithOIDC) {
    const { client, resourceServers } = ctx.oidc
    if (client === undefined || resourceServers === undefined) return
    if (!ctx.oidc.requestParamScopes.has('openid') || resourceServers[issuer] !== undefined) return
    const info = resources.infoFor(issuer, registeredOf(client))
    resourceServers[issuer] = new provider.ResourceServer(issuer, info)
  }

  async function guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      const unit = units.current()
      if (unit !== undefined && error instanceof Fault) unit.fault ??= error
      throw error
    }
  }

  installReplayDetection(provider, {
    unit: () => units.current(),
    claim: (kind, owner, jti) => guarded(() => deps.replay.claim(kind, owner, jti, replaySeconds)),
    restoredAt: deps.restoredAt
  })

  const generate = provider.RefreshToken.prototype as unknown as { generateTokenId(): string }
  generate.generateTokenId = () => deps.refreshTokens.generate(units.current())
  deps.adapter.buckets.install(provider)
  // without an issuer whose assertions could count, there is no such grant
  if (config.trustedIssuers.length > 0) {
    const { issuers, replay, restoredAt, now } = deps
    const findAccount = (name: string) => guarded(() => deps.accountNamed(name))
    const own = { issuer, resources, units, registeredOf }
    registerJwtBearer(provider, { ...own, issuers, replay, findAccount, restoredAt, now })
  }

  installHintCheck(provider, deps.keys)
  installSessions(provider, {
    cookie: configuration.cookies?.long ?? {},
    unsavedSeconds: config.interactions.lifetimeSeconds
  })

  const encryptedRequests = createEncryptedRequests({
    keys: deps.keys,
    async client(id) {
      const client = await provider.Client.find(id)
      return client && registeredOf(client)
    }
  })

  let metadata: Published | undefined

  attachEvents(provider, { units, requests, audit: deps.audit, log })

  provider.use(async (ctx, next) => {
    // What we say and accept never depends on the request's Host (RFC 9700 §4.13): discovery, `htu` and assertion audiences follow it.
    ctx.req.headers.host = publicUrl.host
    Object.defineProperty(ctx.request, 'protocol', { get: () => publicUrl.protocol.slice(0, -1) })
    hideAmbiguousProof(ctx.req.headers)
    await hideUnopenable(ctx)
    await units.run(requests.of(ctx.req), async unit => {
      unit.tokenHandle = requests.of(ctx.req).tokenHandle
      unit.assertion = requests.of(ctx.req).assertion
      const oidc = ctx as KoaContextWithOIDC
      try {
        await next()
        pages.replaceSelfSubmitting(oidc)
        tellInterval(oidc)
        if (oidc.oidc?.route === 'discovery' && ctx.status === 200) {
          ctx.body = withoutEmpty(ctx.body as object)
          metadata = publishedAs(ctx, JSON.stringify(ctx.body))
        }
        completeRecord(oidc, unit, findRegistered)
        management.complete(oidc, unit)
      } catch (error) {
        failed(oidc, unit, error)
      }
      await commit(oidc, unit).catch(error => failed(oidc, unit, error))
      completeAnswer(oidc, renderers, issuer, requests.of(ctx.req).requestId)
    })
  })

  /** The engine then says what it says of every request object that is none. */
  async function hideUnopenable(ctx: Pick<KoaContextWithOIDC, 'query'>) {
    const { request, client_id: clientId } = ctx.query
    if (typeof request !== 'string' || (await encryptedRequests.mayPass(request, clientId))) return
    ctx.query = { ...ctx.query, request: 'x' }
  }

  /** RFC 8628 §3.2, CIBA Core §7.3: who is told no interval polls every five seconds; the engine tells none. */
  function tellInterval(ctx: KoaContextWithOIDC) {
    const { intervals } = deps.adapter
    const interval = {
      device_authorization: intervals.deviceSeconds,
      backchannel_authentication: intervals.backchannelSeconds
    }[ctx.oidc?.route ?? '']
    if (interval === undefined || ctx.status !== 200) return
    ctx.body = { ...(ctx.body as object), interval }
  }

  /** The engine's error handler stands inside its routes: what is thrown around it would become an answer of Koa's, and no log line. */
  function failed(ctx: KoaContextWithOIDC, unit: UnitOfWork, error: unknown) {
    const { requestId } = requests.of(ctx.req)
    unit.fault ??= error
    // what passes is told by the commit that follows, with its 503
    if (!isPassing(unit.fault)) log.error({ err: error, requestId }, 'the engine failed')
    answerFailed(ctx, renderers, requestId)
  }

  async function commit(ctx: KoaContextWithOIDC, unit: UnitOfWork) {
    const { requestId } = requests.of(ctx.req)
    const unavailable = (fault: Fault) => {
      log.error({ err: fault, requestId }, 'the store failed')
      answerUnavailable(ctx, renderers, requestId)
    }
    if (isPassing(unit.fault)) {
      unavailable(unit.fault)
      return
    }
    const route = ctx.oidc?.route
    const succeeded =
      route !== undefined && statusTells.has(route)
        ? ctx.status >= 200 && ctx.status < 300
        : unit.outcome === 'commit' && ctx.status < 500
    try {
      await units.send(unit, succeeded ? 'with effects' : 'evidence only')
      countRefresh(unit, succeeded ? 'answered' : 'refused')
    } catch (error) {
      if (error instanceof Refused) {
        answerLost(ctx, renderers, requestId, error.what)
        countRefresh(unit, 'refused')
      } else if (isPassing(error)) unavailable(error)
      else throw error
    }
  }

  /** What a presented refresh token was, once what follows from it is in the database. */
  function countRefresh(unit: UnitOfWork, outcome: 'answered' | 'refused') {
    const verdict = unit.refreshToken?.verdict
    if (verdict === undefined) return
    if (outcome === 'answered') deps.countRefresh(verdict === 'current' ? 'rotated' : verdict)
    else deps.countRefresh(verdict === 'current' || verdict === 'leeway' ? 'refused' : verdict)
  }

  return { provider, callback: provider.callback(), pages, metadata: () => metadata }
}

/** The engine compares the redirect URI when a request comes, not when it is resumed: pages take time, and a client may give one up. */
function assertStillRegistered(client: EngineClient, redirectUri: unknown): void {
  if (typeof redirectUri !== 'string') return
  if (!client.redirectUriAllowed(redirectUri)) throw new errors.InvalidRedirectUri()
}
