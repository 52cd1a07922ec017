// The long form of fuzz.test.ts (`npm run fuzz`): 100,000 form bodies, headers and JWTs, the seeds of the corpus and one of today. Tells what was
// answered, how the heap went, which tables grew and how long the loop was held up; a request that found something is kept in the corpus.
// MINTMARK_FUZZ_REQUESTS and MINTMARK_FUZZ_SEED change how many and which.

import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { assertUnharmed } from './arena.ts'
import { keepRequest, readCorpus, sendMany, startFuzzing } from './fuzzing.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const { MINTMARK_FUZZ_SEED: given, MINTMARK_FUZZ_REQUESTS: requests = '100000' } = process.env
const today = Number(new Date().toISOString().slice(0, 10).replaceAll('-', ''))
const seeds = given === undefined ? [...readCorpus().seeds, today] : given.split(',').map(Number)
const total = Number(requests)
const step = 2_000
/** Bytes of heap a request may leave behind, over the last three quarters of the run. */
const mostBytesPerRequest = 50

/** Bytes a request, by least squares. */
function slopeOf(samples: readonly (readonly [number, number])[]): number {
  const mean = (of: readonly number[]) => of.reduce((sum, one) => sum + one, 0) / of.length
  const [x, y] = [mean(samples.map(([at]) => at)), mean(samples.map(([, bytes]) => bytes))]
  const above = samples.reduce((sum, [at, bytes]) => sum + (at - x) * (bytes - y), 0)
  return above / samples.reduce((sum, [at]) => sum + (at - x) ** 2, 0)
}

t.test(`${total} requests and JWTs from seeds ${seeds.join(', ')}`, { timeout: 0 }, async t => {
  const fuzzing = await startFuzzing(t)
  t.same(await fuzzing.again(), [], 'what found something once')
  const statuses = new Map<number, number>()
  const failures: string[] = []
  const errors: unknown[] = []
  const heap: [number, number][] = []
  const resident: number[] = []
  const delay = monitorEventLoopDelay({ resolution: 5 })
  let sent = 0
  const begun = performance.now()
  delay.enable()
  for (const seed of seeds) {
    const share = Math.ceil(total / seeds.length)
    for (let from = 0; from < share; from += step) {
      // a part of its own: what one seed sends is the same, wherever the run begins
      const part = { seed: seed + from / step, count: Math.min(step, share - from) }
      await sendMany(fuzzing, part, ({ wire, problems, status }, index) => {
        sent += 1
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
        for (const problem of problems) {
          failures.push(`seed ${part.seed}, request ${index}: ${problem}`)
          keepRequest(problem, wire)
        }
      })
      errors.push(...fuzzing.forget())
      collect()
      heap.push([sent, process.memoryUsage().heapUsed])
      resident.push(process.memoryUsage().rss)
    }
  }
  delay.disable()
  const seconds = (performance.now() - begun) / 1000
  const { allowed, forbidden } = await fuzzing.grown()
  const slope = slopeOf(heap.slice(Math.floor(heap.length / 4)))
  const megabytes = (bytes = 0) => `${(bytes / 1024 / 1024).toFixed(1)} MB`
  const list = [...statuses].sort(([a], [b]) => a - b).map(([code, times]) => `${code}: ${times}`)

  t.comment(`${sent} sent in ${seconds.toFixed(0)} s, ${(sent / seconds).toFixed(0)} a second`)
  t.comment(`answers: ${list.join(', ')}`)
  t.comment(`heap: ${megabytes(heap[0]?.[1])} to ${megabytes(heap.at(-1)?.[1])}`)
  t.comment(`heap in MB: ${heap.map(([, bytes]) => (bytes / 1024 / 1024).toFixed(1)).join(' ')}`)
  t.comment(`heap slope: ${slope.toFixed(1)} bytes a request`)
  t.comment(`resident: ${megabytes(resident[0])} to ${megabytes(resident.at(-1))}`)
  t.comment(`rows: ${JSON.stringify(allowed)}`)
  t.comment(
    `event loop held up: ${(delay.max / 1e6).toFixed(0)} ms at most (with the sender in it)`
  )

  t.same(failures, [], 'every answer holds')
  t.same(errors, [], 'nothing was logged as an error')
  t.same(forbidden, {}, 'no row where none is meant to be left')
  t.ok(slope < mostBytesPerRequest, `the heap is flat: ${slope.toFixed(1)} bytes a request`)
  await assertUnharmed(t, fuzzing.arena)
})
