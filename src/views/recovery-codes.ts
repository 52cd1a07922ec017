// Recovery codes as they are shown once: to be printed, or marked with one press and copied. Refuses to be kept by the browser: every page
// is sent with `no-store`.

import { type Frame, renderPage, wordsOf } from './layout.ts'
import { html, type Markup } from './markup.ts'

/** What both pages that show codes have in common. */
export function recoveryCodeList(
  words: ReturnType<typeof wordsOf>,
  codes: readonly string[]
): Markup {
  return html`<p>${words.factors.codesLead}</p>
<ol class="recovery-codes" dir="ltr">${codes.map(code => html`<li><code>${code}</code></li>`)}</ol>
<p>${words.factors.codesSave}</p>`
}

/** The page in the middle of a sign-in, as an HTML document. */
export function renderNewRecoveryCodes(
  frame: Frame,
  page: { codes: readonly string[]; onward: string }
): string {
  const words = wordsOf(frame)
  return renderPage(frame, {
    title: words.factors.codesTitle,
    body: html`<h1>${words.factors.codesTitle}</h1>
${recoveryCodeList(words, page.codes)}
<p><a class="primary" id="go-on" href="${page.onward}">${words.factors.codesDone}</a></p>`
  })
}
