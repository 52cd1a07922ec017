// What happened at an account, in words: a page of it, and the few newest as a section of sign-in and security. Refuses to show what has no
// words.

import { type AccountFrame, accountPages, renderAccountPage } from './account-layout.ts'
import { type Frame, wordsOf } from './layout.ts'
import { html, type Markup, name } from './markup.ts'

export interface EventView {
  type: string
  at: Date
  /** name of an app */
  app: string | undefined
  address: string | undefined
  device: string | undefined
  /** what it was called, such as a passkey */
  name: string | undefined
  /** where an identity is from */
  provider: string | undefined
}

export interface SecurityEventsPage extends AccountFrame {
  events: readonly EventView[]
  /** address of the page with older ones */
  older: string | undefined
}

/** Without base path. */
export const eventsPath = `${accountPages.security}/events`

/** The page as an HTML document. */
export function renderSecurityEvents(frame: Frame, page: SecurityEventsPage): string {
  const { events: words } = wordsOf(frame)
  return renderAccountPage(frame, page, {
    current: 'security',
    title: words.title,
    body: html`<p>${words.lead}</p>
${list(frame, page.events)}
<ul class="links">
${page.older !== undefined && html`<li><a href="${page.older}">${words.older}</a></li>`}
<li><a href="${frame.site.basePath}${accountPages.security}">${words.back}</a></li>
</ul>`
  })
}

/** The newest, below the ways to sign in. */
export function securityEventsSection(frame: Frame, events: readonly EventView[]): Markup {
  const { events: words } = wordsOf(frame)
  return html`<h2>${words.title}</h2>
${list(frame, events)}
<p><a href="${frame.site.basePath}${eventsPath}">${words.all}</a></p>`
}

function list(frame: Frame, events: readonly EventView[]): Markup {
  const words = wordsOf(frame)
  if (events.length === 0) return html`<p>${words.events.none}</p>`
  return html`<ol class="events">${events.map(event => {
    const title = words.events.types[event.type]
    if (title === undefined) return html``
    const { app, address, device, name: called, provider } = event
    const facts = [
      device !== undefined && fact(words.events.device, html`${device}`),
      called !== undefined && fact(words.events.name, name(called)),
      app !== undefined && fact(words.events.app, name(app)),
      provider !== undefined && fact(words.events.provider, html`<bdi dir="ltr">${provider}</bdi>`),
      address !== undefined && fact(words.events.address, html`<bdi dir="ltr">${address}</bdi>`)
    ].filter(each => each !== false)
    return html`<li>
<p><strong>${title}</strong></p>
<p class="small"><time datetime="${event.at.toISOString()}">${words.dateTime(event.at)}</time></p>
${facts.length > 0 && html`<p class="small">${facts}</p>`}
</li>`
  })}</ol>`
}

function fact(label: string, value: Markup): Markup {
  return html`<span class="fact">${label}: ${value}</span> `
}
