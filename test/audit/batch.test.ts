// Events of requests that write nothing else reach the trail in batches, with a stated bound on loss.

import t from 'tap'
import { createAuditBatch } from '../../src/audit/batch.ts'
import type { AuditEvent } from '../../src/audit/events.ts'
import { createTestDatabase } from '../support/postgres.ts'

const event = (jti: string): AuditEvent => ({
  type: 'token.issued',
  clientId: 'billing',
  data: { grantType: 'client_credentials', jti }
})

t.test('N events sent are N events in the trail, when they happened (ASVS 16.3.1)', async t => {
  const { database } = await createTestDatabase(t)
  let clock = 10_000
  const statements: string[] = []
  const batch = createAuditBatch({
    sql: {
      run(name, text, values) {
        statements.push(name)
        return database.run(name, text, values)
      }
    },
    log: { warn: () => undefined },
    now: () => clock
  })
  for (let number = 0; number < 1_100; number += 1) batch.add(event(`jti-${number}`))
  clock += 60_000
  await batch.end()
  const { rows } = await database.run<{ number: number; old: number }>(
    'test.count',
    `SELECT count(*)::int AS number, count(*) FILTER (WHERE at < clock_time() - interval '59 s')::int AS old
     FROM audit_events WHERE type = 'token.issued'`
  )
  t.same(rows, [{ number: 1_100, old: 1_100 }])
  t.equal(statements.length, 3, '500 a statement at most')
})

t.test(
  'while the database is away events wait, the newest 5,000, and the loss is told',
  async t => {
    const warnings: object[] = []
    const sent: unknown[] = []
    let away = true
    const batch = createAuditBatch({
      sql: {
        async run(_name, _text, values) {
          if (away) throw new Error('away')
          sent.push(...JSON.parse(String(values?.[0])))
          return { rows: [], rowCount: 0 }
        }
      },
      log: { warn: data => void warnings.push(data) }
    })
    for (let number = 0; number < 5_010; number += 1) batch.add(event(`jti-${number}`))
    away = false
    await batch.end()
    t.equal(sent.length, 5_000)
    t.match(sent.at(-1), { data: { jti: 'jti-5009' } })
    t.match(warnings, [{ lost: 10 }])
  }
)
