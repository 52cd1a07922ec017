// What commands share: the configuration, read once; the store, opened by the first command that asks and closed at the end; output. The
// commands work beside a running server and without one: an embedded database is used if it runs, and started for as long if not.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { ClientRegistry } from '../clients/registry.ts'
import { loadConfigFromProcess } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { settle } from '../config/settle.ts'
import { Fault } from '../lib/fault.ts'
import { files } from '../ops/installation.ts'
import { composeKeyParts, type KeyParts } from '../ops/key-parts.ts'
import {
  type Accounts,
  composeAccounts,
  composeClients,
  foreignDatabase,
  openStore,
  planPartitions,
  type Store
} from '../ops/parts.ts'
import { demoApi, hasDemo } from '../ops/seed.ts'
import { openDataFolder } from '../store/data-folder.ts'
import { createDatabase, type Database } from '../store/database.ts'
import { openEmbedded } from '../store/embedded.ts'
import { migrate } from '../store/migrate.ts'
import { makingPartitions } from '../store/missing-partitions.ts'
import { createPartitions } from '../store/partitions.ts'
import { createLogger, type Logger } from '../telemetry/logger.ts'

export interface CliContext {
  config(): Config
  /** with the issuer of the running or last server, and in development the demo API */
  settled(): Promise<Config & { issuer: string }>
  /** False when there is nothing yet that a server has made: looking must not make it. */
  isStarted(): boolean
  /** the URL of the database in use */
  databaseUrl(): Promise<string>
  /** the database as it is */
  database(): Promise<Database>
  /** the database with its schema up to date, and the change feed */
  store(): Promise<Store>
  registry(): Promise<ClientRegistry>
  accounts(): Promise<Accounts>
  /** the keys, under the master key that the server has */
  keys(): Promise<KeyParts>
  out(text: string): void
  err(text: string): void
  stdin(): Promise<string>
  exit(code: number): void
  log: Logger
  /** Closes what was opened. */
  end(): Promise<void>
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make()
    return made
  }
}

export function createCliContext(): CliContext {
  // sentences for people go to standard error, so that standard output stays a script's
  const log = createLogger({ level: 'warn', stream: process.stderr })
  const closing: (() => Promise<void>)[] = []
  let config: Config | undefined

  function read(): Config {
    config ??= loadConfigFromProcess()
    return config
  }

  const databaseUrl = once(async () => {
    const { dataFolder } = read()
    const given = await foreignDatabase(read())
    if (given !== undefined) return given
    const embedded = await openEmbedded({
      dataFolder,
      log: {
        info: () => undefined,
        warn: (message, data = {}) => log.warn(data, message),
        error: (message, data = {}) => log.error(data, message)
      }
    })
    closing.push(() => embedded.stop())
    return embedded.url
  })

  const database = once(async () => {
    const onError = (error: Error) =>
      log.warn({ err: error }, 'a connection to the database was lost')
    const { preparedStatements, pooler } = read().database
    const url = await databaseUrl()
    const opened = createDatabase({ url, pool: 1, preparedStatements, pooler, onError })
    closing.push(() => opened.end())
    const plans = planPartitions(read())
    const partitions = createPartitions({ database: opened, plans, now: () => new Date() })
    return makingPartitions(opened, () => partitions.ensure())
  })

  const store = once(async () => {
    const url = await databaseUrl()
    const { directUrl = url, preparedStatements, pooler } = read().database
    await migrate(directUrl)
    const opened = openStore({ url, directUrl, pool: 2, preparedStatements, pooler, log })
    opened.partitions(read())
    closing.push(() => opened.end())
    return opened
  })

  const settled = once(async () => {
    const given = read()
    const folder = given.mode === 'development' ? await openDataFolder(given.dataFolder) : undefined
    const port = given.port ?? Number((await folder?.recall(files.port)) ?? 3000)
    const issuer = given.issuer ?? `http://localhost:${port}`
    const resources = hasDemo(given)
      ? [...given.resources, demoApi(given, issuer)]
      : given.resources
    return settle(given, { issuer, resources })
  })

  /** What the server made at its first start is looked up, and never made here. */
  async function masterKey(): Promise<Buffer> {
    const { masterKey, dataFolder } = read()
    if (masterKey !== undefined) return masterKey
    const known = existsSync(join(dataFolder, files.masterKey))
    const kept = known
      ? await (await openDataFolder(dataFolder)).recall(files.masterKey)
      : undefined
    if (kept) return Buffer.from(kept, 'base64url')
    throw new Fault(
      'configuration_invalid',
      `There is no master key in ${dataFolder}: start the server once, or set MINTMARK_MASTER_KEY.`
    )
  }

  return {
    config: read,
    settled,
    isStarted() {
      const { database, dataFolder } = read()
      return database.url !== undefined || existsSync(join(dataFolder, files.port))
    },
    databaseUrl,
    database,
    store,
    registry: once(async () => composeClients(await store(), await settled(), masterKey)),
    accounts: once(async () => composeAccounts((await store()).database, await settled())),
    keys: once(async () =>
      composeKeyParts((await store()).database, await settled(), await masterKey())
    ),
    out: text => void process.stdout.write(text.endsWith('\n') ? text : `${text}\n`),
    err: text => void process.stderr.write(text.endsWith('\n') ? text : `${text}\n`),
    async stdin() {
      const chunks: Buffer[] = []
      for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
      return Buffer.concat(chunks).toString('utf8')
    },
    exit(code) {
      process.exitCode = code
    },
    log,
    async end() {
      for (const close of closing.splice(0).reverse()) await close()
    }
  }
}
