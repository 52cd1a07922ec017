// Scenario 4: the primary is killed under load and its standby promoted, as often as asked. What was answered must be known to the new
// primary, and the server goes on without a restart. The database keeps its address, as behind a virtual IP: here a TCP proxy.

import { setTimeout as sleep } from 'node:timers/promises'
import { migrate } from '../../src/store/migrate.ts'
import type { Lifetime } from '../support/lifetime.ts'
import { createClient, createWire, type RefreshingClient } from './client.ts'
import { install } from './installation.ts'
import { judgeFamilies } from './invariants.ts'
import { createLedger, tallyOf } from './ledger.ts'
import { startProxy } from './proxy.ts'
import { deafen, failOver, joinStandby, startPrimary } from './replicated-postgres.ts'
import type { Report } from './report.ts'

export interface FailoverOptions {
  clients: number
  failovers: number
}

const addressOf = ({ port }: { port: number }) => ({ host: '127.0.0.1', port })

async function run(life: Lifetime, options: FailoverOptions, how: 'synchronous' | 'asynchronous') {
  const { folder, primary: first } = await startPrimary(life)
  await migrate(first.url)
  const proxy = await startProxy(life, first.url, addressOf(first))
  const installation = await install(life, proxy.url)
  const [server] = installation.processes
  const pid = server?.pid()
  const wire = createWire(installation.issuer)
  life.teardown(() => wire.close())
  const ledger = createLedger()
  const clients: RefreshingClient[] = []
  while (clients.length < options.clients) {
    clients.push(await createClient({ installation, ledger, wire, number: clients.length }))
  }
  const served = () => ledger.entries.filter(({ status }) => status === 200)
  const serving: number[] = []
  let primary = first
  let inFlight = 0
  for (let times = 0; times < options.failovers; times++) {
    const pair = await joinStandby(life, folder, primary, how)
    let stop = false
    const working = clients.map(client => client.run(() => stop))
    const before = served().length
    while (served().length < before + 4 * options.clients) await sleep(10)
    // from here on nothing reaches the standby: what is confirmed now, is confirmed by the primary alone
    const endReceiver = await deafen(pair)
    await sleep(1000)
    inFlight += ledger.inFlight(server?.port ?? 0)
    await failOver(pair, endReceiver)
    proxy.leadTo(addressOf(pair.standby))
    const promoted = performance.now()
    const after = () => served().find(({ receivedAt = 0 }) => receivedAt > promoted)
    // a control may have nobody left to be served
    while (after() === undefined && clients.some(client => client.token() !== '')) await sleep(5)
    serving.push(((after()?.receivedAt ?? promoted) - promoted) / 1000)
    stop = true
    await Promise.all(working)
    primary = pair.standby
  }
  return { installation, ledger, clients, wire, serving, inFlight, stayed: server?.pid() === pid }
}

export async function promoteStandby(
  report: Report,
  life: Lifetime,
  options: FailoverOptions
): Promise<void> {
  const { installation, ledger, clients, wire, serving, inFlight, stayed } = await run(
    life,
    options,
    'synchronous'
  )
  report.tell('primaries killed', serving.length)
  report.tell('requests in flight at a kill', inFlight)
  report.tell('requests', JSON.stringify(tallyOf(ledger.entries)))
  report.equal("changes of the server's process id", stayed ? 0 : 1, 0)
  report.within('serving after promotion, slowest, seconds', Math.max(...serving), 5)
  await judgeFamilies(report, installation, clients, ledger.entries)
  report.equal('requests that hung', wire.hangs(), 0)
}

/** The control: the primary confirms alone. */
export async function promoteLateStandby(
  report: Report,
  life: Lifetime,
  options: FailoverOptions
): Promise<void> {
  const { clients } = await run(life, options, 'asynchronous')
  await Promise.all(clients.map(client => client.refresh()))
  const lost = clients.reduce((sum, client) => sum + client.lost(), 0)
  report.tell('control: primaries killed, and clients', `${options.failovers}, ${options.clients}`)
  report.atLeast('control: tokens lost', lost, 1)
}
