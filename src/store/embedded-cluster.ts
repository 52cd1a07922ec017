// One PostgreSQL cluster and its server process (the postmaster): make it, find it running, start it, end it. Knows nothing of who
// uses it; everything here is called under the cluster's lock. Durable settings, a socket in a 0700 folder, no TCP port.

import { execFile, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import pg from 'pg'
import { Fault } from '../lib/fault.ts'
import { bareEnvironment } from './embedded-binaries.ts'
import { type EmbeddedHome, socketName } from './embedded-home.ts'

export const majorVersion = '18'

const superuser = 'postgres'
const probeName = 'mintmark-probe'
const pauseMillis = 20
const patience = { start: 120, lingering: 20, stopFast: 30, stopImmediate: 10 } // seconds

/**
 * Durability is PostgreSQL's default and stands here to be seen. No statement and no value of a row goes to the log: it lies in the
 * clear on the disk, and the database does not.
 */
const settings: Record<string, string> = {
  listen_addresses: '',
  port: '5432',
  unix_socket_permissions: '0700',
  fsync: 'on',
  full_page_writes: 'on',
  synchronous_commit: 'on',
  max_connections: '100',
  shared_buffers: '64MB',
  max_wal_size: '256MB',
  min_wal_size: '80MB',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  log_checkpoints: 'off',
  cluster_name: 'mintmark'
}

export interface Postmaster {
  pid: number
  socketFolder: string
}

/** What postmaster.pid says, line by line: pid, data folder, start time, port, socket folder, address, shared memory, status. */
interface PidFile {
  text: string
  pid: number
  socketFolder: string
}

async function readPidFile(cluster: string): Promise<PidFile | undefined> {
  const text = await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(() => '')
  const [pid, , , , socketFolder] = text.split('\n')
  const number = Number(pid)
  if (!Number.isInteger(number) || number <= 0) return undefined
  return { text, pid: number, socketFolder: socketFolder ?? '' }
}

/**
 * Is that process the postmaster of this cluster, and not something else that got the number of a dead one? Its command line names the
 * cluster; where the folder was moved meanwhile, its working folder is the cluster (which root in a container may not look up).
 */
async function isPostmaster(pid: number, cluster: string): Promise<boolean> {
  if (process.platform !== 'linux') {
    const listing = promisify(execFile)('/bin/ps', ['-ww', '-o', 'command=', '-p', String(pid)])
    const { stdout } = await listing.catch(() => ({ stdout: '' }))
    return stdout.includes(` -D ${cluster} `)
  }
  // a zombie has neither
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  if (command.includes(`\0-D\0${cluster}\0`)) return true
  const [its, ours] = await Promise.all(
    [`/proc/${pid}/cwd`, cluster].map(path => stat(path).catch(() => undefined))
  )
  return its !== undefined && its.dev === ours?.dev && its.ino === ours.ino
}

/** Connects as the superuser, for maintenance only; the server itself connects as `mintmark`. */
export async function connect(socketFolder: string, name: string): Promise<pg.Client> {
  const client = new pg.Client({
    host: socketFolder,
    port: 5432,
    user: superuser,
    database: superuser,
    ssl: false,
    application_name: name,
    connectionTimeoutMillis: 10_000
  })
  // what is wrong with a connection is told to whoever waits for it; without a listener it would end the process
  client.on('error', () => {})
  await client.connect()
  return client
}

/** Where the server answers that reads the same postmaster.pid as we do: that one runs on this very cluster. */
async function findSocket(home: EmbeddedHome, file: PidFile): Promise<string | undefined> {
  // the folder of a running server may have been moved: then its socket is where ours is, not where it thinks
  for (const socketFolder of new Set([home.socketFolder, file.socketFolder])) {
    try {
      const client = await connect(socketFolder, probeName)
      const { rows } = await client
        .query<{ text: string }>("SELECT pg_read_file('postmaster.pid') AS text")
        .finally(() => client.end())
      if (unchanging(rows[0]?.text) === unchanging(file.text)) return socketFolder
    } catch {
      // nobody there, or not yet
    }
  }
  return undefined
}

/**
 * The running server of this cluster, if there is one.
 * @throws Fault `store_unavailable` when it runs and does not answer; `busy` when it runs out of our reach
 */
export async function findRunning(home: EmbeddedHome): Promise<Postmaster | undefined> {
  for (let left = (patience.start * 1000) / pauseMillis; left > 0; left--) {
    const file = await readPidFile(home.cluster)
    if (file === undefined) return undefined
    const isVisible = await isPostmaster(file.pid, home.cluster)
    const socketFolder = await findSocket(home, file)
    if (isVisible && socketFolder !== undefined) return { pid: file.pid, socketFolder }
    // a postmaster that ended after we looked has taken its file along
    if (!isVisible && socketFolder === undefined) return undefined
    if (!isVisible && (await readPidFile(home.cluster))?.text === file.text) {
      throw new Fault(
        'busy',
        `The PostgreSQL of ${home.cluster} runs in another container, which shares this folder. Stop that one first.`
      )
    }
    await sleep(pauseMillis)
  }
  throw new Fault('store_unavailable', `PostgreSQL runs on ${home.cluster}, but does not answer.`)
}

/** The lines that never change while a postmaster lives: pid, data folder, start time. */
function unchanging(text: string | undefined): string {
  return (text ?? '').split('\n').slice(0, 3).join('\n')
}

/** Runs initdb beside the cluster's place: a cluster with that name is a whole one, whatever ends us in between. */
export async function createCluster(
  home: EmbeddedHome,
  native: string,
  changes: Record<string, string>
): Promise<void> {
  // a name of its own: an initdb that outlived its killed starter may still be writing to another
  const half = join(home.path, `cluster.${randomUUID()}.new`)
  const options = [
    ['--pgdata', half],
    ['--username', superuser],
    // Whoever can reach the socket is let in: its folder is 0700, so that is the owner of the data, and root.
    ['--auth-local', 'trust'],
    ['--auth-host', 'reject'],
    ['--encoding', 'UTF8'],
    // sorts the same on every machine, whatever its C library
    ['--locale-provider', 'builtin'],
    ['--builtin-locale', 'C.UTF-8'],
    ['--locale', 'C'],
    ['--data-checksums'],
    changes['fsync'] === 'off' ? ['--no-sync'] : []
  ]
  try {
    await promisify(execFile)(join(native, 'bin', 'initdb'), options.flat(), {
      ...home.account,
      cwd: home.path,
      env: bareEnvironment
    })
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : ''
    throw new Fault('store_unavailable', `initdb failed: ${said}`, error)
  }
  await rename(half, home.cluster)
}

/** @throws Fault `configuration_invalid` when another major version made it */
export function hasCluster(home: EmbeddedHome): boolean {
  if (!existsSync(home.cluster)) return false
  const made = readFileSync(join(home.cluster, 'PG_VERSION'), 'utf8').trim()
  if (made !== majorVersion) {
    throw new Fault(
      'configuration_invalid',
      `The database in ${home.cluster} was made by PostgreSQL ${made}, and this is ${majorVersion}. Dump it with the version that made it, delete the folder, and load the dump.`
    )
  }
  return true
}

/**
 * PostgreSQL does not start while the pid in a left-over lock file is alive, whatever it is by now (a zombie is enough). We know that it
 * is not the postmaster. postmaster.pid stays, with our pid in it, which PostgreSQL knows as its parent's: its other test, whether the
 * memory of a dead postmaster is still in use by one of its processes, reads the rest of the file and protects the data.
 */
async function disarmLockFiles(home: EmbeddedHome): Promise<void> {
  for (const name of [socketName, `${socketName}.lock`]) {
    await rm(join(home.socketFolder, name), { force: true })
  }
  const file = await readPidFile(home.cluster)
  if (file === undefined) return
  const [, ...rest] = file.text.split('\n')
  await writeFile(join(home.cluster, 'postmaster.pid'), [process.pid, ...rest].join('\n'))
}

async function openLog(path: string) {
  const size = await stat(path).then(
    info => info.size,
    () => 0
  )
  if (size > 1024 * 1024) await rename(path, `${path}.1`)
  return open(path, 'a', 0o600)
}

async function endOfLog(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => '')
  return text.trim().split('\n').slice(-5).join('\n')
}

