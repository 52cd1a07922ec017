// Events of requests that write nothing else (client_credentials): gathered in memory and appended together, so that a machine token costs
// no statement. The bound on loss: a process that is killed loses at most one second of them, or the newest 5,000 when the database is
// away for longer; both are told in the log.

import { auditInsertMany } from '../store/audit.ts'
import type { Queries } from '../store/database.ts'
import { type AuditEvent, auditRow } from './events.ts'

const everyMillis = 1_000
const largestBatch = 500
const mostWaiting = 5_000

export interface AuditBatch {
  add(event: AuditEvent): void
  /** Appends what waits, and takes no more. */
  end(): Promise<void>
}

export function createAuditBatch(deps: {
  sql: Queries
  log: { warn(data: object, message: string): void }
  /** milliseconds, monotonic */
  now?: () => number
}): AuditBatch {
  const { sql, log, now = () => performance.now() } = deps
  let waiting: { row: ReturnType<typeof auditRow>; at: number }[] = []
  let lost = 0
  let sending: Promise<void> | undefined

  async function send(): Promise<void> {
    while (waiting.length > 0) {
      // taken out first: what comes meanwhile may push out older ones, but never one that is on its way
      const batch = waiting.splice(0, largestBatch)
      const sent = now()
      const { name, text, values } = auditInsertMany(
        batch.map(({ row, at }) => ({ row, ageSeconds: (sent - at) / 1_000 }))
      )
      try {
        await sql.run(name, text, values)
      } catch (error) {
        waiting = [...batch, ...waiting]
        dropOldest()
        throw error
      }
    }
    if (lost > 0) log.warn({ lost }, 'audit events were lost while the database was away')
    lost = 0
  }

  function dropOldest(): void {
    const many = Math.max(0, waiting.length - mostWaiting)
    waiting.splice(0, many)
    lost += many
  }

  function flush(): Promise<void> {
    sending ??= send()
      .catch(error => log.warn({ err: error, waiting: waiting.length }, 'audit events wait'))
      .finally(() => {
        sending = undefined
      })
    return sending
  }

  const timer = setInterval(() => void flush(), everyMillis)
  timer.unref()

  return {
    add(event) {
      waiting.push({ row: auditRow(event), at: now() })
      dropOldest()
    },
    async end() {
      clearInterval(timer)
      await flush()
      // what came while the last batch was on its way
      await flush()
    }
  }
}
