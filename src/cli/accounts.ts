// `mintmark accounts create|invite|list|disable|enable|set-password|remove-factors|sign-out` (`import` is accounts-import.ts): people, from a terminal or a script (`-o json`). Owns arguments, texts and
// exit codes; what happens is decided by accounts/account.ts. A password is never an argument, which every user of the machine could
// read in the process list: it comes from standard input or a file, or is made here and shown once.

import { readFile } from 'node:fs/promises'
import { Command, InvalidArgumentError, Option } from 'commander'
import type {
  Account,
  AccountService,
  CreateAccountOutcome,
  SetPasswordOutcome
} from '../accounts/account.ts'
import type { SignUpService } from '../accounts/sign-up.ts'
import { locales } from '../i18n/locale.ts'
import { randomSecret } from '../lib/secret.ts'

/** What the commands need of the process. */
export interface AccountsCliContext {
  /** opened by the first command that asks; whoever composes closes it */
  accounts(): Promise<AccountService>
  /** who may be asked by mail to make an account of their own; or why nobody */
  invitations(): Promise<Pick<SignUpService, 'invite'> | 'closed' | 'no mail'>
  /** standard output: the answer, and nothing else */
  out(text: string): void
  /** standard error: what a person should know besides */
  err(text: string): void
  /** standard input, to its end */
  stdin(): Promise<string>
  /** sets the exit code */
  exit(code: number): void
}

type Format = 'text' | 'json'

interface PasswordOptions {
  passwordStdin?: true
  passwordFile?: string
}

interface CreateOptions extends PasswordOptions {
  login: string
  name?: string
  email?: string
  emailVerified?: true
  locale?: string
  output: Format
}

type Problem =
  | Extract<CreateAccountOutcome | SetPasswordOutcome, { ok: false }>['reason']
  | 'seeded'
  | 'sign_up_closed'
  | 'no_mail'
  | 'known'

/** One sentence per outcome: what is wrong and what to do. */
const sentences: Readonly<Record<Problem, string>> = {
  not_found: 'There is no such account. `mintmark accounts list` shows logins and ids.',
  login_taken: 'There is an account with this login already. Choose another, or use set-password.',
  email_taken:
    'Another account has proved this e-mail address already. Leave out --email-verified.',
  login_empty: 'The login is empty. Give one with --login.',
  login_too_long: 'The login is longer than 254 bytes. Choose a shorter one.',
  login_malformed:
    'The login may be an e-mail address or a name of letters, digits and . _ - +, without spaces.',
  name_malformed: 'The name may have 200 characters at most, and no line breaks or controls.',
  email_malformed: 'This is no e-mail address. Use the form somebody@example.com.',
  locale_malformed: 'This is no language tag (BCP 47). Use one like en or ko-KR.',
  password_empty: 'The password is empty.',
  password_too_short: 'The password is too short: 8 characters at least.',
  password_too_long: 'The password is too long: 1,024 characters at most.',
  password_malformed: 'The password is not valid Unicode text, or contains a NUL.',
  password_common: 'The password is one of the most common ones. Choose another.',
  password_guessable: 'The password is the login or a name of this server. Choose another.',
  password_weak: 'The password repeats a few characters. Choose a longer one.',
  password_breached:
    'The password is known from a theft at another site. Choose one that is used nowhere else.',
  sign_up_closed:
    'Nobody may make an account here. Set signUp (MINTMARK_SIGN_UP) to invitation, or make the account with `mintmark accounts create`.',
  no_mail:
    'There is no mail server to send an invitation by. Set MINTMARK_MAIL__SMTP__URL and MINTMARK_MAIL__FROM, or make the account with `mintmark accounts create`.',
  known: 'There is an account with this address already; its owner gets a mail that says so.',
  seeded:
    'This account belongs to development mode, which gives it its password at each start: change that in the configuration, or make an account of your own.',
  busy: 'Too many passwords are being hashed at the moment. Try again in a few seconds.'
}

/** Bytes of randomness: 22 characters. */
const generatedBytes = 16

