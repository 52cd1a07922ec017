// The page on which a person answers requests of clients that are somewhere else (OpenID Connect CIBA, RFC 10027 §6): who asks, for what, from
// where and since when, one form a request. Declining is as easy as approving. Refuses to approve in one press what is not shown in full.

import {
  type AccessView,
  accessList,
  type ClientView,
  monogram,
  type ResourceView
} from './client.ts'
import { decline, hidden, submit } from './form.ts'
import { type Frame, renderPage, wordsOf } from './layout.ts'
import { html, type Markup, name } from './markup.ts'

/** One request, as the page shows it. */
export interface ApprovalView {
  id: string
  client: ClientView
  requested: readonly AccessView[]
  lasts: 'until sign-out' | 'offline'
  bindingMessage: string | undefined
  address: string | undefined
  startedAt: Date
  remainingSeconds: number
  /** `too old`, `too weak`: the client wants a fresh sign-in first, or one with a second factor */
  signIn: 'enough' | 'too old' | 'too weak'
}

export interface ApprovalsPage {
  action: string
  csrf: string
  accountName: string
  pending: readonly ApprovalView[]
  resources: readonly ResourceView[]
  /** what became of the answer that was just given */
  answered: 'approved' | 'declined' | 'over' | undefined
  signInAgain: string
  signInStronger: string
  signOut: string
  now: Date
}

/** The page as an HTML document. */
export function renderApprovals(frame: Frame, page: ApprovalsPage): string {
  const words = wordsOf(frame)
  const account = { text: page.accountName, shown: name(page.accountName) }
  return renderPage(frame, {
    title: words.approve.title,
    body: html`<h1>${words.approve.title}</h1>
<p class="lead">${words.consent.signedInAs(account)} <a href="${page.signOut}">${words.logout.submit}</a></p>
${page.answered !== undefined && html`<div class="note" role="status"><p>${words.approve.answered[page.answered]}</p></div>`}
${page.pending.length === 0 ? html`<p>${words.approve.none}</p>` : html`<div class="note"><p><strong>${words.approve.scam}</strong></p></div>`}
${page.pending.map(request => requestSection(frame, page, request))}
<ul class="links"><li><a href="${page.action}">${words.approve.reload}</a></li></ul>`
  })
}

function requestSection(frame: Frame, page: ApprovalsPage, request: ApprovalView): Markup {
  const words = wordsOf(frame)
  const { client } = request
  return html`<article class="request">
${monogram(client)}
<h2>${words.approve.asks({ text: client.name, shown: name(client.name) })}</h2>
${
  request.bindingMessage !== undefined &&
  html`<p>${words.approve.compare}</p>
<p class="code"><bdi>${request.bindingMessage}</bdi></p>`
}
${facts(request, page.now, words)}
${accessList(request.requested, {
  words,
  locale: frame.locale,
  product: frame.site.product.name,
  resources: page.resources
})}
<form method="post" action="${page.action}">
${hidden({ csrf: page.csrf, request: request.id })}
${
  request.signIn === 'enough'
    ? html`<div class="buttons pair">
${submit(words.approve.approve, 'equal', ['approve', 'yes'])}
${decline(words.approve.decline, 'equal', ['decline', 'yes'])}
</div>`
    : html`<p>${request.signIn === 'too old' ? words.approve.tooOld : words.factors.approveTooWeak} <a href="${request.signIn === 'too old' ? page.signInAgain : page.signInStronger}">${words.approve.signInAgain}</a></p>
<div class="buttons">
${decline(words.approve.decline, 'equal', ['decline', 'yes'])}
</div>`
}
</form>
</article>`
}

function facts(request: ApprovalView, now: Date, words: ReturnType<typeof wordsOf>): Markup {
  const { client, address, startedAt } = request
  const asked = (now.getTime() - startedAt.getTime()) / 1_000
  return html`<dl class="facts">
<div><dt>${words.device.application}</dt><dd>${name(client.name)}</dd></div>
${client.redirectHost !== '' && html`<div><dt>${words.approve.host}</dt><dd><bdi dir="ltr">${client.redirectHost}</bdi></dd></div>`}
${address !== undefined && html`<div><dt>${words.device.address}</dt><dd><bdi dir="ltr">${address}</bdi></dd></div>`}
<div><dt>${words.device.startedAt}</dt><dd>${words.device.ago(asked)} <time class="small" datetime="${startedAt.toISOString()}">${words.dateTime(startedAt)}</time></dd></div>
<div><dt>${words.approve.expires}</dt><dd>${words.approve.within(request.remainingSeconds)}</dd></div>
<div><dt>${words.consent.duration}</dt><dd>${request.lasts === 'offline' ? words.consent.durationOffline : words.consent.durationSession}</dd></div>
</dl>`
}
