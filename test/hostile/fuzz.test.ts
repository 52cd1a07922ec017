// Requests and JWTs by chance, from seeds that are written down: whatever comes, what fuzzing.ts says holds. `npm run fuzz` is the long form;
// MINTMARK_FUZZ_SEED sends the requests of one seed again.

import t from 'tap'
import { assertUnharmed } from './arena.ts'
import { readCorpus, sendMany, startFuzzing } from './fuzzing.ts'

const { MINTMARK_FUZZ_SEED: given, MINTMARK_FUZZ_REQUESTS: count } = process.env
const seeds = given === undefined ? readCorpus().seeds : given.split(',').map(Number)
const requestsPerSeed = Number(count ?? 250)
const fuzzing = await startFuzzing(t)

t.test('requests that found something once are answered in words', async t => {
  t.same(await fuzzing.again(), [])
})

for (const seed of seeds) {
  t.test(`${requestsPerSeed} requests from seed ${seed} harm nothing`, { timeout: 0 }, async t => {
    const failures: string[] = []
    const statuses = new Map<number, number>()
    await sendMany(
      fuzzing,
      { seed, count: requestsPerSeed },
      ({ wire, problems, status }, index) => {
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
        for (const problem of problems)
          failures.push(`request ${index}: ${problem} — ${JSON.stringify(wire).slice(0, 600)}`)
      }
    )
    t.same(failures, [])
    t.comment(
      [...statuses]
        .sort(([a], [b]) => a - b)
        .map(([status, times]) => `${status}: ${times}`)
        .join(', ')
    )
    t.same((await fuzzing.grown()).forbidden, {}, 'no row where none is meant to be left')
    await assertUnharmed(t, fuzzing.arena)
  })
}
