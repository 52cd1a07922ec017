// What a link by mail is made of: 256 random bits, of which the database keeps the digest, and the mail, sealed until it is sent. Owns how long
// each kind is good, and what an address must be that somebody is to prove. The host of a link is not its business: mail/ takes the configured
// issuer.

import { randomUUID } from 'node:crypto'
import type { Sealer } from '../lib/seal.ts'
import { digest, randomSecret } from '../lib/secret.ts'
import type { LinkPurpose, Mailbox } from '../store/mail-links.ts'
import { mailContext, type NewMail } from '../store/mails.ts'
import { foldLogin, parseEmail } from './login-name.ts'

/** Seconds. A reset opens an account: a quarter of an hour (ASVS v5.0.0 §6.4.3). */
export const linkSeconds: Readonly<Record<LinkPurpose, number>> = {
  reset: 900,
  email: 3_600,
  sign_up: 86_400,
  invitation: 7 * 86_400
}

/** What travels in a link, sealed with its mail. */
export interface SealedLink {
  token: string
  /** a path of ours to go on to */
  returnTo: string
}

/** Who asks for a mail. */
export interface MailRequest {
  /** network address, for limits */
  address: string
  /** of the page */
  locale: string
  /** checked: a path of ours, or empty */
  returnTo: string
}

/** The key of a link's row. */
export function linkId(token: string): Buffer {
  return digest('mail link', token)
}

export function createLink(
  seal: Sealer,
  kind: LinkPurpose,
  { locale, returnTo }: Pick<MailRequest, 'locale' | 'returnTo'>
): { id: Buffer; mail: NewMail } {
  const token = randomSecret()
  const id = randomUUID()
  const link: SealedLink = { token, returnTo }
  const sealed = seal.seal(JSON.stringify(link), mailContext(id))
  return {
    id: linkId(token),
    mail: { id, kind, locale, sealed, lifetimeSeconds: linkSeconds[kind] }
  }
}

/**
 * An address that may be proved. Only one that folds to nothing but its own small letters: `mıke@` and `mike@` meet in one name, and are two
 * mailboxes; whoever has the one must not be given the other's place.
 */
export function parseMailbox(typed: string): Mailbox | undefined {
  const parsed = parseEmail(typed)
  const folded = foldLogin(typed)
  if (!parsed.ok || !folded.ok) return undefined
  if (parsed.email.toLowerCase() !== folded.login) return undefined
  return { email: parsed.email, called: folded.login }
}
