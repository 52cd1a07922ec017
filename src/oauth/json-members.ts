// Members that stand twice in one JSON object. Parsers differ in which of the two they take (RFC 8259 §4), so what was checked by one may
// not be what another acts on. Owns that one question; whether the text is JSON at all is JSON.parse's to say.

/** Strings, as the grammar has them, and what opens, closes and divides. */
const tokens = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g

/** True when some object of the text has two members of one name, however they are escaped. Only sound for text that is JSON. */
export function hasDuplicateMembers(text: string): boolean {
  /** names of each object that is open; undefined for a list */
  const open: (Set<string> | undefined)[] = []
  let name: string | undefined
  for (const [token] of text.matchAll(tokens)) {
    if (token === '{') open.push(new Set())
    else if (token === '[') open.push(undefined)
    else if (token === '}' || token === ']') open.pop()
    else if (token === ':') {
      const names = open.at(-1)
      if (names === undefined || name === undefined) continue
      if (names.has(name)) return true
      names.add(name)
    }
    name = token.startsWith('"') ? (JSON.parse(token) as string) : undefined
  }
  return false
}
