// `mintmark restore` as an operator runs it: in development the data folder remembers the epoch, so that the command is all there is to do.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { makePlace, mintmark, postgresOf, startMintmark } from '../support/process.ts'
import { freePort } from '../support/server.ts'

t.test('a restored database is taken into use by one command', async t => {
  const place = makePlace(t, { MINTMARK_PORT: `${await freePort()}` })
  const first = await startMintmark(t, place)

  const beside = await mintmark(t, place, ['restore', '--yes'])
  t.equal(beside.code, 1)
  t.match(beside.err, /1 server uses the database\. Stop them first/)
  await first.stop()

  const asked = await mintmark(t, place, ['restore'])
  t.same([asked.code, asked.out], [1, ''])
  t.match(asked.err, /everybody signs in again\. Say --yes/)

  const done = await mintmark(t, place, ['restore', '--yes'])
  t.equal(done.code, 0, done.err)
  t.match(done.out, /^Restore epoch 2\. Ended: /)
  t.match(done.err, /disable it again/)
  t.equal(readFileSync(join(place.data, 'restore-epoch'), 'utf8'), '2\n')

  const second = await startMintmark(t, place)
  t.equal(second.issuer, first.issuer)
  await second.stop()

  const older = await mintmark(t, place, ['restore', '--yes'], {
    env: { MINTMARK_RESTORE_EPOCH: '2' }
  })
  t.equal(older.code, 1)
  t.match(older.err, /MINTMARK_RESTORE_EPOCH\) to 3 for every server/)
  t.same(postgresOf(place), [])
})
