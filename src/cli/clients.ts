// `mintmark clients …`: the registered clients from the command line, over the same functions as everything else.
// Standard output carries what a script wants and nothing else; sentences for people go to standard error with -o json and -o env.
// Refuses to change what the configuration file owns.

import { Command, Option } from 'commander'
import type { ClientType, RegisteredClient } from '../clients/client.ts'
import type { MetadataProblem } from '../clients/metadata.ts'
import type { ClientRegistry } from '../clients/registry.ts'
import {
  aligned,
  clientLines,
  describeClient,
  type Format,
  formatOption,
  listAll,
  type MetadataOptions,
  parseOverlap,
  readMetadata,
  secretLines,
  shellQuoted,
  withMetadataOptions
} from './clients-text.ts'

/** What the commands are given. */
export interface ClientsCliContext {
  /** the declared clients, and where they are declared */
  config(): {
    clients: readonly { client_id: string; client_secret?: string | undefined }[]
    file?: string | undefined
  }
  registry(): Promise<
    Pick<
      ClientRegistry,
      | 'create'
      | 'update'
      | 'disable'
      | 'enable'
      | 'delete'
      | 'rotateSecret'
      | 'revokeTokens'
      | 'list'
      | 'findStored'
      | 'listSecrets'
    >
  >
  out(text: string): void
  err(text: string): void
  /** sets the exit code; the process ends by itself when everything is closed */
  exit(code: number): void
}

/** The failure has been told; nothing is left but the exit code. */
class Told extends Error {}

const shownOnce = 'The secret is shown this once: nobody can read it from the database.'

