// What people see of signing in with another provider: a button for each, why it came to nothing, and the identities that are linked to an
// account. Refuses to show an identity by its identifier: a person knows it by the address or the name that they have there.

import type { UpstreamProblem } from '../i18n/messages.ts'
import { type AccountFrame, renderAccountPage } from './account-layout.ts'
import { decline, hidden, problemSummary, submit } from './form.ts'
import { type Frame, renderPage, wordsOf } from './layout.ts'
import { html, type Markup, name } from './markup.ts'

export interface ProviderView {
  id: string
  name: string
}

export interface IdentityView {
  /** of the provider */
  name: string
  label: string | undefined
  linkedAt: Date
  usedAt: Date | undefined
}

/** One form for each provider, below the form of the first screen. */
export function renderUpstreamButtons(
  frame: Frame,
  given: { action: string; carried: Record<string, string>; list: readonly ProviderView[] }
): Markup {
  const words = wordsOf(frame)
  return html`${given.list.map(
    provider => html`<form method="post" action="${given.action}">
${hidden({ ...given.carried, upstream: provider.id })}
<div class="buttons">
${submit(words.upstream.continueWith(termOf(provider.name)), 'equal')}
</div>
</form>
`
  )}`
}

/** Why nothing came of it, and where to go instead; a document. */
export function renderUpstreamProblem(
  frame: Frame,
  page: {
    problem: UpstreamProblem
    /** of the provider; undefined: it is none of ours */
    name: string | undefined
    otherWays: string
    /** where it can be linked to an account */
    link: string | undefined
  }
): string {
  const words = wordsOf(frame)
  const title = words.upstream.titles[page.problem]
  const { problem } = page
  const sentence =
    page.name === undefined
      ? words.upstream.unknownProvider
      : words.upstream.problems[problem](termOf(page.name))
  return renderPage(frame, {
    title,
    outcome: 'failed',
    body: html`<h1>${title}</h1>
<p>${sentence}</p>
${page.link !== undefined && html`<p>${words.upstream.linkHint}</p>`}
<ul class="links">
${page.link !== undefined && html`<li><a href="${page.link}">${words.upstream.signInAndLink}</a></li>`}
<li><a href="${page.otherWays}">${words.upstream.otherWays}</a></li>
</ul>`
  })
}

/** The section of the page of sign-in and security. */
export function renderLinkedSection(
  frame: Frame,
  section: { identities: readonly IdentityView[]; manage: string }
): Markup {
  const words = wordsOf(frame).upstream
  const { identities } = section
  return html`<section class="linked">
<h2>${words.title}</h2>
${
  identities.length === 0
    ? html`<p>${words.none}</p>`
    : html`<ul>${identities.map(one => html`<li>${name(one.name)}${one.label !== undefined && html` · ${name(one.label)}`}</li>`)}</ul>`
}
<p><a href="${section.manage}">${words.manage}</a></p>
</section>`
}

export interface LinkedAccountsPage {
  action: string
  csrf: string
  /** an identity that was proved just now, and may be linked */
  offer: { name: string; label: string | undefined } | undefined
  identities: readonly (IdentityView & { key: string })[]
  list: readonly ProviderView[]
  done: 'linked' | 'unlinked' | 'declined' | undefined
  failed: 'gone' | 'taken' | 'last' | undefined
}

/** The page where they are linked and unlinked; each form posts `csrf` and `act`. */
export function renderLinkedAccounts(
  frame: Frame,
  account: AccountFrame,
  page: LinkedAccountsPage
): string {
  const all = wordsOf(frame)
  const words = all.upstream
  const { failed, done } = page
  return renderAccountPage(frame, account, {
    current: 'security',
    title: words.title,
    outcome: failed && 'failed',
    problems: failed && problemSummary(all, [{ text: words.failures[failed] }]),
    body: html`${done !== undefined && html`<div class="note" role="status"><p>${words.done[done]}</p></div>`}
${page.offer !== undefined && offered(frame, account, page, page.offer)}
<p>${words.lead}</p>
${page.identities.map(one => identity(frame, page, one))}
${page.list.map(
  provider => html`<form method="post" action="${page.action}">
${hidden({ csrf: page.csrf, act: 'begin', upstream: provider.id })}
<div class="buttons">
${submit(words.link(termOf(provider.name)), 'equal')}
</div>
</form>
`
)}`
  })
}

function offered(
  frame: Frame,
  account: AccountFrame,
  page: LinkedAccountsPage,
  offer: { name: string; label: string | undefined }
): Markup {
  const words = wordsOf(frame).upstream
  const mine = { text: account.accountName, shown: name(account.accountName) }
  return html`<section class="offer">
<h2>${words.confirmTitle}</h2>
<p>${words.confirm(termOf(offer.name), mine)}</p>
${offer.label !== undefined && html`<p class="code"><bdi>${offer.label}</bdi></p>`}
<p>${words.confirmWarning}</p>
<form method="post" action="${page.action}">
${hidden({ csrf: page.csrf, act: 'link' })}
<div class="buttons pair">
${submit(words.confirmSubmit, 'equal')}
${decline(words.confirmDecline, 'equal', ['decline', 'yes'])}
</div>
</form>
</section>`
}

function identity(
  frame: Frame,
  page: LinkedAccountsPage,
  one: IdentityView & { key: string }
): Markup {
  const all = wordsOf(frame)
  const words = all.upstream
  const time = (moment: Date) =>
    html`<time datetime="${moment.toISOString()}">${all.dateTime(moment)}</time>`
  return html`<section class="app">
<h2>${name(one.name)}</h2>
<dl class="facts">
${one.label !== undefined && html`<div><dt>${words.label}</dt><dd>${name(one.label)}</dd></div>`}
<div><dt>${words.linkedAt}</dt><dd>${time(one.linkedAt)}</dd></div>
${one.usedAt !== undefined && html`<div><dt>${words.usedAt}</dt><dd>${time(one.usedAt)}</dd></div>`}
</dl>
<form method="post" action="${page.action}">
${hidden({ csrf: page.csrf, act: 'unlink', identity: one.key })}
<div class="buttons">
${submit(html`${words.unlink}<span class="unseen">${words.unlinkOf(termOf(one.name))}</span>`, 'equal')}
</div>
</form>
</section>`
}

function termOf(text: string) {
  return { text, shown: name(text) }
}
