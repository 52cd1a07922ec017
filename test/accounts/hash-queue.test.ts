// The bounded queue before hashing: how many at once, how many wait, and who leaves it without costing a hash.

import { test } from 'tap'
import { createHashQueue, parallelHashes } from '../../src/accounts/hash-queue.ts'

/** Work that ends when the test says so, and how much of it was going on at once. */
function slowWork() {
  const endings: (() => void)[] = []
  const seen = { started: 0, running: 0, most: 0 }
  const work = async () => {
    seen.started += 1
    seen.running += 1
    seen.most = Math.max(seen.most, seen.running)
    await new Promise<void>(resolve => endings.push(resolve))
    seen.running -= 1
    return 'hashed'
  }
  const endAll = async () => {
    while (endings.length > 0) {
      endings.shift()?.()
      await new Promise(resolve => setImmediate(resolve))
    }
  }
  return { work, seen, endAll }
}

test('two libuv threads of four stay free for signatures, and a core for the rest', async t => {
  t.strictSame([1, 2, 3, 4, 64].map(parallelHashes), [1, 1, 2, 2, 2])
})

test('of 200 callers at once two hash, 32 wait, and 166 are told at once that it is busy (L-1)', async t => {
  const queue = createHashQueue({ parallel: 2, waiting: 32, waitMillis: 60_000 })
  const { work, seen, endAll } = slowWork()
  const calls = Array.from({ length: 200 }, () => queue.run(work))
  const early = await Promise.race([Promise.all(calls.slice(34)), Promise.all(calls)])
  t.equal(early.length, 166)
  t.ok(early.every(outcome => !outcome.ok && outcome.reason === 'busy'))
  t.strictSame(queue.load(), { running: 2, waiting: 32 })
  await endAll()
  const served = (await Promise.all(calls)).filter(outcome => outcome.ok)
  t.equal(served.length, 34)
  t.equal(seen.started, 34)
  t.equal(seen.most, 2)
  t.strictSame(queue.load(), { running: 0, waiting: 0 })
})

test('who has waited too long is told busy, and costs no hash', async t => {
  const queue = createHashQueue({ parallel: 1, waiting: 32, waitMillis: 5 })
  const { work, seen, endAll } = slowWork()
  const first = queue.run(work)
  t.strictSame(await queue.run(work), { ok: false, reason: 'busy' })
  t.equal(queue.load().waiting, 0)
  await endAll()
  t.ok((await first).ok)
  t.equal(seen.started, 1)
})

test('a caller that goes away frees its place, and no hash is executed for it (L-9)', async t => {
  const queue = createHashQueue({ parallel: 1, waiting: 1, waitMillis: 60_000 })
  const { work, seen, endAll } = slowWork()
  const first = queue.run(work)
  const leaver = new AbortController()
  const left = queue.run(work, leaver.signal)
  t.strictSame(await queue.run(work), { ok: false, reason: 'busy' }, 'the place is taken')
  leaver.abort()
  t.strictSame(await left, { ok: false, reason: 'gone' })
  const next = queue.run(work)
  t.equal(queue.load().waiting, 1, 'the place is free again')
  t.strictSame(await queue.run(work, AbortSignal.abort()), { ok: false, reason: 'gone' })
  await endAll()
  t.ok((await first).ok && (await next).ok)
  t.equal(seen.started, 2)
  t.strictSame(queue.load(), { running: 0, waiting: 0 })
})

test('who goes away between its turn and its work costs no hash either', async t => {
  const queue = createHashQueue({ parallel: 1 })
  const leaver = new AbortController()
  const { work, seen } = slowWork()
  const left = queue.run(work, leaver.signal)
  leaver.abort()
  t.strictSame(await left, { ok: false, reason: 'gone' })
  t.equal(seen.started, 0)
  t.strictSame(queue.load(), { running: 0, waiting: 0 })
})

test('work that fails frees its place and tells its caller', async t => {
  const queue = createHashQueue({ parallel: 1 })
  await t.rejects(
    queue.run(async () => {
      throw new Error('out of memory')
    }),
    { message: 'out of memory' }
  )
  t.strictSame(queue.load(), { running: 0, waiting: 0 })
})

test('those who wait are served in the order in which they came', async t => {
  const queue = createHashQueue({ parallel: 1, waiting: 5, waitMillis: 60_000 })
  const order: number[] = []
  await Promise.all([1, 2, 3, 4].map(n => queue.run(async () => order.push(n))))
  t.strictSame(order, [1, 2, 3, 4])
})

test('whoever the account knows goes first, and has places of their own', async t => {
  const queue = createHashQueue({ parallel: 1, waiting: 2, waitMillis: 60_000 })
  const order: string[] = []
  let open: () => void = () => {}
  const gate = new Promise<void>(resolve => {
    open = resolve
  })
  const runs = [queue.run(() => gate)]
  const enter = (who: string, lane: 'first' | 'usual') =>
    queue.run(async () => void order.push(who), undefined, lane)
  const strangers = ['a', 'b', 'c'].map(who => enter(who, 'usual'))
  const known = ['d', 'e', 'f'].map(who => enter(who, 'first'))
  open()
  await Promise.all(runs)
  const outcomes = (await Promise.all([...strangers, ...known])).map(({ ok }) => ok)
  t.strictSame(outcomes, [true, true, false, true, true, false])
  t.strictSame(order, ['d', 'e', 'a', 'b'])
})
