// The accounts of this browser: the page that asks which one to go on with, and the short list below other pages that leads to another one.
// Each account is a button of a form, so it works without script. Refuses to say anything of an account but its name.

import { decline, hidden } from './form.ts'
import { type Frame, renderPage, wordsOf } from './layout.ts'
import { html, type Markup, name } from './markup.ts'

export interface AccountChoice {
  name: string
  /** what the form says of it */
  handle: string
  /** whoever uses the browser now */
  inUse: boolean
}

export interface ChooserPage {
  action: string
  csrf: string
  /** where it leads on to; undefined: to a page of ours, and then there is nobody to go back to */
  clientName: string | undefined
  /** more that travels along */
  carried: Record<string, string>
  accounts: readonly AccountChoice[]
  /** where another account signs in */
  another: string
  /** the account that was chosen is signed in here no longer */
  problem?: 'gone' | undefined
}

/** The list below a page of ours. */
export interface AccountSwitch {
  action: string
  csrf: string
  carried: Record<string, string>
  /** without whoever uses the browser now */
  accounts: readonly AccountChoice[]
  another: string
}

/** The page as an HTML document; each form posts `prompt=choose` and `account`. */
export function renderChooser(frame: Frame, page: ChooserPage): string {
  const words = wordsOf(frame)
  const { title, gone, another } = words.chooser
  return renderPage(frame, {
    title,
    body: html`<h1>${title}</h1>
<p class="lead">${page.clientName === undefined ? words.login.toAccount(frame.site.product.name) : words.login.continueTo({ text: page.clientName, shown: name(page.clientName) })}</p>
${page.problem !== undefined && html`<p class="note" role="status">${gone}</p>`}
${list(frame, page)}
<p><a class="account-choice" href="${page.another}">${another}</a></p>
${
  page.clientName !== undefined &&
  html`<form method="post" action="${page.action}">
${hidden({ csrf: page.csrf, prompt: 'choose', ...page.carried })}
<div class="buttons">${decline(words.common.cancel, 'quiet', ['decline', 'yes'], 'cancel')}</div>
</form>`
}`
  })
}

/** The other accounts of this browser, below a page of ours. */
export function accountSwitch(frame: Frame, given: AccountSwitch): Markup {
  const { switching, another } = wordsOf(frame).chooser
  return html`<section class="switch" aria-labelledby="switch-account">
<h2 id="switch-account">${switching}</h2>
${list(frame, given)}
<p><a class="account-choice" href="${given.another}">${another}</a></p>
</section>`
}

function list(frame: Frame, given: Omit<AccountSwitch, 'another'>): Markup {
  if (given.accounts.length === 0) return html``
  return html`<ul class="account-choices">${given.accounts.map(
    account => html`<li>${choice(frame, given, account)}</li>
`
  )}</ul>`
}

function choice(
  frame: Frame,
  { action, csrf, carried }: Omit<AccountSwitch, 'another'>,
  account: AccountChoice
): Markup {
  const words = wordsOf(frame)
  const shown = { text: account.name, shown: name(account.name) }
  return html`<form method="post" action="${action}">
${hidden({ csrf, prompt: 'choose', account: account.handle, ...carried })}
<button class="account-choice" type="submit"><span>${words.chooser.as(shown)}</span>${account.inUse && html`<span class="small">${words.chooser.inUse}</span>`}</button>
</form>`
}
