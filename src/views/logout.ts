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
}

/** The question. `logout=yes` signs out; the other button sends no `logout` and stays signed in. */
export function renderLogout(frame: Frame, page: LogoutPage): string {
  const words = wordsOf(frame)
  const product = frame.site.product.name
  const title = words.logout.title(product)
  return renderPage(frame, {
    title,
    body: html`<h1>${title}</h1>
${asked(page.clientName, words.logout.asked)}
<p>${words.logout.explanation(product)}</p>
<form method="post" action="${page.action}">
${hidden({ xsrf: page.xsrf })}
<div class="buttons">
${submit(words.logout.submit, 'primary', ['logout', 'yes'], 'sign-out')}
${decline(words.logout.stay, 'quiet', undefined, 'stay')}
</div>
</form>`
  })
}

/** After it. */
export function renderLoggedOut(frame: Frame, page: { clientName: string | undefined }): string {
  const words = wordsOf(frame)
  return renderPage(frame, {
    title: words.logout.doneTitle,
    body: html`<h1 id="signed-out">${words.logout.doneTitle}</h1>
<p>${words.logout.done(frame.site.product.name)}</p>
${asked(page.clientName, words.logout.doneFrom)}
<p>${words.common.closeWindow}</p>`
  })
}

function asked(
  clientName: string | undefined,
  sentence: ReturnType<typeof wordsOf>['logout']['asked']
) {
  if (clientName === undefined) return html``
  return html`<p>${sentence({ text: clientName, shown: name(clientName) })}</p>`
}
