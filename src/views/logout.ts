// Sign-out: the question (OpenID Connect RP-Initiated Logout §2: the OP
// should ask) and the page after it. A GET signs nobody out.

import { decline, hidden, submit } from './form.ts'
import { type Frame, renderPage, wordsOf } from './layout.ts'
import { html, name } from './markup.ts'

export interface LogoutPage {
  action: string
  xsrf: string
  /** who asks, if it said */
  clientName: string | undefined
  /** where several are signed in at this browser: whose session it is about, and who else there is */
  accounts?: { current: string; others: readonly string[] } | undefined
}

/** The question. `logout=yes` signs out, `all` every account of the browser; the last button sends no `logout` and stays signed in. */
export function renderLogout(frame: Frame, page: LogoutPage): string {
  const words = wordsOf(frame)
  const product = frame.site.product.name
  const title = words.logout.title(product)
  const several = (page.accounts?.others.length ?? 0) > 0
  const one = page.accounts?.current
  return renderPage(frame, {
    title,
    body: html`<h1>${title}</h1>
${asked(page.clientName, words.logout.asked)}
<p>${words.logout.explanation(product)}</p>
${several && html`<p>${words.chooser.alsoHere(everybody(words, page.accounts?.others ?? []))}</p>`}
<form method="post" action="${page.action}">
${hidden({ xsrf: page.xsrf })}
<div class="buttons">
${submit(one === undefined ? words.logout.submit : html`${words.chooser.signOutOf({ text: one, shown: name(one) })}`, 'primary', ['logout', 'yes'], 'sign-out')}
${decline(words.logout.stay, 'quiet', undefined, 'stay')}
</div>
</form>
${
  several &&
  html`<form method="post" action="${page.action}">
${hidden({ xsrf: page.xsrf })}
<div class="buttons">${submit(words.chooser.signOutOfAll, 'equal', ['logout', 'all'], 'sign-out-all')}</div>
</form>`
}`
  })
}

/** After it. */
export function renderLoggedOut(
  frame: Frame,
  page: { clientName: string | undefined; stillHere?: readonly string[] }
): string {
  const { stillHere = [] } = page
  const words = wordsOf(frame)
  return renderPage(frame, {
    title: words.logout.doneTitle,
    body: html`<h1 id="signed-out">${words.logout.doneTitle}</h1>
<p>${words.logout.done(frame.site.product.name)}</p>
${stillHere.length > 0 && html`<p class="note">${words.chooser.stillHere(everybody(words, stillHere))}</p>`}
${asked(page.clientName, words.logout.doneFrom)}
<p>${words.common.closeWindow}</p>`
  })
}

function everybody(words: ReturnType<typeof wordsOf>, names: readonly string[]) {
  const text = words.chooser.list(names)
  return { text, shown: name(text) }
}

function asked(
  clientName: string | undefined,
  sentence: ReturnType<typeof wordsOf>['logout']['asked']
) {
  if (clientName === undefined) return html``
  return html`<p>${sentence({ text: clientName, shown: name(clientName) })}</p>`
}
