// How a mail leaves: by SMTP, into the outbox of development, or not at all where there is no mail server. Owns the time that one attempt may
// take, and which refusals are for good. The mail server is the operator's own choice of host, so nothing of lib/outbound.ts stands before it.

import { setTimeout as sleep } from 'node:timers/promises'
import { createTransport } from 'nodemailer'
import type { MailServer } from '../config/mail-route.ts'
import type { Sealer } from '../lib/seal.ts'
import type { Database } from '../store/database.ts'
import { outboxContext, outboxStatement } from '../store/mails.ts'
import type { Message } from './message.ts'

export interface OutgoingMail extends Message {
  /** of its row: the same at each attempt, so that a mail server can tell a second one */
  id: string
  to: string
  locale: string | undefined
}

export type SendOutcome = 'delivered' | 'gone' | { failed: string; final?: true }

/** Tries once; what a mail server does is never an error. */
export type SendMail = (mail: OutgoingMail) => Promise<SendOutcome>

/** Milliseconds. All of an attempt is shorter than the first pause of the queue, so that no other process makes the same one. */
const patience = { connect: 10_000, silence: 15_000, all: 40_000 }

/** By SMTP (RFC 5321), one connection a mail. */
export function createSmtp(deps: { server: MailServer; from: string; issuer: string }): SendMail {
  const { server, from } = deps
  const { hostname } = new URL(deps.issuer)
  return async mail => {
    const transport = createTransport({
      host: server.host,
      port: server.port,
      secure: server.tls === 'implicit',
      requireTLS: server.tls === 'starttls',
      ignoreTLS: server.tls === 'none',
      tls: { minVersion: 'TLSv1.2' },
      ...(server.user !== undefined && {
        auth: { user: server.user, pass: server.password ?? '' }
      }),
      connectionTimeout: patience.connect,
      dnsTimeout: patience.connect,
      greetingTimeout: patience.connect,
      socketTimeout: patience.silence,
      // nothing in a mail names a file or an address to fetch
      disableFileAccess: true,
      disableUrlAccess: true
    })
    const given = new AbortController()
    try {
      const sending = transport.sendMail({
        from,
        // an object: nodemailer parses no address out of it
        to: { name: '', address: mail.to },
        subject: mail.subject,
        text: mail.text,
        html: mail.html,
        messageId: `<${mail.id}@${hostname}>`,
        headers: { 'Auto-Submitted': 'auto-generated' }
      })
      const late = sleep(patience.all, 'late' as const, { signal: given.signal, ref: false })
      late.catch(() => undefined)
      const sent = await Promise.race([sending, late])
      if (sent !== 'late') return 'delivered'
      sending.catch(() => undefined)
      return { failed: 'the mail server took too long' }
    } catch (error) {
      return failureOf(error)
    } finally {
      given.abort()
      transport.close()
    }
  }
}

// RFC 5321 §4.2.1: "The SMTP client SHOULD NOT repeat the exact request" after a 5yz reply. Not said of a sign-in or a connection that failed:
// there it is our configuration that is wrong, and somebody will mend it.
function failureOf(error: unknown): SendOutcome {
  const { code, responseCode, command } = error as Record<string, unknown>
  const reply = typeof responseCode === 'number' ? ` ${responseCode}` : ''
  const failed = `${typeof code === 'string' ? code : 'failed'}${reply}`
  const refused = typeof responseCode === 'number' && responseCode >= 500
  const ofThisMail = typeof command === 'string' && /^(RCPT|DATA)/.test(command)
  return refused && ofThisMail ? { failed, final: true } : { failed }
}

/** Development: kept for the page of the outbox. */
export function createOutbox(deps: { database: Database; seal: Sealer }): SendMail {
  return async ({ id, ...mail }) => {
    const sealed = deps.seal.seal(JSON.stringify(mail), outboxContext(id))
    await deps.database.pipeline([outboxStatement(id, sealed)])
    return 'delivered'
  }
}

/** Nobody can be written to: what is queued leaves. */
export const sendNowhere: SendMail = async () => 'gone'