/** The setting is a list, in which a comma separates. */
function quoted(path: string): string {
  return `"${path.replaceAll('"', '""')}"`
}

/**
 * Starts the server of a cluster that has none running, and waits until it answers. It is in a session of its own: Ctrl-C in our
 * terminal does not reach it, and it outlives us when we are killed, to be found by the next start.
 * @throws Fault `store_unavailable` with the end of its log
 */
export async function startPostmaster(
  home: EmbeddedHome,
  native: string,
  changes: Record<string, string>
): Promise<Postmaster> {
  for (let tries = 0; ; tries++) {
    try {
      return await tryPostmaster(home, native, changes)
    } catch (error) {
      // the processes of a killed postmaster notice that it is gone, but a busy one takes its time
      const lingers = error instanceof Fault && error.message.includes('shared memory block')
      if (!lingers || tries === patience.lingering) throw error
      await sleep(1000)
    }
  }
}

async function tryPostmaster(
  home: EmbeddedHome,
  native: string,
  changes: Record<string, string>
): Promise<Postmaster> {
  await disarmLockFiles(home)
  const logPath = join(home.path, 'postgres.log')
  const log = await openLog(logPath)
  const all = { ...settings, unix_socket_directories: quoted(home.socketFolder), ...changes }
  const options = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const child = spawn(join(native, 'bin', 'postgres'), ['-D', home.cluster, ...options], {
    ...home.account,
    cwd: home.path,
    env: bareEnvironment,
    detached: true,
    stdio: ['ignore', log.fd, log.fd]
  })
  child.unref()
  let ended: unknown
  child.once('error', error => {
    ended = error
  })
  child.once('exit', (code, signal) => {
    ended ??= `it ended with ${signal ?? code}`
  })
  await log.close()

  let problem: unknown
  for (let left = (patience.start * 1000) / pauseMillis; left > 0 && !ended; left--) {
    try {
      await (await connect(home.socketFolder, probeName)).end()
      return { pid: child.pid ?? 0, socketFolder: home.socketFolder }
    } catch (error) {
      problem = error
    }
    await sleep(pauseMillis)
  }
  throw new Fault(
    'store_unavailable',
    `The embedded PostgreSQL did not start (${ended ?? 'no answer'}). Its log, ${logPath}, ends with:\n${await endOfLog(logPath)}`,
    problem
  )
}

