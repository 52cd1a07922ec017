// The composition root: builds every part with explicit dependencies and mounts it. Reads as the tour of the house, from the ground up.
// Owns no behaviour of its own.

import { randomUUID } from 'node:crypto'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import { createAuthenticator } from './accounts/authenticate.ts'
import type { PasswordHasher } from './accounts/password-hash.ts'
import { createAuditBatch } from './audit/batch.ts'
import { appendAuditEvent } from './audit/record.ts'
import { attestationsAreOn } from './clients/attestation.ts'
import { issueClientId } from './clients/client-id.ts'
import type { ClientRegistry } from './clients/registry.ts'
import type { Config } from './config/schema.ts'
import { createManagedGrantRevocation } from './grants/managed.ts'
import { type SecretPurpose, versionsInAByte } from './keys/server-secrets.ts'
import { createAddressList } from './lib/address-list.ts'
import { createOutbound } from './lib/outbound.ts'
import { hmac } from './lib/secret.ts'
import { startBackground } from './ops/background.ts'
import { composeClientSource } from './ops/client-source.ts'
import { health, healthPaths } from './ops/health.ts'
import { httpLimits } from './ops/http-limits.ts'
import { lookEverySeconds, startKeyJob } from './ops/key-job.ts'
import { composeKeys, type Keys } from './ops/key-parts.ts'
import { createAllowances, limitStrangers } from './ops/limits.ts'
import { startLogoutDelivery } from './ops/logout-delivery.ts'
import { createMetricsPage } from './ops/metrics-server.ts'
import {
  type Accounts,
  artifactLifetimes,
  composeAccounts,
  composeClients,
  planPartitions,
  type Store
} from './ops/parts.ts'
import { openCertificates } from './ops/tls.ts'
import { watchTraffic } from './ops/traffic.ts'
import { createAssets } from './pages/assets.ts'
import { createBoundary, originForm, refuseUnparsed } from './pages/boundary.ts'
import { pageHeaders } from './pages/headers.ts'
import { pages } from './pages/pages.ts'
import { createRenderers } from './pages/renderers.ts'
import { createSite } from './pages/site.ts'
import { createAccessTokens } from './protocol/access-tokens.ts'
import { createArtifactBuckets } from './protocol/artifact-buckets.ts'
import { createBoundTokens } from './protocol/bound-tokens.ts'
import { aliasedPaths, createClientCertificates } from './protocol/client-certificates.ts'
import { endpoints } from './protocol/configuration.ts'
import { createConnectedApps } from './protocol/connected-apps.ts'
import { createCurrentEngine } from './protocol/engine.ts'
import { createForeignIssuers } from './protocol/foreign-issuers.ts'
import { grantsPath } from './protocol/grant-scopes.ts'
import { grantsEndpoint } from './protocol/grants-endpoint.ts'
import { createInteractions } from './protocol/interactions.ts'
import { createLogoutNotifier } from './protocol/logout-notices.ts'
import { answersJson, mount } from './protocol/mount.ts'
import { createPersonSessions } from './protocol/person-sessions.ts'
import { createRefreshTokens } from './protocol/refresh-tokens.ts'
import { saveRegistration } from './protocol/registration.ts'
import { createRequestFactsBook } from './protocol/request-facts.ts'
import { createResourceCatalogue } from './protocol/resources.ts'
import { createSessionAdapter } from './protocol/session-adapter.ts'
import { createStatusClaims } from './protocol/status-claim.ts'
import { createStatusLists, statusListEndpoint } from './protocol/status-lists.ts'
import { createUnitOfWorkRunner } from './protocol/unit-of-work.ts'
import { createAccountStore } from './store/accounts.ts'
import { createArtifactStore } from './store/artifacts.ts'
import { createAttemptStore } from './store/attempts.ts'
import { createGrantStore } from './store/grants.ts'
import { readGrowth } from './store/growth.ts'
import { takeLease } from './store/leases.ts'
import { createLogoutNoticeStore } from './store/logout-notices.ts'
import { createManagedGrantStore } from './store/managed-grants.ts'
import { createRefreshFamilyStore } from './store/refresh-families.ts'
import { createReplayStore } from './store/replay.ts'
import type { RestoreState } from './store/restore.ts'
import { createSessionStore } from './store/sessions.ts'
import { createSettingsStore } from './store/settings.ts'
import { createStatusListStore } from './store/status-lists.ts'
import type { Logger } from './telemetry/logger.ts'
import { createMetrics, type Metrics } from './telemetry/metrics.ts'

