// What the outbox of development mode holds, opened again for its page. Owns nothing but the way back; what goes in is transport.ts, and how
// it looks is views/outbox.ts.

import type { Sealer } from '../lib/seal.ts'
import type { Queries } from '../store/database.ts'
import { listOutbox, outboxContext } from '../store/mails.ts'
import type { OutgoingMail } from './transport.ts'

export interface KeptMail extends OutgoingMail {
  sentAt: Date
}

/** The newest first. @throws Fault `store_unavailable`, `seal_broken` */
export async function readOutbox(deps: { sql: Queries; seal: Sealer }): Promise<KeptMail[]> {
  const rows = await listOutbox(deps.sql)
  return rows.map(({ id, sealed, sentAt }) => ({
    ...(JSON.parse(deps.seal.open(sealed, outboxContext(id)).toString()) as Omit<
      OutgoingMail,
      'id'
    >),
    id,
    sentAt
  }))
}
