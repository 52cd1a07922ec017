// Locks between processes of one machine, in the data folder. The kernel holds them, so they end with their process, however it ends:
// no stale lock file has to be judged, and of two starters exactly one wins. Node has no flock; SQLite, which is part of Node, takes
// the same kind of lock on a file (fcntl), so an empty SQLite file is the lock. Nothing is ever stored in it.

import { chownSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { Fault } from '../lib/fault.ts'

export interface Lock {
  release(): void
}

export type LockAttempt = { ok: true; lock: Lock } | { ok: false; holder: number | undefined }

const sqliteBusy = 5

function openSqlite(path: string): DatabaseSync {
  // Node 22 and 24 announce once per process that SQLite is experimental. What is used of it here (open, BEGIN, close) is not.
  const { emitWarning } = process
  process.emitWarning = () => {}
  try {
    const { DatabaseSync } = process.getBuiltinModule('node:sqlite')
    return new DatabaseSync(path)
  } finally {
    process.emitWarning = emitWarning
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy
}

/** A pid that a killed holder has left behind is not that of the one who has the lock now. */
function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

function readHolder(path: string): number | undefined {
  try {
    const pid = Number(readFileSync(`${path}.pid`, 'utf8'))
    return Number.isInteger(pid) && pid > 0 && isAlive(pid) ? pid : undefined
  } catch {
    return undefined
  }
}

/** Root in another user's folder leaves nothing there that its owner cannot use. */
function giveToFolderOwner(path: string): void {
  if (process.getuid?.() !== 0) return
  const { uid, gid } = statSync(dirname(path))
  chownSync(path, uid, gid)
}

/**
 * Takes the lock `path` for this process, or tells who has it. The pid stands in a file beside it, because the lock itself cannot be
 * read; it is only for the sentence, never for the decision.
 */
export function tryLock(path: string): LockAttempt {
  const file = openSqlite(path)
  try {
    giveToFolderOwner(path)
    file.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    file.close()
    if (isBusy(error)) return { ok: false, holder: readHolder(path) }
    throw new Fault('configuration_invalid', `The lock file ${path} cannot be used.`, error)
  }
  writeFileSync(`${path}.pid`, `${process.pid}\n`, { mode: 0o600 })
  giveToFolderOwner(`${path}.pid`)

  const release = () => {
    process.off('exit', release)
    if (!file.isOpen) return
    rmSync(`${path}.pid`, { force: true })
    file.close()
  }
  // This also keeps the file reachable: a handle that is collected would close it, and the lock would be gone without a word.
  process.on('exit', release)
  return { ok: true, lock: { release } }
}

/**
 * Runs `work` under the lock, after waiting for whoever has it.
 * @throws Fault `busy` after `waitSeconds`
 */
export async function withLock<T>(
  path: string,
  waitSeconds: number,
  work: () => Promise<T>
): Promise<T> {
  const pauseMillis = 25
  for (let left = (waitSeconds * 1000) / pauseMillis; ; left--) {
    const attempt = tryLock(path)
    if (attempt.ok) {
      try {
        return await work()
      } finally {
        attempt.lock.release()
      }
    }
    if (left <= 0) {
      const holder = attempt.holder === undefined ? 'another process' : `process ${attempt.holder}`
      throw new Fault('busy', `${path} has been held by ${holder} for over ${waitSeconds} seconds.`)
    }
    await sleep(pauseMillis)
  }
}
