// `mintmark config reference` prints the reference page; `mintmark config check` says whether the server would start with what the
// file and the environment hold. Neither shows a value.

import { Command } from 'commander'
import { ConfigurationError } from '../config/configuration-error.ts'
import { renderReference } from '../config/reference.ts'
import type { Config } from '../config/schema.ts'
import { declaredProblems } from './declared.ts'

/** What the commands need of the command line's context. */
export interface ConfigContext {
  /** @throws ConfigurationError */
  config(): Config
  out(text: string): void
  err(text: string): void
  exit(code: number): void
}

function check(context: ConfigContext): void {
  try {
    const config = context.config()
    const problems = declaredProblems(config)
    if (problems.length > 0) {
      context.err(`The configuration is refused:\n  ${problems.join('\n  ')}`)
      context.exit(1)
      return
    }
    const { mode, issuer, clients, resources } = config
    const where = issuer ?? 'http://localhost:<port>'
    const counts = `clients: ${clients.length}, resources: ${resources.length}`
    context.out(`The configuration is sound: ${mode} mode, issuer ${where}, ${counts}.`)
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    context.err(error.message)
    context.exit(1)
  }
}

export function configCommand(context: ConfigContext): Command {
  const command = new Command('config').description('look at the configuration')
  command
    .command('reference')
    .description('print all keys and variables as Markdown')
    // the page ends with a newline, and `out` adds one
    .action(() => context.out(renderReference().trimEnd()))
  command
    .command('check')
    .description('tell every problem of the file and the environment')
    .action(() => check(context))
  return command
}
