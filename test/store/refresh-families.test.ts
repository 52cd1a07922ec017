// Refresh token families in the database: the rotation's condition is the whole rule, judged by the database's clock.

import { randomBytes, randomUUID } from 'node:crypto'
import t from 'tap'
import { createRefreshFamilyStore, type Rotation } from '../../src/store/refresh-families.ts'
import { createTestDatabase, testPartitions } from '../support/postgres.ts'
import { addGrant, turnClock } from './rows.ts'

const { database } = await createTestDatabase(t)
const partitions = testPartitions(database).of('refresh_families')
const families = createRefreshFamilyStore({ sql: database, partitions })
const today = Math.floor(Date.now() / 86_400_000)
const bytes = () => randomBytes(32)

async function addFamily() {
  const grant = await addGrant(database)
  const family = { bucket: today + 20, id: randomUUID() }
  const currentHash = bytes()
  const salt = bytes()
  await database.pipeline([
    families.insertStatement({
      ...family,
      grantId: grant.id,
      accountId: grant.accountId,
      clientId: grant.clientId,
      sessionUid: undefined,
      currentHash,
      successorSalt: salt,
      successorKeyVersion: 1,
      jkt: undefined,
      certificate: undefined,
      payload: { scope: 'openid' },
      absoluteSeconds: 1000,
      idleSeconds: 100
    })
  ])
  const rotation = (presentedHash: Buffer, newHash: Buffer, changes: Partial<Rotation> = {}) =>
    families.rotateStatement({
      ...family,
      presentedHash,
      newHash,
      newSalt: bytes(),
      newKeyVersion: 2,
      payload: { scope: 'openid', rotations: 1 },
      jkt: undefined,
      certificate: undefined,
      leewaySeconds: 30,
      idleSeconds: 100,
      address: '192.0.2.1',
      ...changes
    })
  const row = async () => {
    const found = await families.find(family)
    if (found === undefined) throw new Error('the family is gone')
    return found.row
  }
  return { family, grant, currentHash, salt, rotation, row }
}

const spent = { name: 'Refused', what: 'refresh_token_spent' }

t.test('a rotation moves current to previous, with its salt and key version', async t => {
  const { currentHash, salt, rotation, row } = await addFamily()
  const [second, secondSalt] = [bytes(), bytes()]
  await database.pipeline([rotation(currentHash, second, { newSalt: secondSalt })])
  const after = await row()
  t.match(after, {
    generation: 2,
    currentHash: second,
    successorSalt: secondSalt,
    successorKeyVersion: 2,
    previousHash: currentHash,
    previousSalt: salt,
    previousKeyVersion: 1,
    sincePreviousRotation: undefined,
    payload: { rotations: 1 }
  })
  t.ok((after.sinceRotation ?? -1) >= 0)
})

t.test(
  'who presents the previous token inside the leeway changes nothing but the count and the idle time',
  async t => {
    const { currentHash, rotation, row } = await addFamily()
    const second = bytes()
    await database.pipeline([rotation(currentHash, second)])
    const before = await row()
    await database.pipeline([rotation(currentHash, second)])
    const { sinceRotation: _, remainingSeconds: __, ...kept } = await row()
    t.match(kept, { ...before, sinceRotation: undefined, remainingSeconds: undefined })
    t.equal(kept.generation, 2)
    const { rows } = await database.run(
      'test.answers',
      'SELECT leeway_answers FROM refresh_families WHERE current_hash = $1',
      [second]
    )
    t.same(rows, [{ leeway_answers: 1 }])
  }
)

t.test(
  'a token that is kept stays as it is and moves the idle time; one that is not current, idle or revoked is spent',
  async t => {
    const { family, currentHash, rotation, row } = await addFamily()
    const keep = (presentedHash: Buffer) =>
      families.keepStatement({ ...family, presentedHash, idleSeconds: 300 })
    const before = await row()
    await database.pipeline([keep(currentHash)])
    const after = await row()
    t.ok(after.remainingSeconds > before.remainingSeconds + 100)
    t.same({ ...after, remainingSeconds: 0 }, { ...before, remainingSeconds: 0 })
    const second = bytes()
    await database.pipeline([rotation(currentHash, second)])
    await t.rejects(database.pipeline([keep(currentHash)]), spent, 'no longer current')
    await database.pipeline([keep(second)])
    await database.pipeline([families.revokeStatement(family)])
    await t.rejects(database.pipeline([keep(second)]), spent, 'revoked')
  }
)

