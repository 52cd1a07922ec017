// What a start asks the database once its schema is there: what is on the way to it, and after which restored backup it lives. Refuses a
// pooler that would lose statements, a database of another epoch, and one of a conformance run or for one, before anybody is answered.

import type { Config } from '../config/schema.ts'
import { Fault } from '../lib/fault.ts'
import type { DataFolder } from '../store/data-folder.ts'
import { createDatabase, examineDatabase } from '../store/database.ts'
import { lostStatement } from '../store/pooler.ts'
import type { RestoreState } from '../store/restore.ts'
import type { Logger } from '../telemetry/logger.ts'
import { checkRun } from './conformance.ts'
import { openRestoreEpoch } from './restore.ts'

/** @throws Fault `configuration_invalid` when the database is of another restore epoch, or of another mode */
export async function firstLook(
  url: string,
  config: Config,
  folder: DataFolder | undefined,
  log: Logger
): Promise<RestoreState> {
  await examinePath(url, config, log)
  const { preparedStatements, pooler } = config.database
  const onError = (error: Error) => log.warn({ err: error }, 'a connection was lost')
  const database = createDatabase({ url, pool: 1, preparedStatements, pooler, onError })
  try {
    await checkRun(database, config)
    return await openRestoreEpoch(database, { configured: config.restoreEpoch, folder })
  } finally {
    await database.end()
  }
}

/** Says what a pooler on the way to the database lacks. @throws Fault when requests would fail because of it */
async function examinePath(url: string, { database }: Config, log: Logger): Promise<void> {
  const path = await examineDatabase(url, database.pooler)
  if (!path.pooled) return
  if (path.namedStatements === 'are lost' && database.preparedStatements === 'named') {
    throw new Fault('configuration_invalid', lostStatement)
  }
  const { directUrl } = database
  log.info({ changes: directUrl ? 'heard' : 'asked for' }, 'the database is behind a pooler')
  if (!path.timed) {
    log.warn(
      {},
      'behind the pooler the database role has no time-outs, so that each statement sets its own: `mintmark doctor` says how to set them'
    )
  }
}
