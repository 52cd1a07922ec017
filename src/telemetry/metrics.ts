// All metrics, one table: name, kind, help, labels. Owns the registry; whoever knows a number fills it. Labels are names of ours (routes,
// tables, outcomes), never what a request says: a stranger cannot make a series.

import { Counter, Gauge, Histogram, Registry } from 'prom-client'

const seconds = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export type Metrics = ReturnType<typeof createMetrics>

export function createMetrics() {
  const registry = new Registry()
  const registers = [registry]
  const counter = <L extends string>(name: string, help: string, labelNames: L[]) =>
    new Counter<L>({ name: `mintmark_${name}`, help, labelNames, registers })
  const gauge = <L extends string>(name: string, help: string, labelNames: L[] = []) =>
    new Gauge<L>({ name: `mintmark_${name}`, help, labelNames, registers })

  return {
    registry,
    requestSeconds: new Histogram({
      name: 'mintmark_http_request_duration_seconds',
      help: 'Time from a request to the end of its answer.',
      labelNames: ['method', 'route', 'status'] as const,
      buckets: seconds,
      registers
    }),
    refreshes: counter('refresh_tokens_total', 'Refresh tokens presented, by what they were.', [
      'outcome'
    ]),
    logoutNotices: counter('logout_notices_total', 'Logout tokens, by what became of an attempt.', [
      'outcome'
    ]),
    pings: counter('pings_total', 'Pings of CIBA clients, by what became of an attempt.', [
      'outcome'
    ]),
    mails: counter('mails_total', 'Mails, by what became of an attempt.', ['outcome']),
    breachChecks: counter(
      'password_breach_checks_total',
      'New passwords looked up among stolen ones, by answer.',
      ['answer']
    ),
    limited: counter('limited_requests_total', 'Requests refused by a limit.', ['limit', 'by']),
    poolConnections: gauge('pool_connections', 'Connections to the database.', ['state']),
    poolWaiting: gauge('pool_waiting', 'Requests that wait for a connection.'),
    tableRows: gauge('table_rows', 'Rows of a table, as PostgreSQL estimates them.', ['table']),
    tableBytes: gauge('table_bytes', 'Bytes of a table with its indexes.', ['table']),
    overdueRows: gauge('table_overdue_rows', 'Rows that should have left.', ['table']),
    partitions: gauge('table_partitions', 'Partitions of a table.', ['table']),
    overduePartitions: gauge('table_overdue_partitions', 'Partitions that should have left.', [
      'table'
    ]),
    nextDrop: gauge('table_next_drop_seconds', 'Seconds until the next partition leaves.', [
      'table'
    ]),
    background: counter('background_work_total', 'What the background job did here, by task.', [
      'task'
    ]),
    backgroundFailures: counter('background_failures_total', 'Failures of it, by task.', ['task'])
  }
}
