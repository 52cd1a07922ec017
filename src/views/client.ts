// How a client and what it asks for look on a page. Owns the badge, the links and the list of permissions in words. Refuses to load a
// client's logo from its own site (it would tell that site who is here) and any link that is not https: escaping does
// not stop `javascript:` in a URL.

import type { Locale } from '../i18n/locale.ts'
import type { Messages } from '../i18n/messages.ts'
import { scopeAt } from '../oauth/scope.ts'
import { html, type Markup, name } from './markup.ts'
import { outsideLink } from './outside-link.ts'

/** A client, as far as a page shows it. */
export interface ClientView {
  name: string
  /** nobody registered it: it is what stands at this address, and calls itself so; `name` is its host then */
  document?: { url: string; claimedName: string | undefined } | undefined
  redirectHost: string
  unverifiable: boolean
  firstParty: boolean
  clientUri?: string | undefined
  policyUri?: string | undefined
  tosUri?: string | undefined
}

/** One API and its scopes in words per language, as the operator registered them. */
export interface ResourceView {
  identifier: string
  name?: string | Readonly<Record<string, string>> | undefined
  scopes: Readonly<Record<string, Readonly<Record<string, string>>>>
}

/** Scopes of one API; without `resource` those of the account itself (OpenID scopes). */
export interface AccessView {
  resource?: string | undefined
  scopes: readonly string[]
}

/** A scope that may be left out: a box on the page. */
export interface ChoiceView {
  resource?: string | undefined
  scope: string
  start: 'ticked' | 'unticked'
}

/** What the words for scopes are taken from. */
export interface AccessWords {
  words: Messages
  locale: Locale
  product: string
  resources: readonly ResourceView[]
  /** on the page that asks; elsewhere nothing can be left out any more */
  choices?: readonly ChoiceView[] | undefined
}

/** The first letter of a client's name in a tile, in place of a logo. */
export function monogram(client: ClientView): Markup {
  const letter = client.name.match(/[\p{L}\p{N}]/u)?.[0] ?? '·'
  return html`<p class="monogram" aria-hidden="true">${letter.toLocaleUpperCase()}</p>`
}

/** Website, privacy policy and terms, where the client registered an https address for them. */
export function clientLinks(client: ClientView, words: Messages): Markup {
  const links = [
    { text: words.consent.website, url: client.clientUri },
    { text: words.consent.privacy, url: client.policyUri },
    { text: words.consent.terms, url: client.tosUri }
  ].flatMap(({ text, url }) => {
    const address = httpsUrl(url)
    return address === undefined ? [] : [{ text, address }]
  })
  if (links.length === 0) return html``
  return html`<ul class="links">${links.map(
    ({ text, address }) => html`<li>${outsideLink(words, text, address)}</li>`
  )}</ul>`
}

/** What is asked for, grouped by API: the registered words, and the scope's own name in small print. */
export function accessList(requested: readonly AccessView[], given: AccessWords): Markup {
  return html`${requested
    .filter(access => access.scopes.length > 0)
    .map(access => {
      const resource = given.resources.find(each => each.identifier === access.resource)
      return html`<section class="access">
<h3>${access.resource === undefined ? given.words.consent.accountGroup(given.product) : name(resourceName(access.resource, resource, given.locale))}</h3>
<ul>${access.scopes.map(scope => scopeLine(scope, access.resource, resource, given))}</ul>
</section>`
    })}`
}

function scopeLine(
  scope: string,
  resourceIdentifier: string | undefined,
  resource: ResourceView | undefined,
  given: AccessWords
): Markup {
  const text =
    resourceIdentifier === undefined
      ? own(given.words.consent.scopes, scope)
      : inLanguage(resource && own(resource.scopes, scope), given.locale)
  const said =
    text === undefined
      ? html`<code>${scope}</code>`
      : html`${text} <code class="small">${scope}</code>`
  const { choices = [], words } = given
  if (choices.length === 0) return html`<li>${said}</li>`
  const place = choices.findIndex(one => one.scope === scope && one.resource === resourceIdentifier)
  const box = choices[place]
  // in both kinds of words, so that nobody has to know that a mark is no box
  if (box === undefined) {
    return html`<li>${said} <span class="badge">${words.consent.required}</span></li>`
  }
  return html`<li><label class="choice"><input type="checkbox" name="allow-${place}" value="${scopeAt(scope, resourceIdentifier)}"${box.start === 'ticked' && html` checked`}> <span>${said} <span class="badge">${words.consent.optional}</span></span></label></li>`
}

function resourceName(identifier: string, resource: ResourceView | undefined, locale: Locale) {
  const registered = resource?.name
  if (typeof registered === 'string') return registered
  return inLanguage(registered, locale) ?? identifier
}

function inLanguage(texts: Readonly<Record<string, string>> | undefined, locale: Locale) {
  return texts && (own(texts, locale) ?? own(texts, 'en'))
}

// A scope may be called `constructor`: only own members count.
function own<V>(table: Readonly<Record<string, V>>, key: string): V | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined
}

function httpsUrl(value: string | undefined): string | undefined {
  if (value === undefined || !URL.canParse(value)) return undefined
  const url = new URL(value)
  return url.protocol === 'https:' ? url.href : undefined
}
