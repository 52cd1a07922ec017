// The page of somebody who is signed in and has nowhere to go on to: says who it is, and leads to the account and to signing out. Refuses to lead anywhere by
// itself.

import { accountPages } from './account-layout.ts'
import { type AccountSwitch, accountSwitch } from './chooser.ts'
import { type Frame, renderPage, wordsOf } from './layout.ts'
import { html, name } from './markup.ts'

export interface SignedInPage {
  accountName: string
  signOut: string
  /** the other accounts of this browser */
  switching?: AccountSwitch | undefined
}

/** The page as an HTML document. */
export function renderSignedIn(frame: Frame, page: SignedInPage): string {
  const words = wordsOf(frame)
  const account = { text: page.accountName, shown: name(page.accountName) }
  return renderPage(frame, {
    title: words.login.signedInTitle,
    body: html`<h1>${words.login.signedInTitle}</h1>
<p class="lead">${words.consent.signedInAs(account)}</p>
<p><a class="primary" href="${frame.site.basePath}${accountPages.profile}">${words.profile.open}</a></p>
<p><a href="${page.signOut}">${words.logout.submit}</a></p>
${page.switching && accountSwitch(frame, page.switching)}`
  })
}
