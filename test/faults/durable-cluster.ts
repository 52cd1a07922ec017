// A PostgreSQL of the script's own with the settings of production (fsync, full_page_writes, synchronous_commit), which may be killed and
// started again. Databases in it are made and migrated one a scenario.

import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type EmbeddedPostgres, openEmbedded } from '../../src/store/embedded.ts'
import { migrate } from '../../src/store/migrate.ts'
import { dataFolderIn, makeFolder, postmastersIn, sql } from '../support/embedded-folder.ts'
import type { Lifetime } from '../support/lifetime.ts'

const quiet = { info() {}, warn() {}, error() {} }

export interface DurableCluster {
  url: string
  /** A new, migrated database; answers its URL. */
  createDatabase(): Promise<string>
  /** SIGKILL to the postmaster and everything that it started; resolves when all of it is gone. */
  kill(): Promise<void>
  /** Resolves when connections are accepted. */
  start(): Promise<void>
}

export async function startDurableCluster(life: Lifetime): Promise<DurableCluster> {
  const root = makeFolder(life)
  const { settings: _, ...folder } = dataFolderIn(root)
  const open = (): Promise<EmbeddedPostgres> => openEmbedded({ ...folder, log: quiet })
  let cluster = await open()
  const { url } = cluster
  let databases = 0
  return {
    url,
    async createDatabase() {
      databases += 1
      const name = `faults_${databases}`
      await sql(url, `CREATE DATABASE ${name} OWNER mintmark`, 'postgres')
      const its = url.replace('@/mintmark?', `@/${name}?`)
      await migrate(its)
      return its
    },
    async kill() {
      const postmasters = postmastersIn(root)
      const all = postmasters.flatMap(pid => [pid, ...childrenOf(pid)])
      for (const pid of all) end(pid)
      while (postmastersIn(root).length > 0 || all.some(isAlive)) await sleep(5)
      await cluster.leave()
    },
    async start() {
      cluster = await open()
    }
  }
}

function end(pid: number) {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // it has ended meanwhile
  }
}

function isAlive(pid: number): boolean {
  try {
    // a zombie has ended; who waits for it is somebody else's business
    return statOf(pid).state !== 'Z'
  } catch {
    return false
  }
}

function statOf(pid: number): { state: string; parent: number } {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const [state = '', parent] = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { state, parent: Number(parent) }
}

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number)
    .filter(pid => {
      try {
        return statOf(pid).parent === parent
      } catch {
        return false
      }
    })
}
