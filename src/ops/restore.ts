// After a backup was restored: the epoch, which lives outside the database (in the configuration, or in the data folder), says what the
// database itself cannot know. A server refuses to start where the two differ; `mintmark restore` brings them together and ends what the
// database cannot vouch for.

import { appendAuditEvent } from '../audit/record.ts'
import { Fault } from '../lib/fault.ts'
import type { DataFolder } from '../store/data-folder.ts'
import type { Database } from '../store/database.ts'
import { createRestoreStore, type EndedByRestore, type RestoreState } from '../store/restore.ts'
import { files } from './installation.ts'

export interface EpochSource {
  /** `restoreEpoch` */
  configured: number | undefined
  /** in development, where nobody configures one */
  folder: Pick<DataFolder, 'recall' | 'remember'> | undefined
}

async function ownEpoch({ configured, folder }: EpochSource): Promise<number> {
  return configured ?? Math.max(1, Number((await folder?.recall(files.restoreEpoch)) ?? 1))
}

/**
 * The epoch that this process works under: the database's own.
 * @throws Fault `configuration_invalid` when the database is of another epoch
 */
export async function openRestoreEpoch(
  database: Database,
  source: EpochSource
): Promise<RestoreState> {
  const store = createRestoreStore({ sql: database })
  const epoch = await ownEpoch(source)
  await store.begin(epoch)
  const state = (await store.read()) ?? { epoch, restoredAt: undefined }
  if (state.epoch === epoch) return state
  throw new Fault(
    'configuration_invalid',
    state.epoch < epoch
      ? `The database is from restore epoch ${state.epoch}, and this server is configured for ${epoch}: a backup was restored. Run: mintmark restore`
      : `The database is from restore epoch ${state.epoch}, and this server is configured for ${epoch}. Set restoreEpoch (MINTMARK_RESTORE_EPOCH) to ${state.epoch}.`
  )
}

/**
 * Ends what a restored database cannot vouch for, and notes the new epoch in it.
 * @throws Fault `configuration_invalid` when the epoch was not raised; `busy` while servers use the database
 */
export async function restore(
  database: Database,
  source: EpochSource,
  families: 'end families' | 'keep families'
): Promise<EndedByRestore & { epoch: number }> {
  const store = createRestoreStore({ sql: database })
  const known = (await store.read())?.epoch ?? 1
  let epoch = await ownEpoch(source)
  if (epoch <= known) {
    if (source.configured !== undefined || source.folder === undefined) {
      throw new Fault(
        'configuration_invalid',
        `The database is from restore epoch ${known}. Set restoreEpoch (MINTMARK_RESTORE_EPOCH) to ${known + 1} for every server, and run this again.`
      )
    }
    epoch = known + 1
  }
  const servers = await store.countServers()
  if (servers > 0) {
    throw new Fault(
      'busy',
      `${servers} ${servers === 1 ? 'server uses' : 'servers use'} the database. Stop them first: they would go on with what they remember.`
    )
  }
  // before the database: killed in between, the server does not start, and this command goes on where it was
  if (source.configured === undefined) await source.folder?.remember(files.restoreEpoch, epoch)
  const ended = await database.transaction(async tx => {
    const result = await store.endWhatIsDoubtful(tx, epoch, families)
    await appendAuditEvent(tx, { type: 'database.restored', data: { epoch, ...result } })
    return result
  })
  return { epoch, ...ended }
}
