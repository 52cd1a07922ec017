// What a mail says: subject, text and HTML from one list of paragraphs, in the language of whoever reads it. Owns where its links lead: the
// configured issuer, never a host from a request (CVE-2025-64101 class). Refuses what would end a header; the HTML part is escaped, and loads
// nothing.

import { type Locale, matchLocale, messagesOf } from '../i18n/locale.ts'
import { html } from '../views/markup.ts'

export interface Message {
  subject: string
  text: string
  html: string
}

/** One mail to be written. */
export interface Letter {
  kind: string
  locale: string | undefined
  data: Record<string, unknown>
  /** what stood sealed in its row */
  link: { token: string; returnTo: string } | undefined
}

/** Pages that links lead to, without base path. */
const linkPaths: Readonly<Record<string, string>> = {
  sign_up: '/sign-up/finish',
  invitation: '/sign-up/finish',
  reset: '/reset-password/new',
  email: '/confirm-email'
}

/** What somebody is told to do who did not do it, where it is not to look at how their account signs in. */
const setPassword: readonly string[] = [
  'sign_up.known',
  'sign_in.new_device',
  'account.password_changed',
  'account.password_reset'
]
const askSomebody: readonly string[] = [
  'email.taken',
  'account.email_changed.before',
  'account.deleted'
]

const securityPath = '/account/security'
const resetPath = '/reset-password'

/** A line of a header, or of a text: no control and direction characters, no line breaks. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]+/gu, ' ').trim()
}

function dataText(data: Record<string, unknown>, name: string): string {
  const value = data[name]
  return oneLine(typeof value === 'string' || typeof value === 'number' ? String(value) : '')
}

interface Paragraph {
  text: string
  /** stands below it, on a line of its own */
  url?: string | undefined
}

/** Undefined: nobody has words for this kind. */
export function writeMessage(
  letter: Letter,
  site: { product: string; issuer: string }
): Message | undefined {
  const locale: Locale = matchLocale(letter.locale ?? '') ?? 'en'
  const { mail: words, dateTime } = messagesOf(locale)
  const product = oneLine(site.product)
  const written = Object.hasOwn(linkPaths, letter.kind) ? linkMail() : eventMail()
  if (written === undefined) return undefined
  const paragraphs = [...written.paragraphs, { text: words.footer(product), url: site.issuer }]
  const subject = oneLine(written.subject)
  return {
    subject,
    text: `${paragraphs.map(({ text, url }) => (url === undefined ? text : `${text}\n${url}`)).join('\n\n')}\n`,
    html: htmlOf(locale, subject, paragraphs)
  }

  function linkMail(): { subject: string; paragraphs: Paragraph[] } | undefined {
    const said = words.links[letter.kind]
    if (said === undefined || letter.link === undefined) return undefined
    const query = new URLSearchParams({ token: letter.link.token })
    if (letter.link.returnTo !== '') query.set('return_to', letter.link.returnTo)
    return {
      subject: said.subject(product),
      paragraphs: [
        { text: said.text(product), url: `${site.issuer}${linkPaths[letter.kind]}?${query}` },
        { text: said.ignore }
      ]
    }
  }

  function eventMail(): { subject: string; paragraphs: Paragraph[] } | undefined {
    const said = Object.hasOwn(words.events, letter.kind) ? words.events[letter.kind] : undefined
    if (said === undefined) return undefined
    const { data } = letter
    const at = typeof data['at'] === 'string' ? new Date(data['at']) : undefined
    const facts = [
      [words.facts.account, dataText(data, 'account')],
      [words.facts.when, at === undefined || Number.isNaN(at.getTime()) ? '' : dateTime(at)],
      [words.facts.address, dataText(data, 'address')],
      ...(['name', 'device', 'issuer', 'left'] as const).map(name => [
        words.facts[name],
        dataText(data, name)
      ])
    ].filter(([, value]) => value !== '')
    const then = setPassword.includes(letter.kind) ? 'reset' : 'security'
    const path = then === 'reset' ? resetPath : securityPath
    return {
      subject: said.subject(product),
      paragraphs: [
        { text: said.text(product) },
        ...(facts.length === 0
          ? []
          : [{ text: facts.map(([label, value]) => `${label}: ${value}`).join('\n') }]),
        askSomebody.includes(letter.kind)
          ? { text: words.ifNotYou.ask }
          : { text: words.ifNotYou[then], url: `${site.issuer}${path}` }
      ]
    }
  }
}

function htmlOf(locale: Locale, subject: string, paragraphs: readonly Paragraph[]): string {
  const { direction } = messagesOf(locale)
  return html`<!doctype html>
<html lang="${locale}" dir="${direction}">
<head><meta charset="utf-8"><title>${subject}</title></head>
<body>
${paragraphs.map(
  ({
    text,
    url
  }) => html`<p>${text.split('\n').map((line, at) => (at === 0 ? line : html`<br>${line}`))}${url !== undefined && html`<br><a href="${url}">${url}</a>`}</p>
`
)}</body>
</html>
`.toString()
}