export function clientsCommand(context: ClientsCliContext): Command {
  const clients = new Command('clients').description('registered clients')

  /** Runs an action; a failure that was told becomes exit code 1, any other goes on to the caller. */
  function action<Arguments extends unknown[]>(work: (...given: Arguments) => Promise<void>) {
    return async (...given: Arguments) => {
      try {
        await work(...given)
      } catch (error) {
        if (!(error instanceof Told)) throw error
        context.exit(1)
      }
    }
  }

  function fail(...sentences: string[]): never {
    for (const sentence of sentences) context.err(sentence)
    throw new Told()
  }

  function refuse(
    outcome:
      | { reason: 'invalid'; problems: MetadataProblem[] }
      | {
          reason:
            | 'not_found'
            | 'owned_by_config'
            | 'owned_by_document'
            | 'taken'
            | 'token_spent'
            | 'no_secret_needed'
            | 'two_live_secrets'
        },
    clientId: string
  ): never {
    switch (outcome.reason) {
      case 'invalid':
        return fail(
          'The client was refused:',
          ...outcome.problems.map(({ member, problem }) => `  ${`${member} ${problem}`.trim()}`)
        )
      case 'not_found':
        return fail(
          `There is no client ${clientId}. \`mintmark clients list\` shows those that there are.`
        )
      case 'taken':
        return fail(`There is a client ${clientId} already. Choose another --id, or leave it out.`)
      case 'token_spent':
        return fail('The initial access token has registered as many as it may.')
      case 'owned_by_config':
        return fail(
          `The client ${clientId} is declared in ${configFile()}: change it there and start the server again.`
        )
      case 'owned_by_document':
        return fail(
          `The client ${clientId} is what stands at that address: it is changed there. To block it: mintmark clients disable ${clientId}`
        )
      case 'no_secret_needed':
        return fail(
          `The client ${clientId} has no secret: its token_endpoint_auth_method needs none.`
        )
      case 'two_live_secrets':
        return fail(
          `The client ${clientId} has two valid secrets already. Wait until the older one expires, or end both with --revoke-old.`
        )
    }
  }

  function configFile(): string {
    return context.config().file ?? 'the configuration file'
  }

  function show(client: RegisteredClient, format: Format, secret?: string): void {
    if (format === 'json') {
      context.out(JSON.stringify(describeClient(client, secret), null, 2))
    } else if (format === 'env') {
      context.out(`MINTMARK_CLIENT_ID=${shellQuoted(client.clientId)}`)
      if (secret !== undefined) context.out(`MINTMARK_CLIENT_SECRET=${shellQuoted(secret)}`)
    } else {
      for (const line of clientLines(client, secret)) context.out(line)
    }
    if (secret !== undefined) context[format === 'text' ? 'out' : 'err'](shownOnce)
  }

  async function find(clientId: string) {
    const registry = await context.registry()
    const client = await registry.findStored(clientId)
    return client ?? refuse({ reason: 'not_found' }, clientId)
  }

  withMetadataOptions(clients.command('create'))
    .description('make a client; its secret, if it needs one, is shown once')
    .addOption(
      new Option('--type <type>', 'what kind of software it is')
        .choices(['web', 'spa', 'native', 'machine'])
        .makeOptionMandatory()
    )
    .option('--id <client-id>', 'its identifier; left out, one is made')
    .addOption(formatOption('text', 'json', 'env'))
    .action(
      action(
        async (options: MetadataOptions & { type: ClientType; id?: string; output: Format }) => {
          const registry = await context.registry()
          const metadata = await readMetadata(options, fail)
          const { id, type, output } = options
          const made = await registry.create({
            ...(id === undefined ? {} : { clientId: id }),
            type,
            owner: 'cli',
            metadata
          })
          if (!made.ok) return refuse(made, id ?? '')
          show(made.client, output, made.secret)
        }
      )
    )

  clients
    .command('list')
    .description('all clients')
    .addOption(formatOption('text', 'json'))
    .action(
      action(async ({ output }: { output: Format }) => {
        const all = await listAll(await context.registry())
        if (output === 'json') {
          context.out(
            JSON.stringify(
              all.map(client => describeClient(client)),
              null,
              2
            )
          )
          return
        }
        if (all.length === 0) context.err('There are no clients yet: `mintmark clients create`.')
        const rows = all.map(client => [
          client.clientId,
          client.type,
          client.owner,
          client.disabledAt === undefined ? 'enabled' : 'disabled',
          client.metadata.client_name ?? ''
        ])
        for (const line of aligned(rows)) context.out(line)
      })
    )

  clients
    .command('show <client-id>')
    .description('one client')
    .addOption(formatOption('text', 'json', 'env'))
    .action(
      action(async (clientId: string, { output }: { output: Format }) => {
        const client = await find(clientId)
        show(client, output)
        if (output !== 'text') return
        const registry = await context.registry()
        for (const line of secretLines(await registry.listSecrets(clientId))) context.out(line)
      })
    )

  withMetadataOptions(clients.command('update <client-id>'))
    .description('change members; in --metadata, null removes one')
    .addOption(formatOption('text', 'json', 'env'))
    .action(
      action(async (clientId: string, options: MetadataOptions & { output: Format }) => {
        const changes = await readMetadata(options, fail)
        if (Object.keys(changes).length === 0) fail('Nothing to change: name at least one option.')
        const updated = await (await context.registry()).update(clientId, changes, 'cli')
        if (!updated.ok) return refuse(updated, clientId)
        show(updated.client, options.output, updated.secret)
      })
    )

  for (const [verb, description, done, already] of [
    ['disable', 'refuse it, and end what it was granted', 'is disabled', 'was disabled already'],
    ['enable', 'accept it again', 'is enabled', 'was enabled already']
  ] as const) {
    clients
      .command(`${verb} <client-id>`)
      .description(description)
      .action(
        action(async (clientId: string) => {
          const outcome = await (await context.registry())[verb](clientId)
          if (!outcome.ok) return refuse(outcome, clientId)
          context.out(`The client ${clientId} ${outcome.changed ? done : already}.`)
        })
      )
  }

  clients
    .command('delete <client-id>')
    .description('remove it for good, with consents and grants')
    .option('--yes', 'do it')
    .action(
      action(async (clientId: string, { yes }: { yes?: boolean }) => {
        if (yes !== true) {
          const client = await find(clientId)
          const name = client.metadata.client_name
          fail(
            `This removes the client ${clientId}${name === undefined ? '' : ` (${name})`} with its consents and grants for good.`,
            'Say --yes if that is meant; `mintmark clients disable` can be undone.'
          )
        }
        const outcome = await (await context.registry()).delete(clientId)
        if (!outcome.ok) return refuse(outcome, clientId)
        context.out(`The client ${clientId} is deleted.`)
      })
    )

  clients
    .command('revoke-tokens <client-id>')
    .description('end every token that it holds; it may ask for new ones')
    .action(
      action(async (clientId: string) => {
        const outcome = await (await context.registry()).revokeTokens(clientId, 'cli')
        if (!outcome.ok) return refuse(outcome, clientId)
        context.out(`All tokens of the client ${clientId} have ended.`)
      })
    )

  clients
    .command('rotate-secret <client-id>')
    .description('make a new secret; the older one stays valid for a while')
    .addOption(
      new Option('--keep-old <duration>', 'how long the older secret stays valid, 7d at most')
        .argParser(parseOverlap)
        .default(86_400, '24h')
    )
    .option('--revoke-old', 'end all older secrets now')
    .addOption(formatOption('text', 'json', 'env'))
    .action(
      action(
        async (
          clientId: string,
          options: { keepOld: number; revokeOld?: boolean; output: Format }
        ) => {
          const declared = context.config().clients.find(client => client.client_id === clientId)
          if (declared?.client_secret !== undefined) {
            fail(
              `The secret of ${clientId} is declared in ${configFile()}: change it there and start the server again.`
            )
          }
          const rotated = await (await context.registry()).rotateSecret(
            clientId,
            options.revokeOld === true ? 'revoke' : { keepSeconds: options.keepOld }
          )
          if (!rotated.ok) return refuse(rotated, clientId)
          show(await find(clientId), options.output, rotated.secret)
          if (options.output === 'text')
            for (const line of secretLines(rotated.secrets)) context.out(line)
        }
      )
    )

  return clients
}
