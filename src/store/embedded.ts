// The embedded database: a real PostgreSQL of our own, for machines that have none. Who starts and ends it, in one rule:
// whoever uses it holds one connection (the keeper) for as long; who comes first starts it, who leaves last ends it. Coming and leaving
// happen under a lock of the data folder. A process that is killed lets go of its keeper, and the kernel of its lock, so a PostgreSQL
// that outlives a killed server is simply one that runs and that nobody uses: the next to come adopts it.

import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { openDataFolder } from './data-folder.ts'
import { withLock } from './data-folder-lock.ts'
import { prepareBinaries } from './embedded-binaries.ts'
import {
  connect,
  createCluster,
  findRunning,
  hasCluster,
  type Postmaster,
  removeLeftovers,
  startPostmaster,
  stopPostmaster
} from './embedded-cluster.ts'
import { type EmbeddedHome, openHome } from './embedded-home.ts'

export interface EmbeddedLog {
  info(message: string, data?: object): void
  warn(message: string, data?: object): void
  error(message: string, data?: object): void
}

export interface EmbeddedOptions {
  dataFolder: string
  log: EmbeddedLog
  /** changes to PostgreSQL's settings, for tests */
  settings?: Record<string, string>
  /** where the clusters of data folders that belong to root live; for tests */
  homes?: string
}

export interface EmbeddedPostgres {
  /** for node-postgres and libpq alike; role and database are both `mintmark`, no superuser */
  url: string
  /** it was already running */
  adopted: boolean
  /** its cluster was made by this call */
  created: boolean
  version: string
  /** Ends our use, and PostgreSQL with it if no other process uses it. End the connections of your own before. */
  stop(): Promise<void>
  /** Ends our use, and leaves PostgreSQL running for whoever comes next. */
  leave(): Promise<void>
}

/** the connection that says: I use it */
const keeperName = 'mintmark-keeper'
const lockWaitSeconds = 180
const backOffSeconds = { first: 0.1, longest: 10 }

interface Use {
  home: EmbeddedHome
  postmaster: Postmaster
  keeper: pg.Client
  adopted: boolean
  created: boolean
  version: string
}

/** The role and the database of the server, made where they are missing: also after a start that was killed half-way. */
async function prepareDatabase(keeper: pg.Client): Promise<string> {
  const { rows } = await keeper.query<{ version: string; role: boolean; database: boolean }>(
    `SELECT current_setting('server_version') AS version,
      EXISTS (SELECT FROM pg_roles WHERE rolname = 'mintmark') AS role,
      EXISTS (SELECT FROM pg_database WHERE datname = 'mintmark') AS database`
  )
  const [found] = rows
  if (!found?.role) await keeper.query('CREATE ROLE mintmark LOGIN')
  if (!found?.database) await keeper.query('CREATE DATABASE mintmark OWNER mintmark')
  return found?.version ?? ''
}

/** Comes to use it: finds PostgreSQL running, or starts it, and connects the keeper. Under the lock. */
async function enter(options: EmbeddedOptions): Promise<Use> {
  const { settings = {} } = options
  const home = await openHome(options)
  let postmaster = hasCluster(home) ? await findRunning(home) : undefined
  const adopted = postmaster !== undefined
  let created = false
  if (postmaster === undefined) {
    await removeLeftovers(home)
    const native = await prepareBinaries({ home: home.path, account: home.account })
    if (!hasCluster(home)) {
      await createCluster(home, native, settings)
      created = true
    }
    postmaster = await startPostmaster(home, native, settings)
  }
  try {
    const keeper = await connect(postmaster.socketFolder, keeperName)
    const version = await prepareDatabase(keeper)
    return { home, postmaster, keeper, adopted, created, version }
  } catch (error) {
    // nobody would end what nobody uses
    if (!adopted) await stopPostmaster(home, postmaster)
    throw error
  }
}

