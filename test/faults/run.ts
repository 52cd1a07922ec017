// `npm run faults`: every fault in its long form, one after another, each on a database of its own in one durable PostgreSQL. Prints a
// table at its end; exit code 1 if a line does not hold. `npm run faults -- killed parallel` runs the scenarios whose names begin so.

import { flushCompileCache } from 'node:module'
import { createLifetime } from '../support/lifetime.ts'
import { type DurableCluster, startDurableCluster } from './durable-cluster.ts'
import { createReport, type Line, type Report, renderTable } from './report.ts'
import { scenarios } from './scenarios.ts'

const wanted = process.argv.slice(2)
const chosen = scenarios.filter(
  ({ name }) => wanted.length === 0 || wanted.some(one => name.startsWith(one))
)
if (chosen.length === 0) {
  console.error(`There is no such scenario: ${scenarios.map(({ name }) => name).join(', ')}`)
  process.exit(2)
}

// servers that are killed never write it: what they load is compiled here, so that they start sooner
flushCompileCache()

const all = createLifetime()
const lines: Line[] = []
let present = createLifetime()

/** A run that is interrupted ends what it started, and does not pass. */
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    await present.end()
    await all.end()
    process.exit(130)
  })
}

async function runScenario(
  { seconds, run }: (typeof scenarios)[number],
  report: Report,
  cluster: DurableCluster
) {
  const life = createLifetime()
  present = life
  const tooLong = new Promise<never>((_, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`took longer than ${seconds} seconds`)),
      seconds * 1000
    )
    life.teardown(() => clearTimeout(timer))
  })
  try {
    await Promise.race([run(report, life, cluster), tooLong])
  } finally {
    await life.end()
  }
}

try {
  const cluster = await startDurableCluster(all)
  for (const scenario of chosen) {
    const report = createReport(scenario.name, 'judged')
    const begun = performance.now()
    console.log(`${scenario.name}: ${scenario.what}`)
    if (scenario.skip !== undefined) {
      report.tell('skipped', scenario.skip)
      lines.push(...report.lines)
      continue
    }
    try {
      await runScenario(scenario, report, cluster)
    } catch (error) {
      console.error(error)
      report.equal(`ran to its end (${String(error)})`, 0, 1)
    }
    report.tell('seconds', Math.round((performance.now() - begun) / 1000))
    console.log(`${renderTable(report.lines)}\n`)
    lines.push(...report.lines)
  }
} finally {
  await all.end()
}

console.log(renderTable(lines))
const broken = lines.filter(({ holds }) => !holds)
console.log(`\n${broken.length === 0 ? 'everything holds' : `${broken.length} do not hold`}`)
process.exit(broken.length === 0 ? 0 : 1)
