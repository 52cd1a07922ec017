// A forgotten password: a link to the address that the account has proved, and a new password by whoever opens it. It ends every session, grant
// and sign-in that has begun (`valid_after`), leaves second factors alone, and signs nobody in: the mailbox stands for the password, and for
// nothing else (CVE-2026-18963 class). Says the same whether there is an account or not.

import { appendAuditEvent } from '../audit/record.ts'
import type { Sealer } from '../lib/seal.ts'
import { createAccountStore } from '../store/accounts.ts'
import type { Database } from '../store/database.ts'
import { createMailLinkStore, type MailLink } from '../store/mail-links.ts'
import type { EndAccount } from './account.ts'
import type { HashQueue } from './hash-queue.ts'
import { foldLogin } from './login-name.ts'
import type { MailLimits } from './mail-limits.ts'
import { createLink, linkId, type MailRequest } from './mail-link.ts'
import type { CheckNewPassword, NewPasswordProblem } from './new-password.ts'
import type { PasswordHasher } from './password-hash.ts'

export type ResetOutcome =
  | { ok: true; accountId: string }
  | { ok: false; reason: NewPasswordProblem | 'busy' | 'link_dead' }

export interface RecoveryService {
  /** Sends a mail to the account that is called so, if there is one, with a proved address, and limits allow. */
  request(typed: string, asked: MailRequest): Promise<void>
  /** whose password the link sets, if it is good; looking changes nothing */
  find(token: string): Promise<MailLink | undefined>
  finish(
    token: string,
    password: string,
    asked: { address: string; requestId: string }
  ): Promise<ResetOutcome>
}

const purposes = ['reset'] as const

export function createRecovery(deps: {
  database: Database
  seal: Sealer
  limits: MailLimits
  hasher: Pick<PasswordHasher, 'hash'>
  queue: Pick<HashQueue, 'run'>
  endAccount: EndAccount
  checkNewPassword: CheckNewPassword
}): RecoveryService {
  const { database, seal, limits } = deps
  const links = createMailLinkStore({ sql: database })

  return {
    async request(typed, asked) {
      const folded = foldLogin(typed)
      // nobody can be called so
      if (!folded.ok) return
      const { id, mail } = createLink(seal, 'reset', asked)
      // counted by its mailbox, whichever of the account's names was typed
      if (await limits.claim(asked.address, () => links.mailboxOf(folded.login))) {
        await links.reset(folded.login, id, mail)
      }
    },

    find: token => links.find(linkId(token), purposes),

    async finish(token, password, { address, requestId }) {
      const found = await links.find(linkId(token), purposes)
      if (found === undefined) return { ok: false, reason: 'link_dead' }
      const checked = await deps.checkNewPassword(password, { login: found.login })
      if (!checked.ok) return checked
      const hashed = await deps.queue.run(() => deps.hasher.hash(checked.password))
      if (!hashed.ok) return { ok: false, reason: 'busy' }
      return database.transaction(async (tx): Promise<ResetOutcome> => {
        const txLinks = createMailLinkStore({ sql: tx })
        const accountId = (await txLinks.spend(linkId(token), purposes))?.accountId
        if (accountId === undefined) return { ok: false, reason: 'link_dead' }
        await createAccountStore({ sql: tx }).setPassword(accountId, hashed.value)
        await txLinks.endOf(accountId)
        await deps.endAccount(accountId, tx)
        const about = { accountId, address, requestId, data: {} }
        await appendAuditEvent(tx, { type: 'account.password_reset', ...about })
        return { ok: true, accountId }
      })
    }
  }
}
