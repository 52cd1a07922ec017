// The page with the browsers that are signed in to an account: which, from where, since when, for which apps; and signing them out. No places
// are shown: without a database of addresses a place would be a guess, so the address itself stands there.

import { type AccountFrame, accountPages, renderAccountPage } from './account-layout.ts'
import { hidden, submit } from './form.ts'
import { type Frame, renderPage, wordsOf } from './layout.ts'
import { html, type Markup, name } from './markup.ts'

export interface SessionView {
  handle: string
  current: boolean
  browser: string | undefined
  system: string | undefined
  /** of the sign-in, and of the request that used it last */
  address: string | undefined
  seenAddress: string | undefined
  signedInAt: Date
  seenAt: Date
  /** names of apps */
  apps: readonly string[]
}

export interface SessionsPage extends AccountFrame {
  action: string
  csrf: string
  /** this device first */
  sessions: readonly SessionView[]
  /** what became of the form that was just sent */
  answered: 'ended' | 'endedOthers' | 'over' | undefined
}

/** The page as an HTML document. Each form posts `csrf` and `end`: the handle of one, `others` or `everywhere`. */
export function renderSessions(frame: Frame, page: SessionsPage): string {
  const words = wordsOf(frame).sessions
  return renderAccountPage(frame, page, {
    current: 'sessions',
    title: words.title,
    body: html`${page.answered !== undefined && html`<p class="note" role="status">${words[page.answered]}</p>`}
<p>${words.lead}</p>
<p class="small">${words.offline} <a href="${frame.site.basePath}${accountPages.apps}">${words.appsLink}</a></p>
${page.sessions.map(session => one(frame, page, session))}
${page.sessions.some(({ current }) => !current) && several(page, 'others', words.others, words.othersEnd)}
${several(page, 'everywhere', words.everywhere, words.everywhereEnds)}`
  })
}

/** After signing out everywhere: nobody is signed in here any more. */
export function renderSignedOutEverywhere(frame: Frame, page: { signIn: string }): string {
  const words = wordsOf(frame).sessions
  return renderPage(frame, {
    title: words.doneTitle,
    body: html`<h1>${words.doneTitle}</h1>
<p>${words.done(frame.site.product.name)}</p>
<p><a href="${page.signIn}">${words.signInAgain}</a></p>`
  })
}

/** The same as accounts/device-label.ts says it, in the page's language. */
export function deviceName(
  frame: Frame,
  { browser, system }: Pick<SessionView, 'browser' | 'system'>
): string {
  const words = wordsOf(frame).sessions
  if (browser === undefined || system === undefined) {
    return browser ?? system ?? words.unknownDevice
  }
  const term = (text: string) => ({ text, shown: text })
  return words.device(term(browser), term(system)).join('')
}

function one(frame: Frame, page: SessionsPage, session: SessionView): Markup {
  const words = wordsOf(frame)
  const label = deviceName(frame, session)
  const { address, seenAddress } = session
  const time = (moment: Date) =>
    html`<time datetime="${moment.toISOString()}">${words.dateTime(moment)}</time>`
  const where = (text: string) => html`<bdi dir="ltr">${text}</bdi>`
  const apps = new Intl.ListFormat(frame.locale, { type: 'unit' })
  return html`<section class="app">
<h2>${name(label)}${session.current && html` <strong class="badge">${words.sessions.thisDevice}</strong>`}</h2>
<dl class="facts">
<div><dt>${words.sessions.lastSeen}</dt><dd>${time(session.seenAt)}</dd></div>
<div><dt>${words.sessions.signedIn}</dt><dd>${time(session.signedInAt)}</dd></div>
${seenAddress !== undefined && html`<div><dt>${words.sessions.address}</dt><dd>${where(seenAddress)}</dd></div>`}
${address !== undefined && address !== seenAddress && html`<div><dt>${words.sessions.signedInFrom}</dt><dd>${where(address)}</dd></div>`}
${session.apps.length > 0 && html`<div><dt>${words.sessions.apps}</dt><dd>${apps.formatToParts(session.apps).map(part => (part.type === 'element' ? name(part.value) : part.value))}</dd></div>`}
</dl>
<form method="post" action="${page.action}">
${hidden({ csrf: page.csrf, end: session.handle })}
<div class="buttons">
${submit(html`${words.sessions.end}<span class="unseen">${words.sessions.endOf({ text: label, shown: name(label) })}</span>`, 'equal')}
</div>
</form>
</section>`
}

function several(page: SessionsPage, which: string, title: string, ends: string): Markup {
  return html`<section class="app">
<h2>${title}</h2>
<p>${ends}</p>
<form method="post" action="${page.action}">
${hidden({ csrf: page.csrf, end: which })}
<div class="buttons">
${submit(title, 'equal')}
</div>
</form>
</section>`
}
