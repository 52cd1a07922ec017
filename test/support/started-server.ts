// A server as `npm start` runs it: a process of its own (`bin/mintmark.mjs start`), a data folder that only its owner can enter, a
// configuration file, and what it printed. Owns nothing of the server: all that a test knows of it was printed, or is public.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { createTestDatabase } from './postgres.ts'
import { freePort } from './server.ts'

const launcher = fileURLToPath(new URL('../../bin/mintmark.mjs', import.meta.url))
const longestStart = 60_000

export interface StartedServer {
  issuer: string
  /** the demo's account, as the banner says it */
  person: { login: string; password: string }
  /** the block that was printed */
  banner: string
  /** log lines so far */
  log(): Record<string, unknown>[]
  databaseUrl: string
}

/**
 * Starts the server and waits for its banner; it ends with `t`. `configuration` is the content of MINTMARK_CONFIG.
 * @throws Error with what it said, when it ends before
 */
export async function startServerAsUsersDo(
  t: Test,
  configuration: Record<string, unknown> = {}
): Promise<StartedServer> {
  const { url } = await createTestDatabase(t)
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'mintmark-started-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  chmodSync(folder, 0o700)
  const file = join(folder, 'mintmark.json')
  writeFileSync(file, JSON.stringify({ log: { level: 'info' }, ...configuration }))

  const child = spawn(process.execPath, [launcher, 'start'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      MINTMARK_CONFIG: file,
      MINTMARK_DATA: join(folder, 'data'),
      MINTMARK_PORT: String(port),
      DATABASE_URL: url
    }
  })
  // a run that is cut short has no teardown
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  t.teardown(async () => {
    await end(child)
    process.off('exit', kill)
  })
  const printed = { out: '', err: '' }
  child.stderr.on('data', chunk => {
    printed.err += chunk
  })
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the server took too long')), longestStart)
    child.stdout.on('data', chunk => {
      printed.out += chunk
      if (!printed.out.includes('WARNING development mode')) return
      clearTimeout(timer)
      resolve()
    })
    child.once('exit', code => {
      clearTimeout(timer)
      reject(new Error(`the server ended with ${code}: ${printed.err}`))
    })
  })

  const lines = () => printed.out.split('\n')
  const banner = lines()
    .filter(line => line.startsWith('  '))
    .join('\n')
  const [, login = '', password = ''] = /sign in as (\S+) \/ (\S+)/.exec(banner) ?? []
  return {
    issuer: `http://localhost:${port}`,
    person: { login, password },
    banner,
    log: () => lines().flatMap(line => (line.startsWith('{') ? [JSON.parse(line)] : [])),
    databaseUrl: url
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  await once(child, 'exit')
}
