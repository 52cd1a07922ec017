// The server process: configuration, data folder, database, migrations, keys, seed, listening, signals, exit codes. Development makes what
// is missing, on loopback only; production refuses to guess.

import { randomBytes } from 'node:crypto'
import { loadPasswordHasher } from './accounts/password-hash.ts'
import { clientProblemLines, declaredProblems } from './cli/declared.ts'
import type { ReconcileProblem } from './clients/reconcile.ts'
import { demoLogin, demoMachineClientId, demoWebClientId } from './config/demo-names.ts'
import { mailRoute } from './config/mail-route.ts'
import type { Config } from './config/schema.ts'
import { settle } from './config/settle.ts'
import { demo } from './demo/plugin.ts'
import { selfCheck } from './demo/self-check.ts'
import { Fault } from './lib/fault.ts'
import { digest, hmac } from './lib/secret.ts'
import { renderBanner } from './ops/banner.ts'
import { isWorker, superviseWorkers, whenPrimaryEnds, workFor } from './ops/cluster.ts'
import { type DemoSecrets, declare } from './ops/declare.ts'
import { firstLook } from './ops/first-look.ts'
import { files, version } from './ops/installation.ts'
import { serveMetrics } from './ops/metrics-server.ts'
import {
  composeAccounts,
  composeClients,
  foreignDatabase,
  openStore,
  type Store
} from './ops/parts.ts'
import { type HeldPort, holdPort } from './ops/port.ts'
import { demoApi, demoResource, hasDemo } from './ops/seed.ts'
import { type DataFolder, openDataFolder } from './store/data-folder.ts'
import { type EmbeddedPostgres, startEmbedded } from './store/embedded.ts'
import { migrate } from './store/migrate.ts'
import type { RestoreState } from './store/restore.ts'
import { createLogger, type Logger } from './telemetry/logger.ts'

/** Milliseconds that a stop may take before the process ends anyway. */
const longestStop = 9_000

/** What a stop of the primary may take: its workers end within theirs. */
const longestStopOfAll = 9_700

interface Running {
  /** Stops in order: readiness, requests in flight, store, database. */
  stop(): Promise<'in order' | 'killed'>
}

/** Undoes what was started, last first, also when starting failed half-way. */
function createUndo() {
  const steps: (() => Promise<unknown>)[] = []
  return {
    add: (step: () => Promise<unknown>) => void steps.push(step),
    async run() {
      for (const step of steps.splice(0).reverse()) await step()
    }
  }
}

/** What a start found out or made, for whoever answers requests. Travels to workers. */
interface Found {
  url: string
  directUrl: string
  port: number
  issuer: string
  masterKey: Uint8Array
  restored: RestoreState
  /** the configuration that this was found with, as a digest */
  configuration: string
}

interface Prepared {
  found: Found
  config: Config & { issuer: string }
  folder: DataFolder | undefined
  embedded: EmbeddedPostgres | undefined
  held: HeldPort
}

type Undo = ReturnType<typeof createUndo>

/** What is done once, however many processes answer: data folder, database, schema, port, master key. */
async function prepare(config: Config, log: Logger, undo: Undo): Promise<Prepared> {
  refuseDeclared(declaredProblems(config))
  // before anything is made or changed: without it nobody could sign in
  const hasher = await loadPasswordHasher()
  if (hasher.implementation === 'wasm') {
    log.warn(
      'passwords are hashed in WebAssembly, which is slower: run npm ci without --omit=optional for the native module, or use Node 24.7 or later'
    )
  }

  const development = config.mode === 'development'
  const given = await foreignDatabase(config)
  const embeds = given === undefined
  let folder: DataFolder | undefined
  if (development || embeds || config.masterKey === undefined) {
    folder = await openDataFolder(config.dataFolder)
    const lock = await folder.lock()
    undo.add(async () => lock.release())
  }

  let embedded: EmbeddedPostgres | undefined
  if (embeds) {
    embedded = await startEmbedded({
      dataFolder: config.dataFolder,
      log: {
        info: (message, data = {}) => log.info(data, message),
        warn: (message, data = {}) => log.warn(data, message),
        error: (message, data = {}) => log.error(data, message)
      }
    })
    const { stop } = embedded
    undo.add(stop)
  }
  const url = given ?? embedded?.url
  if (url === undefined) throw new Fault('configuration_invalid', 'No database: set DATABASE_URL.')
  const directUrl = config.database.directUrl ?? url

  const { applied, unknown } = await migrate(directUrl)
  if (applied.length > 0) log.info({ applied }, 'schema brought up to date')
  if (unknown.length > 0) {
    log.warn({ unknown }, 'a newer version has been here; this one still works on its schema')
  }
  const restored = await firstLook(url, config, development ? folder : undefined, log)

  const remembered = Number(await folder?.recall(files.port))
  const held = await holdPort({
    host: config.host,
    configured: config.port,
    remembered: remembered > 0 ? remembered : undefined
  })
  undo.add(async () => held.release())
  const issuer = config.issuer ?? `http://localhost:${held.port}`
  const masterKey =
    config.masterKey ??
    Buffer.from((await folder?.secretFile(files.masterKey, newMasterKey)) ?? '', 'base64url')
  const found = {
    url,
    directUrl,
    port: held.port,
    issuer,
    masterKey,
    restored,
    configuration: configurationDigest(config)
  }
  return { found, config: settled(config, issuer), folder, embedded, held }
}

