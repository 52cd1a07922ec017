// The queue of mails that people are owed. Owns its table: who is told of a security event is found in the statement that records it
// (store/audit.ts), links are queued with their rows (store/mail-links.ts). Nothing here knows what a mail says.

import type { Queries, Statement } from './database.ts'
import { createNoticeQueue, type Notice, type NoticeQueue } from './notice-queue.ts'

/** A mail that is to be sent now. */
export interface QueuedMail extends Notice {
  kind: string
  accountId: string | undefined
  recipient: string
  /** BCP 47 */
  locale: string | undefined
  data: Record<string, unknown>
  /** what stands in its link */
  sealed: Buffer | undefined
  expiresAt: Date
}

/** A mail that is queued with something else. */
export interface NewMail {
  id: string
  kind: string
  /** as the page speaks that caused it; an account's own language comes before */
  locale: string
  sealed: Buffer
  lifetimeSeconds: number
}

/** A mail of this kind goes to nobody: it is queued so that an answer takes as long as with a mail (mail-links.ts). */
export const mailToNobody = 'none'

/** Where a sealed value stands (lib/seal.ts). */
export const mailContext = (id: string) => ({ table: 'mails', column: 'sealed', key: id })

/**
 * Seconds from each attempt to the next: more than one attempt may take in all, so that no other process makes the same one; the last is some
 * ten hours after the first, as mail servers are away for longer than pages are.
 */
export const mailRetrySeconds: readonly number[] = [60, 120, 300, 600, 1_800, 7_200, 25_200]

/** Mail servers take few connections from one sender. */
const batch = 5

/** How long a mail about an event is worth sending. */
export const eventMailSeconds = 3 * 86_400

/**
 * SQL of the mails that a list of events makes, for the statement that appends them: `event` is a relation of account_id, type, at, address,
 * data, also_to. Told is who has proved the address: an address that nobody proved may be a stranger's.
 */
export const eventMails = (event: string) => `
  INSERT INTO mails (kind, account_id, recipient, locale, data, expires_at)
  SELECT m.kind, a.id, m.recipient, a.locale,
    e.data || jsonb_build_object('at', e.at, 'address', e.address, 'account', coalesce(a.email, a.login)),
    clock_time() + interval '${eventMailSeconds} seconds'
  FROM ${event} e JOIN accounts a ON a.id = e.account_id
  CROSS JOIN LATERAL (VALUES (e.type, CASE WHEN a.email_verified THEN a.email END),
    (e.type || '.before', e.also_to)) AS m(kind, recipient)
  WHERE m.recipient IS NOT NULL`

export function createMailQueue({ sql }: { sql: Queries }): NoticeQueue<QueuedMail> {
  return createNoticeQueue<
    Omit<QueuedMail, 'id' | 'attempts'>,
    {
      kind: string
      account_id: string | null
      recipient: string
      locale: string | null
      data: Record<string, unknown>
      sealed: Buffer | null
      expires_at: Date
    }
  >({
    sql,
    table: 'mails',
    columns: ['kind', 'account_id', 'recipient', 'locale', 'data', 'sealed', 'expires_at'],
    more: row => ({
      kind: row.kind,
      accountId: row.account_id ?? undefined,
      recipient: row.recipient,
      locale: row.locale ?? undefined,
      data: row.data,
      sealed: row.sealed ?? undefined,
      expiresAt: row.expires_at
    }),
    retry: mailRetrySeconds,
    batch
  })
}

/** Whether it is still worth sending, by the database's clock. */
export async function mailIsCurrent(sql: Queries, id: string): Promise<boolean> {
  const { rowCount } = await sql.run(
    'mails.current',
    'SELECT FROM mails WHERE id = $1 AND expires_at > clock_time()',
    [id]
  )
  return rowCount === 1
}

/** A mail of the outbox, in development. */
export interface OutboxRow {
  id: string
  sealed: Buffer
  sentAt: Date
}

export const outboxContext = (id: string) => ({ table: 'outbox_mails', column: 'sealed', key: id })

const outboxDays = 1
const outboxShown = 50

export function outboxStatement(id: string, sealed: Buffer): Statement {
  return {
    name: 'outbox_mails.add',
    text: `INSERT INTO outbox_mails (id, sealed, expires_at)
      VALUES ($1, $2, clock_time() + interval '${outboxDays} day') ON CONFLICT (id) DO NOTHING`,
    values: [id, sealed]
  }
}

/** The newest first. */
export async function listOutbox(sql: Queries): Promise<OutboxRow[]> {
  const { rows } = await sql.run<{ id: string; sealed: Buffer; sent_at: Date }>(
    'outbox_mails.list',
    `SELECT id, sealed, sent_at FROM outbox_mails WHERE expires_at > clock_time()
     ORDER BY sent_at DESC, id LIMIT ${outboxShown}`
  )
  return rows.map(row => ({ id: row.id, sealed: row.sealed, sentAt: row.sent_at }))
}
