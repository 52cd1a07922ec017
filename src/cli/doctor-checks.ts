// The checks of `mintmark doctor` that need more than the schema and its rules: the policy
// for clients, files, the database, its settings, the clocks.

import type { Config } from '../config/schema.ts'
import { longestSkewSeconds } from '../ops/health.ts'
import { certificateEnds } from '../ops/tls.ts'
import { examineDatabase } from '../store/database.ts'
import { lostStatement, type PathFacts, timeouts } from '../store/pooler.ts'
import { createSettingsStore, type ServerFacts } from '../store/settings.ts'
import type { CliContext } from './context.ts'
import { declaredProblems } from './declared.ts'
import type { DoctorCheck } from './doctor.ts'

/** What the operator runs once, so that a pooler's connections have time-outs from their role. */
function roleLines(role: string): string {
  return Object.entries(timeouts)
    .map(([name, value]) => `ALTER ROLE ${role} SET ${name} = '${value / 1_000}s';`)
    .join(' ')
}

/** What stands between the server and PostgreSQL. */
function judgePath(path: PathFacts, { database }: Config): Awaited<ReturnType<DoctorCheck['run']>> {
  if (!path.pooled) return { status: 'ok', detail: 'none: each connection sets its time-outs' }
  if (path.namedStatements === 'are lost' && database.preparedStatements === 'named') {
    const [detail = '', fix = ''] = lostStatement.split(': ')
    return { status: 'problem', detail, fix: `${fix.charAt(0).toUpperCase()}${fix.slice(1)}` }
  }
  if (!path.timed) {
    return {
      status: 'warning',
      detail: 'the database role has no time-outs, so each statement sets its own',
      fix: `Run: ${roleLines(path.role)} Then RECONNECT; in the console of PgBouncer.`
    }
  }
  return database.directUrl === undefined
    ? {
        status: 'ok',
        detail: 'in transaction mode; changes are asked for, as DATABASE_DIRECT_URL is not set'
      }
    : { status: 'ok', detail: 'in transaction mode; changes are heard on the direct connection' }
}

export function doctorChecks(context: CliContext, config: Config): DoctorCheck[] {
  return [
    {
      name: 'declared clients and logo',
      async run() {
        const problems = declaredProblems(config)
        if (problems.length === 0) return { status: 'ok', detail: 'as the policy wants them' }
        return {
          status: 'problem',
          detail: problems.join('; '),
          fix: 'Correct them in the configuration.'
        }
      }
    },
    ...(config.tls.certificate === undefined ? [] : [serverCertificate(config)]),
    ...databaseChecks(context, config)
  ]
}

/** Days before its end when somebody should look why nobody has renewed it: those who renew by themselves do so a month before. */
const renewalDays = 14

function serverCertificate(config: Config): DoctorCheck {
  return {
    name: 'TLS certificate',
    async run() {
      const date = certificateEnds(config)
      const end = date?.toISOString().slice(0, 10)
      const left = ((date?.getTime() ?? 0) - Date.now()) / 86_400_000
      if (left > renewalDays) return { status: 'ok', detail: `good until ${end}` }
      return {
        status: left > 0 ? 'warning' : 'problem',
        detail: `ends on ${end}`,
        fix: 'Renew the file of tls.certificate; the server notices, without a restart.'
      }
    }
  }
}

function databaseChecks(context: CliContext, config: Config): DoctorCheck[] {
  let facts: Promise<ServerFacts> | undefined
  const ask = () => {
    facts ??= context
      .database()
      .then(sql => createSettingsStore({ sql, now: () => new Date() }).serverFacts())
    return facts
  }

  if (!context.isStarted()) {
    return [
      {
        name: 'server',
        run: async () => ({
          status: 'warning',
          detail: 'has not been started here yet, so its database was not checked',
          fix: 'Start it once, or set DATABASE_URL.'
        })
      }
    ]
  }
  return [
    {
      name: 'PostgreSQL',
      async run() {
        const { version } = await ask()
        const detail = `version ${Math.floor(version / 10_000)}.${version % 10_000}`
        return version >= 150_000
          ? { status: 'ok', detail }
          : { status: 'problem', detail, fix: 'Use PostgreSQL 15 or later.' }
      }
    },
    {
      name: 'pooler',
      async run() {
        const url = await context.databaseUrl()
        return judgePath(await examineDatabase(url, config.database.pooler), config)
      }
    },
    {
      name: 'durability',
      async run() {
        const { fsync, fullPageWrites, synchronousCommit } = await ask()
        if (fsync && fullPageWrites && synchronousCommit) {
          return { status: 'ok', detail: 'fsync, full_page_writes and synchronous_commit are on' }
        }
        return {
          status: 'problem',
          detail: 'the database may lose what it has confirmed',
          fix: 'Set fsync, full_page_writes and synchronous_commit to on.'
        }
      }
    },
    {
      name: 'clock',
      async run() {
        const { skewSeconds } = await ask()
        const detail = `differs from the database's by ${Math.abs(skewSeconds).toFixed(1)} s`
        return Math.abs(skewSeconds) <= longestSkewSeconds
          ? { status: 'ok', detail }
          : { status: 'problem', detail, fix: 'Synchronise the clocks (NTP).' }
      }
    },
    ...(config.previousMasterKeys.length > 0 ? [previousMasterKeys(context)] : [])
  ]
}

/** A master key that opens nothing any more is a secret too many. */
function previousMasterKeys(context: CliContext): DoctorCheck {
  return {
    name: 'master key',
    async run() {
      const walked = await (await context.keys()).resealer.walk('look')
      const remaining = walked.reduce((sum, each) => sum + each.remaining, 0)
      return remaining > 0
        ? { status: 'ok', detail: `${remaining} values still lie under a previous one` }
        : {
            status: 'warning',
            detail: 'nothing lies under a previous one any more',
            fix: 'Empty previousMasterKeys, once every server runs with the new key.'
          }
    }
  }
}
