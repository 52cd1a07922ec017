// Authorization details (RFC 9396) in words: the operator's title and sentences, and below them as data whatever no sentence has said, so that
// nothing is granted unseen. Owns how values stand in sentences. Values are a stranger's text: each is set apart from our own words.

import type { Locale } from '../i18n/locale.ts'
import { type AuthorizationDetail, sentenceGap } from '../oauth/authorization-details.ts'
import { html, type Markup } from './markup.ts'

type Words = Readonly<Record<string, string>>

/** A type, in the operator's words per language; English is always there. */
export interface DetailTypeView {
  type: string
  title: Words
  sentences: readonly Words[]
}

/** What is asked for, one section each. */
export function detailSections(
  details: readonly AuthorizationDetail[],
  { types, locale }: { types: readonly DetailTypeView[]; locale: Locale }
): Markup {
  return html`${details.map(detail =>
    section(
      detail,
      types.find(({ type }) => type === detail.type),
      locale
    )
  )}`
}

function section(detail: AuthorizationDetail, type: DetailTypeView | undefined, locale: Locale) {
  const rows = rowsOf('', detail).filter(({ path }) => path !== 'type')
  const said = new Set<string>()
  const sentences = (type?.sentences ?? []).flatMap(words => {
    const filled = fill(inLanguage(words, locale), rows)
    if (filled === undefined) return []
    for (const path of filled.said) said.add(path)
    return [filled.sentence]
  })
  const unsaid = rows.filter(({ path }) => !said.has(path))
  const title = type === undefined ? undefined : inLanguage(type.title, locale)
  return html`<section class="access">
<h3>${title} <code class="small">${detail.type}</code></h3>
${sentences.length > 0 && html`<ul>${sentences.map(sentence => html`<li>${sentence}</li>`)}</ul>`}
${
  unsaid.length > 0 &&
  html`<dl class="facts">${unsaid.map(
    ({ path, text }) =>
      html`<div><dt><bdi>${path}</bdi></dt><dd><bdi class="name">${text}</bdi></dd></div>`
  )}</dl>`
}
</section>`
}

interface Row {
  /** as in `creditor.name` and `actions[0]` */
  path: string
  text: string
}

/** Every value, however deep, by its path. */
function rowsOf(path: string, value: unknown): Row[] {
  if (typeof value !== 'object' || value === null) return [{ path, text: String(value) }]
  const inner = Array.isArray(value)
    ? value.flatMap((entry, index) => rowsOf(`${path}[${index}]`, entry))
    : Object.entries(value).flatMap(([name, entry]) =>
        rowsOf(path === '' ? name : `${path}.${name}`, entry)
      )
  return inner.length > 0 ? inner : [{ path, text: Array.isArray(value) ? '[]' : '{}' }]
}

/** A sentence with its values; undefined when one of them is not there. A list of values stands with commas between them. */
function fill(
  text: string,
  rows: readonly Row[]
): { sentence: Markup; said: string[] } | undefined {
  const said: string[] = []
  const parts: (string | Markup)[] = []
  for (const [index, part] of text.split(sentenceGap).entries()) {
    if (index % 2 === 0) {
      parts.push(part)
      continue
    }
    const list = new RegExp(`^${part.replaceAll('.', '\\.')}(\\[\\d+\\])?$`)
    const values = rows.filter(({ path }) => list.test(path))
    if (values.length === 0) return undefined
    said.push(...values.map(({ path }) => path))
    parts.push(html`<bdi class="name">${values.map(value => value.text).join(', ')}</bdi>`)
  }
  return { sentence: html`${parts}`, said }
}

function inLanguage(words: Words, locale: Locale): string {
  return (Object.hasOwn(words, locale) ? words[locale] : words['en']) ?? ''
}
