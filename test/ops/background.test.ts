// The background job in processes of their own: one leads, another takes over when it is killed, and the partitions are as they must be.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { startSweeping } from '../../src/ops/sweep.ts'
import { listPartitions } from '../../src/store/partitions.ts'
import { turnClock } from '../store/rows.ts'
import { createTestDatabase } from '../support/postgres.ts'

const file = fileURLToPath(new URL('./background-process.ts', import.meta.url))

async function startProcess(t: Test, url: string) {
  const child: ChildProcess = spawn(process.execPath, [file, url], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  t.teardown(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  let rounds = 0
  child.stdout?.on('data', chunk => {
    rounds += String(chunk).split('round').length - 1
  })
  await once(child.stdout as NonNullable<typeof child.stdout>, 'data')
  return { child, rounds: () => rounds }
}

async function until(condition: () => boolean | Promise<boolean>) {
  while (!(await condition())) await new Promise(resolve => setTimeout(resolve, 20))
}

t.test('one of two leads; it is killed with -9, and the other one takes over', async t => {
  const { url, database } = await createTestDatabase(t)
  const first = await startProcess(t, url)
  await until(() => first.rounds() > 0)
  const second = await startProcess(t, url)
  const seen = first.rounds()
  await until(() => first.rounds() > seen + 20)
  t.equal(second.rounds(), 0, 'while one leads, the other does nothing')

  first.child.kill('SIGKILL')
  await once(first.child, 'exit')
  await until(() => second.rounds() > 2)
  t.pass('taken over')

  // and it does the work: an hour later the next partition is there, and the one that is over is gone
  const before = (await listPartitions(database)).listed
  const oldest = Math.min(
    ...before.filter(({ table }) => table === 'artifacts').map(({ start }) => start)
  )
  await turnClock(database, 3 * 3_600)
  await until(async () => {
    const { listed } = await listPartitions(database)
    const starts = listed.filter(({ table }) => table === 'artifacts').map(({ start }) => start)
    return !starts.includes(oldest) && Math.max(...starts) > oldest + 9
  })
  t.pass('partitions follow the clock')

  const third = await startProcess(t, url)
  second.child.kill('SIGTERM')
  await once(second.child, 'exit')
  await until(() => third.rounds() > 0)
  t.pass('who stops in order hands over')
})

t.test(
  'what fails is told, keeps nothing else from its turn, and is tried less and less often',
  async t => {
    const warned: unknown[] = []
    let sound = 0
    const reports: { failed: string[] }[] = []
    const times: number[] = []
    const job = startSweeping({
      sweeper: { lead: async () => true, sweep: async () => 0 },
      tasks: [
        {
          name: 'broken',
          async run() {
            times.push(performance.now())
            throw new Error('no disk')
          }
        },
        { name: 'sound', run: async () => ++sound }
      ],
      report: round => void reports.push(round),
      log: { warn: data => void warned.push(data) },
      everySeconds: 0.02
    })
    t.teardown(() => job.end())
    await until(() => times.length >= 6)
    t.ok(sound >= 5, 'the other task had its turns')
    t.match(warned[0], { task: 'broken', err: { message: 'no disk' } })
    t.match(reports[0], { failed: ['broken'], done: { sound: 1, sweep: 0 } })
    const pauses = times.slice(1).map((time, at) => time - (times[at] ?? 0))
    t.ok((pauses[4] ?? 0) >= 0.15 * 1_000, 'eight times as long by now: timers are never early')
  }
)