const outputOption = () =>
  new Option('-o, --output <format>', 'how to print').choices(['text', 'json']).default('text')

/** As scripts get it: wire names of OpenID Connect Core §5.1. */
function wireAccount(account: Account): Record<string, unknown> {
  return {
    id: account.id,
    login: account.login,
    name: account.name,
    email: account.email,
    email_verified: account.email === undefined ? undefined : account.emailVerified,
    locale: account.locale,
    disabled_at: account.disabledAt?.toISOString(),
    delete_at: account.deleteAt?.toISOString(),
    seeded: account.seeded,
    created_at: account.createdAt.toISOString()
  }
}

function line(account: Account): string {
  const state = account.disabledAt === undefined ? 'enabled' : 'disabled'
  return [account.id, state, account.login, account.name ?? ''].join('  ').trimEnd()
}

/** Files and pipes end with a line break that nobody typed; one is taken away. */
function withoutLineBreak(text: string): string {
  return text.replace(/\r?\n$/, '')
}

/** Builds the command group; parsing and `--help` are commander's. */
export function accountsCommand(context: AccountsCliContext): Command {
  const print = (format: Format, text: string, json: unknown) =>
    context.out(format === 'json' ? `${JSON.stringify(json)}\n` : text === '' ? '' : `${text}\n`)

  function refuse(reason: Problem): void {
    context.err(`${sentences[reason]}\n`)
    context.exit(1)
  }

  async function passwordFrom(
    options: PasswordOptions
  ): Promise<{ password: string; generated: boolean } | undefined> {
    if (options.passwordStdin) {
      return { password: withoutLineBreak(await context.stdin()), generated: false }
    }
    if (options.passwordFile === undefined) {
      return { password: randomSecret(generatedBytes), generated: true }
    }
    try {
      const bytes = await readFile(options.passwordFile)
      const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
      return { password: withoutLineBreak(text), generated: false }
    } catch (error) {
      const why = error instanceof TypeError ? 'it is not UTF-8 text' : (error as Error).message
      context.err(`The password file cannot be read: ${why}\n`)
      context.exit(1)
      return undefined
    }
  }

  /** What a generated password adds to the answer; a given one is never printed. */
  function shown(account: Account, given: { password: string; generated: boolean }) {
    const json = wireAccount(account)
    if (!given.generated) return { text: line(account), json }
    context.err('The password is shown only now; only its hash is stored.\n')
    return {
      text: `${line(account)}\npassword: ${given.password}`,
      json: { ...json, password: given.password }
    }
  }

  async function find(service: AccountService, who: string): Promise<Account | undefined> {
    // the id first: a login may look like somebody else's id
    return (await service.findById(who)) ?? (await service.findByLogin(who))
  }

  const withPassword = (command: Command) =>
    command
      .addOption(
        new Option('--password-stdin', 'read the password from standard input').conflicts(
          'passwordFile'
        )
      )
      .option('--password-file <path>', 'read the password from a file')
      .addOption(outputOption())

  const change = (verb: 'disable' | 'enable', description: string) =>
    new Command(verb)
      .description(description)
      .argument('<account>', 'login or id')
      .addOption(outputOption())
      .action(async (who: string, options: { output: Format }) => {
        const service = await context.accounts()
        const account = await find(service, who)
        if (account === undefined) return refuse('not_found')
        const outcome = await service[verb](account.id, 'cli')
        if (!outcome.ok) return refuse(outcome.reason)
        if (!outcome.changed) context.err(`Nothing to do: the account is ${verb}d already.\n`)
        print(options.output, line(outcome.account), wireAccount(outcome.account))
      })

  const create = withPassword(
    new Command('create')
      .description('create an account; without a password option one is made and shown once')
      .requiredOption('--login <login>', 'what the person types: an e-mail address or a name')
      .option('--name <name>', 'full name')
      .option('--email <address>', 'e-mail address')
      .option('--email-verified', 'the address was confirmed')
      .option('--locale <tag>', 'language, as in en or ko-KR')
  ).action(async (options: CreateOptions) => {
    const given = await passwordFrom(options)
    if (given === undefined) return
    const service = await context.accounts()
    const { login, name, email, locale } = options
    const emailVerified = options.emailVerified ?? false
    const profile = { login, name, email, emailVerified, locale }
    const outcome = await service.create({ ...profile, password: given.password }, 'cli')
    if (!outcome.ok) return refuse(outcome.reason)
    const { text, json } = shown(outcome.account, given)
    print(options.output, text, json)
  })

  const invite = new Command('invite')
    .description('send a link by which somebody makes an account of their own, within 7 days')
    .argument('<email>', 'address')
    .addOption(new Option('--locale <language>', 'of the mail').choices([...locales]).default('en'))
    .addOption(outputOption())
    .action(async (email: string, options: { locale: string; output: Format }) => {
      const invitations = await context.invitations()
      if (invitations === 'closed') return refuse('sign_up_closed')
      if (invitations === 'no mail') return refuse('no_mail')
      const outcome = await invitations.invite(email, options.locale)
      if (outcome !== 'sent') return refuse(outcome)
      print(options.output, `invited: ${email.trim()}`, { invited: email.trim() })
    })

  const list = new Command('list')
    .description('list accounts in the order of their logins')
    .option('--after <login>', 'start after this login')
    .addOption(
      new Option('--limit <number>', 'how many at most').default(100).argParser(text => {
        const limit = /^\d{1,5}$/.test(text) ? Number(text) : 0
        if (limit < 1 || limit > 10_000) throw new InvalidArgumentError('It takes 1 to 10000.')
        return limit
      })
    )
    .addOption(outputOption())
    .action(async (options: { after?: string; limit: number; output: Format }) => {
      const service = await context.accounts()
      const accounts = await service.list({ after: options.after, limit: options.limit })
      if (accounts.length === 0) context.err('There are no accounts here.\n')
      print(options.output, accounts.map(line).join('\n'), accounts.map(wireAccount))
    })

  const setPassword = withPassword(
    new Command('set-password')
      .description('set a password and end every session and grant of the account')
      .argument('<account>', 'login or id')
  ).action(async (who: string, options: PasswordOptions & { output: Format }) => {
    const given = await passwordFrom(options)
    if (given === undefined) return
    const service = await context.accounts()
    const account = await find(service, who)
    if (account === undefined) return refuse('not_found')
    if (account.seeded) return refuse('seeded')
    const outcome = await service.setPassword(account.id, given.password, 'cli')
    if (!outcome.ok) return refuse(outcome.reason)
    const { text, json } = shown(outcome.account, given)
    print(options.output, text, json)
  })

  const signOut = new Command('sign-out')
    .description('end every session and grant of the account')
    .argument('<account>', 'login or id')
    .addOption(outputOption())
    .action(async (who: string, options: { output: Format }) => {
      const service = await context.accounts()
      const account = await find(service, who)
      if (account === undefined) return refuse('not_found')
      const outcome = await service.signOut(account.id, 'operator')
      if (!outcome.ok) return refuse(outcome.reason)
      print(options.output, line(outcome.account), wireAccount(outcome.account))
    })

  const removeFactors = new Command('remove-factors')
    .description(
      'take every second factor and recovery code away, for who lost them, and end every session and grant'
    )
    .argument('<account>', 'login or id')
    .addOption(outputOption())
    .action(async (who: string, options: { output: Format }) => {
      const service = await context.accounts()
      const account = await find(service, who)
      if (account === undefined) return refuse('not_found')
      const outcome = await service.removeFactors(account.id)
      if (!outcome.ok) return refuse(outcome.reason)
      if (!outcome.changed) context.err('Nothing to do: the account has no second factor.\n')
      print(options.output, line(outcome.account), wireAccount(outcome.account))
    })

  return new Command('accounts')
    .description('people who can sign in')
    .addCommand(create)
    .addCommand(invite)
    .addCommand(list)
    .addCommand(change('disable', 'refuse sign-in and end every session and grant'))
    .addCommand(change('enable', 'let a disabled account sign in again'))
    .addCommand(setPassword)
    .addCommand(removeFactors)
    .addCommand(signOut)
}
