// The outbox of development mode: each mail as its text, with the links in it as links. Refuses to show the HTML part as it is: a mail is no page of
// ours, and is shown as what it says.

import { type Frame, renderPage, wordsOf } from './layout.ts'
import { html, type Markup } from './markup.ts'

export interface OutboxMail {
  id: string
  to: string
  subject: string
  text: string
  /** BCP 47 */
  locale: string | undefined
  sentAt: Date
}

/** The page as an HTML document. */
export function renderOutbox(frame: Frame, title: string, mails: readonly OutboxMail[]): string {
  const { selfService, dateTime } = wordsOf(frame)
  const words = selfService.outbox
  return renderPage(frame, {
    title,
    body: html`<h1>${title}</h1>
<p class="lead">${words.lead}</p>
${mails.length === 0 && html`<p>${words.none}</p>`}
${mails.map(
  mail => html`<section class="details mail" id="mail-${mail.id}">
<h2>${mail.subject}</h2>
<p class="hint">${words.to} <bdi>${mail.to}</bdi> · <time datetime="${mail.sentAt.toISOString()}">${dateTime(mail.sentAt)}</time></p>
${mail.text.split(/\n{2,}/).map(
  paragraph => html`<p${mail.locale !== undefined && html` lang="${mail.locale}"`}>${linesOf(paragraph)}</p>
`
)}</section>`
)}`
  })
}

function linesOf(paragraph: string): Markup[] {
  return paragraph
    .split('\n')
    .filter(line => line !== '')
    .map((line, at) => {
      const shown = /^https?:\/\/\S+$/.test(line)
        ? html`<a href="${line}">${line}</a>`
        : html`${line}`
      return at === 0 ? shown : html`<br>${shown}`
    })
}
