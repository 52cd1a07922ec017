// Links that were sent by mail and are good once. Owns their SQL: a request finds out whom it concerns, makes the link and queues the mail in one
// statement, whose work does not depend on whether there is an account. Refuses a link that is too old, that a newer one or a changed password
// overtook, and one for an address that the account has left. All of it by the database's clock.

import type { Queries } from './database.ts'
import { mailToNobody, type NewMail } from './mails.ts'

export type LinkPurpose = 'sign_up' | 'invitation' | 'reset' | 'email'

/** A link that is good now. */
export interface MailLink {
  purpose: LinkPurpose
  accountId: string | undefined
  /** the account's, for password managers and the policy */
  login: string | undefined
  email: string | undefined
  called: string | undefined
}

/** An address: as it was written, and folded. */
export interface Mailbox {
  email: string
  called: string
}

interface LinkRow {
  purpose: LinkPurpose
  account_id: string | null
  login: string | null
  email: string | null
  called: string | null
}

// What an account has proved before a link was made, or lost since, does not count: a changed password ends all of its links.
const good = `l.expires_at > clock_time() AND (l.account_id IS NULL OR (a.disabled_at IS NULL
    AND (a.valid_after IS NULL OR l.created_at > a.valid_after)
    AND (l.purpose <> 'email' OR l.email_before IS NOT DISTINCT FROM a.email)))`

// A mail to an account goes to the address that it has proved, in its spelling, never to the one that was typed: two that fold alike may be
// two mailboxes.
const knownMail = (kind: string) => `SELECT $1::uuid, '${kind}', known.id,
    CASE WHEN known.verified_email = $2 OR position('@' IN known.login) = 0 THEN known.email ELSE known.login END,
    coalesce(known.locale, $3), $4::bytea, clock_time() + make_interval(secs => $5) FROM known`

const known = `known AS (SELECT id, login, email, verified_email, locale FROM accounts
    WHERE id = (SELECT account_id FROM account_names WHERE called = $2))`

const queue = 'INSERT INTO mails (id, kind, account_id, recipient, locale, sealed, expires_at)'

// Who has an account must not show in what an answer takes: where there is no link to be made, a row is written all the same, which opens
// nothing (purpose `none`), and a mail is queued that goes to nobody (mails.ts).
const decoyUnlessLink = `decoy AS (
    INSERT INTO mail_links (id, purpose, called, expires_at)
    SELECT $6, 'none', $2, clock_time() + make_interval(secs => $5) WHERE NOT EXISTS (SELECT FROM link)
    ON CONFLICT (called, purpose) WHERE account_id IS NULL DO UPDATE SET id = excluded.id,
      created_at = clock_time(), expires_at = excluded.expires_at
    RETURNING id)`

const forNobody = `WITH ${known}, link AS (
    INSERT INTO mail_links (id, purpose, email, called, expires_at)
    SELECT $6, $7, $8, $2, clock_time() + make_interval(secs => $5) WHERE NOT EXISTS (SELECT FROM known)
    ON CONFLICT (called, purpose) WHERE account_id IS NULL DO UPDATE SET id = excluded.id, email = excluded.email,
      created_at = clock_time(), expires_at = excluded.expires_at
    RETURNING id), ${decoyUnlessLink}
  ${queue}
  ${knownMail('sign_up.known')} UNION ALL
  SELECT $1::uuid, $7, NULL, $8, $3, $4::bytea, clock_time() + make_interval(secs => $5) FROM link
  RETURNING kind`

const forReset = `WITH ${known}, link AS (
    INSERT INTO mail_links (id, purpose, account_id, expires_at)
    SELECT $6, 'reset', a.id, clock_time() + make_interval(secs => $5) FROM known JOIN accounts a USING (id)
     WHERE a.verified_email IS NOT NULL AND a.disabled_at IS NULL
    ON CONFLICT (account_id, purpose) WHERE account_id IS NOT NULL DO UPDATE SET id = excluded.id,
      created_at = clock_time(), expires_at = excluded.expires_at
    RETURNING account_id), ${decoyUnlessLink}
  ${queue}
  SELECT $1::uuid, 'reset', known.id, known.email, coalesce(known.locale, $3), $4::bytea, clock_time() + make_interval(secs => $5)
    FROM link JOIN known ON known.id = link.account_id UNION ALL
  SELECT $1, '${mailToNobody}', NULL, '', $3, $4, clock_time() + make_interval(secs => $5) FROM decoy`

