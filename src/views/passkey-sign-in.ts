// Signing in by passkey where it is not the password's page: the button again after it failed, the passkey as a second factor, and making one
// where a second factor is needed and the account has none. Owns the way on for whoever has no passkey at hand. Refuses to say why a passkey
// was not accepted.

import { decline, hidden, type Problem, problemSummary } from './form.ts'
import { type Frame, renderPage, wordsOf } from './layout.ts'
import { html, type Markup, name } from './markup.ts'
import { type PasskeySignal, passkeyForm, passkeySignal } from './passkey-form.ts'
import { otherWays, type StepPage, signingIn } from './second-factor.ts'

interface Ceremony {
  /** of Web Authentication, as JSON */
  options: Readonly<Record<string, unknown>>
  /** path of the script */
  script: string
  signal?: PasskeySignal | undefined
  problem?: PasskeyProblem | undefined
}

export type PasskeyProblem =
  | 'refused'
  | 'expired'
  | 'notAdded'
  | 'known'
  | 'tooMany'
  | { throttledSeconds: number }

export interface PasskeySignInPage extends Ceremony {
  action: string
  csrf: string
  /** undefined: it leads to a page of ours */
  clientName: string | undefined
  carried: Readonly<Record<string, string>>
  /** where one may begin in another way */
  otherWay: string
}

/** `use`: one that the account has; `create`: one that it gets by this. */
export interface PasskeyStepPage extends StepPage, Ceremony {
  step: 'use' | 'create'
}

type Words = ReturnType<typeof wordsOf>

/** The page of the first step, as an HTML document. Its form posts `prompt=passkey` and `passkey`. */
export function renderPasskeySignIn(frame: Frame, page: PasskeySignInPage): string {
  const words = wordsOf(frame)
  const { passkeys, login } = words
  const client = page.clientName
  const lead =
    client === undefined
      ? login.toAccount(frame.site.product.name)
      : login.continueTo({ text: client, shown: name(client) })
  return renderPage(frame, {
    title: passkeys.signInTitle,
    outcome: page.problem && 'failed',
    body: html`${problemSummary(words, problemsOf(page.problem, words))}
<h1>${passkeys.signInTitle}</h1>
<p class="lead">${lead}</p>
${ceremony(words, page, {
  carried: { prompt: 'passkey', ...page.carried },
  use: 'button',
  label: passkeys.signIn
})}
<p class="small"><a href="${page.otherWay}">${passkeys.otherWay}</a></p>`
  })
}

/** The page of a later step, as an HTML document. Its form posts `prompt=passkey` (or `enrol_passkey`) and `passkey`. */
export function renderPasskeyStep(frame: Frame, page: PasskeyStepPage): string {
  const words = wordsOf(frame)
  const { passkeys, factors, common } = words
  const makes = page.step === 'create'
  const title = makes ? passkeys.add : passkeys.secondTitle
  return renderPage(frame, {
    title,
    outcome: page.problem && 'failed',
    body: html`${problemSummary(words, problemsOf(page.problem, words))}
<h1>${title}</h1>
${signingIn(words, page)}
${
  makes
    ? html`<div class="note"><p>${factors.enrolNeeded}</p></div>
<p>${passkeys.lead}</p>`
    : html`<p>${passkeys.secondLead}</p>`
}
${ceremony(words, page, {
  carried: { prompt: makes ? 'enrol_passkey' : 'passkey', ...page.carried },
  use: makes ? 'create' : 'button',
  label: makes ? passkeys.add : passkeys.second
})}
${
  page.clientName !== undefined &&
  html`<form method="post" action="${page.action}">
${hidden({ csrf: page.csrf, ...page.carried })}
<div class="buttons">
${decline(common.cancel, 'quiet', ['decline', 'yes'], 'cancel')}
</div>
</form>`
}
${otherWays(words, page)}`
  })
}

function ceremony(
  words: Words,
  page: Ceremony & { action: string; csrf: string },
  form: { carried: Record<string, string>; use: 'button' | 'create'; label: string }
): Markup {
  const { passkeys } = words
  return html`<noscript><p>${passkeys.needsScript}</p></noscript>
<p data-passkey-unsupported hidden>${passkeys.unsupported}</p>
${passkeySignal(page.signal)}${passkeyForm(passkeys, {
  action: page.action,
  csrf: page.csrf,
  options: page.options,
  look: 'primary',
  script: page.script,
  ...form
})}`
}

function problemsOf(problem: PasskeyProblem | undefined, words: Words): Problem[] {
  if (problem === undefined) return []
  if (typeof problem === 'string') return [{ text: words.passkeys.problems[problem] }]
  return [{ text: words.login.throttled(problem.throttledSeconds) }]
}
