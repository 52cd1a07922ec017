// `mintmark registration create-token`: an initial access token (RFC
// 7591 §3), for dynamic registration where it is switched on.

import { Command } from 'commander'
import { createArtifactStore } from '../store/artifacts.ts'
import { parseOverlap } from './clients-text.ts'
import type { CliContext } from './context.ts'

export function registrationCommand(context: CliContext): Command {
  const registration = new Command('registration').description('dynamic client registration')
  registration
    .command('create-token')
    .description('an initial access token: whoever has it may register clients while it lives')
    .option('--lifetime <duration>', 'how long it lives, 7d at most', '1d')
    .action(async ({ lifetime }: { lifetime: string }) => {
      if (!context.config().registration.enabled) {
        context.err('Registration is off: set MINTMARK_REGISTRATION__ENABLED=true and start again.')
      }
      // loaded here, so that other commands start without the protocol engine
      const { issueInitialAccessToken } = await import('../protocol/registration.ts')
      const { database } = await context.store()
      const artifacts = createArtifactStore({ sql: database })
      const token = await issueInitialAccessToken(database, artifacts, parseOverlap(lifetime))
      context.out(token)
      context.err('The token is shown this once: only its digest is stored.')
    })
  return registration
}
