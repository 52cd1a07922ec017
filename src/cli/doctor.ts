// `mintmark doctor`: what is missing for production, as a table of checks. Exit code 1 when there is a problem.
// Owns the table; what is checked of the configuration is in config/doctor.ts, everything else is handed in.

import { Command, Option } from 'commander'
import { ConfigurationError } from '../config/configuration-error.ts'
import { type CheckResult, checks, type Status } from '../config/doctor.ts'
import type { Config } from '../config/schema.ts'
import type { Environment } from '../config/variables.ts'
import { Fault } from '../lib/fault.ts'

/** What the command needs of the command line's context. */
export interface DoctorContext {
  /** @throws ConfigurationError */
  config(): Config
  out(text: string): void
  exit(code: number): void
}

/** A check of something outside the configuration: the database, a clock, a folder. */
export interface DoctorCheck {
  name: string
  run(): Promise<Omit<CheckResult, 'name'>>
}

export interface DoctorOptions {
  env: Environment
  /** made only when the configuration is sound */
  checks: (config: Config) => readonly DoctorCheck[]
}

async function runCheck({ name, run }: DoctorCheck): Promise<CheckResult> {
  try {
    return { name, ...(await run()) }
  } catch (error) {
    // other errors may quote a connection string
    const detail = error instanceof Fault ? error.message : 'could not be checked'
    return { name, status: 'problem', detail, fix: 'See what the log says, and try again.' }
  }
}

function refusals(error: unknown): CheckResult[] {
  if (!(error instanceof ConfigurationError)) throw error
  return [
    ...error.problems.map(({ path, problem, fix }) => ({
      name: 'configuration',
      status: 'problem' as const,
      detail: `${path} ${problem}`,
      fix
    })),
    {
      name: 'everything else',
      status: 'warning',
      detail: 'was not checked: the server does not start like this',
      fix: 'Correct the configuration first.'
    }
  ]
}

async function allResults(context: DoctorContext, options: DoctorOptions): Promise<CheckResult[]> {
  let config: Config
  try {
    config = context.config()
  } catch (error) {
    return refusals(error)
  }
  const results = checks(config, options.env)
  // one after the other: the database answers each of them, and the order stays
  for (const check of options.checks(config)) results.push(await runCheck(check))
  return results
}

function countOf(results: readonly CheckResult[], status: Status, name: string): string {
  const count = results.filter(result => result.status === status).length
  return `${count} ${name}${count === 1 ? '' : 's'}`
}

/** The table, one line per check and one below it for what to do. */
export function renderChecks(results: readonly CheckResult[]): string {
  const width = Math.max(...results.map(({ name }) => name.length))
  const lines = results.flatMap(({ name, status, detail, fix }) => {
    const start = `  ${status.padEnd(7)}  ${name.padEnd(width)}  `
    const line = `${start}${detail}`.trimEnd()
    return fix === undefined ? [line] : [line, `${' '.repeat(start.length)}${fix}`]
  })
  const summary = `${countOf(results, 'problem', 'problem')}, ${countOf(results, 'warning', 'warning')}`
  const isReady = results.every(({ status }) => status !== 'problem')
  const verdict = isReady ? 'ready for production' : 'not ready for production'
  return [...lines, '', `  ${summary}: ${verdict}.`].join('\n')
}

export function doctorCommand(context: DoctorContext, options: DoctorOptions): Command {
  return new Command('doctor')
    .description('list what is missing for production')
    .addOption(
      new Option('-o, --output <format>', 'how to print it')
        .choices(['table', 'json'])
        .default('table')
    )
    .action(async ({ output }: { output: 'table' | 'json' }) => {
      const results = await allResults(context, options)
      const isReady = results.every(({ status }) => status !== 'problem')
      context.out(
        output === 'json'
          ? JSON.stringify({ ready: isReady, checks: results }, null, 2)
          : renderChecks(results)
      )
      if (!isReady) context.exit(1)
    })
}