function settled(config: Config, issuer: string) {
  const resources = hasDemo(config)
    ? [...config.resources, demoApi(config, issuer)]
    : config.resources
  return settle(config, { issuer, resources })
}

/** Of what is no secret. */
function configurationDigest(config: Config): string {
  return digest(JSON.stringify(config)).toString('base64url')
}

/** @throws Fault `configuration_invalid` with all of them */
function refuseDeclared(problems: readonly string[]): void {
  if (problems.length === 0) return
  throw new Fault(
    'configuration_invalid',
    `The configuration is refused:\n  ${problems.join('\n  ')}`
  )
}

const refuse = (problems: readonly ReconcileProblem[]) =>
  refuseDeclared(clientProblemLines(problems))

function storeOf(found: Found, config: Config, log: Logger): Store {
  const { url, directUrl } = found
  const { pool, preparedStatements, pooler } = config.database
  const store = openStore({ url, directUrl, pool, preparedStatements, pooler, log })
  store.partitions(config)
  return store
}

/** A server that does not listen yet, in this process. */
async function build(found: Found, config: Config & { issuer: string }, log: Logger, undo: Undo) {
  // loaded here: a primary answers no requests
  const { createServer } = await import('./server.ts')
  const store = storeOf(found, config, log)
  undo.add(() => store.end())
  await store.feed.ready()
  const masterKey = Buffer.from(found.masterKey)
  const { restored } = found
  const server = await createServer({ config, masterKey, store, log, restored })
  undo.add(() => server.close(delayOf(config) * 1_000))
  const { issuer } = config
  if (hasDemo(config)) {
    await server.app.register(demo, {
      issuer,
      clientId: demoWebClientId,
      resource: demoResource(issuer),
      product: { name: config.product.name },
      stylesheets: server.stylesheets,
      icon: server.icon,
      cookieKey: hmac(server.keys.secrets.current('cookie').key, 'demo')
    })
  }
  await server.app.ready()
  return {
    server,
    store,
    async listen() {
      await server.app.listen({ port: found.port, host: config.host })
      const { port, host } = config.metrics
      if (port === undefined) return
      const listener = await serveMetrics(server.metricsPage, { host, port })
      undo.add(() => listener.end())
      log.info({ host, port }, 'metrics are at /metrics')
    }
  }
}

/** Seconds for which a stopping server still lets everybody in. */
function delayOf({ mode, shutdown }: Config): number {
  return shutdown.delaySeconds ?? (mode === 'production' ? 3 : 0)
}

/** One process does everything. */
async function startAlone(config: Config, log: Logger, undo: Undo): Promise<Running> {
  const prepared = await prepare(config, log, undo)
  const { server, store, listen } = await build(prepared.found, prepared.config, log, undo)
  const demoSecrets = await declare(server, store, { ...prepared, refuse }, log)
  prepared.held.release()
  await listen()
  await announce(prepared, demoSecrets, log)
  return {
    async stop() {
      await undo.run()
      return 'in order'
    }
  }
}

/** This process prepares and keeps workers, which answer. */
async function startWorkers(config: Config, log: Logger, undo: Undo): Promise<Running> {
  const prepared = await prepare(config, log, undo)
  const store = storeOf(prepared.found, config, log)
  let demoSecrets: DemoSecrets | undefined
  try {
    const clients = composeClients(store, prepared.config, prepared.found.masterKey)
    const accounts = await composeAccounts(store.database, prepared.config)
    demoSecrets = await declare({ clients, accounts }, store, { ...prepared, refuse }, log)
  } finally {
    await store.end()
  }
  const workers = superviseWorkers({
    count: config.workers,
    given: prepared.found,
    log,
    freePort: prepared.held.release
  })
  let outcome: 'in order' | 'killed' = 'in order'
  undo.add(async () => {
    outcome = await workers.stop(longestStop + 200)
  })
  await workers.start()
  await announce(prepared, demoSecrets, log)
  return {
    async stop() {
      await undo.run()
      return outcome
    }
  }
}

