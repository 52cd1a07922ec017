// The queue of pings that clients are owed (OpenID Connect CIBA Core §10.2): a person has answered, and the client may fetch its tokens. Queued in
// the transaction of the answer. What is sent is sealed by whoever queues it.

import type { Queries, Statement } from './database.ts'
import {
  type ClientColumns,
  type ClientNotice,
  clientOf,
  createNoticeQueue,
  type NoticeQueue
} from './notice-queue.ts'

export interface PingNotice extends ClientNotice {
  sealed: Buffer
  /** after it, the client would fetch nothing */
  expiresAt: Date
}

/** Where a sealed value stands (lib/seal.ts). */
export const pingContext = (id: string) => ({ table: 'ping_notices', column: 'sealed', key: id })

export function pingStatement(ping: {
  id: string
  clientId: string
  accountId: string
  sealed: Buffer
  lifetimeSeconds: number
}): Statement {
  return {
    name: 'ping_notices.queue',
    text: `INSERT INTO ping_notices (id, client_id, account_id, sealed, expires_at)
      VALUES ($1, $2, $3, $4, clock_time() + make_interval(secs => $5))`,
    values: [ping.id, ping.clientId, ping.accountId, ping.sealed, ping.lifetimeSeconds]
  }
}

export function createPingNoticeStore({ sql }: { sql: Queries }): NoticeQueue<PingNotice> {
  return createNoticeQueue<
    Omit<PingNotice, 'id' | 'attempts'>,
    ClientColumns & { sealed: Buffer; expires_at: Date }
  >({
    sql,
    table: 'ping_notices',
    columns: ['client_id', 'account_id', 'sealed', 'expires_at'],
    more: row => ({ ...clientOf(row), sealed: row.sealed, expiresAt: row.expires_at })
  })
}
