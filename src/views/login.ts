// The sign-in page: one form, both fields, `login` and `password`. Refuses to say which of the two was wrong, and never
// sends a password back.

import { decline, field, hidden, type Problem, problemSummary, submit } from './form.ts'
import { type Frame, renderPage, wordsOf } from './layout.ts'
import { type Child, html, name } from './markup.ts'

export interface LoginPage {
  action: string
  csrf: string
  /** where it leads on to; undefined: to a page of ours, and then there is nobody to go back to */
  clientName: string | undefined
  /** more that travels along */
  carried?: Record<string, string>
  /** what was entered before, or the request's `login_hint` */
  login: string | undefined
  problem?: LoginProblem | undefined
  /** other ways to begin, each a form or a link of its own */
  others?: readonly Child[]
}

/** Why the form came back; `seconds` until another attempt is looked at. */
export type LoginProblem =
  | { kind: 'missing'; fields: readonly ('login' | 'password')[] }
  | { kind: 'incorrect' }
  | { kind: 'throttled'; seconds: number }
  | { kind: 'busy'; seconds: number }

/** The sign-in page as an HTML document. */
export function renderLogin(frame: Frame, page: LoginPage): string {
  const words = wordsOf(frame)
  const problems = problemsOf(page.problem, words.login)
  const at = (id: string) => problems.find(problem => problem.field === id)?.text
  const free = page.problem === undefined
  return renderPage(frame, {
    title: words.login.title,
    outcome: free ? undefined : 'failed',
    body: html`${problemSummary(words, problems)}
<h1>${words.login.title}</h1>
<p class="lead">${page.clientName === undefined ? words.login.toAccount(frame.site.product.name) : words.login.continueTo({ text: page.clientName, shown: name(page.clientName) })}</p>
<form method="post" action="${page.action}">
${hidden({ csrf: page.csrf, prompt: 'login', ...page.carried })}
${field({
  id: 'login',
  label: words.login.identifier,
  value: page.login,
  // exactly these two: other tokens keep a browser from offering a passkey later
  autocomplete: 'username webauthn',
  problem: at('login'),
  start: free && page.login === undefined ? 'focused' : undefined
})}
${field({
  id: 'password',
  label: words.login.password,
  type: 'password',
  autocomplete: 'current-password',
  problem: at('password'),
  start: free && page.login !== undefined ? 'focused' : undefined
})}
<div class="buttons">
${submit(words.login.submit, 'primary', undefined, 'sign-in')}
${page.clientName !== undefined && decline(words.common.cancel, 'quiet', ['decline', 'yes'], 'cancel')}
</div>
</form>
${(page.others ?? []).map(other => html`${other}`)}`
  })
}

function problemsOf(
  problem: LoginProblem | undefined,
  words: ReturnType<typeof wordsOf>['login']
): Problem[] {
  switch (problem?.kind) {
    case undefined:
      return []
    case 'missing':
      return problem.fields.map(id => ({
        field: id,
        text: id === 'login' ? words.identifierMissing : words.passwordMissing
      }))
    // One sentence, at the field to correct first: whether the account exists is nobody's business.
    case 'incorrect':
      return [{ field: 'login', text: words.incorrect }]
    case 'throttled':
      return [{ text: words.throttled(problem.seconds) }]
    case 'busy':
      return [{ text: words.busy }]
  }
}
