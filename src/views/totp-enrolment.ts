// Setting up an authenticator app: the QR code, the same in words for typing, and the field for the first code. The same on a page of the
// account and in the middle of a sign-in. Refuses to show a seed anywhere else.

import { field, hidden, problemSummary, submit } from './form.ts'
import { type Frame, renderPage, wordsOf } from './layout.ts'
import { type Child, html, type Markup, name } from './markup.ts'
import { type QrSquares, qrCode } from './qr-code.ts'
import {
  type CodeProblem,
  codeProblems,
  otherWays,
  type StepPage,
  signingIn,
  stepButtons
} from './second-factor.ts'

/** What the app is given. */
export interface OfferView {
  /** travels in the form */
  sealed: string
  qr: QrSquares
  /** in groups */
  secret: string
  issuer: string
  accountName: string
}

type Words = ReturnType<typeof wordsOf>

/** What stands in the form before its buttons. */
function offerFields(words: Words, offer: OfferView, problem: CodeProblem | undefined): Markup {
  const { factors } = words
  return html`<p>${factors.enrolScan}</p>
${qrCode(offer.qr, factors.qr)}
<p>${factors.enrolType}</p>
<dl class="facts">
<div><dt>${factors.issuer}</dt><dd><bdi>${offer.issuer}</bdi></dd></div>
<div><dt>${factors.accountName}</dt><dd>${name(offer.accountName)}</dd></div>
<div><dt>${factors.secret}</dt><dd><code class="secret" dir="ltr">${offer.secret}</code></dd></div>
<div><dt>${factors.kind}</dt><dd>${factors.kindIs}</dd></div>
</dl>
${field({
  id: 'code',
  label: factors.code,
  hint: factors.enrolCode,
  autocomplete: 'one-time-code',
  inputmode: 'numeric',
  className: 'code-field',
  problem: codeProblems(words, problem)[0]?.text
})}`
}

/** Both of `problemSummary` and the form, for a page of the account. */
export function totpEnrolment(
  words: Words,
  page: { action: string; csrf: string; offer: OfferView; problem: CodeProblem | undefined }
): { problems: Child; form: Child } {
  return {
    problems: problemSummary(words, codeProblems(words, page.problem)),
    form: html`<form method="post" action="${page.action}">
${hidden({ csrf: page.csrf, what: 'confirm', offer: page.offer.sealed })}
${offerFields(words, page.offer, page.problem)}
<div class="buttons">${submit(words.factors.enrol, 'primary', undefined, 'go-on')}</div>
</form>`
  }
}

/** The page in the middle of a sign-in, as an HTML document. */
export function renderTotpEnrolment(
  frame: Frame,
  page: StepPage & { offer: OfferView; problem: CodeProblem | undefined }
): string {
  const words = wordsOf(frame)
  return renderPage(frame, {
    title: words.factors.enrolTitle,
    outcome: page.problem && 'failed',
    body: html`${problemSummary(words, codeProblems(words, page.problem))}
<h1>${words.factors.enrolTitle}</h1>
${signingIn(words, page)}
<div class="note"><p>${words.factors.enrolNeeded}</p></div>
<form method="post" action="${page.action}">
${hidden({ csrf: page.csrf, prompt: 'enrol_totp', offer: page.offer.sealed, ...page.carried })}
${offerFields(words, page.offer, page.problem)}
${stepButtons(words, page, words.factors.enrol)}
</form>
${otherWays(words, page)}`
  })
}
