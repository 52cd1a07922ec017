// The cache: bounded, single flight, and never older than the last thing it was told.
// Loads answer when the test says so, so that every order of events is tried.

import { test } from 'tap'
import { createCache } from '../../src/lib/cache.ts'

/** A loader that counts its calls, and answers when the test says so. */
function controlled() {
  const waiting: { resolve: (value: string) => void; reject: (error: Error) => void }[] = []
  return {
    waiting,
    load: () =>
      new Promise<string>((resolve, reject) => {
        waiting.push({ resolve, reject })
      })
  }
}

const now = () => 0

test('parallel misses of one key load once, and all get the value', async t => {
  const cache = createCache<string>({ max: 10, now })
  const { load, waiting } = controlled()
  const answers = Array.from({ length: 8 }, () => cache.get('a', load))
  t.equal(waiting.length, 1)
  waiting[0]?.resolve('value')
  t.same(await Promise.all(answers), Array(8).fill('value'))
  t.equal(await cache.get('a', load), 'value')
  t.equal(waiting.length, 1, 'a hit does not load')
})

test('misses of two keys load both, each with its own key', async t => {
  const cache = createCache<string>({ max: 10, now })
  const asked: string[] = []
  const load = async (key: string) => {
    asked.push(key)
    return `value of ${key}`
  }
  t.same(await Promise.all([cache.get('a', load), cache.get('b', load)]), [
    'value of a',
    'value of b'
  ])
  t.same(asked, ['a', 'b'])
})

test('a failed load fails for all who wait, and the next one loads again', async t => {
  const cache = createCache<string>({ max: 10, now })
  const { load, waiting } = controlled()
  const answers = [cache.get('a', load), cache.get('a', load)]
  waiting[0]?.reject(new Error('down'))
  const settled = await Promise.allSettled(answers)
  t.same(
    settled.map(({ status }) => status),
    ['rejected', 'rejected']
  )
  const again = cache.get('a', load)
  t.equal(waiting.length, 2)
  waiting[1]?.resolve('value')
  t.equal(await again, 'value')
})

test('a loader that throws before it returns a promise is a failed load', async t => {
  const cache = createCache<string>({ max: 10, now })
  const load = () => {
    throw new Error('down')
  }
  await t.rejects(cache.get('a', load), { message: 'down' })
  t.equal(await cache.get('a', async () => 'value'), 'value')
})

test('undefined is answered but not kept: strangers name unknown things', async t => {
  const cache = createCache<string | undefined>({ max: 1, now })
  let loads = 0
  const unknown = async () => {
    loads++
    return undefined
  }
  await cache.get('known', async () => 'value')
  t.equal(await cache.get('unknown', unknown), undefined)
  t.equal(await cache.get('unknown', unknown), undefined)
  t.equal(loads, 2)
  t.equal(await cache.get('known', async () => 'loaded again'), 'value', 'it was not pushed out')
})

test('it holds no more than max entries; the least recently used leaves first', async t => {
  const cache = createCache<string>({ max: 2, now })
  const loads: string[] = []
  const load = async (key: string) => {
    loads.push(key)
    return key
  }
  for (const key of ['a', 'b', 'a', 'c', 'a', 'b']) await cache.get(key, load)
  // 'a' was used after 'b', so 'c' pushed out 'b'
  t.same(loads, ['a', 'b', 'c', 'b'])
})

test('a delete makes the next get load again', async t => {
  const cache = createCache<number>({ max: 10, now })
  let loads = 0
  const load = async () => ++loads
  await cache.get('a', load)
  await cache.get('b', load)
  cache.delete('a')
  t.equal(await cache.get('a', load), 3)
  t.equal(await cache.get('b', load), 2)
  cache.clear()
  t.equal(await cache.get('b', load), 4)
})

for (const [name, forget] of [
  ['delete', (cache: { delete(key: string): void }) => cache.delete('a')],
  ['clear', (cache: { clear(): void }) => cache.clear()]
] as const) {
  test(`a ${name} during a load keeps the loaded value out`, async t => {
    const cache = createCache<string>({ max: 10, now })
    const { load, waiting } = controlled()
    const early = cache.get('a', load)
    forget(cache)
    const late = cache.get('a', load)
    t.equal(waiting.length, 2, 'who asks after the change does not join the load before it')
    waiting[1]?.resolve('after the change')
    t.equal(await late, 'after the change')
    waiting[0]?.resolve('before the change')
    t.equal(await early, 'before the change')
    t.equal(await cache.get('a', load), 'after the change')
    t.equal(waiting.length, 2)
  })

  test(`a ${name} during a load that nobody repeats leaves nothing behind`, async t => {
    const cache = createCache<string>({ max: 10, now })
    const { load, waiting } = controlled()
    const early = cache.get('a', load)
    forget(cache)
    waiting[0]?.resolve('before the change')
    await early
    t.equal(await cache.get('a', async () => 'after the change'), 'after the change')
  })
}

test('a load that was overtaken by a delete does not end the load after it', async t => {
  const cache = createCache<string>({ max: 10, now })
  const { load, waiting } = controlled()
  const early = cache.get('a', load)
  cache.delete('a')
  const late = cache.get('a', load)
  waiting[0]?.resolve('before the change')
  t.equal(await early, 'before the change')
  const joined = cache.get('a', load)
  t.equal(waiting.length, 2, 'it joins the load after the change')
  waiting[1]?.resolve('after the change')
  t.same(await Promise.all([late, joined]), ['after the change', 'after the change'])
})

test('an entry leaves after its time, which counts from the start of its load', async t => {
  let time = 1_000
  const cache = createCache<number>({ max: 10, ttlSeconds: 10, now: () => time })
  let loads = 0
  await cache.get('a', async () => {
    time += 4_000
    return ++loads
  })
  const load = async () => ++loads
  time = 10_999
  t.equal(await cache.get('a', load), 1)
  time = 11_000
  t.equal(await cache.get('a', load), 2, 'use does not prolong it')
})

test('keys that are names of object members are keys like others', async t => {
  const cache = createCache<string>({ max: 10, now })
  t.equal(await cache.get('__proto__', async () => 'value'), 'value')
  t.equal(await cache.get('constructor', async () => 'other'), 'other')
})