t.test('generations in a row that a second address was answered are counted (D-26)', async t => {
  const { currentHash, rotation, row } = await addFamily()
  const hashes = [currentHash, ...Array.from({ length: 5 }, bytes)]
  /** One generation: redeemed at one address, and answered again to others. */
  async function generation(number: number, others: (string | undefined)[]) {
    const [before = bytes(), after = bytes()] = hashes.slice(number, number + 2)
    for (const address of ['192.0.2.1', ...others]) {
      await database.pipeline([rotation(before, after, { address })])
    }
    const { redeemedBy, secondAddressStreak, secondAddressCounted } = await row()
    t.equal(redeemedBy, '192.0.2.1', 'whoever was first')
    return [secondAddressStreak, secondAddressCounted]
  }
  t.same(await generation(0, ['192.0.2.1', undefined]), [0, false], 'its own, and nobody’s')
  t.same(await generation(1, ['192.0.2.9', '192.0.2.9', '192.0.2.8']), [1, true], 'once each')
  t.same(await generation(2, ['192.0.2.1', '192.0.2.9']), [2, true])
  t.same(await generation(3, []), [2, false], 'so far, and not yet broken')
  t.same(await generation(4, ['192.0.2.9']), [1, true], 'a generation without breaks the row')
})

t.test(
  'two rotations of one token at once: one wins, the other finds its successor there',
  async t => {
    const { currentHash, rotation, row } = await addFamily()
    const second = bytes()
    await Promise.all(
      Array.from({ length: 8 }, () => database.pipeline([rotation(currentHash, second)]))
    )
    t.match(await row(), { generation: 2, currentHash: second, previousHash: currentHash })
  }
)

t.test('what is not current, and not just spent, is refused', async t => {
  const { family, currentHash, rotation, row } = await addFamily()
  const [second, third] = [bytes(), bytes()]
  await t.rejects(database.pipeline([rotation(bytes(), second)]), spent, 'never issued')
  await database.pipeline([rotation(currentHash, second)])
  await t.rejects(
    database.pipeline([rotation(currentHash, bytes())]),
    spent,
    'a fork: another successor'
  )
  await t.rejects(
    database.pipeline([rotation(currentHash, second, { leewaySeconds: 0 })]),
    spent,
    'no leeway'
  )
  await database.pipeline([rotation(second, third)])
  await t.rejects(database.pipeline([rotation(currentHash, second)]), spent, 'two generations old')
  await database.pipeline([families.revokeStatement(family)])
  t.ok((await row()).revoked)
  await t.rejects(database.pipeline([rotation(third, bytes())]), spent, 'revoked')
  await t.rejects(database.pipeline([rotation(second, third)]), spent, 'revoked, inside the leeway')
  t.equal(await families.find({ ...family, bucket: 1 }), undefined, 'the bucket is part of the key')
})

t.test('leeway, idle and absolute expiry follow the database’s clock (D-4)', async t => {
  t.teardown(() => turnClock(database, 0))
  const { currentHash, rotation, row } = await addFamily()
  const [second, third] = [bytes(), bytes()]
  await database.pipeline([rotation(currentHash, second)])
  await turnClock(database, 29)
  await database.pipeline([rotation(currentHash, second)])
  t.ok((await row()).remainingSeconds > 99, 'used, so not idle')
  await turnClock(database, 31)
  await t.rejects(database.pipeline([rotation(currentHash, second)]), spent, 'past the leeway')
  await turnClock(database, 128)
  await database.pipeline([rotation(second, third)])
  await turnClock(database, 229)
  t.ok((await row()).remainingSeconds < 0)
  await t.rejects(database.pipeline([rotation(third, bytes())]), spent, 'idle for too long')

  const busy = await addFamily()
  let current = busy.currentHash
  for (const seconds of [310, 400, 490, 580, 670, 760, 850, 940, 1030, 1120, 1200]) {
    await turnClock(database, seconds)
    const next = bytes()
    await database.pipeline([busy.rotation(current, next)])
    current = next
  }
  t.ok((await busy.row()).remainingSeconds <= 29, 'rotation never moves the absolute expiry')
  await turnClock(database, 1230)
  await t.rejects(database.pipeline([busy.rotation(current, bytes())]), spent)
})

t.test('the same read judges the grant, the account and the session', async t => {
  const { family, grant } = await addFamily()
  t.match(await families.find(family), {
    row: { grantId: grant.id, clientId: grant.clientId, revoked: false },
    grant: { id: grant.id, accountId: grant.accountId }
  })
  await database.run('test.disable', 'UPDATE accounts SET disabled_at = now() WHERE id = $1', [
    grant.accountId
  ])
  t.match(await families.find(family), { row: { grantId: grant.id }, grant: undefined })
})
