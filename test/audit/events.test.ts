// The audit trail: events become rows with the declared members and nothing else, whatever they carry, and travel in the transaction of
// what they tell of (checks 209, 210, 212).

import { test } from 'tap'
import { type AuditEvent, auditEvents, auditRow, cleanText } from '../../src/audit/events.ts'
import { appendAuditEvent, auditStatement } from '../../src/audit/record.ts'
import { auditInsertMany } from '../../src/store/audit.ts'
import type { Database } from '../../src/store/database.ts'
import { createTestDatabase } from '../support/postgres.ts'

const accountId = '11111111-2222-4333-8444-555555555555'

async function trail(database: Database) {
  const { rows } = await database.run<Record<string, unknown>>(
    'test.trail',
    `SELECT type, outcome, account_id, client_id, address, request_id, data,
       round(extract(epoch FROM clock_time() - at))::integer AS age FROM audit_events ORDER BY id`
  )
  return rows
}

const rotated: AuditEvent = {
  type: 'refresh.rotated',
  accountId,
  clientId: 'web',
  address: '192.0.2.1',
  requestId: 'req-1',
  data: { familyId: 'f1', generation: 3 }
}

test('an event becomes a row with its outcome from the catalogue (check 212)', async t => {
  const { database } = await createTestDatabase(t)
  await appendAuditEvent(database, rotated)
  await appendAuditEvent(database, { type: 'sign_in.refused', data: { reason: 'unknown_account' } })
  const common = { account_id: null, client_id: null, address: null, request_id: null }
  t.match(await trail(database), [
    {
      type: 'refresh.rotated',
      outcome: 'success',
      account_id: accountId,
      client_id: 'web',
      address: '192.0.2.1',
      request_id: 'req-1',
      data: { familyId: 'f1', generation: 3 }
    },
    { ...common, type: 'sign_in.refused', outcome: 'refused', data: { reason: 'unknown_account' } }
  ])
})

test('members that the catalogue does not declare never reach a row (check 210)', async t => {
  const leaky = {
    ...rotated,
    token: 'secret-1',
    data: { ...rotated.data, token: 'secret-2', password: 'secret-3', familyId: 'f1' }
  } as AuditEvent
  t.strictSame(auditRow(leaky), auditRow(rotated))
  t.notMatch(JSON.stringify(auditRow(leaky)), /secret/)
})

test('a value of another kind than declared is left out', async t => {
  const wrong = {
    type: 'sign_in.refused',
    data: { reason: 'hunter2', counter: { $ne: 1 } }
  } as unknown as AuditEvent
  t.strictSame(auditRow(wrong).data, {}, 'only the listed words')
  const lists = {
    type: 'consent.granted',
    data: { scope: ['a', 7, null, 'b'], resource: 'not a list' }
  } as unknown as AuditEvent
  t.strictSame(auditRow(lists).data, { scope: ['a', 'b'] })
  const numbers = {
    type: 'refresh.rotated',
    data: { familyId: 5, generation: Number.NaN }
  } as unknown as AuditEvent
  t.strictSame(auditRow(numbers).data, {})
})

test('controls, line breaks, escapes and overlong texts are cleaned (check 209)', async t => {
  t.equal(cleanText('a\r\nb\u0000c\u001b[31md\u2028e\u202ef\u009bg'), 'abc[31mdefg')
  t.equal(cleanText('x'.repeat(1_000_000)).length, 256)
  t.ok(cleanText(`${'x'.repeat(254)}\u{1f600}\u{1f600}`).isWellFormed())
  t.equal(cleanText('\ud800'), '\ufffd')
  const many = Array.from({ length: 1_000 }, (_, n) => `scope-${n}`)
  t.equal(
    (auditRow({ type: 'device.started', data: { scope: many } }).data['scope'] as []).length,
    50
  )
})

test('no text that a client can send makes the INSERT fail: evidence is always written', async t => {
  const { database } = await createTestDatabase(t)
  const hostile = '\u0000\ud800\\u0000"\'; DROP TABLE audit_events; --\r\n'
  await appendAuditEvent(database, {
    type: 'token.refused',
    accountId: hostile,
    clientId: hostile,
    address: hostile,
    requestId: hostile,
    data: { error: hostile, grantType: hostile }
  })
  const rows = await trail(database)
  t.equal(rows.length, 1)
  t.equal(rows[0]?.['account_id'], null)
})

test('an event commits with what it tells of, or not at all', async t => {
  const { database } = await createTestDatabase(t)
  const { name, text, values } = auditStatement(rotated)
  await t.rejects(
    database.transaction(async tx => {
      await tx.run(name, text, values)
      throw new Error('the rotation was refused')
    })
  )
  t.strictSame(await trail(database), [])
  await database.pipeline([auditStatement(rotated), auditStatement(rotated)])
  t.equal((await trail(database)).length, 2)
})

test('a batch is one statement, and each event keeps the time at which it happened', async t => {
  const { database } = await createTestDatabase(t)
  const row = auditRow({
    ...rotated,
    type: 'token.issued',
    data: { grantType: 'client_credentials', scope: ['a'] }
  })
  await database.pipeline([
    auditInsertMany([
      { row, ageSeconds: 30 },
      { row: { ...row, accountId: null }, ageSeconds: 0 }
    ])
  ])
  t.match(await trail(database), [
    { type: 'token.issued', account_id: accountId, age: 30, data: { scope: ['a'] } },
    { account_id: null, age: 0, client_id: 'web' }
  ])
})

test('every name of the catalogue is noun.verb and every outcome is one of the two that the table takes', async t => {
  for (const [name, { outcome }] of Object.entries(auditEvents)) {
    t.match(name, /^[a-z_]+(\.[a-z_]+)?$/)
    t.match(outcome, /^(success|refused)$/)
  }
})
