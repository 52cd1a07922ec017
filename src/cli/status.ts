// `mintmark status`: where the server is and how to reach it, for people and for scripts (`-o env|json`). In development it prints the demo's
// secrets, too, since they exist to be used; in production only what is public. Text and JSON also tell how large the database is, and
// whether what is over leaves in time.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Command, Option } from 'commander'
import { demoLogin, demoMachineClientId, demoWebClientId } from '../config/demo-names.ts'
import type { Config } from '../config/schema.ts'
import { Fault } from '../lib/fault.ts'
import { files } from '../ops/installation.ts'
import { planPartitions } from '../ops/parts.ts'
import { openDataFolder } from '../store/data-folder.ts'
import { type Growth, readGrowth } from '../store/growth.ts'
import { aligned, shellQuoted } from './clients-text.ts'
import type { CliContext } from './context.ts'

type Format = 'text' | 'json' | 'env'

export function statusCommand(context: CliContext): Command {
  return new Command('status')
    .description('where the server is, and what scripts need to use it')
    .addOption(
      new Option('-o, --output <format>', 'how to print it')
        .choices(['text', 'json', 'env'])
        .default('text')
    )
    .action(async ({ output }: { output: Format }) => {
      const values = await collect(context)
      const running = await isReady(context.config(), values['MINTMARK_ISSUER'] ?? '')
      if (running !== 'yes' && output !== 'text') {
        context.err(
          running === 'no'
            ? 'The server does not run now: start it with npm start.'
            : 'The server runs, but is not ready: see what its log says.'
        )
      }
      const growth = output === 'env' ? undefined : await growthOf(context)
      if (output === 'json') context.out(JSON.stringify({ ...values, growth }, null, 2))
      else if (output === 'env') {
        for (const [name, value] of Object.entries(values)) {
          context.out(`${name}=${shellQuoted(value)}`)
        }
      } else {
        for (const line of aligned([...Object.entries(values), ['running', running]])) {
          context.out(line)
        }
        for (const line of growthText(growth)) context.out(line)
      }
    })
}

/** Undefined where the database does not answer, or is not ours yet: whether the server runs is told all the same. */
async function growthOf(context: CliContext): Promise<Growth | undefined> {
  try {
    return await readGrowth(await context.database(), planPartitions(context.config()))
  } catch {
    context.err('The size of the database is not known: it does not answer, or is of before.')
    return undefined
  }
}

const units = ['B', 'kB', 'MB', 'GB', 'TB'] as const

function bytesText(bytes: number): string {
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10))
  return `${Math.round(bytes / 1024 ** power)} ${units[power]}`
}

function spanText(seconds: number): string {
  if (seconds >= 2 * 86_400) return `${Math.round(seconds / 86_400)} d`
  return seconds >= 2 * 3_600
    ? `${Math.round(seconds / 3_600)} h`
    : `${Math.ceil(seconds / 60)} min`
}

/** A table of the tables; empty ones are left out. */
export function growthText(growth: Growth | undefined): string[] {
  if (growth === undefined) return []
  const shown = growth.tables.filter(({ rows, overdueRows, overduePartitions, partitions }) =>
    [rows, overdueRows, overduePartitions, partitions].some(number => number > 0)
  )
  const rows = shown.map(table => [
    table.table,
    String(table.rows),
    bytesText(table.bytes),
    table.overduePartitions > 0
      ? `${table.overdueRows} in ${table.overduePartitions} partitions`
      : String(table.overdueRows),
    table.nextDropSeconds === undefined ? '-' : `in ${spanText(table.nextDropSeconds)}`
  ])
  const all = [['table', 'rows', 'size', 'overdue', 'next drop'], ...rows]
  const widths = [0, 1, 2, 3].map(at => Math.max(...all.map(row => row[at]?.length ?? 0)))
  return [
    '',
    ...all.map(row => row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ')),
    `cleaned up by: ${growth.leader ?? 'nobody now'}`
  ]
}

async function collect(context: CliContext): Promise<Record<string, string>> {
  if (context.config().mode === 'production') {
    return { MINTMARK_ISSUER: (await context.settled()).issuer }
  }
  const { dataFolder } = context.config()
  const recall = async (name: string) => {
    const path = join(dataFolder, name)
    const value = existsSync(path) ? await (await openDataFolder(dataFolder)).recall(name) : ''
    if (value) return value
    throw new Fault(
      'configuration_invalid',
      `No server has been started with the data folder ${dataFolder} yet: run npm start once, or set MINTMARK_DATA.`
    )
  }
  const secret = await recall(files.machineSecret)
  const password = await recall(files.password)
  return {
    MINTMARK_ISSUER: (await context.settled()).issuer,
    MINTMARK_DEMO_MACHINE_CLIENT_ID: demoMachineClientId,
    MINTMARK_DEMO_MACHINE_CLIENT_SECRET: secret,
    MINTMARK_DEMO_WEB_CLIENT_ID: demoWebClientId,
    MINTMARK_DEMO_LOGIN: demoLogin,
    MINTMARK_DEMO_PASSWORD: password,
    DATABASE_URL: await context.databaseUrl()
  }
}

/** Asked where it listens: under its public name it may not be reachable from here. */
async function isReady(config: Config, issuer: string): Promise<'yes' | 'no' | 'not ready'> {
  const { host, port } = config
  const bare =
    { '0.0.0.0': '127.0.0.1', '::': '[::1]' }[host] ?? (host.includes(':') ? `[${host}]` : host)
  const origin = port === undefined ? issuer : `http://${bare}:${port}`
  try {
    const { ok } = await fetch(`${origin}/readyz`, { signal: AbortSignal.timeout(2_000) })
    return ok ? 'yes' : 'not ready'
  } catch {
    return 'no'
  }
}
