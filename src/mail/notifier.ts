// A queued mail on its way out: opened, written and sent. Owns what is not sent any more: a link that is good no longer, a kind that this version
// has no words for. When it is tried again is the queue's business (ops/notice-delivery.ts).

import type { Sealer } from '../lib/seal.ts'
import type { Queries } from '../store/database.ts'
import { mailContext, mailIsCurrent, mailToNobody, type QueuedMail } from '../store/mails.ts'
import { writeMessage } from './message.ts'
import type { SendMail, SendOutcome } from './transport.ts'

export interface MailNotifier {
  deliver(mail: QueuedMail): Promise<SendOutcome>
}

export function createMailNotifier(deps: {
  sql: Queries
  seal: Sealer
  send: SendMail
  product: string
  issuer: string
}): MailNotifier {
  const { sql, seal, send, product, issuer } = deps
  return {
    /** @throws Fault `store_unavailable`, `seal_broken` */
    async deliver(mail) {
      const { id, kind, locale, data, sealed, recipient } = mail
      if (kind === mailToNobody || !(await mailIsCurrent(sql, id))) return 'gone'
      const link =
        sealed === undefined ? undefined : JSON.parse(seal.open(sealed, mailContext(id)).toString())
      const message = writeMessage({ kind, locale, data, link }, { product, issuer })
      if (message === undefined) return { failed: 'no words for this kind', final: true }
      return send({ ...message, id, to: recipient, locale })
    }
  }
}
