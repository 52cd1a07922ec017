// What to think of what a database, a clock and a folder say: pure verdicts for `mintmark doctor` and for start.
// Whoever asks them hands in the numbers; nothing here reaches for a database or a disk.

import type { CheckResult } from './doctor.ts'

/** The oldest PostgreSQL that we run on, as `server_version_num` counts. */
const oldestVersion = 150_000
/** HOUSE §4: more between process and database makes readiness red. */
export const greatestClockSkewSeconds = 5

type Verdict = Omit<CheckResult, 'name'>

/** `server_version_num`, as in 180004. */
export function judgeVersion(versionNumber: number): Verdict {
  const version = `PostgreSQL ${Math.floor(versionNumber / 10_000)}`
  if (versionNumber >= oldestVersion) return { status: 'ok', detail: version }
  return { status: 'problem', detail: `${version} is too old`, fix: 'Use PostgreSQL 15 or later.' }
}

/** The settings without which a crash may lose or tear what was answered for: names and values of `SHOW`. */
export function judgeDurability(settings: {
  fsync: string
  full_page_writes: string
  synchronous_commit: string
}): Verdict {
  // `local`, `remote_write` and `remote_apply` wait for the disk of this server, too
  const off = Object.entries(settings)
    .filter(([, value]) => value === 'off')
    .map(([name]) => name)
  if (off.length === 0) return { status: 'ok', detail: 'commits survive a crash' }
  return {
    status: 'problem',
    detail: `${off.join(', ')} ${off.length === 1 ? 'is' : 'are'} off: a crash may bring spent tokens back`,
    fix: `Set ${off.map(name => `${name} = on`).join(', ')} in PostgreSQL.`
  }
}

/** Migrations that have not run, by name. */
export function judgeMigrations(pending: readonly string[]): Verdict {
  if (pending.length === 0) return { status: 'ok', detail: 'current' }
  return {
    status: 'problem',
    detail: `${pending.length} not run, the first is ${pending[0]}`,
    fix: 'Run `mintmark migrate`.'
  }
}

/** Seconds that the database's clock is ahead of ours; negative when behind. */
export function judgeClockSkew(seconds: number): Verdict {
  const detail = `${Math.abs(seconds).toFixed(1)} s between this machine and the database`
  if (Math.abs(seconds) <= greatestClockSkewSeconds) return { status: 'ok', detail }
  return { status: 'problem', detail, fix: 'Synchronize both clocks (NTP).' }
}

/** Permission bits of the data folder, as in 0o700; undefined when there is none. */
export function judgeDataFolder(mode: number | undefined): Verdict {
  if (mode === undefined) return { status: 'ok', detail: 'not made yet' }
  const bits = (mode & 0o777).toString(8).padStart(4, '0')
  if ((mode & 0o077) === 0) return { status: 'ok', detail: `mode ${bits}` }
  return {
    status: 'problem',
    detail: `mode ${bits}: others on this machine may look into it`,
    fix: 'chmod 0700 the folder.'
  }
}
