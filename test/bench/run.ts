// `npm run bench`: six requests at mintmark and at its two references, in turn, on the same core, so that the ratios hold on a machine that
// is not quiet. `--quick`: under a minute. `--profile`: afterwards a CPU profile of refresh, and its dearest parts.

import { startDurableCluster } from '../faults/durable-cluster.ts'
import { sql } from '../support/embedded-folder.ts'
import { createLifetime } from '../support/lifetime.ts'
import { closedLoop, type Measured } from './closed-loop.ts'
import { type Operation, operations } from './operations.ts'
import { type Cost, readProfile } from './profile.ts'
import {
  keepOffServers,
  type MintmarkTarget,
  pins,
  startBare,
  startMintmark,
  startPlain,
  type Target
} from './targets.ts'
import type { Usage } from './usage.ts'

const quick = process.argv.includes('--quick')
const connections = 16
const plan = quick
  ? { rounds: 1, warm: 0.3, seconds: 0.7, supply: 100, longest: 60 }
  : { rounds: 5, warm: 0.5, seconds: 2, supply: undefined, longest: 270 }

interface Sample {
  requestsPerSecond: number
  p50: number
  p99: number
  cpuMicros: number
  statements: number
  rssMegabytes: number
}

const percentile = (sorted: readonly number[], part: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0

function sampleOf({ requests, seconds, latencies }: Measured, before: Usage, after: Usage): Sample {
  return {
    requestsPerSecond: requests / seconds,
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    cpuMicros: (after.cpuMicros - before.cpuMicros) / requests,
    statements: (after.statements - before.statements) / requests,
    rssMegabytes: after.rssBytes / 2 ** 20
  }
}

async function measure(target: Target, operation: Operation): Promise<Sample> {
  const supply = operation.supply === undefined ? 0 : (plan.supply ?? operation.supply)
  const warm = await operation.speakers(target, connections, Math.ceil(supply / 4))
  await closedLoop(target.port, warm, plan.warm)
  const speakers = operation.supply ? await operation.speakers(target, connections, supply) : warm
  const before = await target.usage()
  // a supply is used up, however long it takes
  const measured = await closedLoop(target.port, speakers, supply > 0 ? 60 : plan.seconds)
  return sampleOf(measured, before, await target.usage())
}

/** The middle one by CPU time: others use the machine, too. */
function median(samples: readonly Sample[]): Sample {
  const sorted = samples.toSorted((a, b) => a.cpuMicros - b.cpuMicros)
  const middle = sorted[sorted.length >> 1]
  if (middle === undefined) throw new Error('nothing was measured')
  return middle
}

type Results = Map<string, Map<string, Sample[]>>

async function measureAll(targets: readonly Target[]): Promise<Results> {
  const results: Results = new Map()
  const begun = performance.now()
  const passed = () => (performance.now() - begun) / 1000
  // a busy machine does fewer rounds, not longer ones
  for (let round = 0; round < plan.rounds && (round === 0 || passed() < plan.longest); round++) {
    console.error(`round ${round + 1}, after ${Math.round(passed())} s`)
    for (const operation of operations) {
      const ofOperation = results.get(operation.name) ?? new Map<string, Sample[]>()
      results.set(operation.name, ofOperation)
      for (const target of targets) {
        const sample = await measure(target, operation)
        ofOperation.set(target.name, [...(ofOperation.get(target.name) ?? []), sample])
      }
    }
  }
  return results
}

const row = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`

function printTable(results: Results) {
  console.log(
    row(['request', 'server', 'requests/s', 'p50 ms', 'p99 ms', 'CPU µs', 'statements', 'RSS MB'])
  )
  console.log(row(['---', '---', ...Array.from({ length: 6 }, () => '---:')]))
  for (const [operation, servers] of results) {
    for (const [server, samples] of servers) {
      const sample = median(samples)
      console.log(
        row([
          operation,
          server,
          Math.round(sample.requestsPerSecond),
          sample.p50.toFixed(1),
          sample.p99.toFixed(1),
          Math.round(sample.cpuMicros),
          server === 'oidc-provider' ? '–' : sample.statements.toFixed(2),
          Math.round(sample.rssMegabytes)
        ])
      )
    }
  }
}

/** How many times as much CPU time, and how much of the rate; each round by itself, then the middle one. */
function printRatios(results: Results) {
  const to = ['bare Fastify', 'oidc-provider'] as const
  console.log(`\n${row(['mintmark to', ...to.flatMap(name => [`CPU, ${name}`, `rate, ${name}`])])}`)
  console.log(row(['---', ...to.flatMap(() => ['---:', '---:'])]))
  for (const [operation, servers] of results) {
    const ours = servers.get('mintmark') ?? []
    const cells = to.flatMap(name => {
      const theirs = servers.get(name) ?? []
      const middle = (of: (sample: Sample) => number) => {
        const ratios = ours.map((sample, round) => of(sample) / of(theirs[round] ?? sample))
        return ratios.sort((a, b) => a - b)[ratios.length >> 1] ?? 0
      }
      return [middle(s => s.cpuMicros).toFixed(2), middle(s => s.requestsPerSecond).toFixed(2)]
    })
    console.log(row([operation, ...cells]))
  }
}

const printCosts = (title: string, costs: readonly Cost[], count: number) => {
  console.log(`\n${title}`)
  for (const { name, percent } of costs.slice(0, count)) {
    console.log(`  ${percent.toFixed(1).padStart(5)} %  ${name}`)
  }
}

async function profileRefresh(target: MintmarkTarget) {
  const refresh = operations.find(({ name }) => name === 'refresh')
  if (refresh === undefined) throw new Error('refresh is not measured')
  const speakers = await refresh.speakers(target, connections, 0)
  const profile = await target.profiled(() => closedLoop(target.port, speakers, quick ? 3 : 15))
  const { owners, functions } = readProfile(profile)
  printCosts('Profile of refresh, own time by who wrote it', owners, 12)
  printCosts('Profile of refresh, own time by function', functions, 15)
}

const life = createLifetime()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void life.end().then(() => process.exit(130)))
}
try {
  keepOffServers()
  const cluster = await startDurableCluster(life)
  const mintmark = await startMintmark(life, await cluster.createDatabase())
  await sql(cluster.url, 'CREATE DATABASE bare OWNER mintmark', 'postgres')
  const bare = await startBare(life, cluster.url.replace('@/mintmark?', '@/bare?'))
  const plain = await startPlain(life, mintmark.store)
  console.log(
    `${connections} connections, up to ${plan.rounds} rounds of ${plan.seconds} s, Node ${process.version}; the server ${
      pins ? 'has a core of its own, PostgreSQL and client another' : 'shares its cores'
    }\n`
  )
  const results = await measureAll([mintmark, bare, plain])
  printTable(results)
  printRatios(results)
  if (process.argv.includes('--profile')) await profileRefresh(mintmark)
} finally {
  await life.end()
}
