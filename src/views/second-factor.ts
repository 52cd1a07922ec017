// The screens of a sign-in that has begun: a code of an authenticator app, a recovery code, and what is told once a recovery code was used.
// Owns what all of them offer besides: the account's other methods, another account, the way back to the app. Refuses to send a code back.

import { decline, field, hidden, type Problem, problemSummary, submit } from './form.ts'
import { type Frame, renderPage, wordsOf } from './layout.ts'
import { html, type Markup, name } from './markup.ts'

/** What each screen of a sign-in that has begun has. */
export interface StepPage {
  action: string
  csrf: string
  /** undefined: no app leads here, and there is nowhere to cancel to */
  clientName: string | undefined
  /** more that travels along */
  carried: Record<string, string>
  /** whose sign-in it is */
  accountName: string
  /** the account's other methods: their prompt, and where they are */
  others: readonly { prompt: string; href: string }[]
}

/** Why the form came back; `seconds` until another code is looked at. */
export type CodeProblem =
  | { kind: 'missing' }
  | { kind: 'wrong' }
  | { kind: 'throttled'; seconds: number }

export interface FactorCodePage extends StepPage {
  kind: 'totp' | 'recovery_code'
  problem: CodeProblem | undefined
}

type Words = ReturnType<typeof wordsOf>

/** The problem as form.ts has it; a lock is about the whole form, a wrong code about its field. */
export function codeProblems(words: Words, problem: CodeProblem | undefined): Problem[] {
  switch (problem?.kind) {
    case undefined:
      return []
    case 'missing':
      return [{ field: 'code', text: words.factors.codeMissing }]
    case 'wrong':
      return [{ field: 'code', text: words.factors.codeWrong }]
    case 'throttled':
      return [{ text: words.factors.throttled(problem.seconds) }]
  }
}

/** The page that asks for a code, as an HTML document. */
export function renderFactorCode(frame: Frame, page: FactorCodePage): string {
  const words = wordsOf(frame)
  const totp = page.kind === 'totp'
  const title = totp ? words.factors.title : words.factors.recoveryTitle
  const problems = codeProblems(words, page.problem)
  return renderPage(frame, {
    title,
    outcome: page.problem && 'failed',
    body: html`${problemSummary(words, problems)}
<h1>${title}</h1>
${signingIn(words, page)}
<form method="post" action="${page.action}">
${hidden({ csrf: page.csrf, prompt: page.kind, ...page.carried })}
${field({
  id: 'code',
  label: totp ? words.factors.code : words.factors.recoveryCode,
  hint: totp ? words.factors.codeHint : words.factors.recoveryHint,
  autocomplete: totp ? 'one-time-code' : 'off',
  ...(totp ? { inputmode: 'numeric' as const } : {}),
  className: 'code-field',
  problem: problems.find(problem => problem.field !== undefined)?.text,
  start: page.problem === undefined ? 'focused' : undefined
})}
${stepButtons(words, page, words.login.submit)}
</form>
${otherWays(words, page)}`
  })
}

export function signingIn(words: Words, { accountName }: StepPage): Markup {
  const account = { text: accountName, shown: name(accountName) }
  return html`<p class="lead">${words.factors.signingInAs(account)}</p>`
}

/** Goes on, or back to the app. */
export function stepButtons(words: Words, page: StepPage, label: string): Markup {
  return html`<div class="buttons">
${submit(label, 'primary', undefined, 'go-on')}
${page.clientName !== undefined && decline(words.common.cancel, 'quiet', ['decline', 'yes'], 'cancel')}
</div>`
}

/** What else the person can do, below the form. */
export function otherWays(words: Words, page: StepPage): Markup {
  const { ways, otherMethods, otherAccount } = words.factors
  return html`${
    page.others.length > 0 &&
    html`<h2>${otherMethods}</h2>
<ul class="links">${page.others.map(({ prompt, href }) => html`<li><a href="${href}">${ways[prompt] ?? prompt}</a></li>`)}</ul>`
  }
<form method="post" action="${page.action}">
${hidden({ csrf: page.csrf, ...page.carried })}
<div class="buttons">
${decline(otherAccount, 'quiet', ['restart', 'yes'], 'other-account')}
</div>
</form>`
}

/** The page after a recovery code: how many are left, and on. */
export function renderRecoveryUsed(frame: Frame, page: { left: number; onward: string }): string {
  const words = wordsOf(frame)
  return renderPage(frame, {
    title: words.factors.recoveryUsedTitle,
    body: html`<h1>${words.factors.recoveryUsedTitle}</h1>
<div class="note" role="status"><p>${words.factors.recoveryUsed(page.left)}</p></div>
<p><a class="primary" id="go-on" href="${page.onward}">${words.factors.continue}</a></p>`
  })
}
