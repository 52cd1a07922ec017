// The server process: configuration, data folder, database, migrations, keys, seed, listening, signals, exit codes. Development makes what
// is missing, on loopback only; production refuses to guess.

import { randomBytes } from 'node:crypto'
import { statSync } from 'node:fs'
import { clientProblemLines, declaredProblems } from './cli/declared.ts'
import type { Revision } from './clients/reconcile.ts'
import { demoLogin, demoMachineClientId, demoWebClientId } from './config/demo-names.ts'
import { processEnvironment } from './config/load.ts'
import type { Config } from './config/schema.ts'
import { settle } from './config/settle.ts'
import { demo } from './demo/plugin.ts'
import { selfCheck } from './demo/self-check.ts'
import { Fault } from './lib/fault.ts'
import { hmac, randomSecret } from './lib/secret.ts'
import { renderBanner } from './ops/banner.ts'
import { files, version } from './ops/installation.ts'
import { serveMetrics } from './ops/metrics-server.ts'
import { foreignDatabase, openStore } from './ops/parts.ts'
import { holdPort } from './ops/port.ts'
import { openRestoreEpoch } from './ops/restore.ts'
import { demoAccount, demoApi, demoResource, seedClients } from './ops/seed.ts'
import { createServer, type Server } from './server.ts'
import { type DataFolder, openDataFolder } from './store/data-folder.ts'
import { type EmbeddedPostgres, startEmbedded } from './store/embedded.ts'
import { migrate } from './store/migrate.ts'
import { createSettingsStore } from './store/settings.ts'
import { createLogger, type Logger } from './telemetry/logger.ts'

/** Milliseconds that a stop may take before the process ends anyway. */
const longestStop = 9_000

