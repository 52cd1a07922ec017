// A link to another site, or to a mailbox: opened beside the page, because a form on it may hold what the person has entered (WCAG 2.2, 3.3.7),
// and without telling where it was followed.

import type { Messages } from '../i18n/messages.ts'
import { html, type Markup } from './markup.ts'

/** `address`: `https:`, or `mailto:` for one of the operator's own. */
export function outsideLink(words: Messages, text: string, address: string): Markup {
  if (address.startsWith('mailto:')) return html`<a href="${address}">${text}</a>`
  return html`<a href="${address}" target="_blank" rel="noopener noreferrer nofollow" referrerpolicy="no-referrer">${text}<span class="unseen"> ${words.common.opensInNewTab}</span></a>`
}
