// The composition root: builds every part with explicit dependencies and mounts it. Reads as the tour of the house, from the ground up.
// Owns no behaviour of its own but the HTTP limits.

import { randomUUID } from 'node:crypto'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import { createAuthenticator } from './accounts/authenticate.ts'
import { createAuditBatch } from './audit/batch.ts'
import { appendAuditEvent } from './audit/record.ts'
import { issueClientId } from './clients/client-id.ts'
import type { ClientRegistry } from './clients/registry.ts'
import type { Config } from './config/schema.ts'
import { createKeyRing, type KeyRing } from './keys/key-ring.ts'
import {
  createServerSecrets,
  type SecretPurpose,
  type ServerSecrets
} from './keys/server-secrets.ts'
import { createSealer } from './lib/seal.ts'
import { hmac } from './lib/secret.ts'
import { startBackground } from './ops/background.ts'
import { health, healthPaths } from './ops/health.ts'
import { createAllowances, limitStrangers } from './ops/limits.ts'
import { createMetricsPage } from './ops/metrics-server.ts'
import {
  type Accounts,
  artifactLifetimes,
  composeAccounts,
  composeClients,
  planPartitions,
  type Store
} from './ops/parts.ts'
import { createAssets } from './pages/assets.ts'
import { createBoundary, originForm, refuseUnparsed } from './pages/boundary.ts'
import { pageHeaders } from './pages/headers.ts'
import { pages } from './pages/pages.ts'
import { createRenderers } from './pages/renderers.ts'
import { createSite } from './pages/site.ts'
import { createAccessTokens } from './protocol/access-tokens.ts'
import { createArtifactBuckets } from './protocol/artifact-buckets.ts'
import { idTokenAlgorithms } from './protocol/configuration.ts'
import { createCurrentEngine } from './protocol/engine.ts'
import { createInteractions } from './protocol/interactions.ts'
import { answersJson, mount } from './protocol/mount.ts'
import { createRefreshTokens } from './protocol/refresh-tokens.ts'
import { saveRegistration } from './protocol/registration.ts'
import { createRequestFactsBook } from './protocol/request-facts.ts'
import { createResourceCatalogue } from './protocol/resources.ts'
import { createSessionAdapter } from './protocol/session-adapter.ts'
import { createUnitOfWorkRunner } from './protocol/unit-of-work.ts'
import { createAccountStore } from './store/accounts.ts'
import { createArtifactStore } from './store/artifacts.ts'
import { createAttemptStore } from './store/attempts.ts'
import type { Database } from './store/database.ts'
import { createGrantStore } from './store/grants.ts'
import { readGrowth } from './store/growth.ts'
import { createRefreshFamilyStore } from './store/refresh-families.ts'
import { createReplayStore } from './store/replay.ts'
import type { RestoreState } from './store/restore.ts'
import { createServerSecretRows } from './store/server-secrets.ts'
import { createSessionStore } from './store/sessions.ts'
import { createSettingsStore } from './store/settings.ts'
import { createSigningKeyRows } from './store/signing-keys.ts'
import type { Logger } from './telemetry/logger.ts'
import { createMetrics, type Metrics } from './telemetry/metrics.ts'

/** HTTP limits, milliseconds: a peer that sends slowly is not waited for. Fastify's own default for a body is "for ever". */
const limits = {
  requestTimeout: 20_000,
  headersTimeout: 10_000,
  connectionsCheckingInterval: 2_000,
  keepAliveTimeout: 65_000,
  connectionTimeout: 0,
  /** how long a stop waits for requests in flight */
  closing: 4_000,
  bodyLimit: 64 * 1024
}

const secretPurposes: readonly SecretPurpose[] = [
  'cookie',
  'rotation',
  'refresh_token_mac',
  'user_code',
  'csrf',
  'dpop_nonce',
  'artifact'
]

export interface Keys {
  ring: KeyRing
  secrets: ServerSecrets
  seal: ReturnType<typeof createSealer>
}

/** Opens the sealed keys, makes those that are missing. @throws Fault `seal_broken` */
export async function composeKeys(
  database: Database,
  config: Config,
  masterKey: Buffer
): Promise<Keys> {
  const seal = createSealer({ masterKey, previous: config.previousMasterKeys })
  const ring = createKeyRing({ rows: createSigningKeyRows({ sql: database }), seal })
  const secrets = createServerSecrets({ rows: createServerSecretRows({ sql: database }), seal })
  const accessTokenAlgorithms = [
    config.accessTokens.algorithm,
    ...config.resources.map(resource => resource.accessTokens.algorithm)
  ]
  await Promise.all([
    ring.ensure([
      ...accessTokenAlgorithms.map(alg => ({ purpose: 'access_token' as const, alg })),
      ...idTokenAlgorithms.map(alg => ({ purpose: 'identity' as const, alg }))
    ]),
    secrets.ensure(secretPurposes)
  ])
  return { ring, secrets, seal }
}

export interface ServerOptions {
  /** with `issuer` filled in, and in development the demo's resource added */
  config: Config & { issuer: string }
  masterKey: Buffer
  store: Store
  log: Logger
  now?: () => Date
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
  /** Finishes requests in flight, for some seconds; the store stays open. */
  close(): Promise<void>
}

