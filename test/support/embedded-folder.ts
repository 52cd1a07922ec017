// Folders and processes for the tests of the embedded PostgreSQL: where a test's clusters live, who uses them, and which run.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import type { Test } from 'tap'
import type { Lifetime } from './lifetime.ts'

export const isRoot = process.getuid?.() === 0

export const userProgram = fileURLToPath(new URL('../store/embedded-user.ts', import.meta.url))

/** Some ordinary user that every system has; initdb wants one with a name. */
export const daemon = { uid: 1, gid: 1 }
export const nobody = { uid: 65534, gid: 65534 }

/** A folder outside of the working copy that everybody can pass; with it go all processes that still run in it. */
export function makeFolder(t: Lifetime, owner?: { uid: number; gid: number }): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'mm-')))
  chmodSync(folder, 0o755)
  if (owner) chownSync(folder, owner.uid, owner.gid)
  t.teardown(async () => {
    for (const pid of postmastersIn(folder)) process.kill(pid, 'SIGQUIT')
    await until(() => postmastersIn(folder).length === 0)
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  })
  return folder
}

export interface Folder {
  dataFolder: string
  homes: string
  settings?: Record<string, string>
}

/** The options of a data folder `name`, with everything inside of `folder`, also as root. Not synced: no test cuts the power. */
export function dataFolderIn(folder: string, name = 'data'): Folder {
  return {
    dataFolder: join(folder, name),
    homes: join(folder, 'homes'),
    settings: { fsync: 'off' }
  }
}

/** The postmasters that run on clusters below a folder. */
export function postmastersIn(folder: string): number[] {
  const list = execFileSync('ps', ['-A', '-ww', '-o', 'pid=,command='], { encoding: 'utf8' })
  return list
    .split('\n')
    .filter(line => line.includes('/bin/postgres -D ') && line.includes(`-D ${folder}/`))
    .map(line => Number.parseInt(line, 10))
}

export interface User {
  url: string
  adopted: boolean
  created: boolean
  version: string
  process: ChildProcess
  log(): string
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>
}

/** Another process that uses the database of a data folder. */
export async function startUser(
  t: Test,
  how: 'start' | 'open',
  folder: Folder,
  account: { uid: number; gid: number } | undefined = undefined
): Promise<User> {
  const child = spawn(process.execPath, [userProgram, how, JSON.stringify(folder)], {
    ...account,
    cwd: '/',
    stdio: ['ignore', 'pipe', 'pipe']
  })
  let log = ''
  child.stderr.setEncoding('utf8').on('data', text => {
    log += text
  })
  const exit = once(child, 'exit')
  const end = async (signal: 'SIGTERM' | 'SIGKILL') => {
    child.kill(signal)
    await exit
  }
  t.teardown(() => end('SIGKILL'))
  const lines = createInterface(child.stdout)
  const answer = await Promise.race([once(lines, 'line'), exit.then(() => undefined)])
  if (answer === undefined) throw new Error(`the process ended without an answer: ${log}`)
  return { ...JSON.parse(String(answer[0])), process: child, log: () => log, end }
}

/** Runs SQL as the database's owner, or as the superuser. */
export async function sql(
  url: string,
  text: string,
  role: 'mintmark' | 'postgres' = 'mintmark'
): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({
    connectionString: url.replace('//mintmark@', `//${role}@`),
    connectionTimeoutMillis: 20_000,
    query_timeout: 20_000
  })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

export function socketFolderOf(url: string): string {
  return new URL(url.replace('@/', '@host/')).searchParams.get('host') ?? ''
}

/** The folder of a cluster whose socket is beside it. */
export function clusterOf(url: string): string {
  return join(dirname(socketFolderOf(url)), 'cluster')
}

export const kept = [{ value: 'it' }]

export async function keepRow(url: string): Promise<void> {
  await sql(url, 'CREATE TABLE kept (value text)')
  await sql(url, "INSERT INTO kept VALUES ('it')")
}

export async function readKept(url: string): Promise<Record<string, unknown>[]> {
  return sql(url, 'SELECT value FROM kept')
}

/** Waits for what must come; the test's own time-out ends it if it does not. */
export async function until(what: () => boolean): Promise<void> {
  while (!what()) await sleep(50)
}
