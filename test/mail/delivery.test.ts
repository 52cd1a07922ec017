// How mails leave: one mail an event that a person must be told of, each once over any number of processes, later where the mail server is away,
// and none that says more than it should.

import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createAuditBatch } from '../../src/audit/batch.ts'
import { type AuditEvent, auditEvents } from '../../src/audit/events.ts'
import { appendAuditEvent } from '../../src/audit/record.ts'
import { toldByMail } from '../../src/audit/told-by-mail.ts'
import { createSealer } from '../../src/lib/seal.ts'
import { writeMessage } from '../../src/mail/message.ts'
import { createMailQueue } from '../../src/store/mails.ts'
import { linkOf } from '../support/mail-server.ts'
import { startServerProcess } from '../support/processes.ts'
import { masterKey } from '../support/server.ts'
import { mailTo, startMailSetting, to } from './setting.ts'

const setting = await startMailSetting(t)
const { smtp, server, database, rows, turnClock, forgive, emptied } = setting
const { browse, askForReset, newAccount } = setting

/** An event of a type, with something in each of its fields. */
function eventOf(type: string, accountId: string, more: object = {}): AuditEvent {
  const { data } = auditEvents[type as keyof typeof auditEvents]
  const filled = Object.entries(data).map(([name, field]) => [
    name.replace('?', ''),
    field === 'number' ? 3 : field === 'list' ? ['x'] : field === 'text' ? 'Thing' : field[0]
  ])
  return { type, accountId, data: Object.fromEntries(filled), ...more } as AuditEvent
}

const queued = (accountId: string) =>
  rows<{ kind: string; recipient: string }>(
    'SELECT kind, recipient FROM mails WHERE account_id = $1 ORDER BY kind',
    [accountId]
  )

t.test(
  'each event of the table makes one mail in its own statement, a changed address two, all others none (ASVS 6.3.7)',
  async t => {
    for (const type of toldByMail) t.ok(type in auditEvents, type)
    await smtp.down()
    const account = await newAccount('told@example.com')
    for (const type of Object.keys(auditEvents)) {
      await rows('DELETE FROM mails')
      const changed = type === 'account.email_changed'
      const more = changed ? { alsoTo: 'before@example.com' } : {}
      await appendAuditEvent(database, eventOf(type, account.id, more))
      const expected = (toldByMail as readonly string[]).includes(type)
        ? [
            { kind: type, recipient: 'told@example.com' },
            ...(changed ? [{ kind: `${type}.before`, recipient: 'before@example.com' }] : [])
          ]
        : []
      t.same(await queued(account.id), expected, type)
    }
    await rows('DELETE FROM mails')
    // what is rolled back tells nobody
    const failing = database.transaction(async tx => {
      await appendAuditEvent(tx, eventOf('totp.removed', account.id))
      throw new Error('rolled back')
    })
    await t.rejects(failing, /rolled back/)
    const log = { warn: () => undefined }
    const batch = createAuditBatch({ sql: database, log })
    batch.add(eventOf('token.issued', account.id))
    batch.add(eventOf('passkey.added', account.id))
    await batch.end()
    t.same(await queued(account.id), [{ kind: 'passkey.added', recipient: 'told@example.com' }])
    await rows('DELETE FROM mails')

    // nobody to tell: no address, one that nobody proved, no such account
    const { service } = server.server.accounts
    const none = await service.create({ login: 'no-address' }, 'cli')
    const unproved = await service.create({ login: 'unproved', email: 'u@example.com' }, 'cli')
    for (const made of [none, unproved]) {
      if (!made.ok) throw new Error(made.reason)
      await appendAuditEvent(database, eventOf('totp.enabled', made.account.id))
    }
    await appendAuditEvent(database, eventOf('totp.enabled', randomUUID()))
    t.equal((await rows('SELECT FROM mails')).length, 0)
    await smtp.up()
  }
)

