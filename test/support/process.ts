// The command `mintmark` as an operator runs it: a process of its own with nothing but the environment that a test gives it, in a folder
// of the test's own. Owns starting, waiting, stopping by process id, and what is left behind; knows nothing of the server but what it
// printed.

import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, chownSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { postmastersIn } from './embedded-folder.ts'
import type { Lifetime } from './lifetime.ts'

const launcher = fileURLToPath(new URL('../../bin/mintmark.mjs', import.meta.url))
const longestStart = 60_000

export interface Place {
  /** where commands run; only its owner may enter */
  folder: string
  /** MINTMARK_DATA */
  data: string
  /** variables of every command here, besides PATH and MINTMARK_DATA */
  env: Record<string, string>
  /** whom the folder belongs to, and who runs the commands; undefined: whoever runs the tests */
  account: { uid: number; gid: number } | undefined
}

/** A folder for one installation. What runs in it, and what it left elsewhere, goes with `t`. */
export function makePlace(
  t: Lifetime,
  env: Record<string, string> = {},
  account?: { uid: number; gid: number }
): Place {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'mm-e2e-')))
  chmodSync(folder, 0o700)
  if (account !== undefined) chownSync(folder, account.uid, account.gid)
  const place = { folder, data: join(folder, 'data'), env, account }
  t.teardown(() => {
    const home = homeOf(place)
    for (const pid of postgresOf(place)) process.kill(pid, 'SIGQUIT')
    for (const path of [folder, home]) {
      rmSync(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
    }
  })
  return place
}

/** Where the embedded cluster of a place lives: root's is not in the data folder. */
function homeOf({ data }: Place): string {
  try {
    return JSON.parse(readFileSync(join(data, 'postgres-home.json'), 'utf8')).path
  } catch {
    return join(data, 'postgres')
  }
}

/** The process ids of the PostgreSQL servers that run for a place. */
export function postgresOf(place: Place): number[] {
  return postmastersIn(homeOf(place))
}

export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  out: string
  err: string
}

export interface Command {
  child: ChildProcess
  out(): string
  err(): string
  /** resolves when the process is gone and all that it said was read */
  ended: Promise<Ended>
}

interface Options {
  env?: Record<string, string>
  /** standard input; without it there is none */
  input?: string
  /** the command of another version */
  launcher?: string
  /** options of Node itself */
  node?: string[]
}

/** Begins a command and does not wait for it. */
export function launch(t: Lifetime, place: Place, args: string[], options: Options = {}): Command {
  // through a shell, because tap adds its own loader to every Node that a test starts: slower, and not for other users to write to
  const bare = ['-c', 'unset NODE_OPTIONS; exec "$0" "$@"', process.execPath]
  const command = options.launcher ?? launcher
  const child = spawn('/bin/sh', [...bare, ...(options.node ?? []), command, ...args], {
    ...place.account,
    cwd: place.folder,
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'] ?? '',
      MINTMARK_DATA: place.data,
      ...place.env,
      ...options.env
    }
  })
  child.stdin?.end(options.input)
  const said = { out: '', err: '' }
  child.stdout?.setEncoding('utf8').on('data', text => {
    said.out += text
  })
  child.stderr?.setEncoding('utf8').on('data', text => {
    said.err += text
  })
  const ended = new Promise<Ended>(resolve =>
    child.once('close', (code, signal) => resolve({ code, signal, ...said }))
  )
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return { child, out: () => said.out, err: () => said.err, ended }
}

/** Runs a command to its end. */
export function mintmark(t: Lifetime, place: Place, args: string[], options: Options = {}) {
  return launch(t, place, args, options).ended
}

export interface Running extends Command {
  pid: number
  /** milliseconds from the command to the banner */
  took: number
  issuer: string
  /** the block for people, without log lines; empty in production */
  banner(): string
  /** the log so far, an object a line */
  log(): Record<string, unknown>[]
  /** what was printed on standard output and is neither banner nor JSON */
  stray(): string[]
  stop(signal?: NodeJS.Signals): Promise<Ended>
}

const isBanner = (line: string) => line === '' || line.startsWith('  ')
const isReady = (out: string) =>
  /^ {2}WARNING development mode.*\n/m.test(out) || out.includes('"mintmark is listening"')

/**
 * Starts the server and waits until it answers requests.
 * @throws Error with what it said when it ends before
 */
export async function startMintmark(
  t: Lifetime,
  place: Place,
  options: Options = {}
): Promise<Running> {
  const begun = performance.now()
  const command = launch(t, place, ['start'], options)
  const { child, out } = command
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer: ${out()}`)), longestStart)
    child.stdout?.on('data', () => {
      if (!isReady(out())) return
      clearTimeout(timer)
      resolve()
    })
    void command.ended.then(({ code, err }) => {
      clearTimeout(timer)
      reject(new Error(`the server ended with ${code}: ${err}\n${out()}`))
    })
  })
  const took = performance.now() - begun
  const lines = () => out().split('\n')
  const log = () => lines().flatMap(line => (line.startsWith('{') ? [JSON.parse(line)] : []))
  const banner = () => lines().filter(isBanner).join('\n').trim()
  const listening = log().find(({ msg }) => msg === 'mintmark is listening')
  return {
    ...command,
    pid: child.pid ?? 0,
    took,
    issuer: String(listening?.['issuer'] ?? /Issuer +(\S+)/.exec(banner())?.[1]),
    banner,
    log,
    stray: () => lines().filter(line => !isBanner(line) && !line.startsWith('{')),
    async stop(signal = 'SIGTERM') {
      child.kill(signal)
      return command.ended
    }
  }
}
