// A PostgreSQL of the script's own with the settings of production (fsync, full_page_writes, synchronous_commit), which may be killed and
// started again. Databases in it are made and migrated one a scenario.

import { type EmbeddedPostgres, openEmbedded } from '../../src/store/embedded.ts'
import { migrate } from '../../src/store/migrate.ts'
import { dataFolderIn, makeFolder, postmastersIn, sql } from '../support/embedded-folder.ts'
import type { Lifetime } from '../support/lifetime.ts'
import { killTree } from './process-tree.ts'

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
      for (const pid of postmastersIn(root)) await killTree(pid)
      await cluster.leave()
    },
    async start() {
      cluster = await open()
    }
  }
}
