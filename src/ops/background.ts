// Puts the background job together: what the leader does in a round besides sweeping, and what becomes of it in metrics and log. Owns the list of
// tasks and their order: room for new rows first, then what is over, then what takes long.

import { createAccountDeletion } from '../accounts/account-deletion.ts'
import type { Config } from '../config/schema.ts'
import { createClientDocumentStore } from '../store/client-documents.ts'
import type { Database } from '../store/database.ts'
import { endAccount } from '../store/ending.ts'
import type { Partitions } from '../store/partitions.ts'
import { createSweeper } from '../store/sweep.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { reapUnusedClients } from './reap.ts'
import { startSweeping, type Task } from './sweep.ts'

export interface BackgroundDependencies {
  config: Config
  database: Database
  partitions: Partitions
  metrics: Metrics
  log: Logger
  /** what else the leader does in a round */
  tasks?: readonly Task[]
  everySeconds?: number
  leaseSeconds?: number
}

export function startBackground(deps: BackgroundDependencies): { end(): Promise<void> } {
  const { config, database, partitions, metrics, log, tasks = [], ...times } = deps
  const unusedSeconds = config.registration.reapUnusedSeconds

  return startSweeping({
    ...times,
    log,
    sweeper: createSweeper({ sql: database }),
    tasks: [
      { name: 'make partitions', run: () => partitions.ensure() },
      {
        name: 'drop partitions',
        async run() {
          const dropped = await partitions.dropOverdue()
          const names = dropped.map(({ name }) => name)
          if (names.length > 0)
            log.info({ partitions: names }, 'partitions whose time is over left')
          return names.length
        }
      },
      { name: 'reap clients', run: () => reapUnusedClients(database, unusedSeconds) },
      {
        name: 'remove client documents',
        run: () => createClientDocumentStore(database).removeUnused()
      },
      {
        name: 'delete accounts',
        run: () =>
          createAccountDeletion({
            ...{ database, endAccount },
            graceSeconds: config.accountDeletion.graceSeconds
          }).deleteDue()
      },
      ...tasks
    ],
    report({ done, failed }) {
      for (const [task, count] of Object.entries(done)) metrics.background.inc({ task }, count)
      for (const task of failed) metrics.backgroundFailures.inc({ task })
    }
  })
}