t.test('every kind has words in every language, and no hole in them', async t => {
  const site = { product: 'Example', issuer: 'https://id.example.com' }
  const link = { token: 'A'.repeat(43), returnTo: '/device' }
  const data = { at: new Date(0).toISOString(), address: '203.0.113.7', account: 'ada@example.com' }
  const kinds = [...toldByMail, 'account.email_changed.before', 'sign_up.known', 'email.taken']
  for (const locale of ['en', 'ko-KR', undefined]) {
    for (const kind of [...kinds, 'sign_up', 'invitation', 'reset', 'email']) {
      const message = writeMessage({ kind, locale, data, link }, site)
      t.ok(message, kind)
      t.notMatch(JSON.stringify(message), /undefined|NaN|\[object/)
      t.match(message?.html, `<html lang="${locale === 'ko-KR' ? 'ko' : 'en'}"`)
      const holds = /token=/.test(message?.text ?? '')
      t.equal(holds, !kind.includes('.'), 'a link that opens something, where it is asked for')
    }
  }
  t.equal(writeMessage({ kind: 'toString', locale: 'en', data, link }, site), undefined)
})

t.test('what a stranger chose ends no header and is no markup in a mail (ASVS 1.2.1)', async t => {
  const hostile = '<img src=x onerror=a>\r\nBcc: evil@example.net\u202e'
  const message = writeMessage(
    { kind: 'passkey.added', locale: 'en', data: { name: hostile }, link: undefined },
    { product: `Shop\r\nBcc: evil@example.net`, issuer: 'https://id.example.com' }
  )
  t.notMatch(message?.subject, /[\r\n]/)
  t.notMatch(message?.text, /^Bcc:/m)
  t.notMatch(message?.html, '<img')
  t.match(message?.html, '&lt;img src=x onerror=a&gt; Bcc: evil@example.net')
})

t.test('a mail server that is away fails nothing: the mail comes later, once', async t => {
  await forgive()
  await newAccount('later@example.com')
  await smtp.down()
  t.equal((await askForReset(browse(), 'later@example.com')).status, 200)
  const tried = async () =>
    (await rows<{ attempts: number }>('SELECT attempts FROM mails')).some(row => row.attempts > 0)
  while (!(await tried())) await sleep(20)
  const [row] = await rows<{ sealed: Buffer; text: string }>(
    'SELECT sealed, mails::text AS text FROM mails'
  )
  t.ok(row?.sealed)
  await smtp.up()
  await turnClock(61)
  // another one wakes whoever delivers
  await appendAuditEvent(database, eventOf('totp.removed', server.accountId))
  const mail = await smtp.next(to('later@example.com'))
  const token = linkOf(mail, '/reset-password/new').searchParams.get('token') ?? ''
  t.notOk(row?.text.includes(token), 'the row showed no link')
  t.notOk(
    JSON.stringify(await rows('SELECT id, purpose FROM mail_links')).includes(token),
    'nor does the table of links'
  )
  t.notOk(createSealer({ masterKey }).needsReseal(row?.sealed ?? Buffer.alloc(0)))
  await emptied()
  t.equal(smtp.mails.filter(to('later@example.com')).length, 0)
  await turnClock(0)
})

t.test('a mail that nobody takes is given up and recorded; one that is too old leaves', async t => {
  await forgive()
  await newAccount('gone@example.com')
  smtp.refuse('RCPT', '550 no such mailbox')
  await askForReset(browse(), 'gone@example.com')
  await emptied()
  smtp.refuse(undefined)
  let failed: { data: object }[] = []
  while (failed.length === 0) {
    failed = await rows(
      `SELECT data FROM audit_events WHERE type = 'mail.failed' AND data ->> 'kind' = 'reset'`
    )
    await sleep(20)
  }
  t.match(failed[0]?.data, { kind: 'reset', attempts: 1, reason: /550/ })
  await rows(
    `INSERT INTO mails (kind, recipient, expires_at) VALUES ('reset', 'old@example.com', clock_time())`
  )
  await emptied()
  t.equal(smtp.mails.filter(to('old@example.com')).length, 0)
})

t.test('two processes send a mail once', async t => {
  await startServerProcess(t, server, mailTo(smtp))
  const many = 30
  await database.transaction(async tx => {
    for (let each = 0; each < many; each += 1) {
      await appendAuditEvent(tx, eventOf('passkey.removed', server.accountId))
    }
  })
  await emptied()
  t.equal(smtp.mails.filter(to('ada@example.com')).filter(isAboutRemoval).length, many)
  // also when both claim in the same moment
  await rows(
    `INSERT INTO mails (kind, recipient, expires_at, due_at)
     SELECT 'test', 'nobody@example.com', clock_time() + interval '1 hour', clock_time() + interval '30 minutes'
     FROM generate_series(1, 40)`
  )
  await rows(`UPDATE mails SET kind = 'totp.enabled', due_at = clock_time() WHERE kind = 'test'`)
  const queue = createMailQueue({ sql: database })
  const claims = await database.transaction(async tx => {
    // whoever claims meets rows that another one has in hand, and passes them over
    await tx.run('test.hold', 'SELECT FROM mails FOR UPDATE')
    const claiming = [queue.claim(), queue.claim(), queue.claim()]
    let settled = false
    const all = Promise.all(claiming).finally(() => {
      settled = true
    })
    all.catch(() => undefined)
    const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
    while (!settled && (await rows(waiting)).length < claiming.length) await sleep(10)
    return claiming
  })
  const claimed = (await Promise.all([...claims, queue.claim(), queue.claim()])).flat()
  t.ok(claimed.length > 0)
  t.equal(new Set(claimed.map(({ id }) => id)).size, claimed.length, 'nobody has one of another')
  await rows('DELETE FROM mails')
})

const isAboutRemoval = (mail: { headers: Map<string, string> }) =>
  mail.headers.get('subject') === 'A passkey was removed from your mintmark account'
