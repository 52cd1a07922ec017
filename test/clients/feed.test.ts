// The registry with the real change feed: what one process changes, the other hears of through the database's triggers.
// Nothing here asks the database because the feed is lost: the feed stays confirmed throughout.

import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { createClientRegistry } from '../../src/clients/registry.ts'
import { createChangeFeed } from '../../src/store/change-feed.ts'
import { createTestDatabase } from '../support/postgres.ts'

t.test('a change reaches the memory of another process', async t => {
  const { url, database } = await createTestDatabase(t)
  const feed = createChangeFeed({ url, onError: () => {} })
  t.teardown(() => feed.end())
  await feed.ready()
  const shared = {
    database,
    now: Date.now,
    development: false,
    resources: [],
    onDisabled: async () => {}
  }
  // the other process: it reads what it believes, and what it is told is all that it knows
  let reads = 0
  const other = createClientRegistry({
    ...shared,
    feed: { ...feed, confirmed: () => true },
    database: {
      ...database,
      run: (name, text, values) => {
        reads++
        return database.run(name, text, values)
      }
    }
  })
  const here = createClientRegistry({
    ...shared,
    feed: { confirmed: () => false, on: () => {}, onGap: () => {} }
  })
  /** Whether the other process comes to see it so, in bounded time. */
  async function comesTo(seen: () => Promise<boolean>): Promise<boolean> {
    for (let tries = 0; tries < 200; tries++) {
      if (await seen()) return true
      await setTimeout(20)
    }
    return false
  }

  await here.create({ clientId: 'm', type: 'machine', owner: 'cli', metadata: {} })
  t.equal((await other.find('m'))?.secrets.length, 1)
  t.ok(
    await comesTo(async () => {
      // the notice of its creation may still be on its way
      const before = reads
      await other.find('m')
      await setTimeout(50)
      await other.find('m')
      return reads === before
    }),
    'it is in memory'
  )
  await here.rotateSecret('m')
  t.ok(await comesTo(async () => (await other.find('m'))?.secrets.length === 2), 'a new secret')
  await here.update('m', { client_name: 'New' }, 'cli')
  t.ok(await comesTo(async () => (await other.find('m'))?.metadata.client_name === 'New'))
  await here.disable('m')
  t.ok(await comesTo(async () => (await other.find('m')) === undefined), 'disabled')
  await here.enable('m')
  t.ok(await comesTo(async () => (await other.find('m')) !== undefined), 'enabled')

  const [used] = await here.listSecrets('m')
  await other.find('m')
  await setTimeout(100)
  await other.find('m')
  const before = reads
  await here.noteSecretUse('m', used?.digest ?? Buffer.alloc(32))
  t.ok((await here.listSecrets('m'))[0]?.lastUsedAt)
  await setTimeout(100)
  await other.find('m')
  t.equal(reads, before, "noting a use empties nobody's memory")
})
