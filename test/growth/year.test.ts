// A year of expiry in a minute, with the clocks of database and server turned: no table or index grows, nothing is overdue, and a refresh
// costs on the last day what it cost on the first. `npm run growth` lives through a year of the usual lifetimes; the short form, part of
// every run, through some months of short ones. The flood that ends at its cap is in test/ops/limits.test.ts.

import { performance } from 'node:perf_hooks'
import t from 'tap'
import { createRequests, web } from '../protocol/requests.ts'
import { testConfig } from '../support/configuration.ts'
import { startTestServer } from '../support/server.ts'
import { createClock, createDays, type Snapshot } from './days.ts'

const long = process.env['MINTMARK_GROWTH'] === 'year'
const [steps, daysAStep, rows, refreshes] = long ? [364, 1, 2_000, 40] : [48, 3, 200, 4]
// The engine has no clock that could be turned: to it every sign-in is of today, and the longest session ends after a year. So the last day
// of the year is the 364th after the first.
const sessions = { idle: '14d', absolute: '365d' }
const overrides = long
  ? { sessions, audit: { retention: '60d' } }
  : { sessions, refreshTokens: { idle: '7d', absolute: '7d' }, audit: { retention: '30d' } }
/** everything that is ever deleted has been by then; sizes go up and down with the partitions, at most in 30 days */
const steadyDay = long ? 130 : 72
const cycle = 36

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN
}

/** The largest that each table was in some days. */
function largest(snapshots: readonly Snapshot[], kind: 'bytes' | 'indexBytes') {
  const all: Record<string, number> = {}
  for (const snapshot of snapshots) {
    for (const [table, bytes] of Object.entries(snapshot[kind])) {
      all[table] = Math.max(all[table] ?? 0, bytes)
    }
  }
  return all
}

t.test(
  'a year of expiry: sizes are flat, nothing is overdue, a refresh costs the same',
  async t => {
    const clock = createClock()
    const main = await startTestServer(t, overrides, { now: clock.now })
    const requests = createRequests(main)
    const days = await createDays(main, testConfig(main.issuer, overrides), clock, rows)

    async function refreshMillis(): Promise<number> {
      const signIn = { scope: 'openid offline_access', extra: { prompt: 'login consent' } }
      let { refresh_token: token } = await requests.tokens(signIn)
      const times: number[] = []
      for (let n = 0; n < refreshes; n += 1) {
        const begun = performance.now()
        const { result, roundTrips } = await main.counted(() => requests.refresh(web, token))
        times.push(performance.now() - begun)
        if (result.status !== 200) throw new Error(result.text)
        token = result.body.refresh_token
        const own = roundTrips.filter(([name]) => name?.startsWith('refresh_families.'))
        if (own.length !== 2) throw new Error(`${roundTrips}`)
      }
      return median(times)
    }

    await refreshMillis()
    const first = await refreshMillis()
    const snapshots: Snapshot[] = []
    for (let step = 0; step < steps; step += 1) {
      const snapshot = await days.pass(daysAStep)
      snapshots.push(snapshot)
      for (const { table, overdueRows, overduePartitions } of snapshot.growth.tables) {
        if (overdueRows > 0 || overduePartitions > 0) {
          t.fail(`day ${snapshot.day}: ${table} has ${overdueRows} overdue rows`)
        }
      }
      if (step % 10 === 9) await refreshMillis()
    }
    const last = await refreshMillis()
    const total = (bytes: Record<string, number>) =>
      Math.round(Object.values(bytes).reduce((sum, some) => sum + some, 0) / 1024)

    const steady = snapshots.filter(({ day }) => day > steadyDay && day <= steadyDay + cycle)
    const end = snapshots.slice(-Math.ceil(cycle / daysAStep))
    t.ok(steady.length > 10 && (end[0]?.day ?? 0) >= (steady.at(-1)?.day ?? 0), 'two whole cycles')
    for (const kind of ['bytes', 'indexBytes'] as const) {
      const [before, after] = [largest(steady, kind), largest(end, kind)]
      t.comment(
        `${kind}: ${total(before)} kB after ${steadyDay} days, ${total(after)} kB at the end`
      )
      for (const [table, bytes] of Object.entries(after)) {
        // a page of a small table is no growth
        const allowed = (before[table] ?? 0) * 1.2 + 128 * 1_024
        t.ok(bytes <= allowed, `${kind} of ${table}: ${before[table]} -> ${bytes}`)
      }
    }
    t.comment(
      `refresh, p50: ${first.toFixed(1)} ms on the first day, ${(last / first).toFixed(2)} times that at the end`
    )
    const { tables } = snapshots.at(-1)?.growth ?? { tables: [] }
    for (const { table, rows, bytes, partitions } of tables.slice(0, 8)) {
      t.comment(`${table}: ${rows} rows, ${Math.round(bytes / 1024)} kB, ${partitions} partitions`)
    }
  }
)
