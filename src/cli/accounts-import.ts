// `mintmark accounts import <file>`: people from another server, one JSON object a line. Owns reading the file, the sentences for lines that
// are refused, and the counts; what a line may say is accounts/import.ts.

import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { Command, Option } from 'commander'
import type { AccountImport, LineOutcome, LineProblem } from '../accounts/import.ts'

export interface ImportCliContext {
  importer(): Promise<AccountImport>
  out(text: string): void
  err(text: string): void
  exit(code: number): void
}

const sentences: Readonly<Record<LineProblem, string>> = {
  line_malformed: 'This is no JSON object of the members that docs/passwords.md lists.',
  member_unknown: 'It has a member that is not known.',
  id_malformed: 'The id is no UUID. Leave it out to have one made.',
  id_taken: 'There is another account with this id.',
  login_taken: 'There is another account with this login.',
  address_taken: 'There is another account with this verified address.',
  login_empty: 'It has neither login nor email.',
  login_too_long: 'The login is longer than 254 bytes.',
  login_malformed: 'The login is neither an e-mail address nor a name without spaces.',
  name_malformed: 'The name is longer than 200 characters, or has line breaks or controls.',
  email_malformed: 'The email is no e-mail address.',
  locale_malformed: 'The locale is no language tag (BCP 47).',
  hash_unknown: 'The password hash is of a kind that cannot be verified here.',
  hash_malformed: 'The password hash is not well-formed.',
  hash_too_costly:
    'Verifying this password hash would take a second or 128 MiB and more, so anybody could keep this server busy. Leave it out, and have the person reset the password.'
}

/** Lines of one transaction. */
const batch = 200
/** Refused lines that are told one by one. */
const mostTold = 100

type Counts = Record<LineOutcome['kind'], number>

/** Lines with their numbers, without empty ones. */
async function* batchesOf(file: string) {
  let lines: { number: number; text: string }[] = []
  let number = 0
  const input = createReadStream(file, 'utf8')
  for await (const text of createInterface({ input, crlfDelay: Infinity })) {
    number += 1
    // a byte-order mark is no part of the first line
    const line = number === 1 ? text.replace(/^\ufeff/, '') : text
    if (line.trim() !== '') lines.push({ number, text: line })
    if (lines.length < batch) continue
    yield lines
    lines = []
  }
  yield lines
}

function told(counts: Counts, dryRun: boolean): string {
  const created = dryRun ? 'would be created' : 'created'
  return `${counts.created} ${created}, ${counts.present} there already, ${counts.refused} refused`
}

export function accountsImportCommand(context: ImportCliContext): Command {
  return new Command('import')
    .description('create accounts from a file of JSON lines, with their password hashes')
    .argument('<file>', 'one JSON object a line: login, id, name, email, password_hash …')
    .option('--dry-run', 'say what would become of each line, and write nothing')
    .addOption(
      new Option('-o, --output <format>', 'how to print').choices(['text', 'json']).default('text')
    )
    .action(async (file: string, options: { dryRun?: true; output: 'text' | 'json' }) => {
      const importer = await context.importer()
      const counts: Counts = { created: 0, present: 0, refused: 0 }
      try {
        for await (const lines of batchesOf(file)) {
          const mode = options.dryRun ? 'dry run' : 'write'
          const outcomes = await importer.take(
            lines.map(({ text }) => text),
            mode
          )
          for (const [at, outcome] of outcomes.entries()) {
            counts[outcome.kind] += 1
            if (outcome.kind !== 'refused' || counts.refused > mostTold) continue
            const what = outcome.what === undefined ? '' : ` (${outcome.what.slice(0, 60)})`
            context.err(`line ${lines[at]?.number}: ${sentences[outcome.reason]}${what}\n`)
          }
        }
      } catch (error) {
        if (!(error instanceof Error && 'syscall' in error)) throw error
        context.err(`The file cannot be read: ${error.message}\n`)
        return context.exit(1)
      }
      if (counts.refused > mostTold) {
        context.err(`${counts.refused - mostTold} more refused lines are not told here.\n`)
      }
      const text = told(counts, options.dryRun === true)
      context.out(options.output === 'json' ? `${JSON.stringify(counts)}\n` : `${text}\n`)
      // the rest is in: the caller still has to know
      if (counts.refused > 0) context.exit(1)
    })
}
