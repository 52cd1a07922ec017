// Another e-mail address, or the proof of the one there is: a link to that address, and nothing changes before it is opened. Whoever opens it has
// proved the mailbox, no more: nobody is signed in. The address before is told. A link for an address that the account has left, or asked for
// with a password that was changed since, does nothing (CVE-2026-27946 class).

import { appendAuditEvent } from '../audit/record.ts'
import type { Sealer } from '../lib/seal.ts'
import { createAccountStore, isNameTaken } from '../store/accounts.ts'
import type { Database } from '../store/database.ts'
import { createMailLinkStore, type MailLink } from '../store/mail-links.ts'
import type { MailLimits } from './mail-limits.ts'
import { createLink, linkId, type MailRequest, parseMailbox } from './mail-link.ts'

export type ConfirmOutcome =
  | { ok: true; email: string }
  | { ok: false; reason: 'link_dead' | 'taken' }

export interface EmailChangeService {
  /** Sends a mail, if limits allow. @returns false when it is no address that can be proved */
  request(accountId: string, typed: string, asked: MailRequest): Promise<boolean>
  /** what the link proves, if it is good; looking changes nothing */
  find(token: string): Promise<MailLink | undefined>
  confirm(token: string, asked: { address: string; requestId: string }): Promise<ConfirmOutcome>
}

const purposes = ['email'] as const

export function createEmailChange(deps: {
  database: Database
  seal: Sealer
  limits: MailLimits
}): EmailChangeService {
  const { database, seal, limits } = deps
  const links = createMailLinkStore({ sql: database })

  return {
    async request(accountId, typed, asked) {
      const mailbox = parseMailbox(typed)
      if (mailbox === undefined) return false
      const { id, mail } = createLink(seal, 'email', asked)
      if (await limits.claim(asked.address, async () => mailbox.called)) {
        await links.email(accountId, mailbox, id, mail)
      }
      return true
    },

    find: token => links.find(linkId(token), purposes),

    async confirm(token, { address, requestId }) {
      const changing = database.transaction(async (tx): Promise<ConfirmOutcome> => {
        const link = await createMailLinkStore({ sql: tx }).spend(linkId(token), purposes)
        const { accountId = '', email, called } = link ?? {}
        const accounts = createAccountStore({ sql: tx })
        const before = await accounts.findById(accountId)
        if (before === undefined || email === undefined || called === undefined) {
          return { ok: false, reason: 'link_dead' }
        }
        await accounts.setEmail(accountId, email, called)
        const about = { accountId, address, requestId, data: {} }
        if (before.email?.toLowerCase() === called) {
          await appendAuditEvent(tx, { type: 'account.email_verified', ...about })
        } else {
          // told are both: the new one by the account's row, and the one before, if anybody had proved it
          const alsoTo = before.emailVerified ? before.email : undefined
          await appendAuditEvent(tx, { type: 'account.email_changed', ...about, alsoTo })
        }
        return { ok: true, email }
      })
      return changing.catch((error: unknown): ConfirmOutcome => {
        if (isNameTaken(error)) return { ok: false, reason: 'taken' }
        throw error
      })
    }
  }
}
