// The parts that the server and the command line share: the store, the registered clients, the accounts. They stand apart from server.ts so
// that a command does not load the protocol engine and HTTP to list clients.

import { availableParallelism } from 'node:os'
import { type AccountService, createAccountService } from '../accounts/account.ts'
import { type BreachAnswer, createBreachCheck } from '../accounts/breach-check.ts'
import { createHashQueue, parallelHashes } from '../accounts/hash-queue.ts'
import { withImportedHashes } from '../accounts/imported-hash.ts'
import { type CheckNewPassword, createNewPasswordCheck } from '../accounts/new-password.ts'
import { loadPasswordHasher, type PasswordHasher } from '../accounts/password-hash.ts'
import { createAccountReconciler } from '../accounts/reconcile.ts'
import { conformanceRules } from '../clients/conformance.ts'
import { mutualTlsOf } from '../clients/mutual-tls.ts'
import { type ClientRegistry, createClientRegistry } from '../clients/registry.ts'
import type { Config } from '../config/schema.ts'
import { createOutbound } from '../lib/outbound.ts'
import { createSealer } from '../lib/seal.ts'
import { type ArtifactLifetimes, longestArtifactSeconds } from '../store/artifact-lifetimes.ts'
import { type ChangeFeed, createChangeFeed } from '../store/change-feed.ts'
import { createDatabase, type Database, type RoundTripObserver } from '../store/database.ts'
import { isOwnSocket } from '../store/embedded-home.ts'
import { endAccount, endClients } from '../store/ending.ts'
import { makingPartitions } from '../store/missing-partitions.ts'
import {
  createPartitions,
  type PartitionPlan,
  type Partitions,
  partitionPlans
} from '../store/partitions.ts'
import type { Logger } from '../telemetry/logger.ts'

export interface Store {
  database: Database
  feed: ChangeFeed
  /** The partitions for rows that live so long; from then on a row without one has it made. */
  partitions(config: Config, now?: () => Date): Partitions
  /** connections to the database */
  connections(): { total: number; idle: number; waiting: number }
  end(): Promise<void>
}

/** The database that the configuration names; undefined where it names none, or this data folder's own embedded one. */
export async function foreignDatabase(
  config: Pick<Config, 'database' | 'dataFolder'>
): Promise<string | undefined> {
  const { url } = config.database
  return url !== undefined && (await isOwnSocket(url, config.dataFolder)) ? undefined : url
}

/** How tables are cut, for rows that live as long as the configuration lets them. */
export function planPartitions(config: Config): PartitionPlan[] {
  return partitionPlans({
    familySeconds: config.refreshTokens.absoluteSeconds,
    artifactSeconds: longestArtifactSeconds(artifactLifetimes(config)),
    auditSeconds: config.audit.retentionSeconds
  })
}

export function artifactLifetimes(config: Config): ArtifactLifetimes {
  return {
    codeSeconds: config.authorizationCodes.lifetimeSeconds,
    deviceCodeSeconds: config.deviceCodes.lifetimeSeconds,
    backchannelSeconds: config.ciba.lifetimeSeconds,
    interactionSeconds: config.interactions.lifetimeSeconds
  }
}

/** Opens the database and the change feed beside it. */
export function openStore(options: {
  url: string
  /** as is `url`, where there is no other */
  directUrl: string
  pool: number
  preparedStatements?: 'named' | 'unnamed'
  pooler?: Config['database']['pooler']
  log: Logger
  onRoundTrip?: RoundTripObserver
}): Store {
  const onError = (error: Error) =>
    options.log.warn({ err: error }, 'a connection to the database was lost')
  const { url, directUrl, pool, preparedStatements = 'named', pooler, onRoundTrip } = options
  const plain = createDatabase({
    url,
    pool,
    preparedStatements,
    pooler,
    onError,
    ...(onRoundTrip && { onRoundTrip })
  })
  let partitions: Partitions | undefined
  const database = makingPartitions(plain, async () => partitions?.ensure())
  // a URL of its own is direct, or found to lead through a pooler, too
  const feed = createChangeFeed({
    url: directUrl,
    ...(directUrl === url && { pooler }),
    onError
  })
  return {
    database,
    feed,
    connections: plain.connections,
    partitions(config, now = () => new Date()) {
      partitions = createPartitions({ database: plain, plans: planPartitions(config), now })
      return partitions
    },
    async end() {
      await feed.end()
      await database.end()
    }
  }
}

/**
 * The registered clients, as server and command line use them.
 * @param masterKey asked for only when the secret of a client has to be sealed that signs with it
 */
export function composeClients(
  store: Store,
  config: Config,
  masterKey: Uint8Array | (() => Promise<Uint8Array>)
): ClientRegistry {
  const sealer = async () =>
    createSealer({
      masterKey: Buffer.from(typeof masterKey === 'function' ? await masterKey() : masterKey)
    })
  return createClientRegistry({
    database: store.database,
    feed: store.feed,
    now: Date.now,
    development: config.mode === 'development',
    resources: config.resources.map(resource => resource.identifier),
    sealer,
    trustedIssuers: config.trustedIssuers.map(({ issuer }) => issuer),
    conformance: conformanceRules(config),
    mutualTls: mutualTlsOf(config.clientCertificates),
    detailTypes: config.authorizationDetails.map(({ type }) => type),
    onDisabled: endClients
  })
}

export interface Accounts {
  service: AccountService
  hasher: PasswordHasher
  queue: ReturnType<typeof createHashQueue>
  /** for every place where a password is chosen */
  checkNewPassword: CheckNewPassword
  reconciler: ReturnType<typeof createAccountReconciler>
}

/** A person waits for it, with a form. */
const breachMillis = 1_500

/** The accounts, as server and command line use them. */
export async function composeAccounts(
  database: Database,
  config: Config,
  given: { hasher?: PasswordHasher | undefined; countBreach?: (answer: BreachAnswer) => void } = {}
): Promise<Accounts> {
  const hasher = withImportedHashes(given.hasher ?? (await loadPasswordHasher()))
  const queue = createHashQueue({ parallel: parallelHashes(availableParallelism()) })
  const host = config.issuer === undefined ? 'localhost' : new URL(config.issuer).hostname
  const { breachCheck } = config.passwords
  const checkNewPassword = createNewPasswordCheck({
    contextWords: [config.product.name, host],
    breaches:
      breachCheck &&
      createBreachCheck({
        ...breachCheck,
        outbound: createOutbound({
          allowed: config.outbound.allowed,
          inside: config.mode === 'development' ? 'loopback' : 'refused',
          deadlineMillis: breachMillis
        }),
        count: given.countBreach ?? (() => {})
      })
  })
  return {
    hasher,
    queue,
    checkNewPassword,
    service: createAccountService({ database, hasher, queue, endAccount, checkNewPassword }),
    reconciler: createAccountReconciler({ database, hasher, endAccount })
  }
}
