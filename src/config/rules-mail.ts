// Mail: a mail server and a sender belong together, nothing goes in the open beyond this machine, and nobody is promised a mail that cannot be
// sent. Names keys and never values.

import { mailRoute, mailServerOf } from './mail-route.ts'
import type { Check } from './rule.ts'
import { isLoopback } from './rules-mode.ts'

/** `address` or `Name <address>`; what stands in a header must not end it. */
const sender =
  /^(?:[^\p{C}<>@,;:"\\]{1,200} <[^\s\p{C}<>@,;:"\\]+@[^\s\p{C}<>@,;:"\\]+>|[^\s\p{C}<>@,;:"\\]+@[^\s\p{C}<>@,;:"\\]+)$/u

export const mailIsComplete: Check = config => {
  const { from, smtp } = config.mail
  const server = mailServerOf(config)
  const problems = []
  if (from !== undefined && !sender.test(from)) {
    problems.push({
      path: 'mail.from',
      problem: 'must be one address, or a name and an address in <>',
      fix: 'As in no-reply@example.com, or Example <no-reply@example.com>.'
    })
  }
  if (smtp.url !== undefined && server === undefined) {
    problems.push({
      path: 'mail.smtp.url',
      problem: 'must be an smtp or smtps URL',
      fix: 'As in smtps://user:password@mail.example.com:465.'
    })
  }
  const doubled = (['host', 'port', 'user', 'password'] as const).find(
    key => smtp.url !== undefined && smtp[key] !== undefined
  )
  if (doubled !== undefined) {
    problems.push({
      path: `mail.smtp.${doubled}`,
      problem: 'is said by mail.smtp.url, too',
      fix: 'Give one of them.'
    })
  }
  if (server === undefined) return problems
  if (from === undefined) {
    problems.push({
      path: 'mail.from',
      problem: 'is missing, and mails need a sender',
      fix: 'Give an address of yours, as in no-reply@example.com.'
    })
  }
  if (server.tls === 'none' && !isLoopback(server.host)) {
    problems.push({
      path: 'mail.smtp.tls',
      problem:
        'is none, and the mail server is not on this machine: links in mails would travel in the open',
      fix: 'Use starttls or implicit.'
    })
  }
  return problems
}

/** `signUp` sends mails. */
export const signUpHasMail: Check = config =>
  config.signUp === undefined || config.signUp === 'closed' || mailRoute(config) !== 'nowhere'
    ? []
    : [
        {
          path: 'signUp',
          problem: 'needs mail, and there is no mail server',
          fix: 'Set MINTMARK_MAIL__SMTP__URL and MINTMARK_MAIL__FROM, or leave signUp out.'
        }
      ]