/** Builds a server that does not listen yet. The schema must be up to date. */
export async function createServer(options: ServerOptions): Promise<Server> {
  const { config, store, log, now = () => new Date() } = options
  const { issuer } = config
  const { database, feed } = store
  const metrics = createMetrics()

  // floor 3: keys, clients, accounts
  const keys = await composeKeys(database, config, options.masterKey)
  const { ring, secrets, seal } = keys
  const reload = (what: string, load: () => Promise<void>) => () =>
    void load().catch(error => log.error({ err: error }, `${what} could not be reloaded`))
  feed.on('signing_keys', reload('signing keys', ring.load))
  feed.on('server_secrets', reload('server secrets', secrets.load))
  feed.onGap(reload('signing keys', ring.load))
  feed.onGap(reload('server secrets', secrets.load))

  // before anybody asks: partitions for what will be written
  const partitions = store.partitions(config, now)
  await partitions.ensure()

  const clients = composeClients(store, config)
  const accounts = await composeAccounts(database, config)
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
    keys: ring
  })
  const secretVersions = (purpose: SecretPurpose) =>
    secrets.all(purpose).map(({ version }) => `${purpose}:${version}`)
  const versioned = (purpose: SecretPurpose) => ({
    current: () => secrets.current(purpose),
    byVersion: (version: number) => secrets.byVersion(purpose, version)
  })
  const refreshTokens = createRefreshTokens({
    families: createRefreshFamilyStore({
      sql: database,
      partitions: partitions.of('refresh_families')
    }),
    rotationKeys: versioned('rotation'),
    macKeys: versioned('refresh_token_mac'),
    lifetimes: config.refreshTokens,
    restoreEpoch: options.restored?.epoch ?? 1,
    now
  })
  const engine = createCurrentEngine({
    config,
    issuer,
    keys: ring,
    resources,
    clients,
    units,
    grants,
    replay: createReplayStore({ sql: database }),
    refreshTokens,
    adapter: {
      artifacts: createArtifactStore({ sql: database, partitions: partitions.of('artifacts') }),
      buckets: createArtifactBuckets({ lifetimes: artifactLifetimes(config), now }),
      sessions: createSessionAdapter({
        sessions: createSessionStore({ sql: database }),
        seal,
        now
      }),
      refreshTokens,
      accessTokens: createAccessTokens({ issuer, keys: ring, resources, grants, now }),
      ...saveRegistration(clients),
      seal,
      userCodeKey: () => secrets.current('user_code').key,
      deviceIntervalSeconds: config.deviceCodes.intervalSeconds,
      grantLifetimeSeconds: config.refreshTokens.absoluteSeconds + 86_400,
      now
    },
    findAccount: grants.findAccount,
    renderers,
    clientId: issueClientId,
    cookieKeys: () => secrets.all('cookie').map(({ key }) => key),
    dpopNonceKey: () => secrets.current('dpop_nonce').key,
    version: () =>
      [ring.version(), ...secretVersions('cookie'), ...secretVersions('dpop_nonce')].join(' '),
    requests,
    audit,
    log,
    restoredAt: options.restored?.restoredAt,
    now
  })
  const interactions = createInteractions({
    provider: () => engine.current().provider,
    clients,
    grants,
    units,
    requests,
    csrfKey: () => secrets.current('csrf').key,
    issuer
  })

  // HTTP
  const boundary = createBoundary({
    site,
    issuer,
    answersJson: path => answersJson(path) || healthPaths.has(path),
    anyHost: healthPaths
  })
  const app = Fastify({
    loggerInstance: log as FastifyBaseLogger,
    // one line a request, by our own hook: Fastify's two would say everything twice
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    trustProxy: config.trustedProxies.length > 0 ? [...config.trustedProxies] : false,
    requestTimeout: limits.requestTimeout,
    keepAliveTimeout: limits.keepAliveTimeout,
    bodyLimit: limits.bodyLimit,
    rewriteUrl: originForm,
    frameworkErrors: boundary.refuseTarget,
    clientErrorHandler: refuseUnparsed,
    http: {
      headersTimeout: limits.headersTimeout,
      connectionsCheckingInterval: limits.connectionsCheckingInterval
    }
  })
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

  await app.register(health, { settings: createSettingsStore({ sql: database, now }) })
  await app.register(mount, {
    engine: () => engine.current(),
    keys: ring,
    requests,
    registration: config.registration.enabled ? 'on' : 'off',
    pageHeaders: pageHeaders('onward', issuer)
  })
  await app.register(pages, {
    interactions,
    authenticate: async input => {
      const outcome = await authenticate(input)
      return outcome.ok ? { ok: true, accountId: outcome.account.id, amr: outcome.amr } : outcome
    },
    accountName: async accountId => {
      const account = await accountStore.findById(accountId)
      return account && (account.email ?? account.login)
    },
    site,
    assets,
    issuer,
    resources: config.resources,
    secureCookies: issuer.startsWith('https:')
  })

  if (config.pkce.exemptClient !== undefined) {
    log.warn(
      { clientId: config.pkce.exemptClient },
      'this client may leave out PKCE, by configuration'
    )
  }

  const background = startBackground({ config, database, partitions, metrics, log })
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
    async close() {
      // who is still sending or reading then is let down: the database must be closed in good order, too
      const patience = setTimeout(() => app.server.closeAllConnections(), limits.closing)
      await app.close()
      clearTimeout(patience)
      await background.end()
      await audit.end()
    }
  }
}