/** Is it used by anybody else? A process that was just killed may still be listed for a moment, so a yes is asked for again. */
async function isUsedByOthers(keeper: pg.Client): Promise<boolean> {
  for (let tries = 0; tries < 10; tries++) {
    const { rowCount } = await keeper.query(
      'SELECT FROM pg_stat_activity WHERE application_name = $1 AND pid <> pg_backend_pid()',
      [keeperName]
    )
    if (rowCount === 0) return false
    await sleep(30)
  }
  return true
}

/** Leaves it: from here on nobody counts us, however long PostgreSQL takes to end the connection. Under the lock. */
async function letGo(keeper: pg.Client): Promise<void> {
  try {
    await keeper.query("SET application_name = 'mintmark-left'")
    await keeper.end()
  } catch {
    // it has gone already
  }
}

async function open(options: EmbeddedOptions, whenItDies: 'restart' | 'give up') {
  const { log } = options
  const { path: dataFolder } = await openDataFolder(options.dataFolder)
  const underLock = <T>(work: () => Promise<T>) =>
    withLock(join(dataFolder, 'postgres.lock'), lockWaitSeconds, work)

  let use: Use | undefined
  let recovering: Promise<void> | undefined
  const ending = new AbortController()

  async function start(): Promise<Use> {
    const started = await enter({ ...options, dataFolder })
    use = started
    started.keeper.once('end', () => {
      use = undefined
      if (!ending.signal.aborted && whenItDies === 'restart') recovering = recover()
    })
    return started
  }

  /** The keeper's connection is gone, so PostgreSQL is. Tries again until it runs or we end; never faster than the back-off. */
  async function recover(): Promise<void> {
    log.error('the embedded PostgreSQL ended by itself; starting it again')
    for (let pause = backOffSeconds.first; ; pause = Math.min(pause * 2, backOffSeconds.longest)) {
      await sleep(pause * 1000, undefined, { signal: ending.signal }).catch(() => {})
      // without this, a restart that fails at once would be tried again at once, for ever, and nothing else would get a turn
      if (ending.signal.aborted) return
      try {
        // under the lock: what has ended by then must not be started behind it
        const again = await underLock(async () => (ending.signal.aborted ? undefined : start()))
        if (again) log.warn('the embedded PostgreSQL runs again', { adopted: again.adopted })
        return
      } catch (error) {
        log.error('the embedded PostgreSQL does not start', { error })
      }
    }
  }

  async function end(then: 'stop' | 'leave'): Promise<void> {
    if (ending.signal.aborted) return
    ending.abort()
    // nothing of ours goes on behind a stop
    await recovering
    await underLock(async () => {
      const mine = use
      const inUse = mine !== undefined && (await isUsedByOthers(mine.keeper).catch(() => false))
      if (mine !== undefined) await letGo(mine.keeper)
      if (then === 'leave') return
      if (inUse) return log.info('another process uses the embedded PostgreSQL: it runs on')
      // without our keeper it has probably died, but may only have ended that connection
      const running = mine?.postmaster ?? (await findRunning(home))
      if (running !== undefined) await stopPostmaster(home, running)
    })
  }

  const { home, postmaster, adopted, created, version } = await underLock(start)
  log.info('the embedded PostgreSQL runs', { version, adopted, created, folder: home.path })
  const place = `host=${encodeURIComponent(postmaster.socketFolder)}&port=5432`
  return {
    url: `postgres://mintmark@/mintmark?${place}&sslmode=disable`,
    adopted,
    created,
    version,
    stop: () => end('stop'),
    leave: () => end('leave')
  }
}

/**
 * For the server: opens the database of a data folder, and starts it again whenever it dies, until `stop`.
 * @throws Fault `configuration_invalid` where there is none for this machine; `store_unavailable` when it does not start
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  return open(options, 'restart')
}

/** For a command: the same database, whether or not a server runs beside it. */
export async function openEmbedded(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  return open(options, 'give up')
}