export interface ServerOptions {
  /** with `issuer` filled in, and in development the demo's resource added */
  config: Config & { issuer: string }
  masterKey: Buffer
  store: Store
  log: Logger
  now?: () => Date
  /** left out: loaded here */
  hasher?: PasswordHasher
  /** see ops/restore.ts; left out where no backup was ever restored */
  restored?: RestoreState
}

export interface Server {
  app: FastifyInstance
  clients: ClientRegistry
  accounts: Accounts
  keys: Keys
  stylesheets: readonly string[]
  icon: string
  metrics: Metrics
  /** all metrics, as Prometheus reads them */
  metricsPage(): Promise<string>
  /** Says that it is not ready for so long, then finishes requests in flight, for some seconds; the store stays open. */
  close(delayMillis?: number): Promise<void>
}

/** Builds a server that does not listen yet. The schema must be up to date. */
export async function createServer(options: ServerOptions): Promise<Server> {
  const { config, store, log, now = () => new Date() } = options
  const { issuer } = config
  const { database, feed } = store
  const metrics = createMetrics()

  // before anybody writes: partitions for what will be written
  const partitions = store.partitions(config, now)
  await partitions.ensure()

  // floor 3: keys, clients, accounts
  const keys = await composeKeys(database, config, options.masterKey)
  const { ring, secrets, seal } = keys

  const clients = composeClients(store, config, options.masterKey)
  const accounts = await composeAccounts(database, config, options.hasher)
  const accountStore = createAccountStore({ sql: database })
  const authenticate = createAuthenticator({
    accounts: accountStore,
    attempts: createAttemptStore({ sql: database }),
    hasher: accounts.hasher,
    queue: accounts.queue,
    record: event => appendAuditEvent(database, event),
    counterKey: hmac(secrets.current('artifact').key, 'attempt counters')
  })

  // the pages that the engine is given
  const assets = createAssets({ colour: config.product.colour, logo: config.product.logo })
  const site = createSite({
    product: { name: config.product.name, logo: assets.logo },
    issuer,
    assets
  })
  const renderers = createRenderers({ site, issuer, resources: config.resources, now })

  // floor 4: the protocol
  const requests = createRequestFactsBook()
  const audit = createAuditBatch({ sql: database, log })
  const units = createUnitOfWorkRunner({ database })
  const grants = createGrantStore({ sql: database })
  const resources = createResourceCatalogue({
    issuer,
    resources: config.resources,
    accessTokens: config.accessTokens,
    grantManagement: config.grantManagement,
    keys: ring
  })
  const managed = createManagedGrantStore({ sql: database })
  const accessTokens = createAccessTokens({ issuer, keys: ring, resources, grants, now })
  const replay = createReplayStore({ sql: database })
  const statusLists = createStatusListStore({ sql: database })
  const secretVersions = (purpose: SecretPurpose) =>
    secrets.all(purpose).map(({ version }) => `${purpose}:${version}`)
  const versioned = (purpose: SecretPurpose) => ({
    current: () => secrets.current(purpose),
    byVersion: (version: number) => secrets.byVersion(purpose, version),
    all: () => secrets.all(purpose)
  })
  const keysOf = (purpose: SecretPurpose) => secrets.all(purpose).map(({ key }) => key)
  const refreshTokens = createRefreshTokens({
    families: createRefreshFamilyStore({
      sql: database,
      partitions: partitions.of('refresh_families')
    }),
    rotationKeys: versioned('rotation'),
    macKeys: versionsInAByte(versioned('refresh_token_mac')),
    freshenKeys: secrets.freshen,
    lifetimes: config.refreshTokens,
    restoreEpoch: options.restored?.epoch ?? 1,
    now
  })
  const outbound = createOutbound({
    allowed: config.outbound.allowed,
    inside: config.mode === 'development' ? 'loopback' : 'refused'
  })
  const sessions = createSessionAdapter({
    sessions: createSessionStore({ sql: database }),
    ...{ seal, now }
  })
  const clientSource = composeClientSource({ config, clients, database, outbound, units, log })
  const foreign = createForeignIssuers({ config, clients, accountStore, outbound, log, now })
  const engine = createCurrentEngine({
    config,
    issuer,
    keys: ring,
    resources,
    statusClaims: createStatusClaims({ issuer, resources, units, lists: statusLists, clients }),
    clients: clientSource,
    units,
    grants,
    replay,
    outbound,
    ...foreign,
    refreshTokens,
    adapter: {
      artifacts: createArtifactStore({ sql: database, partitions: partitions.of('artifacts') }),
      buckets: createArtifactBuckets({ lifetimes: artifactLifetimes(config), now }),
      sessions,
      refreshTokens,
      accessTokens,
      managed,
      ...saveRegistration({ clients, sql: database, rules: config.registration, now }),
      seal,
      userCodeKeys: () => keysOf('user_code'),
      deviceIntervalSeconds: config.deviceCodes.intervalSeconds,
      grantLifetimeSeconds: config.refreshTokens.absoluteSeconds + 86_400,
      now
    },
    findAccount: grants.findAccount,
    renderers,
    clientId: issueClientId,
    cookieKeys: () => keysOf('cookie'),
    dpopNonceKey: () => secrets.current('dpop_nonce').key,
    pairwiseKey: () => secrets.current('pairwise').key,
    version: () =>
      [ring.version(), ...secretVersions('cookie'), ...secretVersions('dpop_nonce')].join(' '),
    requests,
    audit,
    log,
    countRefresh: outcome => metrics.refreshes.inc({ outcome }),
    restoredAt: options.restored?.restoredAt,
    now
  })
  const interactions = createInteractions({
    provider: () => engine.current().provider,
    clients: clientSource,
    ...{ grants, managed, units, requests, issuer },
    csrfKeys: () => keysOf('csrf')
  })
  const persons = createPersonSessions({
    provider: () => engine.current().provider,
    ...{ units, requests, issuer },
    sessions,
    lifetimes: config.sessions,
    csrfKeys: () => keysOf('csrf')
  })

  // HTTP
  const certificates = openCertificates(config, { log })
  const { origin } = config.clientCertificates
  const boundary = createBoundary({
    site,
    issuer,
    answersJson: path => answersJson(path) || healthPaths.has(path),
    anyHost: healthPaths,
    alias: origin === undefined ? undefined : { origin, paths: aliasedPaths(endpoints, grantsPath) }
  })
  const app = Fastify({
    loggerInstance: log as FastifyBaseLogger,
    // one line a request, by our own hook: Fastify's two would say everything twice
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    trustProxy: config.trustedProxies.length > 0 ? [...config.trustedProxies] : false,
    ...certificates.listener,
    rewriteUrl: originForm,
    frameworkErrors: boundary.refuseTarget,
    clientErrorHandler: refuseUnparsed
  })
  const traffic = watchTraffic(app.server, {
    ...config.http,
    trustedProxies: config.trustedProxies,
    longestAnswerMillis: httpLimits.longestAnswer,
    checkEveryMillis: httpLimits.connectionsCheckingInterval
  })
  certificates.follow(app.server)
  boundary.guard(app)
  app.addHook('onRequest', async request => {
    requests.note(request.raw, { requestId: request.id, address: request.ip })
  })
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none'
    const labels = { method: request.method, route, status: String(reply.raw.statusCode) }
    metrics.requestSeconds.observe(labels, reply.elapsedTime / 1_000)
    if (healthPaths.has(request.url)) return
    request.log.info({ req: request, res: reply, ms: Math.round(reply.elapsedTime) }, 'request')
  })

  await limitStrangers(app, {
    limits: config.limits,
    allowances: createAllowances(config, { sql: database, monotonic: () => performance.now() }),
    refused: (limit, by) => metrics.limited.inc({ limit, by })
  })

  await app.register(health, {
    settings: createSettingsStore({ sql: database, now }),
    state: traffic.state
  })
  const clientCertificates = createClientCertificates({
    source: config.clientCertificates,
    proxies: createAddressList(config.trustedProxies),
    authorities: certificates.authorities,
    now
  })
  await app.register(mount, {
    engine: () => engine.current(),
    keys: ring,
    cacheSeconds: config.keys.cacheLifetimeSeconds,
    requests,
    assertions: foreign.assertions,
    clientCertificates,
    registration: config.registration.enabled ? 'on' : 'off',
    attestations: attestationsAreOn(config) ? 'on' : 'off',
    pageHeaders: pageHeaders('onward', issuer)
  })
  if (config.grantManagement.enabled) {
    const provider = () => engine.current().provider
    const { restoredAt } = options.restored ?? {}
    const bound = { issuer, provider, accessTokens, clientCertificates, replay, restoredAt }
    const { revoke } = createManagedGrantRevocation({ database })
    const parts = { tokens: createBoundTokens(bound), managed, revoke }
    await app.register(grantsEndpoint, { ...parts, issuer, units, requests })
  }
  await app.register(statusListEndpoint, {
    lists: createStatusLists({
      issuer,
      keys: ring,
      store: statusLists,
      ...config.statusLists,
      now
    })
  })
  await app.register(pages, {
    ...{ interactions, persons },
    apps: createConnectedApps({ database, clients }),
    authenticate: async input => {
      const outcome = await authenticate(input)
      return outcome.ok ? { ok: true, accountId: outcome.account.id, amr: outcome.amr } : outcome
    },
    accountName: async accountId => {
      const account = await accountStore.findById(accountId)
      return account && (account.email ?? account.login)
    },
    ...{ site, assets, issuer },
    resources: config.resources,
    secureCookies: issuer.startsWith('https:')
  })

  const keyJob = startKeyJob({
    ...keys,
    resealer: config.previousMasterKeys.length > 0 ? keys.resealer : undefined,
    lead: (holder, seconds) => takeLease(database, 'keys', holder, seconds),
    feed,
    log,
    everySeconds: lookEverySeconds(config.keys.rotationIntervalSeconds)
  })
  const logoutDelivery = startLogoutDelivery({
    store: createLogoutNoticeStore({ sql: database }),
    notifier: createLogoutNotifier({ provider: () => engine.current().provider, outbound }),
    feed,
    audit,
    count: outcome => metrics.logoutNotices.inc({ outcome }),
    log
  })
  const background = startBackground({
    config,
    database,
    partitions,
    metrics,
    log,
    tasks: [{ name: 'deliver logout tokens', run: logoutDelivery.run }]
  })
  return {
    app,
    clients,
    accounts,
    keys,
    stylesheets: assets.stylesheets,
    icon: assets.icon,
    metrics,
    metricsPage: createMetricsPage({
      metrics,
      growth: () => readGrowth(database, planPartitions(config)),
      connections: store.connections,
      log
    }),
    async close(delayMillis = 0) {
      // beside the rest: a relying party may take its time, a stop may not. What is queued from now on is another process's, or the next one's
      const delivered = logoutDelivery.end()
      // who is still sending or reading then is let down: the database must be closed in good order, too
      await traffic.leave(delayMillis, httpLimits.closing)
      await app.close()
      certificates.end()
      await background.end()
      await delivered
      await keyJob.end()
      await audit.end()
    }
  }
}
