// Which language a page speaks: what the person chose within the last hour, then `ui_locales` (OpenID Connect Core §3.1.2.1), then what
// they chose earlier (both are cookies of the language menu), then Accept-Language (RFC 9110 §12.5.4), then the default. Refuses to look at more than the first 1,000 characters of anything a stranger
// sends: the answer takes the same time for 50 KB as for 50 bytes, and nothing is remembered.

import { languages } from './languages.ts'
import type { Messages } from './messages.ts'

export type Locale = keyof typeof languages

/** The languages that are complete. The first is the default. */
export const locales = Object.keys(languages) as readonly Locale[]

/** What a request says about its language. */
export interface LanguageHints {
  uiLocales: string | undefined
  cookieHeader: string | undefined
  acceptLanguage: string | undefined
}

const tables: Record<Locale, Messages> = languages
const mostLooked = 1000
const lasting = 'mintmark_language'
const recent = 'mintmark_language_now'

/** Names of the two cookies that hold the person's choice, for a year and for an hour; `__Host-` wherever it can be set. */
export function languageCookies(secureCookies: boolean): { lasting: string; recent: string } {
  const prefix = secureCookies ? '__Host-' : ''
  return { lasting: prefix + lasting, recent: prefix + recent }
}

/** All words of one language. */
export function messagesOf(locale: Locale): Messages {
  return tables[locale]
}

/** The supported language that a tag like `ko-KR` means, if any (RFC 4647 §3.4, over supported languages instead of subtags). */
export function matchLocale(
  tag: string,
  supported: readonly Locale[] = locales
): Locale | undefined {
  const asked = tag.slice(0, 35).toLowerCase().replaceAll('_', '-')
  return supported.find(locale => asked === locale || asked.startsWith(`${locale}-`))
}

/** The language of a page, by the order above. */
export function chooseLocale(hints: LanguageHints, supported: readonly Locale[] = locales): Locale {
  return (
    fromCookie(hints.cookieHeader, recent, supported) ??
    fromUiLocales(hints.uiLocales, supported) ??
    fromCookie(hints.cookieHeader, lasting, supported) ??
    fromAcceptLanguage(hints.acceptLanguage, supported) ??
    supported[0] ??
    'en'
  )
}

// "a space-separated list of BCP47 language tag values, ordered by preference" (OpenID Connect Core §3.1.2.1)
function fromUiLocales(value: string | undefined, supported: readonly Locale[]) {
  return beginning(value, ' ')
    .split(' ')
    .map(tag => matchLocale(tag, supported))
    .find(locale => locale !== undefined)
}

// Searched by name instead of parsed: other parts' cookies may be long, and ours may stand behind them.
function fromCookie(header: string | undefined, name: string, supported: readonly Locale[]) {
  const cookies = `; ${header ?? ''}`
  for (const start of [`; __Host-${name}=`, `; ${name}=`]) {
    const from = cookies.indexOf(start)
    if (from === -1) continue
    const value = cookies.slice(from + start.length, from + start.length + 35)
    const locale = matchLocale(value.split(';', 1)[0] ?? '', supported)
    if (locale !== undefined) return locale
  }
  return undefined
}

// "If no "q" parameter is present, the default weight is 1 … a value of 0 means "not acceptable"" (RFC 9110 §12.4.2)
function fromAcceptLanguage(value: string | undefined, supported: readonly Locale[]) {
  let best: Locale | undefined
  let bestWeight = 0
  for (const range of beginning(value, ',').split(',')) {
    const [tag = '', ...parameters] = range.split(';')
    const locale = matchLocale(tag.trim(), supported)
    if (locale === undefined) continue
    const weight = parameters.map(parameter => parameter.trim()).find(each => each.startsWith('q='))
    const quality = weight === undefined ? 1 : Number(weight.slice(2))
    if (quality > bestWeight && quality <= 1) {
      best = locale
      bestWeight = quality
    }
  }
  return best
}

// The first 1,000 characters, without the item that the cut went through.
function beginning(value: string | undefined, separator: string): string {
  if (value === undefined || value.length <= mostLooked) return value ?? ''
  return value.slice(0, value.lastIndexOf(separator, mostLooked) + 1)
}
