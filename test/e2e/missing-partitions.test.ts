// A database whose partitions are not there, because nobody was there to make them: a command, a restored backup and a start find their way.

import t from 'tap'
import { listPartitions } from '../../src/store/partitions.ts'
import { createTestDatabase } from '../support/postgres.ts'
import { makePlace, mintmark, startMintmark } from '../support/process.ts'

t.test('commands, a restore and a start make the partitions that they miss', async t => {
  const { url, database } = await createTestDatabase(t)
  const place = makePlace(t, { DATABASE_URL: url })
  let times = 0
  async function dropAll() {
    times += 1
    for (const { name } of (await listPartitions(database)).listed) {
      await database.run(`test.drop.${name}.${times}`, `DROP TABLE ${name}`)
    }
    t.same((await listPartitions(database)).listed, [])
  }
  const server = await startMintmark(t, place)
  await server.stop()

  await dropAll()
  const created = await mintmark(t, place, ['clients', 'create', '--type=machine', '-o', 'json'])
  t.equal(created.code, 0, created.err)
  await dropAll()
  const restored = await mintmark(t, place, ['restore', '--yes'])
  t.equal(restored.code, 0, restored.err)
  await dropAll()
  const again = await startMintmark(t, place)
  t.match(again.banner(), 'Issuer')
  t.not((await listPartitions(database)).listed.length, 0)
  await again.stop()
})
