// Scenario 3: `kill -9` of PostgreSQL, postmaster and all of its processes, and its restart. The server must stay, and what it had
// answered must be known afterwards. With `synchronous_commit=off` that is not so, which is how one sees that the harness can see.

import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from '../support/embedded-folder.ts'
import type { Lifetime } from '../support/lifetime.ts'
import { createClient, createWire, type RefreshingClient } from './client.ts'
import type { DurableCluster } from './durable-cluster.ts'
import { install } from './installation.ts'
import { judgeFamilies } from './invariants.ts'
import { allServed, createLedger, tallyOf } from './ledger.ts'
import type { Report } from './report.ts'

export interface CrashOptions {
  clients: number
  kills: number
}

async function run(life: Lifetime, cluster: DurableCluster, url: string, options: CrashOptions) {
  const installation = await install(life, url)
  const [server] = installation.processes
  const wire = createWire(installation.issuer)
  life.teardown(() => wire.close())
  const ledger = createLedger()
  const clients: RefreshingClient[] = []
  while (clients.length < options.clients) {
    clients.push(await createClient({ installation, ledger, wire, number: clients.length }))
  }
  const pid = server?.pid()
  let stop = false
  const working = clients.map(client => client.run(() => stop))
  const served = () => ledger.entries.filter(({ status }) => status === 200)
  /** seconds from accepting connections to the first answer that came after it */
  const serving: number[] = []
  let inFlight = 0
  let from = 0
  for (let kills = 0; kills < options.kills; kills++) {
    await allServed(ledger, clients.length, from)
    await sleep(Math.random() * 500)
    inFlight += ledger.inFlight(server?.port ?? 0)
    await cluster.kill()
    from = ledger.entries.length
    await cluster.start()
    const accepting = performance.now()
    const after = () => served().find(({ receivedAt = 0 }) => receivedAt > accepting)
    while (after() === undefined) await sleep(5)
    serving.push(((after()?.receivedAt ?? 0) - accepting) / 1000)
  }
  stop = true
  await Promise.all(working)
  return { installation, ledger, clients, wire, serving, inFlight, stayed: server?.pid() === pid }
}

export async function killPostgres(
  report: Report,
  life: Lifetime,
  cluster: DurableCluster,
  url: string,
  options: CrashOptions
): Promise<void> {
  const { installation, ledger, clients, wire, serving, inFlight, stayed } = await run(
    life,
    cluster,
    url,
    options
  )
  report.tell('kills of PostgreSQL', serving.length)
  report.tell('requests in flight at a kill', inFlight)
  report.tell('requests', JSON.stringify(tallyOf(ledger.entries)))
  report.equal("changes of the server's process id", stayed ? 0 : 1, 0)
  const sorted = [...serving].sort((a, b) => a - b)
  report.tell(
    'serving after accepting, median seconds',
    (sorted[sorted.length >> 1] ?? 0).toFixed(2)
  )
  report.within('… slowest, seconds', sorted.at(-1) ?? 0, 1)
  await judgeFamilies(report, installation, clients, ledger.entries)
  report.equal('requests that hung', wire.hangs(), 0)
}

/** The control: PostgreSQL confirms before it has written. */
export async function killForgetfulPostgres(
  report: Report,
  life: Lifetime,
  cluster: DurableCluster,
  url: string,
  options: CrashOptions
): Promise<void> {
  const database = /@\/(\w+)\?/.exec(url)?.[1]
  await sql(url, `ALTER DATABASE ${database} SET synchronous_commit = off`)
  const { clients } = await run(life, cluster, url, options)
  await Promise.all(clients.map(client => client.refresh()))
  const lost = clients.reduce((sum, client) => sum + client.lost(), 0)
  report.tell('control: kills, and clients', `${options.kills}, and ${options.clients}`)
  report.atLeast('control: tokens lost', lost, 1)
}
