// Scenarios 1 and 2: `kill -9` of a server process at any moment, while clients refresh. With one process or two, bearer or bound to a
// key; and with servers that spend naively, to see that the harness can see.

import { setTimeout as sleep } from 'node:timers/promises'
import type { App } from '../protocol/requests.ts'
import type { Lifetime } from '../support/lifetime.ts'
import { createClient, createWire, type RefreshingClient, spend } from './client.ts'
import { type InstallOptions, install, plain } from './installation.ts'
import { judgeFamilies, judgeTheft } from './invariants.ts'
import { allServed, createLedger, tallyOf } from './ledger.ts'
import type { Report } from './report.ts'

export interface KillOptions {
  clients: number
  kills: number
  /** requests that were in flight at a kill, in sum: more kills are made until so many were */
  inFlight: number
  app?: App
  /** how long the server lives between two kills, milliseconds */
  life: { least: number; most: number }
}

interface Killing {
  kills: number
  inFlight: number
}

async function run(life: Lifetime, url: string, options: KillOptions, installing: InstallOptions) {
  const installation = await install(life, url, installing)
  const wire = createWire(installation.issuer)
  life.teardown(() => wire.close())
  const ledger = createLedger()
  const clients: RefreshingClient[] = []
  while (clients.length < options.clients) {
    const deps = { installation, ledger, wire, number: clients.length }
    clients.push(await createClient(deps, options.app))
  }
  let stop = false
  const working = clients.map(client => client.run(() => stop))
  const done: Killing = { kills: 0, inFlight: 0 }
  let from = 0
  while (done.kills < options.kills || done.inFlight < options.inFlight) {
    await allServed(ledger, clients.length, from)
    await sleep(options.life.least + Math.random() * (options.life.most - options.life.least))
    const victim = installation.processes[done.kills % installation.processes.length]
    if (victim === undefined) throw new Error('there is no process to kill')
    done.inFlight += ledger.inFlight(victim.port)
    done.kills += 1
    await victim.kill()
    from = ledger.entries.length
    await victim.start()
  }
  await allServed(ledger, clients.length, from)
  stop = true
  await Promise.all(working)
  return { installation, wire, ledger, clients, done }
}

/** Kills, and judges. */
export async function killServer(
  report: Report,
  life: Lifetime,
  url: string,
  options: KillOptions,
  installing: InstallOptions = {}
): Promise<void> {
  const { installation, wire, ledger, clients, done } = await run(life, url, options, installing)
  report.tell('kills', done.kills)
  report.atLeast('requests in flight at a kill', done.inFlight, options.inFlight)
  report.tell('requests', JSON.stringify(tallyOf(ledger.entries)))
  await judgeFamilies(report, installation, clients, ledger.entries)
  report.equal('requests that hung', wire.hangs(), 0)
  const port = installation.processes[0]?.port ?? 0
  const { app = plain } = options
  if (app !== plain) return
  await judgeTheft(report, installation, clients.slice(0, 3), async client => {
    const credentials = async () => app.caller
    const deps = { installation, ledger, wire, number: client.number, credentials }
    const answer = await spend(deps, port, 'refresh_token', client.first(), {})
    return { status: answer?.status ?? 0, error: answer?.error }
  })
}

/** The control: separate statements and no leeway, the same kills. It must lose so many percent of what was in flight. */
export async function killNaiveServer(
  report: Report,
  life: Lifetime,
  url: string,
  options: KillOptions & { leastPercent: number }
): Promise<void> {
  const leeway = { leeway: '0s', publicLeeway: '0s' }
  const installing = { naivety: 'separate', overrides: { refreshTokens: leeway } } as const
  const { clients, done } = await run(life, url, options, installing)
  await Promise.all(clients.map(client => client.refresh()))
  const lost = clients.reduce((sum, client) => sum + client.lost(), 0)
  report.tell('control: lost, of requests in flight at a kill', `${lost} of ${done.inFlight}`)
  report.atLeast(
    'control: … percent',
    (100 * lost) / Math.max(1, done.inFlight),
    options.leastPercent
  )
}
