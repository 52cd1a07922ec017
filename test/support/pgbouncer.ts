// A PgBouncer in transaction mode in front of the tests' PostgreSQL, which a test may kill and start again. Where the machine has none,
// a test is skipped with a reason. MINTMARK_TEST_PGBOUNCER names another program than the one that PATH leads to.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { isRoot, nobody, socketFolderOf } from './embedded-folder.ts'
import { freePort } from './server.ts'

const program = process.env['MINTMARK_TEST_PGBOUNCER'] ?? 'pgbouncer'

/** As in 1.18; undefined where there is none. */
export const pgbouncerVersion = findVersion()

function findVersion(): number | undefined {
  try {
    const said = execFileSync(program, ['--version'], { encoding: 'utf8' })
    const [, major, minor] = /PgBouncer (\d+)\.(\d+)/.exec(said) ?? []
    return Number(major) + Number(minor) / 100
  } catch {
    return undefined
  }
}

/** Whether it follows named statements from one connection to the next. */
export const tracksStatements = (pgbouncerVersion ?? 0) >= 1.21

export interface Bouncer {
  url: string
  pid(): number
  kill(): Promise<void>
  start(): Promise<void>
}

/** Starts one in front of `url`, a database of the test cluster; it is gone with `t`. */
export async function startPgbouncer(
  t: Test,
  url: string,
  settings: Record<string, string> = {}
): Promise<Bouncer> {
  const folder = mkdtempSync(join(tmpdir(), 'mm-pgb-'))
  chmodSync(folder, 0o755)
  // it does not run as root, and the folder of the cluster's socket belongs to whoever runs PostgreSQL there
  if (isRoot) chownSync(folder, nobody.uid, nobody.gid)
  const port = await freePort()
  const name = /^postgres:\/\/mintmark@\/([^?]+)/.exec(url)?.[1] ?? ''
  writeFileSync(join(folder, 'users'), '"mintmark" ""\n')
  const all = {
    pool_mode: 'transaction',
    listen_addr: '127.0.0.1',
    listen_port: String(port),
    unix_socket_dir: '',
    auth_type: 'trust',
    auth_file: join(folder, 'users'),
    logfile: join(folder, 'log'),
    pidfile: join(folder, 'pid'),
    default_pool_size: '8',
    ...(tracksStatements && { max_prepared_statements: '200' }),
    ...settings
  }
  const lines = Object.entries(all).map(([key, value]) => `${key} = ${value}`)
  const database = `${name} = host=${socketFolderOf(url)} dbname=${name}`
  const file = join(folder, 'pgbouncer.ini')
  writeFileSync(file, `[databases]\n${database}\n[pgbouncer]\n${lines.join('\n')}\n`)

  let child: ChildProcess
  async function start() {
    child = spawn(program, [file], { ...(isRoot && nobody), cwd: '/', stdio: 'ignore' })
    const exit = once(child, 'exit')
    while (!(await answers(port))) {
      if (child.exitCode !== null) throw new Error(`pgbouncer ended: see ${folder}`)
      await Promise.race([exit, sleep(20)])
    }
  }
  async function kill() {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  await start()
  t.teardown(async () => {
    await kill()
    rmSync(folder, { recursive: true, force: true })
  })
  return {
    url: `postgres://mintmark@127.0.0.1:${port}/${name}`,
    pid: () => child.pid ?? 0,
    kill,
    start
  }
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