/** Remembers the port, and tells whoever started this. */
async function announce(
  { found, config, folder, embedded, held }: Prepared,
  demoSecrets: DemoSecrets | undefined,
  log: Logger
): Promise<void> {
  const { issuer } = config
  const { port, note } = held
  await folder?.remember(files.port, found.port)
  if (note !== undefined) log.info({ port }, note)
  if (demoSecrets === undefined) {
    const { host, workers } = config
    log.info({ issuer, host, port, workers }, 'mintmark is listening')
    return
  }
  const check = await selfCheck({
    issuer,
    machineClient: { id: demoMachineClientId, secret: demoSecrets.machineSecret },
    resource: demoResource(issuer)
  })
  const banner = renderBanner({
    version,
    issuer,
    host: config.host,
    login: demoLogin,
    password: demoSecrets.password,
    outbox: mailRoute(config) === 'outbox' ? `${issuer}/dev/outbox` : undefined,
    database:
      embedded === undefined
        ? 'PostgreSQL at DATABASE_URL'
        : `PostgreSQL ${embedded.version}, embedded, in ${config.dataFolder}  ·  set DATABASE_URL for another`,
    machineClientId: demoMachineClientId,
    machineSecret: demoSecrets.machineSecret,
    resource: demoResource(issuer),
    selfCheck: check,
    notes: note === undefined ? [] : [note]
  })
  process.stdout.write(banner)
}

function newMasterKey(): string {
  return randomBytes(32).toString('base64url')
}

/** Runs the server until a signal ends it; the exit code is 0 after an orderly stop. */
export async function runServer(config: Config): Promise<void> {
  const log = createLogger({ level: config.log.level })
  if (isWorker) return runWorker(config, log)
  const start = config.workers > 1 ? startWorkers : startAlone
  await runUntilSignal(log, ['SIGTERM', 'SIGINT', 'SIGHUP'], undo => start(config, log, undo))
}

/** A worker of a cluster; the primary ends it. */
async function runWorker(config: Config, log: Logger): Promise<void> {
  // a terminal sends these to all processes of the server: the primary decides
  for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined)
  await runUntilSignal(log, ['SIGTERM'], async undo => {
    await workFor(async (found: Found) => {
      if (found.configuration !== configurationDigest(config)) {
        log.warn({}, 'the configuration has changed since the server started: restart all of it')
      }
      return build(found, settled(config, found.issuer), log, undo)
    }, explain)
    return {
      async stop() {
        await undo.run()
        return 'in order'
      }
    }
  })
}

/** A sentence for the operator; a stack only for what nobody expected. */
function explain(error: unknown): string {
  return error instanceof Fault ? error.message : String((error as Error).stack ?? error)
}

async function runUntilSignal(
  log: Logger,
  signals: readonly NodeJS.Signals[],
  start: (undo: Undo) => Promise<Running>
): Promise<void> {
  let stopping = false
  let running: Running | undefined
  const undo = createUndo()
  const starting = start(undo).catch(async error => {
    // also undoes what was started when starting failed half-way
    await undo.run()
    throw error
  })

  async function stop(reason: string) {
    if (stopping) return
    stopping = true
    log.info({ reason }, 'stopping')
    const longest = isWorker ? longestStop : longestStopOfAll
    setTimeout(() => {
      log.error({ reason }, 'stopping took too long: ended as it is')
      process.exit(1)
    }, longest).unref()
    try {
      running ??= await starting.catch(() => undefined)
      const outcome = await running?.stop()
      process.exit(outcome === 'killed' ? 1 : 0)
    } catch (error) {
      log.error({ err: error }, 'stopping failed')
      process.exit(1)
    }
  }

  for (const signal of signals) process.on(signal, () => void stop(signal))
  if (isWorker) whenPrimaryEnds(() => void stop('the primary process is gone'))
  // whoever read what we print may go (a log collector, `| head`): pino takes that as it comes, and so does the banner
  process.stdout.on('error', () => undefined)
  process.on('unhandledRejection', error =>
    log.error({ err: error }, 'a promise was rejected and nobody looked')
  )

  try {
    running = await starting
  } catch (error) {
    if (stopping) return
    // a worker has told the primary, which says it once for all
    if (!isWorker) process.stderr.write(`mintmark cannot start: ${explain(error)}\n`)
    process.exit(1)
  }
}
