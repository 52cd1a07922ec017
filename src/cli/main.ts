// The command `mintmark`: `start` and everything an operator does from a terminal. Each command is a file of its own; this one composes
// them, turns failures into one sentence on standard error, and owns the exit code.

import { Command, CommanderError } from 'commander'
import { createAccountImport } from '../accounts/import.ts'
import { ConfigurationError } from '../config/configuration-error.ts'
import { processEnvironment } from '../config/load.ts'
import { createGrantAdministration } from '../grants/administer.ts'
import { Fault } from '../lib/fault.ts'
import { version } from '../ops/installation.ts'
import { composeInvitations } from '../ops/mail-parts.ts'
import { accountsCommand } from './accounts.ts'
import { accountsImportCommand } from './accounts-import.ts'
import { clientsCommand } from './clients.ts'
import { configCommand } from './config.ts'
import { conformanceConfigCommand } from './conformance-config.ts'
import { type CliContext, createCliContext } from './context.ts'
import { doctorCommand } from './doctor.ts'
import { doctorChecks } from './doctor-checks.ts'
import { grantsCommand } from './grants.ts'
import { keysCommand } from './keys.ts'
import { migrateCommand } from './migrate.ts'
import { registrationCommand } from './registration.ts'
import { restoreCommand } from './restore.ts'
import { statusCommand } from './status.ts'

function program(context: CliContext): Command {
  const mintmark = new Command('mintmark')
    .description('OAuth 2.0 / OpenID Connect authorization server')
    .version(version)
  mintmark
    .command('start')
    .description('run the server')
    .action(async () => {
      const config = context.config()
      // loaded here, so that other commands start without the protocol engine and HTTP
      const { runServer } = await import('../main.ts')
      await runServer(config)
    })
  mintmark.addCommand(statusCommand(context))
  mintmark.addCommand(
    doctorCommand(context, {
      env: processEnvironment(),
      checks: config => doctorChecks(context, config)
    })
  )
  mintmark.addCommand(
    clientsCommand({
      config: () => context.config(),
      registry: context.registry,
      out: context.out,
      err: context.err,
      exit: context.exit
    })
  )
  const accounts = accountsCommand({
    accounts: async () => (await context.accounts()).service,
    invitations: async () =>
      composeInvitations({
        config: await context.settled(),
        database: (await context.store()).database,
        seal: (await context.keys()).seal,
        ...(await context.accounts())
      }),
    out: context.out,
    err: context.err,
    stdin: context.stdin,
    exit: context.exit
  })
  accounts.addCommand(
    accountsImportCommand({
      importer: async () => createAccountImport({ database: (await context.store()).database }),
      out: context.out,
      err: context.err,
      exit: context.exit
    })
  )
  mintmark.addCommand(accounts)
  mintmark.addCommand(
    keysCommand({
      config: context.config,
      database: async () => (await context.store()).database,
      keys: context.keys,
      out: context.out,
      err: context.err,
      exit: context.exit
    })
  )
  mintmark.addCommand(
    grantsCommand({
      grants: async () => createGrantAdministration({ database: (await context.store()).database }),
      accounts: async () => (await context.accounts()).service,
      out: context.out,
      err: context.err,
      exit: context.exit
    })
  )
  mintmark.addCommand(registrationCommand(context))
  mintmark.addCommand(migrateCommand(context))
  mintmark.addCommand(restoreCommand(context))
  mintmark.addCommand(configCommand(context))
  mintmark.addCommand(conformanceConfigCommand(context))
  hintAtHelp(mintmark)
  return mintmark
}

/** Commands that were made apart take nothing over from the one that they are added to. */
function hintAtHelp(command: Command): void {
  command.showHelpAfterError('Help: mintmark --help, and --help after each command.')
  for (const each of command.commands) hintAtHelp(each)
}

/** One sentence a problem; a stack only for what nobody expected. */
function explain(error: unknown): string {
  if (error instanceof ConfigurationError) return error.message
  if (error instanceof Fault) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

const context = createCliContext()
try {
  await program(context).parseAsync(process.argv)
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode
  else {
    context.err(`mintmark: ${explain(error)}`)
    process.exitCode = 1
  }
} finally {
  await context.end()
}
