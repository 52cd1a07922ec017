// Two server processes on one database, and a starting line: contenders are held until each of them has read what it is about to spend,
// so that whoever checks before writing has checked too early. Requests take turns between the processes.

import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { Test } from 'tap'
import type { Overrides } from '../support/configuration.ts'
import {
  fetchFrom,
  type ProcessRequest,
  type ProcessResponse,
  startServerProcess
} from '../support/processes.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { type Caller, createRequests, type Parameters, type Requests } from './requests.ts'

export interface Contest {
  main: TestServer
  requests: Requests
  /** the `turn`-th request goes to one process, the next one to the other */
  fetch(turn: number, path: string, init?: ProcessRequest): Promise<ProcessResponse>
  post(turn: number, path: string, caller: Caller, form: Parameters): Promise<ProcessResponse>
}

export const contenders = 8

/** Runs one request for each contender. */
export function each<T>(work: (turn: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: contenders }, (_, turn) => work(turn)))
}

/** @param ports which processes take part, when it is not the test's own and one more */
export async function startContest(
  t: Test,
  overrides: Overrides = {},
  ports?: (main: TestServer) => Promise<number[]>
): Promise<Contest> {
  const main = await startTestServer(t, overrides)
  const processes = (await ports?.(main)) ?? [
    Number(new URL(main.issuer).port),
    (await startServerProcess(t, main, overrides)).port
  ]
  const fetch: Contest['fetch'] = (turn, path, init) =>
    fetchFrom(processes[turn % processes.length] ?? 0, main.issuer, path, init)
  return {
    main,
    requests: createRequests(main),
    fetch,
    post(turn, path, caller, form) {
      const body = new URLSearchParams()
      for (const [name, value] of Object.entries({ ...caller.parameters, ...form })) {
        for (const one of [value ?? []].flat()) body.append(name, one)
      }
      return fetch(turn, path, {
        method: 'POST',
        headers: { ...caller.headers, 'content-type': 'application/x-www-form-urlencoded' },
        body: body.toString()
      })
    }
  }
}

export interface StartingLine {
  client: pg.Client
  /** Resolves once `count` connections wait for a lock, or after two seconds: shorter than the server's own patience. */
  waiting(count: number): Promise<void>
}

/** Runs `work` while a transaction holds what `lock` says; it lets go when `work` calls `go`. */
export async function held<T>(
  url: string,
  lock: string,
  work: (line: StartingLine, go: () => Promise<void>) => Promise<T>
): Promise<T> {
  const client = new pg.Client({ connectionString: url, application_name: 'starting-line' })
  const watcher = new pg.Client({ connectionString: url, application_name: 'starting-line' })
  await Promise.all([client.connect(), watcher.connect()])
  try {
    await client.query('BEGIN')
    await client.query(lock)
    const line = {
      client,
      async waiting(count: number) {
        for (let left = 200; left > 0; left--) {
          const { rows } = await watcher.query<{ waiting: number }>(
            `SELECT count(*)::int AS waiting FROM pg_stat_activity
             WHERE datname = current_database() AND wait_event_type = 'Lock'`
          )
          if ((rows[0]?.waiting ?? 0) >= count) return
          await sleep(10)
        }
      }
    }
    return await work(line, async () => void (await client.query('COMMIT')))
  } finally {
    await Promise.all([client.end(), watcher.end()])
  }
}

/** All contenders read before any of them writes to `table`. */
export function race<T>(
  url: string,
  table: string,
  work: (turn: number) => Promise<T>
): Promise<T[]> {
  return held(url, `LOCK TABLE ${table} IN SHARE MODE`, async (line, go) => {
    const running = each(work)
    await line.waiting(contenders)
    await go()
    return running
  })
}

/** How often each status and error came, as `200` or `400 invalid_grant`. */
export function tally(answers: readonly ProcessResponse[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const answer of answers) {
    const error = /"error":"(\w+)"/.exec(answer.text)?.[1]
    const key = error === undefined ? String(answer.status) : `${answer.status} ${error}`
    counts[key] = (counts[key] ?? 0) + 1
  }
  return counts
}
