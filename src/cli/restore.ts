// `mintmark restore`: to be run once after a backup of the database was
// restored, before servers start on it.

import { Command } from 'commander'
import { Fault } from '../lib/fault.ts'
import { restore } from '../ops/restore.ts'
import { openDataFolder } from '../store/data-folder.ts'
import { migrate } from '../store/migrate.ts'
import type { CliContext } from './context.ts'

export function restoreCommand(context: CliContext): Command {
  return new Command('restore')
    .description('after a backup was restored: end what the database cannot vouch for')
    .option(
      '--keep-refresh-tokens',
      'nobody has to sign in again; what was revoked after the backup comes back, unless its client has rotated since'
    )
    .option('--yes', 'do it')
    .action(async ({ keepRefreshTokens, yes }: { keepRefreshTokens?: true; yes?: true }) => {
      if (yes !== true) {
        throw new Fault(
          'configuration_invalid',
          keepRefreshTokens
            ? 'This ends all sessions, codes and access tokens. Say --yes.'
            : 'This ends all sessions, codes, access tokens and refresh tokens: everybody signs in again. Say --yes, or see --keep-refresh-tokens.'
        )
      }
      const { mode, database, dataFolder, restoreEpoch } = context.config()
      await migrate(database.directUrl ?? (await context.databaseUrl()))
      const folder = mode === 'development' ? await openDataFolder(dataFolder) : undefined
      const { epoch, sessions, grants, families } = await restore(
        await context.database(),
        { configured: restoreEpoch, folder },
        keepRefreshTokens ? 'keep families' : 'end families'
      )
      context.out(
        `Restore epoch ${epoch}. Ended: ${sessions} sessions, ${grants} grants, ${families} refresh token families, and every access token and code.`
      )
      context.err(
        'Clients and accounts are as they were in the backup: see the log for what was disabled since, and disable it again.'
      )
    })
}
