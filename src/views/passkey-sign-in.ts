// Signing in by passkey where it is not the password's page: the button again after it failed, and the passkey as a second factor. Owns the
// way on for whoever has no passkey at hand. Refuses to say why a passkey was not accepted.

import { type Problem, problemSummary } from './form.ts'
import { type Frame, renderPage, wordsOf } from './layout.ts'
import { type Child, html, name } from './markup.ts'
import { type PasskeySignal, passkeyForm, passkeySignal } from './passkey-form.ts'

export interface PasskeySignInPage {
  step: 'first' | 'second'
  action: string
  csrf: string
  /** undefined: it leads to a page of ours */
  clientName: string | undefined
  carried: Readonly<Record<string, string>>
  options: Readonly<Record<string, unknown>>
  script: string
  /** what to use in its place, below the button */
  others: Child
  signal?: PasskeySignal | undefined
  problem?: 'refused' | 'expired' | { throttledSeconds: number } | undefined
}

/** The page as an HTML document. Its form posts `prompt=passkey` and `passkey`. */
export function renderPasskeySignIn(frame: Frame, page: PasskeySignInPage): string {
  const words = wordsOf(frame)
  const { passkeys } = words
  const second = page.step === 'second'
  const title = second ? passkeys.secondTitle : passkeys.signInTitle
  const toClient =
    page.clientName === undefined
      ? words.login.toAccount(frame.site.product.name)
      : words.login.continueTo({ text: page.clientName, shown: name(page.clientName) })
  return renderPage(frame, {
    title,
    outcome: page.problem === undefined ? undefined : 'failed',
    body: html`${problemSummary(words, problemsOf(page.problem, words))}
<h1>${title}</h1>
<p class="lead">${second ? passkeys.secondLead : toClient}</p>
<noscript><p>${passkeys.needsScript}</p></noscript>
<p data-passkey-unsupported hidden>${passkeys.unsupported}</p>
${passkeySignal(page.signal)}${passkeyForm(passkeys, {
  action: page.action,
  csrf: page.csrf,
  carried: { prompt: 'passkey', ...page.carried },
  options: page.options,
  use: 'button',
  label: second ? passkeys.second : passkeys.signIn,
  look: 'primary',
  script: page.script
})}
${page.others}`
  })
}

function problemsOf(
  problem: PasskeySignInPage['problem'],
  words: ReturnType<typeof wordsOf>
): Problem[] {
  if (problem === undefined) return []
  if (typeof problem === 'string') return [{ text: words.passkeys.problems[problem] }]
  return [{ text: words.login.throttled(problem.throttledSeconds) }]
}