async function hasEnded(pid: number, cluster: string, seconds: number): Promise<boolean> {
  for (let left = (seconds * 1000) / pauseMillis; left > 0; left--) {
    if (!(await isPostmaster(pid, cluster))) return true
    await sleep(pauseMillis)
  }
  return false
}

/** Ends the server and waits until it is gone: first as pg_ctl's fast mode does, then as its immediate mode, which costs a recovery. */
export async function stopPostmaster(home: EmbeddedHome, { pid }: Postmaster): Promise<void> {
  const steps = [
    ['SIGINT', patience.stopFast],
    ['SIGQUIT', patience.stopImmediate],
    ['SIGKILL', patience.stopImmediate]
  ] as const
  for (const [signal, seconds] of steps) {
    if (!(await isPostmaster(pid, home.cluster))) return
    try {
      process.kill(pid, signal)
    } catch {
      return
    }
    if (await hasEnded(pid, home.cluster, seconds)) return
  }
  throw new Fault('store_unavailable', `PostgreSQL (process ${pid}) does not end.`)
}

/** Removes what killed starters left half-made, as far as that goes: somebody may still be writing to it. */
export async function removeLeftovers(home: EmbeddedHome): Promise<void> {
  for (const name of await readdir(home.path)) {
    if (!name.endsWith('.new')) continue
    await rm(join(home.path, name), { recursive: true, force: true }).catch(() => {})
  }
}
