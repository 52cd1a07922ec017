// The field for a new password, wherever one is chosen: label, hint, what is wrong with the one before, and a meter that a small script of
// ours moves; without script the meter is hidden. Owns the words for every problem that the policy finds. Never sends a password back.

import type { Messages } from '../i18n/messages.ts'
import { field } from './form.ts'
import { type Frame, wordsOf } from './layout.ts'
import { html, type Markup } from './markup.ts'

/** Why a new password is refused: what accounts/password-policy.ts answers, and that the queue is full. */
export type NewPasswordProblem = keyof Messages['passwords']['problems']

export interface NewPasswordField {
  /** its name as well; default `new_password` */
  id?: string
  label?: string | undefined
  problem?: NewPasswordProblem | undefined
  start?: 'focused' | undefined
  /** whose password it is, for password managers; left out where the form has a field for it */
  username?: string | undefined
  /** login, e-mail address, name: words that the meter must not praise; they stand in the page */
  contextWords?: readonly string[]
}

const shortest = 8

/** The words for a problem, for the summary above the form. */
export function newPasswordProblem(frame: Frame, problem: NewPasswordProblem): string {
  return wordsOf(frame).passwords.problems[problem]
}

/** A labelled field of the pattern of form.ts; stands once on a page. */
export function newPasswordField(frame: Frame, given: NewPasswordField = {}): Markup {
  const { passwords } = wordsOf(frame)
  const { id = 'new_password', problem } = given
  const script = frame.site.passwordMeter
  const words = [...(given.contextWords ?? []), frame.site.product.name, frame.site.issuerHost]
    .flatMap(word => word.toLowerCase().split(/[\s@.]+/))
    .filter(word => word.length > 2)
  return html`${given.username !== undefined && forManagers(frame, id, given.username)}
${field({
  id,
  label: given.label ?? passwords.label,
  type: 'password',
  autocomplete: 'new-password',
  hint: passwords.hint,
  problem: problem && passwords.problems[problem],
  start: given.start
})}
${
  script !== undefined &&
  html`<div class="strength" hidden>
<meter data-for="${id}" min="0" max="5" low="3" high="4" optimum="5" value="0" aria-label="${passwords.meter}" data-shortest="${shortest}" data-words="${words.join(' ')}" data-short="${passwords.short}" data-levels="${passwords.levels.join('|')}"></meter>
<p class="hint" id="${id}-strength" role="status"></p>
</div>
<script type="module" src="${script}"></script>`
}`
}

/** Without a name: it is read by password managers and not sent. */
export function forManagers(frame: Frame, id: string, username: string): Markup {
  return html`<div hidden>
<label for="${id}-username">${wordsOf(frame).login.identifier}</label>
<input id="${id}-username" type="text" autocomplete="username" value="${username}" readonly>
</div>`
}
