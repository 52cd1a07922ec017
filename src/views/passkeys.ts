// The passkeys of an account: the section on the page of sign-in and security, and the page on which they are made, renamed and removed.
// Refuses to hide any that works.

import { type AccountFrame, renderAccountPage } from './account-layout.ts'
import { hidden, type Problem, problemSummary } from './form.ts'
import { type Frame, wordsOf } from './layout.ts'
import { type Child, html, type Markup, name } from './markup.ts'
import { type PasskeySignal, passkeyForm, passkeySignal } from './passkey-form.ts'
import { recoveryCodeList } from './recovery-codes.ts'

export interface PasskeyView {
  id: string
  name: string
  kind: 'synced' | 'device-bound'
  createdAt: Date
  lastUsedAt: Date | undefined
}

export interface PasskeysPage extends AccountFrame {
  action: string
  csrf: string
  passkeys: readonly PasskeyView[]
  /** of a registration */
  options: Readonly<Record<string, unknown>>
  script: string
  signal: PasskeySignal
  /** code points of a name */
  longestName: number
  problem?: PasskeysProblem | undefined
}

export type PasskeysProblem =
  | { kind: 'expired' | 'notAdded' | 'known' | 'tooMany' | 'last' }
  | { kind: 'noName'; id: string }

/** The page as an HTML document. Forms post `action` (`add`, `rename`, `remove`) with `passkey`, or `id` and `name`. */
export function renderPasskeys(frame: Frame, page: PasskeysPage): string {
  const words = wordsOf(frame)
  const { passkeys } = words
  const problem = problemOf(page, words)
  return renderAccountPage(frame, page, {
    current: 'security',
    title: passkeys.title,
    outcome: problem && 'failed',
    problems: problemSummary(words, problem === undefined ? [] : [problem]),
    body: html`<p>${passkeys.lead}</p>
${page.passkeys.length === 0 && html`<p>${passkeys.none}</p>`}
<noscript><p>${passkeys.needsScript}</p></noscript>
<p data-passkey-unsupported hidden>${passkeys.unsupported}</p>
${passkeySignal(page.signal)}${passkeyForm(passkeys, {
  action: page.action,
  csrf: page.csrf,
  carried: { action: 'add' },
  options: page.options,
  use: 'create',
  label: passkeys.add,
  look: 'primary',
  script: page.script
})}
${page.passkeys.map(passkey => one(frame, page, passkey, problem))}`
  })
}

/** The recovery codes that came with the first passkey, as an HTML document. */
export function renderPasskeyCodes(
  frame: Frame,
  page: AccountFrame & { codes: readonly string[]; onward: string }
): string {
  const words = wordsOf(frame)
  return renderAccountPage(frame, page, {
    current: 'security',
    title: words.factors.codesTitle,
    body: html`${recoveryCodeList(words, page.codes)}
<p><a class="primary" id="go-on" href="${page.onward}">${words.factors.codesDone}</a></p>`
  })
}

/** The section; `manage`: path of the page. */
export function passkeySection(
  frame: Frame,
  { passkeys, manage }: { passkeys: readonly PasskeyView[]; manage: string }
): Markup {
  const { passkeys: words, dateTime } = wordsOf(frame)
  return html`<h2>${words.title}</h2>
${
  passkeys.length === 0
    ? html`<p>${words.lead}</p>
<p>${words.none}</p>`
    : html`<dl class="facts">${passkeys.map(
        ({ name: called, createdAt }) =>
          html`<div><dt>${name(called)}</dt><dd>${words.created}: <time datetime="${createdAt.toISOString()}">${dateTime(createdAt)}</time></dd></div>
`
      )}</dl>`
}
<p><a href="${manage}">${words.manage}</a></p>`
}

function problemOf(page: PasskeysPage, words: ReturnType<typeof wordsOf>): Problem | undefined {
  const { problem } = page
  if (problem === undefined) return undefined
  if (problem.kind !== 'noName') return { text: words.passkeys.problems[problem.kind] }
  return { field: fieldOf(problem.id), text: words.passkeys.noName(page.longestName) }
}

const fieldOf = (id: string) => `name-${id}`

function one(
  frame: Frame,
  page: PasskeysPage,
  passkey: PasskeyView,
  problem: Problem | undefined
): Markup {
  const words = wordsOf(frame)
  const { passkeys } = words
  const { lastUsedAt } = passkey
  const term = { text: passkey.name, shown: name(passkey.name) }
  const time = (moment: Date) =>
    html`<time datetime="${moment.toISOString()}">${words.dateTime(moment)}</time>`
  const field = fieldOf(passkey.id)
  const wrong = problem?.field === field ? problem.text : undefined
  return html`<section class="app">
<h2>${name(passkey.name)}</h2>
<dl class="facts">
<div><dt>${passkeys.created}</dt><dd>${time(passkey.createdAt)}</dd></div>
<div><dt>${passkeys.lastUsed}</dt><dd>${lastUsedAt === undefined ? passkeys.never : time(lastUsedAt)}</dd></div>
<div><dt>${passkeys.place}</dt><dd>${passkeys.places[passkey.kind]}</dd></div>
</dl>
<form method="post" action="${page.action}">
${hidden({ csrf: page.csrf, action: 'rename', id: passkey.id })}
<div class="field">
<label for="${field}">${passkeys.name}</label>
${wrong !== undefined && html`<p class="field-problem" id="${field}-problem">${wrong}</p>`}
<input id="${field}" name="name" type="text" autocomplete="off" required maxlength="${page.longestName * 2}" value="${passkey.name}"${wrong !== undefined && html` aria-invalid="true" aria-describedby="${field}-problem"`}>
</div>
<div class="buttons">
${button(passkeys.rename, passkeys.renameOf(term))}
</div>
</form>
<form method="post" action="${page.action}">
${hidden({ csrf: page.csrf, action: 'remove', id: passkey.id })}
<div class="buttons">
${button(passkeys.remove, passkeys.removeOf(term))}
</div>
</form>
</section>
`
}

/** One of many alike: whoever hears it alone hears of which passkey it is. */
function button(label: string, of: readonly Child[]): Markup {
  return html`<button class="equal other" type="submit">${label}<span class="unseen">${of}</span></button>`
}
