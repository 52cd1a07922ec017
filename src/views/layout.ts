// The frame of every page: product and issuer host in the header, one card, the language menu in the footer. Owns the document itself
// (language, direction, title, stylesheets). Refuses inline script, inline style and anything loaded from another site: the pages' CSP forbids
// them, and a person must be able to trust that a password page is ours alone.

import { type Locale, locales, messagesOf } from '../i18n/locale.ts'
import type { Messages } from '../i18n/messages.ts'
import { type Child, html, type Markup } from './markup.ts'
import { outsideLink } from './outside-link.ts'

/** Where people turn to, by the operator's configuration: `https:` or `mailto:`. */
export interface ProductLinks {
  help?: string | undefined
  privacy?: string | undefined
  terms?: string | undefined
  /** an app that asks for too much, or is none */
  report?: string | undefined
}

/** What is the same on every page of one server. */
export interface Site {
  product: { name: string; logo?: string | undefined; links?: ProductLinks | undefined }
  /** host and port of the issuer, as people see it in the address bar */
  issuerHost: string
  /** path of the issuer without a slash at its end; empty for most */
  basePath: string
  /** paths of the stylesheets in order, and of the icon */
  stylesheets: readonly string[]
  icon: string
  /** path of the script that moves the meter of a new password (password-field.ts) */
  passwordMeter?: string | undefined
  /** what everybody is told on every page */
  notice?: 'conformance' | undefined
}

/** What is the same on every page of one request. */
export interface Frame {
  site: Site
  locale: Locale
  /** path on our own origin that shows this page again; without one there is no language menu */
  returnTo?: string | undefined
}

/** One page: its name for the title, and the content of the card. */
export interface Page {
  title: string
  /** `failed`: the form came back with a problem */
  outcome?: 'failed' | undefined
  body: Child
}

/** The words of a frame's language. */
export function wordsOf(frame: Frame): Messages {
  return messagesOf(frame.locale)
}

/** A complete HTML document. */
export function renderPage(frame: Frame, page: Page): string {
  const { site } = frame
  const words = wordsOf(frame)
  const prefix = page.outcome === 'failed' ? words.common.errorPrefix : ''
  const document = html`<!doctype html>
<html lang="${frame.locale}" dir="${words.direction}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex, nofollow">
<title>${prefix}${page.title} – ${site.product.name}</title>
${site.stylesheets.map(
  path => html`<link rel="stylesheet" href="${path}">
`
)}<link rel="icon" type="image/svg+xml" href="${site.icon}">
</head>
<body>
<header class="site">
${logo(site)}
<p class="site-name"><bdi>${site.product.name}</bdi></p>
<p class="site-host"><bdi dir="ltr">${site.issuerHost}</bdi></p>
</header>
<main class="card">
${site.notice !== undefined && html`<p class="note" id="${site.notice}">${words.common[site.notice]}</p>`}
${page.body}
</main>
${footer(frame)}
</body>
</html>
`
  return document.toString()
}

function footer(frame: Frame): Markup {
  const words = wordsOf(frame)
  const { links } = frame.site.product
  const shown = (['help', 'privacy', 'terms'] as const).flatMap(name => {
    const address = links?.[name]
    return address === undefined ? [] : [outsideLink(words, words.common[name], address)]
  })
  if (frame.returnTo === undefined && shown.length === 0) return html``
  return html`<footer class="site-footer">${frame.returnTo !== undefined && languageMenu(frame, frame.returnTo)}${
    shown.length > 0 &&
    html`<ul class="site-links">${shown.map(link => html`<li>${link}</li>`)}</ul>`
  }</footer>`
}

/** For the page of an app that asks, or has failed; nothing where nobody takes reports. */
export function reportLink(frame: Frame): Markup {
  const address = frame.site.product.links?.report
  const words = wordsOf(frame)
  if (address === undefined) return html``
  return html`<p class="small">${outsideLink(words, words.common.report, address)}</p>`
}

// Decoration beside the product's name, which stands there in words: no alternative text.
function logo(site: Site): Markup {
  if (site.product.logo !== undefined) {
    return html`<img class="mark" src="${site.product.logo}" alt="" width="40" height="40">`
  }
  return html`<svg class="mark" viewBox="0 0 40 40" width="40" height="40" aria-hidden="true" focusable="false"><circle class="mark-coin" cx="20" cy="20" r="19"/><circle class="mark-rim" cx="20" cy="20" r="15.5"/><path class="mark-sign" d="M11.5 26.5v-12l8.5 8 8.5-8v12"/></svg>`
}

// One form with one button per other language: works without script, and a language is not changed by following a link.
function languageMenu(frame: Frame, returnTo: string): Markup {
  const words = wordsOf(frame)
  return html`<nav class="languages" aria-label="${words.common.language}">
<ul>${locales.map(locale =>
    locale === frame.locale
      ? html`<li><span class="language" aria-current="true">${messagesOf(locale).languageName}</span></li>`
      : html`<li><form method="post" action="${frame.site.basePath}/language">
<input type="hidden" name="return_to" value="${returnTo}">
<input type="hidden" name="lang" value="${locale}">
<button class="language" type="submit" lang="${locale}">${messagesOf(locale).languageName}</button>
</form></li>`
  )}</ul>
</nav>`
}
