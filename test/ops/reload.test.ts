// What is read anew on a change: a reading that fails is not forgotten.

import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { reloading } from '../../src/ops/reload.ts'

t.test('a change that cannot be read is read later, and told of once', async t => {
  const said: string[] = []
  let tries = 0
  const listener = reloading({
    what: 'keys',
    async load() {
      tries += 1
      if (tries < 3) throw new Error('no database')
    },
    log: { error: (_, message) => void said.push(message) }
  })
  listener()
  while (tries < 3) await sleep(10)
  t.same(said, ['keys could not be reloaded; it is tried again'])
  await sleep(50)
  t.equal(tries, 3)
  listener()
  await sleep(10)
  t.equal(tries, 4, 'the next change is read at once')
})

t.test('changes while one is being read are read once more', async t => {
  const gates: (() => void)[] = []
  const listener = reloading({
    what: 'keys',
    load: () => new Promise(resolve => gates.push(resolve)),
    log: { error: () => {} }
  })
  for (let change = 0; change < 5; change += 1) listener()
  t.equal(gates.length, 1)
  listener()
  gates[0]?.()
  await sleep(10)
  t.equal(gates.length, 2)
  gates[1]?.()
  await sleep(10)
  t.equal(gates.length, 2)
})
