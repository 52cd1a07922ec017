// `mintmark migrate`: brings the schema up to date without starting a
// server, for deployments that do it as a step of their own.

import { Command } from 'commander'
import { migrate } from '../store/migrate.ts'
import type { CliContext } from './context.ts'

export function migrateCommand(context: CliContext): Command {
  return new Command('migrate')
    .description('bring the database schema up to date')
    .action(async () => {
      const url = context.config().database.directUrl ?? (await context.databaseUrl())
      const { applied } = await migrate(url)
      context.out(
        applied.length === 0 ? 'The schema is up to date.' : `Applied: ${applied.join(', ')}`
      )
    })
}
