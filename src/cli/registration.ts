// `mintmark registration create-token|list-tokens|revoke-token`: initial access tokens (RFC 7591 §3), for dynamic registration where it is
// switched on. Owns arguments and texts; what a token allows is decided by clients/registration-policy.ts and its row.

import { Command, InvalidArgumentError, Option } from 'commander'
import type { ClientType } from '../clients/client.ts'
import { issueInitialAccessToken, revokeInitialAccessToken } from '../clients/registration-token.ts'
import {
  createRegistrationTokenStore,
  type RegistrationToken,
  type TokenPolicy
} from '../store/registration-tokens.ts'
import { aligned, formatOption, parseOverlap } from './clients-text.ts'
import type { CliContext } from './context.ts'

const types: readonly ClientType[] = ['web', 'spa', 'native', 'machine']

interface CreateOptions {
  lifetime: string
  uses: number
  clients?: number
  type?: ClientType[]
  scope?: string[]
  redirectHost?: string[]
  note?: string
}

function count(text: string): number {
  const number = /^\d{1,7}$/.test(text) ? Number(text) : 0
  if (number < 1) throw new InvalidArgumentError('It takes 1 or more.')
  return number
}

/** RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E ) */
function scope(text: string): string {
  if (/^[!#-[\]-~]+$/.test(text)) return text
  throw new InvalidArgumentError('It takes one scope; say --scope again for another.')
}

function redirectHost(text: string): string {
  if (text === 'loopback' || URL.parse(`https://${text}/`)?.host === text) return text
  throw new InvalidArgumentError('It takes a host in small letters, or the word loopback.')
}

function note(text: string): string {
  if (text.length <= 200 && !/\p{Cc}/u.test(text)) return text
  throw new InvalidArgumentError('It takes one line of 200 characters at most.')
}

const several =
  (parse: (text: string) => string) =>
  (text: string, before: string[] = []) => [...before, parse(text)]

export function registrationCommand(context: CliContext): Command {
  const database = async () => (await context.store()).database

  const create = new Command('create-token')
    .description('an initial access token: whoever has it may register clients while it lives')
    .option('--lifetime <duration>', 'how long it lives, 7d at most', '1d')
    .option('--uses <number>', 'how many clients may be registered with it', count, 1)
    .option('--clients <number>', 'how many of them may be there at once', count)
    .addOption(
      new Option('--type <type...>', 'what they may be; anything when left out').choices(types)
    )
    .option('--scope <scope>', 'what they may ask for; several: once for each', several(scope))
    .option(
      '--redirect-host <host>',
      'where their redirect URIs may lead, or loopback; several: once for each',
      several(redirectHost)
    )
    .option('--note <text>', 'who it is for, shown by list-tokens', note)
    .action(async (options: CreateOptions) => {
      if (!context.config().registration.enabled) {
        context.err('Registration is off: set MINTMARK_REGISTRATION__ENABLED=true and start again.')
      }
      const { id, token } = await issueInitialAccessToken(await database(), {
        lifetimeSeconds: parseOverlap(options.lifetime),
        uses: options.uses,
        clientsMost: options.clients,
        policy: policyOf(options),
        note: options.note
      })
      context.out(token)
      context.err(`The token ${id} is shown this once: only its digest is stored.`)
    })

  const list = new Command('list-tokens')
    .description('the initial access tokens, the newest first')
    .addOption(formatOption('text', 'json'))
    .action(async ({ output }: { output: 'text' | 'json' }) => {
      const tokens = await createRegistrationTokenStore({ sql: await database() }).list()
      if (output === 'json') {
        context.out(JSON.stringify(tokens.map(describe), null, 2))
        return
      }
      if (tokens.length === 0) context.err('There are none.')
      for (const line of aligned(tokens.map(row))) context.out(line)
    })

  const revoke = new Command('revoke-token')
    .description('end a token; the clients that it registered stay')
    .argument('<id>', 'as list-tokens shows it')
    .action(async (id: string) => {
      if (await revokeInitialAccessToken(await database(), id)) {
        context.out(`The token ${id} registers nobody any more.`)
        return
      }
      context.err(
        'There is no such token, or it was revoked. `mintmark registration list-tokens` shows them.'
      )
      context.exit(1)
    })

  return new Command('registration')
    .description('dynamic client registration')
    .addCommand(create)
    .addCommand(list)
    .addCommand(revoke)
}

function policyOf({ type, scope, redirectHost }: CreateOptions): TokenPolicy {
  return {
    ...(type === undefined ? {} : { types: type }),
    ...(scope === undefined ? {} : { scopes: scope }),
    ...(redirectHost === undefined ? {} : { redirectHosts: redirectHost })
  }
}

function stateOf({ revokedAt, expiresAt, used, uses }: RegistrationToken): string {
  if (revokedAt !== undefined) return 'revoked'
  if (expiresAt.getTime() <= Date.now()) return 'expired'
  return used < uses ? 'live' : 'used up'
}

function row(token: RegistrationToken): string[] {
  const { types = [], scopes = [], redirectHosts = [] } = token.policy
  const allowed = [...types, ...scopes, ...redirectHosts].join(' ')
  const until = token.expiresAt.toISOString()
  return [
    ...[token.id, stateOf(token), `${token.used}/${token.uses}`, until],
    ...[allowed, token.note ?? '']
  ]
}

function describe(token: RegistrationToken): object {
  return {
    id: token.id,
    state: stateOf(token),
    uses: token.uses,
    used: token.used,
    clients_at_once: token.clientsMost ?? null,
    types: token.policy.types ?? null,
    scopes: token.policy.scopes ?? null,
    redirect_hosts: token.policy.redirectHosts ?? null,
    note: token.note ?? null,
    created_at: token.createdAt.toISOString(),
    expires_at: token.expiresAt.toISOString(),
    revoked_at: token.revokedAt?.toISOString() ?? null
  }
}
