// A primary and workers that die: each time the next one comes later, and never sooner than its pause says.

import cluster from 'node:cluster'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { type Backoff, superviseWorkers } from '../../src/ops/cluster.ts'

// a worker's output is not a line of this test
cluster.setupPrimary({
  exec: fileURLToPath(new URL('./dying-worker.ts', import.meta.url)),
  args: [],
  silent: true
})

const backoff: Backoff = { firstMillis: 100, mostMillis: 400, soundAfterMillis: 3_600_000 }

/** One place, and what was told of it; `breaks` has the time from each death to the next birth. */
function supervise(t: Test, fate: string, change: Partial<Backoff> = {}) {
  process.env['TEST_FATE'] = fate
  const told: { message: string; pause: number }[] = []
  const breaks: number[] = []
  let freed = 0
  let diedAt: number | undefined
  const onExit = () => {
    diedAt = performance.now()
  }
  const onFork = () => {
    if (diedAt !== undefined) breaks.push(performance.now() - diedAt)
  }
  cluster.on('exit', onExit).on('fork', onFork)
  const note = (data: object, message: string) =>
    void told.push({ message, pause: Number((data as { pause?: number }).pause ?? 0) })
  const workers = superviseWorkers({
    count: 1,
    given: {},
    log: { info: () => {}, warn: note, error: note },
    freePort: () => {
      freed += 1
    },
    backoff: { ...backoff, ...change }
  })
  t.teardown(async () => {
    await workers.stop(5_000)
    cluster.off('exit', onExit).off('fork', onFork)
  })
  return { workers, told, breaks, freed: () => freed }
}

async function until(what: () => boolean): Promise<void> {
  while (!what()) await new Promise(resolve => setTimeout(resolve, 10))
}

t.test('who dies soon again and again comes back later each time, up to a bound', async t => {
  const { workers, told, breaks } = supervise(t, 'dies')
  await workers.start()
  await until(() => breaks.length >= 5)
  t.same(
    told.slice(0, 5).map(({ pause }) => pause),
    [100, 200, 400, 400, 400]
  )
  t.match(told[0]?.message, 'a worker died')
  for (const [at, took] of breaks.slice(0, 5).entries()) {
    // a timer may be early by what its clock rounds
    t.ok(took > (told[at]?.pause ?? 0) - 2, `${Math.round(took)} ms`)
  }
})

t.test('who lived for long enough died of something new', async t => {
  const { workers, told, breaks } = supervise(t, 'dies', { soundAfterMillis: 0 })
  await workers.start()
  await until(() => breaks.length >= 3)
  t.same(
    told.slice(0, 3).map(({ pause }) => pause),
    [100, 100, 100]
  )
})

t.test('workers that cannot start are tried three times, and end the start', async t => {
  const { workers, told, freed } = supervise(t, 'fails')
  await t.rejects(workers.start(), { code: 'internal', message: 'this one never works' })
  t.equal(told.length, 2, 'told of each but the last')
  t.equal(freed(), 0, 'the port was theirs to give')
})

t.test('a stop ends the pause, and whoever lives', async t => {
  const { workers, breaks } = supervise(t, 'lives')
  await workers.start()
  t.equal(await workers.stop(10_000), 'in order')
  t.same(Object.keys(cluster.workers ?? {}), [])
  t.same(breaks, [])
})
