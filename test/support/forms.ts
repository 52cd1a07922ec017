// Forms as they stand in our own pages' HTML: enough of a parser to press a button without a
// browser. Knows inputs and buttons in any order of attributes; it is no judge of HTML.

export interface Button {
  id: string | undefined
  name: string | undefined
  value: string
  label: string
  /** where this button sends the form, when that is not the form's own action */
  action: string | undefined
}

export interface Form {
  method: 'GET' | 'POST'
  /** as written; empty: the page itself */
  action: string
  /** name and value of each input, hidden ones included */
  fields: Map<string, string>
  buttons: Button[]
}

/** The forms of a page, in order. */
export function parseForms(html: string): Form[] {
  return [...html.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gis)].map(([, head = '', inside = '']) => {
    const form = attributesOf(head)
    return {
      method: form.get('method')?.toUpperCase() === 'POST' ? 'POST' : 'GET',
      action: form.get('action') ?? '',
      fields: fieldsOf(inside),
      buttons: buttonsOf(inside)
    }
  })
}

/** The text of the first element of that name, without markup. */
export function textOf(html: string, element: string): string {
  const [, inside = ''] =
    new RegExp(`<${element}\\b[^>]*>(.*?)</${element}>`, 'is').exec(html) ?? []
  return decodeEntities(inside.replace(/<[^>]*>/g, ''))
    .replace(/\s+/g, ' ')
    .trim()
}

function fieldsOf(html: string): Map<string, string> {
  const fields = new Map<string, string>()
  for (const [, head = ''] of html.matchAll(/<input\b([^>]*)>/gi)) {
    const input = attributesOf(head)
    const [name, type] = [input.get('name'), input.get('type')?.toLowerCase()]
    if (name === undefined || type === 'submit') continue
    const choice = type === 'checkbox' || type === 'radio'
    if (!choice) fields.set(name, input.get('value') ?? '')
    if (choice && input.has('checked')) fields.set(name, input.get('value') ?? 'on')
  }
  return fields
}

function buttonsOf(html: string): Button[] {
  const found = html.matchAll(/<button\b([^>]*)>(.*?)<\/button>|<input\b([^>]*)>/gis)
  return [...found].flatMap(([, button, label = '', input]) => {
    const attributes = attributesOf(button ?? input ?? '')
    const type = attributes.get('type')?.toLowerCase() ?? (button === undefined ? 'text' : 'submit')
    if (type !== 'submit') return []
    const value = attributes.get('value') ?? ''
    return {
      id: attributes.get('id'),
      name: attributes.get('name'),
      value,
      label: button === undefined ? value : textOf(`<i>${label}</i>`, 'i'),
      action: attributes.get('formaction')
    }
  })
}

export function attributesOf(head: string): Map<string, string> {
  const attributes = new Map<string, string>()
  const found = head.matchAll(/([^\s=/"'>]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g)
  for (const [, name = '', double, single, bare] of found) {
    attributes.set(name.toLowerCase(), decodeEntities(double ?? single ?? bare ?? ''))
  }
  return attributes
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function decodeEntities(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, named) => {
    if (hex ?? decimal) return String.fromCodePoint(Number.parseInt(hex ?? decimal, hex ? 16 : 10))
    return entities[named] ?? whole
  })
}
