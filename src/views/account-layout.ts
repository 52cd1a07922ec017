// The frame of the account's own pages: their menu above, who is signed in, and where to sign out. Owns the menu's order. Refuses to list a
// page that is not there.

import { type AccountSwitch, accountSwitch } from './chooser.ts'
import { type Frame, renderPage, wordsOf } from './layout.ts'
import { type Child, html, type Markup, name } from './markup.ts'

/** The pages of an account, in the order of their menu; paths without base path. */
export const accountPages = {
  profile: '/account',
  security: '/account/security',
  sessions: '/account/sessions',
  apps: '/account/grants',
  data: '/account/data'
} as const

export type AccountPageName = keyof typeof accountPages

/** What is the same on each of them. */
export interface AccountFrame {
  accountName: string
  /** where to sign out */
  signOut: string
  /** the other accounts of this browser */
  switching?: AccountSwitch | undefined
}

/** One of the account's pages as an HTML document; its `<h1>` is the title. */
export function renderAccountPage(
  frame: Frame,
  account: AccountFrame,
  page: {
    current: AccountPageName
    title: string
    outcome?: 'failed' | undefined
    /** above the heading: what was wrong */
    problems?: Child
    body: Child
  }
): string {
  const words = wordsOf(frame)
  const shown = { text: account.accountName, shown: name(account.accountName) }
  return renderPage(frame, {
    title: page.title,
    outcome: page.outcome,
    body: html`${menu(frame, page.current)}
${page.problems ?? ''}
<h1>${page.title}</h1>
<p class="lead">${words.consent.signedInAs(shown)}</p>
${page.body}
<p class="small"><a href="${account.signOut}">${words.logout.submit}</a></p>
${account.switching && accountSwitch(frame, account.switching)}`
  })
}

function menu(frame: Frame, current: AccountPageName): Markup {
  const words = wordsOf(frame)
  const pages = Object.entries(accountPages) as [AccountPageName, string][]
  return html`<nav class="account-menu" aria-label="${words.account.menu}">
<ul>${pages.map(
    ([page, path]) =>
      html`<li><a href="${frame.site.basePath}${path}"${page === current && html` aria-current="page"`}>${words.account.pages[page]}</a></li>`
  )}</ul>
</nav>`
}
