// Reads the HTML that our views write, strictly: lower-case tags, attributes in double quotes or none, no stray angle bracket. What does
// not read like that throws, so a value that broke out of its place cannot pass as text.

export interface Tag {
  name: string
  attributes: Record<string, string>
  closing: boolean
}

const tagForm = /<(\/?)([a-z][a-z0-9]*)((?:\s+[a-z][a-zA-Z-]*(?:="[^"<>]*")?)*)\s*\/?>/g
const attributeForm = /([a-z][a-zA-Z-]*)(?:="([^"]*)")?/g

/** All tags in order. @throws when the document is not in the strict form above */
export function readTags(document: string): Tag[] {
  const body = document.replace(/^<!doctype html>/, '')
  const rest = body.replaceAll(tagForm, '')
  if (/[<>]/.test(rest)) throw new Error(`not our markup: ${rest.slice(rest.search(/[<>]/), 80)}`)
  return [...body.matchAll(tagForm)].map(([, slash, name = '', attributes = '']) => ({
    name,
    closing: slash === '/',
    attributes: Object.fromEntries(
      [...attributes.matchAll(attributeForm)].map(([, key = '', value = '']) => [key, value])
    )
  }))
}

/** Opening tags of one kind. */
export function tagsNamed(document: string, name: string): Tag[] {
  return readTags(document).filter(tag => tag.name === name && !tag.closing)
}

/** The forms of a page, each with the tags inside it. */
export function formsOf(document: string): { action: string; tags: Tag[] }[] {
  const forms: { action: string; tags: Tag[] }[] = []
  let inside = false
  for (const tag of readTags(document)) {
    if (tag.name !== 'form') {
      if (inside) forms.at(-1)?.tags.push(tag)
      continue
    }
    inside = !tag.closing
    if (inside) forms.push({ action: tag.attributes['action'] ?? '', tags: [] })
  }
  return forms
}

/** Tags and attribute names without values: what a probe in a value must not change. */
export function shapeOf(document: string): string[] {
  return readTags(document).map(
    tag => `${tag.closing ? '/' : ''}${tag.name} ${Object.keys(tag.attributes).join(' ')}`
  )
}
