// The pieces of every form: a labelled field, the problem summary above it, buttons, hidden fields. Owns the pattern: the
// same words in the summary and at the field, tied by aria-describedby, never by colour alone. Refuses fields without a visible label.

import type { Messages } from '../i18n/messages.ts'
import { type Child, html, type Markup } from './markup.ts'

/** A problem, at one field or (without `field`) with the whole form. */
export interface Problem {
  field?: string | undefined
  text: string
}

/** One text field. `id` is its name as well. */
export interface Field {
  id: string
  label: string
  type?: 'text' | 'password'
  value?: string | undefined
  hint?: string | undefined
  autocomplete: string
  autocapitalize?: 'none' | 'characters'
  /** the keyboard that a phone shows */
  inputmode?: 'numeric'
  className?: string
  start?: 'focused' | undefined
  presence?: 'required' | 'optional'
  problem?: string | undefined
}

/** The box above a form that came back; it takes the focus when the page opens, so that it is read first. */
export function problemSummary(words: Messages, problems: readonly Problem[]): Markup {
  if (problems.length === 0) return html``
  return html`<div class="problem" tabindex="-1" autofocus>
<div role="alert">
<h2>${words.common.problem}</h2>
<ul>${problems.map(problem =>
    problem.field === undefined
      ? html`<li>${problem.text}</li>`
      : html`<li><a href="#${problem.field}">${problem.text}</a></li>`
  )}</ul>
</div>
</div>`
}

/** A field with its label, hint and problem. Paste and password managers are never in the way (WCAG 2.2, 3.3.8). */
export function field(given: Field): Markup {
  const { id, hint, problem } = given
  const described = [hint && `${id}-hint`, problem && `${id}-problem`].filter(Boolean).join(' ')
  return html`<div class="field">
<label for="${id}">${given.label}</label>
${hint === undefined ? '' : html`<p class="hint" id="${id}-hint">${hint}</p>`}
${problem === undefined ? '' : html`<p class="field-problem" id="${id}-problem">${problem}</p>`}
<input id="${id}" name="${id}" type="${given.type ?? 'text'}" autocomplete="${given.autocomplete}" autocapitalize="${given.autocapitalize ?? 'none'}" autocorrect="off" spellcheck="false"${given.presence !== 'optional' && html` required`}${optional('inputmode', given.inputmode)}${optional('class', given.className)}${optional('value', given.value)}${optional('aria-describedby', described || undefined)}${problem !== undefined && html` aria-invalid="true"`}${given.start !== undefined && html` autofocus`}>
</div>`
}

/** Fields that travel along. */
export function hidden(values: Record<string, string>): Markup {
  return html`${Object.entries(values).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">
`
  )}`
}

/** The button that goes on. Only in front of it in meaning, never in order: Enter presses the first button of a form. */
export function submit(
  label: Child,
  look: 'primary' | 'equal',
  sends?: [string, string],
  id?: string
): Markup {
  return html`<button${optional('id', id)} class="${look}" type="submit"${sends && html` name="${sends[0]}" value="${sends[1]}"`}>${label}</button>`
}

/** The button that declines; it does not ask for the fields to be filled in. */
export function decline(
  label: string,
  look: 'quiet' | 'equal',
  sends?: [string, string],
  id?: string
): Markup {
  return html`<button${optional('id', id)} class="${look === 'quiet' ? 'quiet' : 'equal other'}" type="submit" formnovalidate${sends && html` name="${sends[0]}" value="${sends[1]}"`}>${label}</button>`
}

function optional(attribute: string, value: string | undefined): Markup {
  return value === undefined ? html`` : html` ${attribute}="${value}"`
}