// $8: the account that asks. Somebody else's address gets a mail that says so, and no link.
const forEmail = `WITH ${known}, link AS (
    INSERT INTO mail_links (id, purpose, account_id, email, called, email_before, expires_at)
    SELECT $6, 'email', a.id, $7, $2, a.email, clock_time() + make_interval(secs => $5) FROM accounts a
     WHERE a.id = $8 AND NOT EXISTS (SELECT FROM known WHERE known.id <> a.id)
    ON CONFLICT (account_id, purpose) WHERE account_id IS NOT NULL DO UPDATE SET id = excluded.id, email = excluded.email,
      called = excluded.called, email_before = excluded.email_before, created_at = clock_time(), expires_at = excluded.expires_at
    RETURNING account_id), ${decoyUnlessLink}
  ${queue}
  ${knownMail('email.taken')} WHERE known.id <> $8 UNION ALL
  SELECT $1::uuid, 'email', link.account_id, $7, coalesce(a.locale, $3), $4::bytea, clock_time() + make_interval(secs => $5)
    FROM link JOIN accounts a ON a.id = link.account_id`

export type MailLinkStore = ReturnType<typeof createMailLinkStore>

/** Every method throws Fault `store_unavailable` when the database does not answer. */
export function createMailLinkStore({ sql }: { sql: Queries }) {
  const common = (called: string, mail: NewMail, id: Buffer) => [
    mail.id,
    called,
    mail.locale,
    mail.sealed,
    mail.lifetimeSeconds,
    id
  ]
  return {
    /** For somebody who has no account; whoever has one is told so instead. Answers which mail it was. */
    async invite(
      purpose: 'sign_up' | 'invitation',
      { email, called }: Mailbox,
      id: Buffer,
      mail: NewMail
    ): Promise<'sent' | 'known'> {
      const { rows } = await sql.run<{ kind: string }>('mail_links.invite', forNobody, [
        ...common(called, mail, id),
        purpose,
        email
      ])
      return rows[0]?.kind === purpose ? 'sent' : 'known'
    },

    /** For whoever is called so, if they have proved an address. */
    async reset(called: string, id: Buffer, mail: NewMail): Promise<void> {
      await sql.run('mail_links.reset', forReset, common(called, mail, id))
    },

    /** For the new address of an account. */
    async email(
      accountId: string,
      { email, called }: Mailbox,
      id: Buffer,
      mail: NewMail
    ): Promise<void> {
      await sql.run('mail_links.email', forEmail, [...common(called, mail, id), email, accountId])
    },

    /** The link as it is now; looking changes nothing. */
    async find(id: Buffer, purposes: readonly LinkPurpose[]): Promise<MailLink | undefined> {
      const { rows } = await sql.run<LinkRow>(
        'mail_links.find',
        `SELECT l.purpose, l.account_id, a.login, l.email, l.called
         FROM mail_links l LEFT JOIN accounts a ON a.id = l.account_id
         WHERE l.id = $1 AND l.purpose = ANY ($2) AND ${good}`,
        [id, purposes]
      )
      return rows[0] && linkOf(rows[0])
    },

    /**
     * Spends a link, in the transaction of what it is for: of any number of callers, one gets it. Its account's row is locked first, as in
     * every transaction that ends something (store/ending.ts).
     */
    async spend(id: Buffer, purposes: readonly LinkPurpose[]): Promise<MailLink | undefined> {
      await sql.run(
        'mail_links.lock',
        `SELECT FROM accounts WHERE id = (SELECT account_id FROM mail_links WHERE id = $1) FOR UPDATE`,
        [id]
      )
      const { rows } = await sql.run<LinkRow>(
        'mail_links.spend',
        `DELETE FROM mail_links d USING mail_links l LEFT JOIN accounts a ON a.id = l.account_id
         WHERE d.id = l.id AND l.id = $1 AND l.purpose = ANY ($2) AND ${good}
         RETURNING l.purpose, l.account_id, a.login, l.email, l.called`,
        [id, purposes]
      )
      return rows[0] && linkOf(rows[0])
    },

    /** Every link of an account ends. */
    async endOf(accountId: string): Promise<void> {
      await sql.run('mail_links.end', 'DELETE FROM mail_links WHERE account_id = $1', [accountId])
    },

    /** The address that limits count for a name: the account's, or the name itself. */
    async mailboxOf(called: string): Promise<string> {
      const { rows } = await sql.run<{ verified_email: string | null }>(
        'mail_links.mailbox',
        `SELECT verified_email FROM accounts WHERE id = (SELECT account_id FROM account_names WHERE called = $1)`,
        [called]
      )
      return rows[0]?.verified_email ?? called
    }
  }
}

function linkOf(row: LinkRow): MailLink {
  return {
    purpose: row.purpose,
    accountId: row.account_id ?? undefined,
    login: row.login ?? undefined,
    email: row.email ?? undefined,
    called: row.called ?? undefined
  }
}
