// Scenario 6: PostgreSQL is there, but slow, locked, out of reach, or too narrow for the crowd. No request may hang, no client may lose its
// token, nothing but 200, 429 and 503 may be said, and all is well again within seconds.

import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { Lifetime } from '../support/lifetime.ts'
import { createClient, createWire, type RefreshingClient } from './client.ts'
import { type InstallOptions, install } from './installation.ts'
import { judgeFamilies } from './invariants.ts'
import { createLedger, type Entry, tallyOf } from './ledger.ts'
import { type PostgresProxy, startProxy } from './proxy.ts'
import { createReport, type Report } from './report.ts'

export interface SlowOptions {
  clients: number
  /** clients of the server with a pool of two */
  crowd: number
  seconds: { crowd: number; lock: number; delay: number; hole: number; after: number }
  delayMillis: number
}

/** Seconds after the end of a fault by which nobody may feel it any more. */
const recovery = 5

interface Load {
  entries: readonly Entry[]
  /** Clients refresh while `fault` lasts, and `after` seconds more; then the fault is judged. */
  under(name: string, after: number, fault: () => Promise<void>): Promise<void>
  finish(): Promise<void>
}

async function startLoad(
  report: Report,
  life: Lifetime,
  url: string,
  count: number,
  installing: InstallOptions
): Promise<Load> {
  const installation = await install(life, url, installing)
  const wire = createWire(installation.issuer)
  life.teardown(() => wire.close())
  const ledger = createLedger()
  const clients: RefreshingClient[] = []
  while (clients.length < count) {
    clients.push(await createClient({ installation, ledger, wire, number: clients.length }))
  }
  return {
    entries: ledger.entries,
    async under(name, after, fault) {
      const from = ledger.entries.length
      const hungBefore = wire.hangs()
      let stop = false
      const working = clients.map(client => {
        const run = client.run(() => stop)
        // who lost its token at a naive server may not even get another one
        return installing.naivety === undefined ? run : run.catch(() => undefined)
      })
      await fault()
      const ended = performance.now()
      await sleep(after * 1000)
      stop = true
      await Promise.all(working)
      const entries = ledger.entries.slice(from)
      judge(report, name, entries, ended)
      report.equal(`${name}: requests that hung`, wire.hangs() - hungBefore, 0)
    },
    async finish() {
      await judgeFamilies(report, installation, clients, ledger.entries)
    }
  }
}

function judge(report: Report, name: string, entries: readonly Entry[], ended: number) {
  const served = entries.filter(({ status }) => status === 200)
  const unserved = entries.filter(({ status }) => status !== 200)
  const longest = Math.max(...entries.map(({ sentAt, receivedAt = sentAt }) => receivedAt - sentAt))
  const good = served.map(({ receivedAt = 0 }) => receivedAt).filter(at => at > ended)
  // what was sent after the end: an answer to a request of before may still tell of the fault
  const lastBad = Math.max(ended, ...unserved.map(({ receivedAt = 0 }) => receivedAt))
  report.tell(`${name}: answers`, JSON.stringify(tallyOf(entries)))
  report.tell(`${name}: longest answer, seconds`, (longest / 1000).toFixed(1))
  report.equal(
    `${name}: answers besides 200, 429, 503`,
    entries.filter(({ status = 0 }) => ![200, 429, 503].includes(status)).length,
    0
  )
  report.within(
    `${name}: served again, seconds after its end`,
    (Math.min(...good) - ended) / 1000,
    recovery
  )
  report.within(`${name}: last refusal, seconds after its end`, (lastBad - ended) / 1000, recovery)
}

async function holdLock(url: string, seconds: number) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query('BEGIN')
    await client.query('LOCK TABLE refresh_families IN ACCESS EXCLUSIVE MODE')
    await sleep(seconds * 1000)
    await client.query('COMMIT')
  } finally {
    await client.end()
  }
}

async function holeFor(proxy: PostgresProxy, seconds: number) {
  const hole = proxy.blackHole()
  await sleep(seconds * 1000)
  hole.close()
}

/** A pool of two, and a crowd. */
export async function crowdAtNarrowPool(
  report: Report,
  life: Lifetime,
  url: string,
  { crowd, seconds }: SlowOptions
): Promise<void> {
  const narrow = await startLoad(report, life, url, crowd, { pool: 2 })
  await narrow.under(`pool of 2, ${crowd} clients`, 0, () => sleep(seconds.crowd * 1000))
  const perClient = narrow.entries.filter(({ status }) => status === 200).length / crowd
  report.atLeast('… refreshes a client', perClient, 1)
  await narrow.finish()
}

/** A lock, late answers, a black hole; one after the other, at one server. */
export async function slowPostgres(
  report: Report,
  life: Lifetime,
  url: string,
  { clients, seconds, delayMillis }: SlowOptions
): Promise<void> {
  const proxy = await startProxy(life, url)
  const load = await startLoad(report, life, url, clients, { reachedBy: proxy.url })
  await load.under(`table lock, ${seconds.lock} s`, seconds.after, () =>
    holdLock(url, seconds.lock)
  )
  await load.under(`answers ${delayMillis} ms late`, seconds.after, async () => {
    proxy.delayAnswers(delayMillis)
    await sleep(seconds.delay * 1000)
    proxy.delayAnswers(0)
  })
  await load.under(`black hole, ${seconds.hole} s`, seconds.after, () =>
    holeFor(proxy, seconds.hole)
  )
  await load.finish()
}

/** The fault at a naive server must break these lines of the same judgement: otherwise the judgement proves nothing. */
async function mustFail(
  report: Report,
  lines: readonly string[],
  judged: (report: Report) => Promise<void>
): Promise<void> {
  const control = createReport('control', 'told')
  await judged(control)
  for (const line of lines) {
    const found = control.lines.find(({ what }) => what.endsWith(line))
    report.tell(`control: ${found?.what ?? line}`, found?.measured ?? 'not judged')
    report.equal(`control: … and that is refused`, found?.holds === false ? 1 : 0, 1)
  }
}

const wrongAnswers = 'answers besides 200, 429, 503'

/** The control: who finds no free connection is told that its token is unknown. */
export async function crowdAtForgetfulServer(
  report: Report,
  life: Lifetime,
  url: string,
  { crowd, seconds }: Pick<SlowOptions, 'crowd' | 'seconds'>
): Promise<void> {
  await mustFail(report, [wrongAnswers], async control => {
    const naive = { pool: 2, naivety: 'forgetful' } as const
    const load = await startLoad(control, life, url, crowd, naive)
    await load.under('pool of 2', 0, () => sleep(seconds.crowd * 1000))
  })
}

/** The controls: a read that fails has found nothing; and a server that waits for ever. */
export async function slowPostgresNaively(
  report: Report,
  life: Lifetime,
  url: string,
  { clients, seconds }: Pick<SlowOptions, 'clients' | 'seconds'>
): Promise<void> {
  await mustFail(report, [wrongAnswers], async control => {
    const load = await startLoad(control, life, url, clients, { naivety: 'forgetful' })
    await load.under('table lock', seconds.after, () => holdLock(url, seconds.lock))
  })
  await mustFail(report, ['requests that hung'], async control => {
    const proxy = await startProxy(life, url)
    const naive = { reachedBy: proxy.url, naivety: 'endless' } as const
    const load = await startLoad(control, life, url, clients, naive)
    await load.under('black hole', seconds.after, () => holeFor(proxy, seconds.hole))
  })
}
