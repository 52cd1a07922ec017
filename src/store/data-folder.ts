// The data folder: what a server keeps on its own machine, beside the database. Owns who may enter (its user alone, 0700), the one
// server that may use it, small remembered values and secret files (0600). It refuses a folder or a secret that others can read.

import { randomUUID } from 'node:crypto'
import {
  chmod,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat
} from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Fault } from '../lib/fault.ts'
import { type Lock, tryLock } from './data-folder-lock.ts'

export interface DataFolder {
  /** absolute */
  path: string
  /**
   * Claims the folder for this server process until `release` or its end, SIGKILL included.
   * @throws Fault `busy`, naming the process that has it
   */
  lock(): Promise<Lock>
  /** Keeps one small value, whole or not at all. */
  remember(name: string, value: string | number): Promise<void>
  recall(name: string): Promise<string | undefined>
  /**
   * A secret that is made once: of several processes that come at the same time, all get the same one.
   * @throws Fault `configuration_invalid` when others can read the file, or it is empty
   */
  secretFile(name: string, make: () => string): Promise<string>
}

const serverLock = 'server.lock'
/** A folder with one of these is a data folder. */
const locks = [serverLock, 'postgres.lock']

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

function ownUid(): number {
  return process.getuid?.() ?? 0
}

function octal(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, '0')
}

/**
 * Makes a folder and those above it. Not by `recursive`: where the system says "no such file" of a folder that cannot be made at all, as in
 * /proc, Node goes on trying for ever.
 */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return
    const above = dirname(path)
    const missesParent = isMissing(error) && (await isMissingFolder(above))
    if (!missesParent) throw error
    await makeFolder(above)
    await mkdir(path, { mode: 0o700 })
  }
}

async function isMissingFolder(path: string): Promise<boolean> {
  return stat(path).then(() => false, isMissing)
}

/** Makes the folder, or checks the one that is there. Only an empty one, or one of ours, is closed to others without asking. */
async function prepareFolder(path: string): Promise<void> {
  try {
    await makeFolder(path)
    const { uid, mode } = await stat(path)
    if (ownUid() !== 0 && uid !== ownUid()) {
      throw new Fault(
        'configuration_invalid',
        `The data folder ${path} belongs to another user (uid ${uid}). Start as that user, or set MINTMARK_DATA to a folder of your own.`
      )
    }
    if ((mode & 0o077) === 0) return
    const content = await readdir(path)
    // MINTMARK_DATA=/tmp must not lock everybody else out of /tmp
    if (content.length > 0 && !locks.some(name => content.includes(name))) {
      throw new Fault(
        'configuration_invalid',
        `The data folder ${path} is open to other users (mode ${octal(mode)}) and holds files that are not mintmark's. Set MINTMARK_DATA to a folder of its own, or run: chmod 700 ${path}`
      )
    }
    await chmod(path, 0o700)
  } catch (error) {
    if (error instanceof Fault) throw error
    throw new Fault(
      'configuration_invalid',
      `The data folder ${path} cannot be used: ${error instanceof Error ? error.message : error}. Set MINTMARK_DATA to a folder that this user can write.`,
      error
    )
  }
}

/** Writes a file of its own name beside the target, on disk before it gets the target's name. */
async function writeBeside(target: string, content: string): Promise<string> {
  const path = `${target}.${randomUUID()}.new`
  const file = await open(path, 'wx', 0o600)
  try {
    if (ownUid() === 0) {
      // root in another user's folder leaves nothing there that its owner cannot use
      const { uid, gid } = await stat(dirname(target))
      await file.chown(uid, gid)
    }
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
  return path
}

/** A new name is durable only when its folder is. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

async function readSecret(path: string): Promise<string | undefined> {
  try {
    const info = await lstat(path)
    if (!info.isFile() || (info.mode & 0o077) !== 0) {
      throw new Fault(
        'configuration_invalid',
        `The secret file ${path} must be a plain file that only its owner can read, but its mode is ${octal(info.mode)}. If nobody else has read it, run: chmod 600 ${path}`
      )
    }
    const secret = (await readFile(path, 'utf8')).trim()
    if (secret === '') {
      throw new Fault('configuration_invalid', `The secret file ${path} is empty. Restore it.`)
    }
    return secret
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** Opens the data folder, making it if need be. */
export async function openDataFolder(folder: string): Promise<DataFolder> {
  const path = resolve(folder)
  await prepareFolder(path)

  /** Names are ours, not a user's: a wrong one is a mistake in the code. */
  function fileOf(name: string): string {
    if (basename(name) !== name || !/^[a-z0-9][a-z0-9.-]*$/.test(name)) {
      throw new Error(`not a name for a file of the data folder: ${name}`)
    }
    return join(path, name)
  }

  return {
    path,

    async lock() {
      let attempt = tryLock(join(path, serverLock))
      // the one who has just won may not have written down its pid yet
      for (let tries = 0; !attempt.ok && attempt.holder === undefined && tries < 10; tries++) {
        await sleep(20)
        attempt = tryLock(join(path, serverLock))
      }
      if (attempt.ok) return attempt.lock
      const { holder: pid } = attempt
      const holder = pid === undefined ? 'Another process' : `Process ${pid}`
      throw new Fault(
        'busy',
        `${holder} already runs a server on the data folder ${path}. Stop it first, or set MINTMARK_DATA to another folder.`
      )
    },

    async remember(name, value) {
      const target = fileOf(name)
      await rename(await writeBeside(target, `${value}\n`), target)
      await syncFolder(path)
    },

    async recall(name) {
      try {
        return (await readFile(fileOf(name), 'utf8')).trim()
      } catch (error) {
        if (isMissing(error)) return undefined
        throw error
      }
    },

    async secretFile(name, make) {
      const target = fileOf(name)
      const known = await readSecret(target)
      if (known !== undefined) return known
      const made = await writeBeside(target, `${make()}\n`)
      try {
        // link, unlike rename, never replaces: who comes second reads what the first one made
        await link(made, target)
        await syncFolder(path)
      } catch (error) {
        const exists = error instanceof Error && 'code' in error && error.code === 'EEXIST'
        if (!exists) throw error
      } finally {
        await rm(made, { force: true })
      }
      const secret = await readSecret(target)
      if (secret === undefined) throw new Fault('internal', `${target} vanished.`)
      return secret
    }
  }
}