export interface RunningServer {
  issuer: string
  server: Server
  /** Stops in order: requests in flight, store, database. */
  stop(): Promise<void>
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

/** Starts everything; resolves when requests are answered. @throws Fault with a sentence for the operator */
export async function startServer(config: Config, log: Logger): Promise<RunningServer> {
  const undo = createUndo()
  try {
    return await start(config, log, undo)
  } catch (error) {
    await undo.run()
    throw error
  }
}

async function start(
  config: Config,
  log: Logger,
  undo: ReturnType<typeof createUndo>
): Promise<RunningServer> {
  refuseDeclared(declaredProblems(config))
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

  const { applied } = await migrate(directUrl)
  if (applied.length > 0) log.info({ applied }, 'schema brought up to date')

  const remembered = Number(await folder?.recall(files.port))
  const held = await holdPort({
    host: config.host,
    configured: config.port,
    remembered: remembered > 0 ? remembered : undefined
  })
  undo.add(async () => held.release())
  const { port, note } = held
  const issuer = config.issuer ?? `http://localhost:${port}`
  const settled = settle(config, {
    issuer,
    resources: development ? [...config.resources, demoApi(config, issuer)] : config.resources
  })

  const masterKey =
    config.masterKey ??
    Buffer.from((await folder?.secretFile(files.masterKey, newMasterKey)) ?? '', 'base64url')

  const store = openStore({ url, directUrl, pool: config.database.pool, log })
  undo.add(() => store.end())
  await warnOfLooseDatabase(store.database, log)
  await store.feed.ready()

  const restored = await openRestoreEpoch(store.database, {
    configured: config.restoreEpoch,
    folder: development ? folder : undefined
  })
  const server = await createServer({ config: settled, masterKey, store, log, restored })
  undo.add(() => server.close())
  const demoSecrets = await declare(server, settled, folder, log)

  if (demoSecrets !== undefined) {
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
  held.release()
  await server.app.listen({ port, host: config.host })
  if (config.metrics.port !== undefined) {
    const where = { host: config.metrics.host, port: config.metrics.port }
    const listener = await serveMetrics(server.metricsPage, where)
    undo.add(() => listener.end())
    log.info(where, 'metrics are at /metrics')
  }
  await folder?.remember(files.port, port)
  if (note !== undefined) log.info({ port }, note)

  if (demoSecrets !== undefined) {
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
  } else {
    log.info({ issuer, host: config.host, port }, 'mintmark is listening')
  }
  return { issuer, server, stop: () => undo.run() }
}

function newMasterKey(): string {
  return randomBytes(32).toString('base64url')
}

/** Says so when the database may forget what it has confirmed. */
async function warnOfLooseDatabase(
  database: Parameters<typeof createSettingsStore>[0]['sql'],
  log: Logger
): Promise<void> {
  const settings = createSettingsStore({ sql: database, now: () => new Date() })
  const facts = await settings.serverFacts()
  if (!facts.fsync || !facts.fullPageWrites || !facts.synchronousCommit) {
    log.warn(
      {
        fsync: facts.fsync,
        fullPageWrites: facts.fullPageWrites,
        synchronousCommit: facts.synchronousCommit
      },
      'the database may lose what it has confirmed: tokens that were handed out may be unknown after a crash'
    )
  }
}

/** @throws Fault `configuration_invalid` with all of them */
function refuseDeclared(problems: readonly string[]): undefined {
  if (problems.length === 0) return
  throw new Fault(
    'configuration_invalid',
    `The configuration is refused:\n  ${problems.join('\n  ')}`
  )
}

/** Brings clients and accounts to what is declared: by the file, and in development by the seed. */
async function declare(
  server: Server,
  config: Config & { issuer: string },
  folder: DataFolder | undefined,
  log: Logger
): Promise<{ password: string; machineSecret: string } | undefined> {
  const { clients, accounts } = server
  const reconciled = await clients.reconcile(config.clients, revisionOf(config))
  if (!reconciled.ok) return refuseDeclared(clientProblemLines(reconciled.problems))
  if (reconciled.outcome === 'written') log.info({ reconciled }, 'configured clients are in place')
  else {
    log.warn(
      { reconciled },
      "the clients of a newer configuration stay as they are: this one is older, or declares none. If it is meant, save its file again, raise its clientsRevision, or say MINTMARK_CLIENTS='[]' for none"
    )
  }

  if (config.mode !== 'development' || folder === undefined) {
    const disabled = [
      ...(await clients.disableSeeded()),
      ...(await accounts.reconciler.disableSeeded())
    ]
    if (disabled.length > 0)
      log.warn({ disabled }, 'what a development start had seeded is disabled')
    return undefined
  }
  const password = await folder.secretFile(files.password, () => randomSecret(16))
  const machineSecret = await folder.secretFile(files.machineSecret, randomSecret)
  await accounts.reconciler.reconcileConfigured([...config.accounts, demoAccount(password)])
  await seedClients(clients, config.issuer, machineSecret)
  return { password, machineSecret }
}

function revisionOf(config: Config): Revision {
  if (config.clientsRevision !== undefined) return { from: 'key', value: config.clientsRevision }
  // a variable has no age of its own: what it says is as new as this start
  if (processEnvironment()['MINTMARK_CLIENTS']) return { from: 'variable', value: Date.now() }
  if (config.file === undefined) return { from: 'nothing', value: 0 }
  return { from: 'file', value: Math.trunc(statSync(config.file).mtimeMs) }
}

/** Runs the server until a signal ends it; the exit code is 0 after an orderly stop. */
export async function runServer(config: Config): Promise<void> {
  const log = createLogger({ level: config.log.level })
  let stopping = false
  let running: RunningServer | undefined
  const starting = startServer(config, log)

  async function stop(reason: string, code: number) {
    if (stopping) return
    stopping = true
    log.info({ reason }, 'stopping')
    setTimeout(() => {
      log.error({ reason }, 'stopping took too long: ended as it is')
      process.exit(1)
    }, longestStop).unref()
    try {
      running ??= await starting.catch(() => undefined)
      await running?.stop()
      process.exit(code)
    } catch (error) {
      log.error({ err: error }, 'stopping failed')
      process.exit(1)
    }
  }

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => void stop(signal, 0))
  }
  // whoever read what we print may go (a log collector, `| head`): pino takes that as it comes, and so does the banner
  process.stdout.on('error', () => undefined)
  process.on('unhandledRejection', error =>
    log.error({ err: error }, 'a promise was rejected and nobody looked')
  )

  try {
    running = await starting
  } catch (error) {
    if (stopping) return
    const message = error instanceof Fault ? error.message : String((error as Error).stack ?? error)
    process.stderr.write(`mintmark cannot start: ${message}\n`)
    process.exit(1)
  }
}
