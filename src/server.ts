// The composition root: builds every part with explicit dependencies and mounts it. Reads as the tour of the house, from the ground up.
// Owns no behaviour of its own.

import { randomUUID } from 'node:crypto'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import type { PasswordHasher } from './accounts/password-hash.ts'
import { createAuditBatch } from './audit/batch.ts'
import { attestationsAreOn } from './clients/attestation.ts'
import { issueClientId } from './clients/client-id.ts'
import type { ClientRegistry } from './clients/registry.ts'
import type { Config } from './config/schema.ts'
import { createManagedGrantRevocation } from './grants/managed.ts'
import { secretsByPurpose, versionsInAByte } from './keys/server-secrets.ts'
import { createAddressList } from './lib/address-list.ts'
import { createOutbound } from './lib/outbound.ts'
import { startBackground } from './ops/background.ts'
import { composeClientSource } from './ops/client-source.ts'
import { endWithRun } from './ops/conformance.ts'
import { health, healthPaths } from './ops/health.ts'
import { httpLimits } from './ops/http-limits.ts'
import { lookEverySeconds, startKeyJob } from './ops/key-job.ts'
import { composeKeys, type Keys } from './ops/key-parts.ts'
import { createAllowances, limitStrangers } from './ops/limits.ts'
import { composeMails } from './ops/mail-parts.ts'
import { createMetricsPage } from './ops/metrics-server.ts'
import { startNotices } from './ops/notices.ts'
import {
  type Accounts,
  artifactLifetimes,
  composeAccounts,
  composeClients,
  planPartitions,
  type Store
} from './ops/parts.ts'
import { watchRequests } from './ops/request-log.ts'
import { openCertificates } from './ops/tls.ts'
import { watchTraffic } from './ops/traffic.ts'
import { createAssets } from './pages/assets.ts'
import { createBoundary, originForm, refuseUnparsed } from './pages/boundary.ts'
import { pageHeaders } from './pages/headers.ts'
import { pages } from './pages/pages.ts'
import { createRenderers } from './pages/renderers.ts'
import { createSite } from './pages/site.ts'
import { composePeople } from './people.ts'
import { createAccessTokens } from './protocol/access-tokens.ts'
import { createArtifactBuckets } from './protocol/artifact-buckets.ts'
import { createDetailCatalogue } from './protocol/authorization-details.ts'
import { createBoundTokens } from './protocol/bound-tokens.ts'
import { createBrowserAccounts } from './protocol/browser-accounts.ts'
import { aliasedPaths, createClientCertificates } from './protocol/client-certificates.ts'
import { endpoints } from './protocol/configuration.ts'
import { createConnectedApps } from './protocol/connected-apps.ts'
import { createCurrentEngine } from './protocol/engine.ts'
import { createForeignIssuers } from './protocol/foreign-issuers.ts'
import { grantsPath } from './protocol/grant-scopes.ts'
import { grantsEndpoint } from './protocol/grants-endpoint.ts'
import { createLogoutNotifier } from './protocol/logout-notices.ts'
import { answersJson, mount } from './protocol/mount.ts'
import { createPagePorts } from './protocol/page-ports.ts'
import { createPingNotifier } from './protocol/pings.ts'
import { createRefreshTokens } from './protocol/refresh-tokens.ts'
import { saveRegistration } from './protocol/registration.ts'
import { createRequestFactsBook } from './protocol/request-facts.ts'
import { createResourceCatalogue } from './protocol/resources.ts'
import { createSessionAdapter } from './protocol/session-adapter.ts'
import { createStatusClaims } from './protocol/status-claim.ts'
import { createStatusLists, statusListEndpoint } from './protocol/status-lists.ts'
import { createUnitOfWorkRunner } from './protocol/unit-of-work.ts'
import { createUserCodeGuesses } from './protocol/user-code-guesses.ts'
import { createAccountStore } from './store/accounts.ts'
import { createArtifactStore } from './store/artifacts.ts'
import { createAttemptStore } from './store/attempts.ts'
import { createBackchannelRequestStore } from './store/backchannel-requests.ts'
import { createBrowserAccountStore } from './store/browser-accounts.ts'
import { createGrantStore } from './store/grants.ts'
import { readGrowth } from './store/growth.ts'
import { takeLease } from './store/leases.ts'
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
  const accounts = await composeAccounts(database, config, {
    hasher: options.hasher,
    countBreach: answer => metrics.breachChecks.inc({ answer })
  })
  const accountStore = createAccountStore({ sql: database })
  const attempts = createAttemptStore({ sql: database })

  // the pages that the engine is given
  const assets = createAssets(config.product)
  const site = createSite({
    product: { ...config.product, logo: assets.logo },
    issuer,
    assets,
    notice: config.conformance.enabled ? 'conformance' : undefined
  })
  const asked = { resources: config.resources, detailTypes: config.authorizationDetails }
  const renderers = createRenderers({ site, issuer, ...asked, now })

  // floor 4: the protocol
  const requests = createRequestFactsBook()
  const audit = createAuditBatch({ sql: database, log })
  const units = createUnitOfWorkRunner({ database })
  const grants = createGrantStore({ sql: database })
  const resources = createResourceCatalogue({
    issuer,
    resources: config.resources,
    ...{ accessTokens: config.accessTokens, grantManagement: config.grantManagement, keys: ring }
  })
  const details = createDetailCatalogue({ types: config.authorizationDetails, resources })
  const managed = createManagedGrantStore({ sql: database })
  const accessTokens = createAccessTokens({ issuer, keys: ring, resources, grants, now })
  const replay = createReplayStore({ sql: database })
  const statusLists = createStatusListStore({ sql: database })
  const { versioned, keysOf, stateOf } = secretsByPurpose(secrets)
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
  const sessionStore = createSessionStore({ sql: database })
  const sessions = createSessionAdapter({ sessions: sessionStore, seal, now })
  const browserAccounts = createBrowserAccounts({
    ...{ store: createBrowserAccountStore({ sql: database }), sessions, now },
    formKeys: () => keysOf('csrf'),
    secure: issuer.startsWith('https:'),
    lifetimeSeconds: config.sessions.absoluteSeconds
  })
  const backchannelRequests = createBackchannelRequestStore({ sql: database })
  const clientSource = composeClientSource({ config, clients, database, outbound, units, log })
  const foreign = createForeignIssuers({ config, clients, accountStore, outbound, log, now })
  const engine = createCurrentEngine({
    config,
    issuer,
    keys: ring,
    resources,
    details,
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
      guesses: createUserCodeGuesses({
        attempts,
        key: () => secrets.current('user_code').key,
        codeSeconds: config.deviceCodes.lifetimeSeconds
      }),
      intervals: {
        deviceSeconds: config.deviceCodes.intervalSeconds,
        backchannelSeconds: config.ciba.intervalSeconds
      },
      grantLifetimeSeconds: config.refreshTokens.absoluteSeconds + 86_400,
      now
    },
    findAccount: grants.findAccount,
    backchannel: { requests: backchannelRequests, attempts },
    renderers,
    clientId: issueClientId,
    cookieKeys: () => keysOf('cookie'),
    dpopNonceKey: () => secrets.current('dpop_nonce').key,
    browserAccounts,
    pairwiseKey: () => secrets.current('pairwise').key,
    version: () => [ring.version(), ...stateOf('cookie'), ...stateOf('dpop_nonce')].join(' '),
    requests,
    audit,
    log,
    countRefresh: outcome => metrics.refreshes.inc({ outcome }),
    restoredAt: options.restored?.restoredAt,
    now
  })
  const pagePorts = createPagePorts({
    ...{ config, resources, details, grants, managed, sessions, sessionStore, backchannelRequests },
    ...{ units, requests, seal, now, browserAccounts },
    provider: () => engine.current().provider,
    clients: clientSource,
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
    // ours is in watchRequests
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
  watchRequests(app, { requests, metrics })

  if (config.conformance.enabled) await endWithRun(app, { database, now, log })
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
    backchannel: config.ciba.enabled ? 'on' : 'off',
    devices: config.deviceCodes.enabled ? 'on' : 'off',
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
  const people = composePeople({
    ...{ config, database, accounts, keys, site, assets, outbound, log, now },
    ports: pagePorts,
    apps: createConnectedApps({ database, clients })
  })
  await app.register(pages, people)

  const keyJob = startKeyJob({
    ...keys,
    resealer: config.previousMasterKeys.length > 0 ? keys.resealer : undefined,
    lead: (holder, seconds) => takeLease(database, 'keys', holder, seconds),
    feed,
    log,
    everySeconds: lookEverySeconds(config.keys.rotationIntervalSeconds)
  })
  const notices = startNotices({
    sql: database,
    logoutTokens: createLogoutNotifier({ provider: () => engine.current().provider, outbound }),
    pings: createPingNotifier({ clients: clientSource, outbound, seal, now }),
    mails: composeMails(config, database, seal),
    ...{ feed, audit, metrics, log }
  })
  const background = startBackground({
    config,
    database,
    partitions,
    metrics,
    log,
    tasks: notices.tasks
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
      const delivered = notices.end()
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
