// What cases need from the machine: packages of a folder (npm ci, by its lockfile, without install scripts), Debian's packages, a browser.
// Installs what it may, Debian's as root only, and says what is missing otherwise. The registries are the only things it asks outside.

import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { lacksChromium } from '../support/chromium.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

export interface Needs {
  /** a folder with a package.json, from the root */
  folder?: string
  /** names of Debian's packages */
  debian?: readonly string[]
  browser?: 'chromium'
}

/** Why the case cannot run here; undefined: everything is there. */
export function missing({ folder, debian = [], browser }: Needs): string | undefined {
  if (folder !== undefined) {
    const why = missingModules(folder)
    if (why !== undefined) return why
  }
  const away = debian.filter(name => debianVersion(name) === undefined)
  if (away.length > 0) return `needs Debian's ${away.join(', ')}`
  return (browser !== undefined && lacksChromium()) || undefined
}

/** Debian's packages of all cases, in one go, where that may be done. */
export function installDebian(needs: readonly Needs[]): void {
  const wanted = new Set(needs.flatMap(({ debian = [] }) => debian))
  const away = [...wanted].filter(name => debianVersion(name) === undefined)
  if (needs.some(({ browser }) => browser !== undefined) && lacksChromium()) away.push('chromium')
  if (away.length === 0) return
  if (process.getuid?.() !== 0 || spawnSync('apt-get', ['--version']).status !== 0) {
    console.log(`not installed, and not installable here: ${away.join(' ')}`)
    return
  }
  console.log(`apt-get install ${away.join(' ')}`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  for (const command of ['update', 'install -y --no-install-recommends']) {
    const args = ['-qq', ...command.split(' '), ...(command === 'update' ? [] : away)]
    spawnSync('apt-get', args, { stdio: ['ignore', 'ignore', 'inherit'], env })
  }
}

/** undefined: not installed */
export function debianVersion(name: string): string | undefined {
  const { stdout } = spawnSync('dpkg', ['--status', name], { encoding: 'utf8' })
  const told = stdout ?? ''
  if (!/^Status: \S+ \S+ installed$/m.test(told)) return undefined
  return /^Version: (\S+)$/m.exec(told)?.[1]
}

/** The version of a package in the folder's node_modules. */
export function moduleVersion(folder: string, name: string): string {
  const file = `${root}${folder}/node_modules/${name}/package.json`
  return JSON.parse(readFileSync(file, 'utf8')).version
}

function missingModules(folder: string): string | undefined {
  const lock = `${root}${folder}/package-lock.json`
  const installed = `${root}${folder}/node_modules/.package-lock.json`
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return
  console.log(`npm ci in ${folder}`)
  try {
    execFileSync('npm', ['ci', '--ignore-scripts'], {
      cwd: `${root}${folder}`,
      stdio: ['ignore', 'ignore', 'inherit']
    })
  } catch {
    return `npm ci in ${folder} failed: is the registry at hand?`
  }
  return undefined
}
