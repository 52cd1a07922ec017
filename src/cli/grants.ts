// `mintmark grants list|revoke`: what people granted to clients, and ending it. Owns arguments, texts and exit codes; what happens is decided
// by grants/administer.ts.

import { Command, InvalidArgumentError, Option } from 'commander'
import type { AccountService } from '../accounts/account.ts'
import type { GrantAdministration, GrantFilter, ListedGrant } from '../grants/administer.ts'
import { aligned, formatOption } from './clients-text.ts'

export interface GrantsCliContext {
  grants(): Promise<GrantAdministration>
  accounts(): Promise<Pick<AccountService, 'findById' | 'findByLogin'>>
  out(text: string): void
  err(text: string): void
  /** sets the exit code */
  exit(code: number): void
}

interface Whose {
  account?: string
  client?: string
}

const whose = (command: Command) =>
  command
    .option('--account <account>', 'of this account: login or id')
    .option('--client <client-id>', 'of this client')

const limitOption = () =>
  new Option('--limit <number>', 'how many at most').default(100).argParser(text => {
    const limit = /^\d{1,5}$/.test(text) ? Number(text) : 0
    if (limit < 1 || limit > 10_000) throw new InvalidArgumentError('It takes 1 to 10000.')
    return limit
  })

export function grantsCommand(context: GrantsCliContext): Command {
  function fail(sentence: string): undefined {
    context.err(sentence)
    context.exit(1)
  }

  /** Undefined when the account is not there, which has been told. */
  async function filterOf({ account, client }: Whose): Promise<GrantFilter | undefined> {
    if (account === undefined) return { clientId: client }
    const accounts = await context.accounts()
    const found = (await accounts.findById(account)) ?? (await accounts.findByLogin(account))
    if (found === undefined) {
      return fail('There is no such account. `mintmark accounts list` shows logins and ids.')
    }
    return { accountId: found.id, clientId: client }
  }

  const list = whose(new Command('list').description('what lives now, the newest first'))
    .addOption(limitOption())
    .addOption(formatOption('text', 'json'))
    .action(async (options: Whose & { limit: number; output: 'text' | 'json' }) => {
      const filter = await filterOf(options)
      if (filter === undefined) return
      const grants = await (await context.grants()).list(filter, options.limit)
      if (options.output === 'json') {
        context.out(JSON.stringify(grants.map(describe), null, 2))
        return
      }
      if (grants.length === 0) context.err('Nothing is granted here.')
      for (const line of aligned(grants.map(row))) context.out(line)
    })

  const revoke = whose(
    new Command('revoke')
      .description('end one grant, or all of an account or client, with every token of them')
      .argument('[grant]', 'id of one grant, as `list` shows it')
  ).action(async (id: string | undefined, options: Whose) => {
    const named = options.account !== undefined || options.client !== undefined
    if ((id === undefined) === !named) {
      return fail('Name one grant by its id, or say --account, --client or both.')
    }
    if (id !== undefined) {
      if (await (await context.grants()).revoke(id)) context.out(`The grant ${id} has ended.`)
      else
        fail(
          'There is no such grant, or it has ended. `mintmark grants list` shows those that live.'
        )
      return
    }
    const filter = await filterOf(options)
    if (filter === undefined) return
    const ended = await (await context.grants()).revokeAll(filter)
    context.out(`${ended === 1 ? '1 grant has' : `${ended} grants have`} ended.`)
  })

  return new Command('grants')
    .description('what people granted to clients')
    .addCommand(list)
    .addCommand(revoke)
}

function scopesOf({ openidScope, resources }: ListedGrant): string {
  return [openidScope, ...Object.values(resources)].filter(Boolean).join(' ')
}

function row(grant: ListedGrant): string[] {
  const kind = grant.offline ? 'offline' : 'session'
  const made = grant.createdAt.toISOString()
  return [grant.id, grant.login, grant.clientId, kind, made, scopesOf(grant)]
}

function describe(grant: ListedGrant): object {
  return {
    id: grant.id,
    account_id: grant.accountId,
    login: grant.login,
    client_id: grant.clientId,
    offline: grant.offline,
    scope: scopesOf(grant),
    resources: Object.keys(grant.resources),
    created_at: grant.createdAt.toISOString()
  }
}
