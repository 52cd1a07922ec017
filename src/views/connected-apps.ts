// The page of the account with the apps that may use it: who, what for, since when, and a button to end it. Refuses to hide anything that
// still works, be it only remembered.

import { type AccountFrame, renderAccountPage } from './account-layout.ts'
import { type AccessView, accessList, type ClientView, type ResourceView } from './client.ts'
import { hidden, submit } from './form.ts'
import { type Frame, wordsOf } from './layout.ts'
import { html, type Markup, name } from './markup.ts'

export interface AppView {
  client: ClientView & { clientId: string }
  access: readonly AccessView[]
  /** authorization details (RFC 9396), as they were granted */
  details: readonly Readonly<Record<string, unknown>>[]
  lasts: 'until sign-out' | 'offline'
  /** the person wanted it to end then */
  endsAt: Date | undefined
  firstAllowedAt: Date
  lastUsedAt: Date | undefined
}

export interface ConnectedAppsPage extends AccountFrame {
  action: string
  csrf: string
  apps: readonly AppView[]
  resources: readonly ResourceView[]
}

/** The page as an HTML document. Each form posts `csrf` and `client_id`. */
export function renderConnectedApps(frame: Frame, page: ConnectedAppsPage): string {
  const words = wordsOf(frame)
  const lead = page.apps.length > 0 ? words.apps.lead(frame.site.product.name) : words.apps.none
  return renderAccountPage(frame, page, {
    current: 'apps',
    title: words.apps.title,
    body: html`<p>${lead}</p>
${page.apps.map(app => one(frame, page, app))}
${
  page.apps.length > 1 &&
  html`<section class="app">
<h2>${words.apps.removeAll}</h2>
<p>${words.apps.removeAllEnds}</p>
<form method="post" action="${page.action}">
${hidden({ csrf: page.csrf, all: 'yes' })}
<div class="buttons">
${submit(words.apps.removeAll, 'equal')}
</div>
</form>
</section>`
}`
  })
}

function one(frame: Frame, page: ConnectedAppsPage, app: AppView): Markup {
  const words = wordsOf(frame)
  const { client, lastUsedAt } = app
  const term = { text: client.name, shown: name(client.name) }
  const given = { words, locale: frame.locale, product: frame.site.product.name }
  const time = (moment: Date) =>
    html`<time datetime="${moment.toISOString()}">${words.dateTime(moment)}</time>`
  return html`<section class="app">
<h2>${name(client.name)}</h2>
${accessList(app.access, { ...given, resources: page.resources })}
${details(app, words)}
<dl class="facts">
${client.redirectHost !== '' && html`<div><dt>${words.apps.place}</dt><dd><bdi dir="ltr">${client.redirectHost}</bdi></dd></div>`}
<div><dt>${words.apps.firstAllowed}</dt><dd>${time(app.firstAllowedAt)}</dd></div>
${lastUsedAt !== undefined && html`<div><dt>${words.apps.lastUsed}</dt><dd>${time(lastUsedAt)}</dd></div>`}
${app.endsAt !== undefined && html`<div><dt>${words.apps.ends}</dt><dd>${time(app.endsAt)}</dd></div>`}
${
  lastUsedAt !== undefined &&
  html`<div><dt>${words.consent.duration}</dt><dd>${app.lasts === 'offline' ? words.consent.durationOffline : words.consent.durationSession}</dd></div>`
}
</dl>
<form method="post" action="${page.action}">
${hidden({ csrf: page.csrf, client_id: client.clientId })}
<div class="buttons">
${submit(html`${words.apps.remove}<span class="unseen">${words.apps.removeOf(term)}</span>`, 'equal')}
</div>
</form>
</section>`
}

// RFC 9396 §2: `type` says what the rest means, and to whom; a person at least sees what was agreed to.
function details({ details: all }: AppView, words: ReturnType<typeof wordsOf>): Markup {
  if (all.length === 0) return html``
  return html`<section class="access">
<h3>${words.apps.details}</h3>
<ul>${all.map(({ type, ...rest }) => html`<li><code>${String(type)}</code> <code class="small">${JSON.stringify(rest)}</code></li>`)}</ul>
</section>`
}
