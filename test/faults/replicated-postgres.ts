// A primary and its standby, of PostgreSQL 15 as Debian packages it (the embedded package has no pg_basebackup): made, joined, killed and
// promoted by the script, on loopback. Whoever was promoted gets a new standby, so that it can be killed in its turn.

import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { isRoot, makeFolder, nobody, sql } from '../support/embedded-folder.ts'
import type { Lifetime } from '../support/lifetime.ts'
import { freePort } from '../support/server.ts'
import { killTree } from './process-tree.ts'

const binaries = '/usr/lib/postgresql/15/bin'

/** Why it cannot be had here; undefined where it can. */
export const noReplication = existsSync(join(binaries, 'pg_basebackup'))
  ? undefined
  : 'PostgreSQL 15 of Debian (postgresql-15) is not installed'

export interface Node {
  port: number
  pid: number
  /** as mintmark */
  url: string
  /** as superuser */
  ask(text: string): Promise<Record<string, unknown>[]>
}

export interface Replication {
  primary: Node
  standby: Node
}

const account = isRoot ? nobody : undefined
const run = (program: string, args: readonly string[]) =>
  promisify(execFile)(join(binaries, program), [...args], { ...account })

async function start(life: Lifetime, folder: string, cluster: string): Promise<Node> {
  const port = await freePort()
  const settings = [
    `port=${port}`,
    'listen_addresses=127.0.0.1',
    `unix_socket_directories=${folder}`,
    'max_connections=100'
  ]
  const server = spawn(
    join(binaries, 'postgres'),
    ['-D', cluster, ...settings.flatMap(setting => ['-c', setting])],
    { ...account, stdio: 'ignore' }
  )
  const pid = server.pid ?? 0
  life.teardown(() => killTree(pid))
  const url = `postgres://mintmark@127.0.0.1:${port}/mintmark?sslmode=disable`
  const owner = `postgres://postgres@127.0.0.1:${port}/postgres?sslmode=disable`
  for (;;) {
    const ready = await sql(owner, 'SELECT 1').catch(() => undefined)
    if (ready !== undefined) return { port, pid, url, ask: text => sql(owner, text) }
    if (server.exitCode !== null) throw new Error(`PostgreSQL ended with ${server.exitCode}`)
    await sleep(50)
  }
}

/** An empty primary with mintmark's role and database. */
export async function startPrimary(life: Lifetime): Promise<{ folder: string; primary: Node }> {
  const folder = makeFolder(life, account)
  const cluster = join(folder, 'first')
  await run('initdb', [
    '-D',
    cluster,
    '-U',
    'postgres',
    '-A',
    'trust',
    '-E',
    'UTF8',
    '--locale=C',
    '--no-sync'
  ])
  const primary = await start(life, folder, cluster)
  await primary.ask('CREATE ROLE mintmark LOGIN')
  await primary.ask('CREATE DATABASE mintmark OWNER mintmark')
  return { folder, primary }
}

/** Gives a primary a standby; with `synchronous` no commit is confirmed before it is there as well. */
export async function joinStandby(
  life: Lifetime,
  folder: string,
  primary: Node,
  how: 'synchronous' | 'asynchronous'
): Promise<Replication> {
  const cluster = join(folder, `standby-of-${primary.port}`)
  await primary.ask("ALTER SYSTEM SET synchronous_standby_names = ''")
  await primary.ask('SELECT pg_reload_conf()')
  const from = ['-h', '127.0.0.1', '-p', String(primary.port), '-U', 'postgres']
  await run('pg_basebackup', [
    ...from,
    '-D',
    cluster,
    '-R',
    '-X',
    'stream',
    '-c',
    'fast',
    '--no-sync'
  ])
  const standby = await start(life, folder, cluster)
  if (how === 'synchronous') {
    await primary.ask("ALTER SYSTEM SET synchronous_standby_names = '*'")
    await primary.ask('SELECT pg_reload_conf()')
  }
  const wanted = how === 'synchronous' ? 'sync' : 'async'
  const state = "SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming'"
  while ((await primary.ask(state))[0]?.['sync_state'] !== wanted) await sleep(50)
  return { primary, standby }
}

/** The standby's receiver stands still: what the primary confirms alone from now on will be lost with it. Answers how to end it. */
export async function deafen({ standby }: Replication): Promise<() => void> {
  const [receiver] = await standby.ask('SELECT pid FROM pg_stat_wal_receiver')
  const pid = Number(receiver?.['pid'])
  process.kill(pid, 'SIGSTOP')
  return () => {
    // it ends before it reads what stands in its socket, as a cable that was cut would have it
    process.kill(pid, 'SIGTERM')
    process.kill(pid, 'SIGCONT')
  }
}

/** SIGKILL to the primary; the standby takes over. Resolves when it accepts writes. */
export async function failOver(
  { primary, standby }: Replication,
  endReceiver: () => void
): Promise<void> {
  await killTree(primary.pid)
  endReceiver()
  await standby.ask("ALTER SYSTEM SET synchronous_standby_names = ''")
  await standby.ask('SELECT pg_reload_conf()')
  await standby.ask('SELECT pg_promote(true, 60)')
}
