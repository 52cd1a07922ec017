// `npm run interop`: real relying parties and the programs of examples/ against a server as `npm start` runs it, one after another. Installs
// their packages, prints a table of what was proved with which version, and counts; exit code 1 when one fails.
// `npm run interop -- auth passport` runs those whose names begin so. Servers listen on loopback; only the registries are asked outside.

import { createLifetime } from '../support/lifetime.ts'
import type { Case } from './case.ts'
import { cases } from './cases.ts'
import { installDebian, missing } from './packages.ts'
import { createPerson } from './person.ts'
import { createSetting, type Setting } from './setting.ts'

const longest = 120_000

interface Outcome {
  name: string
  outcome: 'passed' | 'failed' | 'skipped'
  version: string
  what: string
}

const wanted = process.argv.slice(2).map(each => each.toLowerCase())
const chosen = cases.filter(
  ({ name }) => wanted.length === 0 || wanted.some(one => name.toLowerCase().startsWith(one))
)
if (chosen.length === 0) {
  console.error(`There is no such case: ${cases.map(({ name }) => name).join(', ')}`)
  process.exit(2)
}

const all = createLifetime()
let present = createLifetime()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    await present.end()
    await all.end()
    process.exit(130)
  })
}

async function runCase(one: Case, setting: Setting): Promise<Outcome> {
  const { name } = one
  const proved: string[] = []
  const life = createLifetime()
  present = life
  const tooLong = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => reject(new Error('took too long')), longest)
    life.teardown(() => clearTimeout(timer))
  })
  const { issuer } = setting
  const person = createPerson({ issuer, ...setting.person })
  const tell = (what: string) => void proved.push(what)
  try {
    await Promise.race([one.prove({ setting, person, life, tell }), tooLong])
    return { name, outcome: 'passed', version: one.version(), what: proved.join(', ') }
  } catch (error) {
    console.error(`failed: ${name}:`, error)
    const what = `after ${proved.join(', ') || 'nothing'}: ${String(error).split('\n')[0]}`
    return { name, outcome: 'failed', version: one.version(), what }
  } finally {
    await life.end()
  }
}

const outcomes: Outcome[] = []
installDebian(chosen.map(({ needs }) => needs))
try {
  const setting = await createSetting(all)
  for (const one of chosen) {
    const why = missing(one.needs)
    if (why !== undefined) {
      console.log(`skipped: ${one.name}: ${why}`)
      outcomes.push({ name: one.name, outcome: 'skipped', version: '-', what: why })
      continue
    }
    const outcome = await runCase(one, setting)
    console.log(`${outcome.outcome}: ${one.name}`)
    outcomes.push(outcome)
  }
} finally {
  await all.end()
}

const rows = outcomes.map(({ name, version, outcome, what }) => [name, version, outcome, what])
const widths = [0, 1, 2].map(at => Math.max(...rows.map(row => row[at]?.length ?? 0)))
for (const row of rows) console.log(row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  '))

const count = (outcome: Outcome['outcome']) =>
  outcomes.filter(each => each.outcome === outcome).length
const [failed, skipped] = [count('failed'), count('skipped')]
console.log(`\n${count('passed')} passed, ${failed} failed, ${skipped} skipped`)
process.exit(failed === 0 ? 0 : 1)
