// Short-lived rows of the protocol: one success for each, whoever asks at once; polling that cannot be hurried.

import { randomBytes } from 'node:crypto'
import t from 'tap'
import { createArtifactStore, type NewArtifact } from '../../src/store/artifacts.ts'
import { createTestDatabase, testPartitions } from '../support/postgres.ts'
import { addGrant, turnClock } from './rows.ts'

const { database } = await createTestDatabase(t)
const partitions = testPartitions(database)
const artifacts = createArtifactStore({ sql: database, partitions: partitions.of('artifacts') })
const thisHour = Math.floor(Date.now() / 3_600_000)

async function add(changes: Partial<NewArtifact> = {}) {
  const artifact: NewArtifact = {
    id: randomBytes(32),
    bucket: thisHour + 1,
    kind: 'AuthorizationCode',
    grantId: undefined,
    clientId: 'client',
    userCode: undefined,
    payload: { scope: 'openid' },
    sealed: undefined,
    lifetimeSeconds: 60,
    interval: undefined,
    ...changes
  }
  await database.pipeline([artifacts.saveStatement(artifact)])
  return { ...artifact, key: { id: artifact.id, bucket: artifact.bucket } }
}

/** How many of eight at once succeed. */
async function successes(work: () => Promise<unknown>): Promise<number> {
  const all = await Promise.allSettled(Array.from({ length: 8 }, work))
  return all.filter(({ status }) => status === 'fulfilled').length
}

t.test('of eight that consume one row at once, one does (RFC 6749 §4.1.2)', async t => {
  const { key, kind } = await add()
  t.equal(await successes(() => database.pipeline([artifacts.consumeStatement(key, 'spent')])), 1)
  t.match(await artifacts.find(kind, key), { consumed: true, payload: { scope: 'openid' } })
  const again = database.pipeline([artifacts.consumeStatement(key, 'spent')])
  await t.rejects(again, { name: 'Refused', what: 'spent' })
  const never = database.pipeline([
    artifacts.consumeStatement({ id: randomBytes(32), bucket: thisHour }, 'spent')
  ])
  await t.rejects(never, { name: 'Refused', what: 'spent' })
})

t.test('of eight that take one row at once, one does', async t => {
  const { key, kind } = await add({ kind: 'Interaction' })
  t.equal(await successes(() => database.pipeline([artifacts.takeStatement(key, 'taken')])), 1)
  t.equal(await artifacts.find(kind, key), undefined)
})

t.test(
  'a row that is saved again stays consumed, and keeps its user code and interval',
  async t => {
    const userCode = randomBytes(32)
    const artifact = await add({ kind: 'DeviceCode', userCode, interval: 5 })
    await database.pipeline([artifacts.consumeStatement(artifact.key, 'spent')])
    await add({
      ...artifact,
      userCode: undefined,
      interval: undefined,
      payload: { approved: true }
    })
    t.match(await artifacts.findByUserCode([userCode]), {
      id: artifact.id,
      consumed: true,
      payload: { approved: true }
    })
  }
)

t.test('a value of one kind is never found as another', async t => {
  const { key } = await add({ kind: 'PushedAuthorizationRequest' })
  for (const kind of ['AuthorizationCode', 'DeviceCode', 'Interaction']) {
    t.equal(await artifacts.find(kind, key), undefined)
    t.equal(await artifacts.findWithGrant(kind, key), undefined)
  }
  t.equal(await artifacts.poll('DeviceCode', key, 'client'), undefined)
})

t.test('what remains is told by the database’s clock; without a lifetime a row stays', async t => {
  t.teardown(() => turnClock(database, 0))
  const { key, kind } = await add({ lifetimeSeconds: 60 })
  const lasting = await add({ lifetimeSeconds: undefined })
  await turnClock(database, 59)
  t.ok(((await artifacts.find(kind, key))?.remainingSeconds ?? 0) > 0)
  await turnClock(database, 61)
  t.ok(((await artifacts.find(kind, key))?.remainingSeconds ?? 0) < 0)
  t.equal((await artifacts.find(kind, lasting.key))?.remainingSeconds, undefined)
})

t.test('a code comes with the grant that it was issued under, as far as it lives', async t => {
  const grant = await addGrant(database)
  const { key, kind } = await add({ grantId: grant.id })
  t.match(await artifacts.findWithGrant(kind, key), {
    row: { id: key.id },
    grant: { id: grant.id }
  })
  await database.run('test.revoke', 'UPDATE grants SET revoked_at = now() WHERE id = $1', [
    grant.id
  ])
  t.match(await artifacts.findWithGrant(kind, key), { row: { id: key.id }, grant: undefined })
})

t.test(
  'a poll that comes too soon lengthens the interval by five seconds, for good (RFC 8628 §3.5)',
  async t => {
    t.teardown(() => turnClock(database, 0))
    const { key } = await add({ kind: 'DeviceCode', interval: 5, lifetimeSeconds: 600 })
    const pollAt = async (seconds: number) => {
      await turnClock(database, seconds)
      return (await artifacts.poll('DeviceCode', key, 'client'))?.tooSoon
    }
    t.equal(await pollAt(0), false, 'the first')
    t.equal(await pollAt(4), true)
    t.equal(await pollAt(13), true, '10 s by now')
    t.equal(await pollAt(29), false, '15 s by now')
    t.equal(await pollAt(43), true)
    t.equal(
      await artifacts.poll('DeviceCode', key, 'another client'),
      undefined,
      'another client does not slow it down'
    )
  }
)

t.test('of eight polls at once, one is in time', async t => {
  const { key } = await add({ kind: 'DeviceCode', interval: 5 })
  const polls = await Promise.all(
    Array.from({ length: 8 }, () => artifacts.poll('DeviceCode', key, 'client'))
  )
  t.equal(polls.filter(poll => poll?.tooSoon === false).length, 1)
})

t.test('a device code is decided once: approval and refusal do not undo each other', async t => {
  const settle = (artifact: NewArtifact, accountId: string) =>
    database.pipeline([
      artifacts.settleStatement({ ...artifact, payload: { accountId } }, 'device_code_used')
    ])

  const approved = await add({ kind: 'DeviceCode', interval: 5 })
  t.equal(await successes(() => settle(approved, 'ada')), 1, 'one of eight that approve at once')
  await add({ ...approved, payload: { error: 'access_denied' } })
  t.match(await artifacts.find('DeviceCode', approved.key), { payload: { accountId: 'ada' } })

  const declined = await add({ kind: 'DeviceCode', interval: 5 })
  await add({ ...declined, payload: { error: 'access_denied' } })
  await t.rejects(settle(declined, 'ada'), { name: 'Refused', what: 'device_code_used' })
  t.match(await artifacts.find('DeviceCode', declined.key), { payload: { error: 'access_denied' } })
})
