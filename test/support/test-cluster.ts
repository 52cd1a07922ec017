// The PostgreSQL of the tests: one cluster per working copy and user, under the system's temporary folder, without durability (it is
// thrown away). During `tap run` it stays up from tap-before.ts to tap-after.ts; for a single file run by hand, who leaves last ends it.

import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type EmbeddedPostgres, openEmbedded } from '../../src/store/embedded.ts'
import { postmastersIn } from './embedded-folder.ts'

const project = realpathSync(fileURLToPath(new URL('../../', import.meta.url)))
const key = createHash('sha256').update(project).digest('hex').slice(0, 12)
const folder = join(tmpdir(), `mintmark-test-${process.getuid?.() ?? 0}-${key}`)
const runs = join(folder, 'runs')

const quiet = { info() {}, warn: console.error, error: console.error }

export async function openTestCluster(): Promise<EmbeddedPostgres> {
  // `nobody` must be able to pass it when the tests run as root
  mkdirSync(folder, { recursive: true, mode: 0o711 })
  return openEmbedded({
    dataFolder: join(folder, 'data'),
    // as root the cluster lives outside of the data folder; here it shall go away with the tests all the same
    homes: join(folder, 'homes'),
    log: quiet,
    settings: {
      fsync: 'off',
      synchronous_commit: 'off',
      full_page_writes: 'off',
      max_connections: '200'
    }
  })
}

/** Ends this process's use of the cluster; PostgreSQL with it, unless a whole run goes on. */
export async function closeTestCluster(cluster: EmbeddedPostgres): Promise<void> {
  await (runsOn().length > 0 ? cluster.leave() : cluster.stop())
}

/** Runs of this working copy that go on, perhaps in several terminals: each has marked itself with its pid. */
function runsOn(): number[] {
  const names = existsSync(runs) ? readdirSync(runs) : []
  return names.map(Number).filter(pid => {
    try {
      return process.kill(pid, 0)
    } catch {
      return false
    }
  })
}

/** For tap-before.ts: marks that the parent process runs all tests, and starts the cluster for them. */
export async function beginRun(runner: string): Promise<void> {
  const cluster = await openTestCluster()
  mkdirSync(runs, { recursive: true })
  writeFileSync(join(runs, runner), '')
  await cluster.leave()
}

/** For tap-after.ts: ends the cluster and removes it, unless another run goes on. */
export async function endRun(runner: string): Promise<void> {
  rmSync(join(runs, runner), { force: true })
  await closeTestCluster(await openTestCluster())
  // a single file that is run by hand may be using it
  if (postmastersIn(folder).length === 0) rmSync(folder, { recursive: true, force: true })
}
