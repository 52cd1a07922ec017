// The error page: what happened in plain words, what to do, and what to tell whoever helps. Refuses to send anybody onward
// and to show anything private: no stack, no SQL, no version; the request number leads to the log line.

import type { Reason } from '../i18n/messages.ts'
import { type Frame, renderPage, reportLink, wordsOf } from './layout.ts'
import { html } from './markup.ts'

export interface ErrorView {
  status: number
  /** RFC 6749 error code, or one of ours: interaction_expired, form_expired, invalid_form, not_found */
  error: string
  /** one public sentence, for developers */
  description?: string | undefined
  requestId: string
  now: Date
  /** path of a page to open again instead */
  tryAgain?: string | undefined
}

/** The error page as an HTML document. */
export function renderError(frame: Frame, page: ErrorView): string {
  const words = wordsOf(frame)
  const reasons: Readonly<Record<string, Reason>> = words.error.reasons
  const reason =
    (page.status === 429 && reasons['too_many_requests']) ||
    (Object.hasOwn(reasons, page.error) && reasons[page.error]) ||
    (page.status >= 500 && reasons['server_error']) ||
    words.error.reasons.other
  const title = reason.title ?? words.error.title
  return renderPage(frame, {
    title,
    body: html`<h1>${title}</h1>
<p>${reason.reason}</p>
<p>${reason.next}</p>
${page.tryAgain !== undefined && html`<p><a class="primary" href="${page.tryAgain}">${words.error.tryAgain}</a></p>`}
<section class="details" aria-labelledby="details">
<h2 id="details">${words.error.details}</h2>
<dl class="facts">
<div><dt>${words.error.code}</dt><dd><code id="error-code">${page.error}</code></dd></div>
${page.description !== undefined && html`<div><dt>${words.error.description}</dt><dd lang="en"><bdi>${page.description}</bdi></dd></div>`}
<div><dt>${words.error.status}</dt><dd>${page.status}</dd></div>
<div><dt>${words.error.requestId}</dt><dd><code>${page.requestId}</code></dd></div>
<div><dt>${words.error.time}</dt><dd><time datetime="${page.now.toISOString()}">${words.dateTime(page.now)}</time></dd></div>
</dl>
</section>
${reportLink(frame)}`
  })
}
