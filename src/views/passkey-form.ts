// The form that a passkey's answer is posted with. Hidden until a script (passkeys.js) finds that this browser has passkeys; without script
// nothing stands there that does not work. Owns what the script is told: options and sentences are in the markup, so that it has no words
// of its own and nothing has to be asked for. Refuses to be there without its script.

import type { Messages } from '../i18n/messages.ts'
import { hidden } from './form.ts'
import { html, type Markup } from './markup.ts'

export interface PasskeyForm {
  action: string
  csrf: string
  /** more that travels along */
  carried: Readonly<Record<string, string>>
  /** of Web Authentication, as JSON */
  options: Readonly<Record<string, unknown>>
  /** `autofill`: also offered in the login field of the same page; `create`: makes one */
  use: 'autofill' | 'button' | 'create'
  label: string
  look: 'primary' | 'other'
  /** path of the script */
  script: string
}

export function passkeyForm(words: Messages['passkeys'], form: PasskeyForm): Markup {
  const { failed, notAdded, known } = words.problems
  const sentences = form.use === 'create' ? { failed: notAdded, known } : { failed }
  return html`${passkeyScript(form.script)}
<form class="passkey" method="post" action="${form.action}" data-passkey="${JSON.stringify(form.options)}" data-passkey-use="${form.use}" hidden>
${hidden({ csrf: form.csrf, passkey: '', ...form.carried })}
${
  form.use === 'autofill' &&
  html`<p class="or">${words.or}</p>
`
}<div role="alert">
${Object.entries(sentences).map(
  ([name, text]) => html`<p class="field-problem" data-passkey-problem="${name}" hidden>${text}</p>
`
)}</div>
<div class="buttons">
<button id="use-passkey" class="${form.look === 'primary' ? 'primary' : 'equal other'}" type="submit">${form.label}</button>
</div>
</form>`
}

/** The script by itself, for a page that has only a signal. */
export function passkeyScript(path: string): Markup {
  return html`<script src="${path}" defer></script>`
}

/** What a browser is told about passkeys it has (Web Authentication Level 3 §5.1.10): `method` and its argument. */
export interface PasskeySignal {
  method: 'signalUnknownCredential' | 'signalAllAcceptedCredentials'
  options: Readonly<Record<string, unknown>>
}

export function passkeySignal(signal: PasskeySignal | undefined): Markup {
  if (signal === undefined) return html``
  return html`<div hidden data-passkey-signal="${signal.method}" data-passkey-signal-options="${JSON.stringify(signal.options)}"></div>
`
}
