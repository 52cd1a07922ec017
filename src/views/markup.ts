// The one door to hono/html: tagged templates that escape every value. Owns the rule that a view is finished when it returns: a Promise
// inside a template is a mistake here, not something to wait for. Refuses `raw`: nothing in this folder puts unescaped text in a page.

import { html as template } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'

/** HTML that is escaped already. */
export type Markup = HtmlEscapedString

/** What may stand in a template: text is escaped, markup is not escaped again, undefined and false are left out. */
export type Child = string | number | Markup | undefined | false | readonly Child[]

/** A piece of HTML. Attribute values must stand in double quotes. */
export function html(strings: TemplateStringsArray, ...values: Child[]): Markup {
  const result = template(strings, ...values)
  if (result instanceof Promise) throw new TypeError('a view must not wait: give it the value')
  return result
}

/** A name that a stranger chose, kept apart: right-to-left letters or override characters in it cannot reorder our own words. */
export function name(text: string): Markup {
  return html`<bdi class="name">${text}</bdi>`
}
