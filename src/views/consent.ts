// The consent page: who asks, for what, for how long, and where the person is sent. Allow and Cancel have equal weight,
// and neither is focused. Refuses to offer what nothing behind it can do.

import type { AuthorizationDetail } from '../oauth/authorization-details.ts'
import { type DetailTypeView, detailSections } from './authorization-details.ts'
import {
  type AccessView,
  accessList,
  type ChoiceView,
  type ClientView,
  clientLinks,
  monogram,
  type ResourceView
} from './client.ts'
import { decline, hidden, submit } from './form.ts'
import { type Frame, renderPage, reportLink, wordsOf } from './layout.ts'
import { html, name } from './markup.ts'

export interface ConsentPage {
  action: string
  csrf: string
  client: ClientView
  /** what is new */
  requested: readonly AccessView[]
  /** what the request asks for as well, and the person has allowed before */
  allowedBefore: readonly AccessView[]
  /** the same of authorization details (RFC 9396) */
  requestedDetails: readonly AuthorizationDetail[]
  detailsAllowedBefore: readonly AuthorizationDetail[]
  detailTypes: readonly DetailTypeView[]
  /** what of `requested` may be left out */
  choices: readonly ChoiceView[]
  /** what the client could do before, and can no longer, once this is allowed */
  takenAway?: readonly AccessView[] | undefined
  /** how long the access lasts that this request ends with */
  lasts: 'until sign-out' | 'offline'
  resources: readonly ResourceView[]
  /** how the signed-in person knows their account */
  accountName: string | undefined
  /** where another account is chosen */
  switchAccount?: string | undefined
}

/** The consent page as an HTML document. */
export function renderConsent(frame: Frame, page: ConsentPage): string {
  const words = wordsOf(frame)
  const { client } = page
  const product = frame.site.product.name
  const term = { text: client.name, shown: name(client.name) }
  const access = { words, locale: frame.locale, product, resources: page.resources }
  const told = { types: page.detailTypes, locale: frame.locale }
  const lost = page.takenAway?.some(({ scopes }) => scopes.length > 0)
  const earlier =
    page.allowedBefore.some(({ scopes }) => scopes.length > 0) ||
    page.detailsAllowedBefore.length > 0
  return renderPage(frame, {
    title: words.consent.title,
    body: html`${monogram(client)}
<h1>${words.consent.wantsAccess(term, { text: product, shown: name(product) })}</h1>
${
  page.accountName === undefined
    ? ''
    : html`<p class="lead">${words.consent.signedInAs({ text: page.accountName, shown: name(page.accountName) })}${
        page.switchAccount !== undefined &&
        html` <a href="${page.switchAccount}">${words.chooser.notYou}</a>`
      }</p>`
}
${warning(client, words.consent)}
<form method="post" action="${page.action}">
${hidden({ csrf: page.csrf, prompt: 'consent' })}
<h2>${earlier ? words.consent.willAlsoAllow(term) : words.consent.willAllow(term)}</h2>
${accessList(page.requested, { ...access, choices: page.choices })}
${detailSections(page.requestedDetails, told)}
${
  earlier &&
  html`<h2>${words.consent.alreadyAllowed}</h2>${accessList(page.allowedBefore, access)}
${detailSections(page.detailsAllowedBefore, told)}`
}
${
  lost &&
  html`<h2>${words.consent.takenAway(term)}</h2>
<p>${words.consent.replacesBefore}</p>
${accessList(page.takenAway ?? [], access)}`
}
${facts(page, words.consent)}
<fieldset>
<legend>${words.consent.lasts}</legend>
${radio('removed', words.consent.untilRemoved, 'checked')}
${radio('seven_days', words.consent.sevenDays)}
</fieldset>
<div class="buttons pair">
${submit(words.consent.allow, 'equal', undefined, 'allow')}
${decline(words.consent.cancel, 'equal', ['decline', 'yes'], 'cancel')}
</div>
</form>
${onward(client, words.consent)}
${clientLinks(client, words)}
${!client.firstParty && reportLink(frame)}`
  })
}

// Where the person decides whether the access lasts, a box says so, and no fact beside it.
function facts(page: ConsentPage, words: ReturnType<typeof wordsOf>['consent']) {
  const { document } = page.client
  const open = page.choices.some(
    ({ scope, resource }) => scope === 'offline_access' && resource === undefined
  )
  if (open && document === undefined) return html``
  return html`<dl class="facts">${
    !open &&
    html`<div><dt>${words.duration}</dt><dd>${
      page.lasts === 'offline' ? words.durationOffline : words.durationSession
    }</dd></div>`
  }${
    document && html`<div><dt>${words.appAddress}</dt><dd><bdi>${document.url}</bdi></dd></div>`
  }</dl>`
}

function radio(value: 'removed' | 'seven_days', label: string, start?: 'checked') {
  return html`<label class="choice"><input type="radio" name="lasts" value="${value}"${start && html` checked`}> <span>${label}</span></label>`
}

function warning(client: ClientView, words: ReturnType<typeof wordsOf>['consent']) {
  if (client.document !== undefined) return stranger(client, client.document, words)
  // An app that returns to the device itself can be imitated by any other program there, whoever registered it (RFC 8252 §8.6).
  if (client.unverifiable) return html`<p class="note">${words.unverifiable}</p>`
  return client.firstParty ? html`` : html`<p class="note">${words.unverified}</p>`
}

// Of a client that nobody registered, its host is all that is known (draft-ietf-oauth-client-id-metadata-document §8.4): the name that it gives
// itself stands beside the host and never without it.
function stranger(
  { name: host, unverifiable }: ClientView,
  { claimedName }: NonNullable<ClientView['document']>,
  words: ReturnType<typeof wordsOf>['consent']
) {
  const place = { text: host, shown: html`<bdi class="host">${host}</bdi>` }
  const called =
    claimedName === undefined
      ? ''
      : html` ${words.callsItself({ text: claimedName, shown: name(claimedName) })}`
  return html`<p class="note">${words.fromHost(place)}${called}</p>
${unverifiable && html`<p class="note">${words.onThisDevice}</p>`}`
}

// A device stays where it is (RFC 8628): then there is no host, and nobody is sent anywhere.
function onward({ redirectHost }: ClientView, words: ReturnType<typeof wordsOf>['consent']) {
  if (redirectHost === '') return html``
  const shown = html`<bdi class="host">${redirectHost}</bdi>`
  return html`<p class="small">${words.sentTo({ text: redirectHost, shown })}</p>`
}
