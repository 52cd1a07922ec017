// Making an account of one's own. An address is proved first, and the account made by who opens the link: until then there is none, so nobody
// squats on an address of somebody else, and no stranger's password waits behind a mail that the owner of the mailbox opens. Says the same
// whether there is an account or not; only the mail tells.

import { appendAuditEvent } from '../audit/record.ts'
import type { Sealer } from '../lib/seal.ts'
import { type Account, createAccountStore, isNameTaken } from '../store/accounts.ts'
import type { Database } from '../store/database.ts'
import { createMailLinkStore, type MailLink } from '../store/mail-links.ts'
import { checkProfile } from './account.ts'
import type { HashQueue } from './hash-queue.ts'
import type { MailLimits } from './mail-limits.ts'
import { createLink, linkId, type MailRequest, parseMailbox } from './mail-link.ts'
import type { CheckNewPassword, NewPasswordProblem } from './new-password.ts'
import type { PasswordHasher } from './password-hash.ts'

export type SignUpOutcome =
  | { ok: true; account: Account }
  | { ok: false; reason: NewPasswordProblem | 'name_malformed' | 'busy' | 'link_dead' | 'taken' }

export interface SignUpService {
  /** Sends a mail, if the address is one and limits allow. @returns false when it is no address that can be proved */
  request(typed: string, asked: MailRequest): Promise<boolean>
  /** Asks an address for an operator; `known`: there is an account already, whose owner is told so. */
  invite(typed: string, locale: string): Promise<'sent' | 'known' | 'email_malformed'>
  /** what the link proves, if it is good; looking changes nothing */
  find(token: string): Promise<MailLink | undefined>
  finish(
    token: string,
    given: { name: string; password: string; locale: string },
    asked: { address: string; requestId: string }
  ): Promise<SignUpOutcome>
}

export function createSignUp(deps: {
  database: Database
  seal: Sealer
  limits: MailLimits
  hasher: Pick<PasswordHasher, 'hash'>
  queue: Pick<HashQueue, 'run'>
  checkNewPassword: CheckNewPassword
  /** who may: everybody, or whoever was invited */
  mode: 'open' | 'invitation'
}): SignUpService {
  const { database, seal, limits } = deps
  const links = createMailLinkStore({ sql: database })
  const purposes =
    deps.mode === 'open' ? (['sign_up', 'invitation'] as const) : (['invitation'] as const)

  return {
    async request(typed, asked) {
      const mailbox = parseMailbox(typed)
      if (mailbox === undefined) return false
      const { id, mail } = createLink(seal, 'sign_up', asked)
      if (await limits.claim(asked.address, async () => mailbox.called)) {
        await links.invite('sign_up', mailbox, id, mail)
      }
      return true
    },

    async invite(typed, locale) {
      const mailbox = parseMailbox(typed)
      if (mailbox === undefined) return 'email_malformed'
      const { id, mail } = createLink(seal, 'invitation', { locale, returnTo: '' })
      return links.invite('invitation', mailbox, id, mail)
    },

    find: token => links.find(linkId(token), purposes),

    async finish(token, given, { address, requestId }) {
      const found = await links.find(linkId(token), purposes)
      if (found?.called === undefined) return { ok: false, reason: 'link_dead' }
      const name = given.name.trim() || undefined
      const profile = checkProfile({ name, locale: given.locale })
      if (!profile.ok) return { ok: false, reason: 'name_malformed' }
      const whose = { login: found.called, email: found.email, name }
      const checked = await deps.checkNewPassword(given.password, whose)
      if (!checked.ok) return checked
      const hashed = await deps.queue.run(() => deps.hasher.hash(checked.password))
      if (!hashed.ok) return { ok: false, reason: 'busy' }
      const making = database.transaction(async (tx): Promise<SignUpOutcome> => {
        const link = await createMailLinkStore({ sql: tx }).spend(linkId(token), purposes)
        if (link?.called === undefined) return { ok: false, reason: 'link_dead' }
        const account = await createAccountStore({ sql: tx }).create(
          link.called,
          hashed.value,
          {
            name,
            email: link.email,
            emailVerified: true,
            verifiedEmail: link.called,
            locale: given.locale
          },
          'made'
        )
        if (account === undefined) return { ok: false, reason: 'taken' }
        await appendAuditEvent(tx, {
          type: 'account.created',
          accountId: account.id,
          address,
          requestId,
          data: { via: 'self' }
        })
        return { ok: true, account }
      })
      return making.catch((error: unknown): SignUpOutcome => {
        if (isNameTaken(error)) return { ok: false, reason: 'taken' }
        throw error
      })
    }
  }
}
