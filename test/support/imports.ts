// Reads what a file reaches for: static, type-only, re-exporting and dynamic imports, require and import.meta.resolve. Refuses
// nothing itself: the rules are in house-rules.ts. An import() without a literal is answered too, so that a rule can refuse it.

import { type Token, tokenize } from './tokens.ts'

export interface Import {
  line: number
  /** undefined: computed, so nobody can tell where it leads; `open` template: its fixed beginning */
  specifier: string | undefined
  /** `type`: gone at run time; `value`: anything else */
  kind: 'type' | 'value'
  /** names taken from the module, as they are called there; empty for a namespace, a default or a dynamic import */
  names: string[]
}

interface Reader {
  tokens: Token[]
  at: number
}

function is(token: Token | undefined, text: string): boolean {
  return (token?.kind === 'word' || token?.kind === 'mark') && token.text === text
}

/** The argument of `import(…)` and its kin, from the token behind the parenthesis. */
function argument(token: Token | undefined, next: Token | undefined): string | undefined {
  if (token?.kind === 'template') return token.text === '' ? undefined : token.text
  if (token?.kind === 'string' && !is(next, '+')) return token.text
  return undefined
}

/** Names between braces: `{ a, type b as c }` gives a and b. */
function namesIn(tokens: Token[]): string[] {
  const names: string[] = []
  let fresh = true
  for (const [i, token] of tokens.entries()) {
    const next = tokens[i + 1]
    const modifier = is(token, 'type') && (next?.kind === 'word' || next?.kind === 'string')
    if (is(token, '{') || is(token, ',')) fresh = true
    else if (fresh && !(modifier && !is(next, 'as'))) {
      if (token.kind === 'word' || token.kind === 'string') names.push(token.text)
      fresh = false
    }
  }
  return names
}

/** From behind `import` or `export` up to the module's name; undefined if the statement names none. */
function clause({ tokens, at }: Reader, line: number): Import | undefined {
  const braces: Token[] = []
  let open = false
  const first = tokens[at]
  const second = tokens[at + 1]
  const typed =
    is(first, 'type') &&
    !is(second, ',') &&
    !(is(second, 'from') && tokens[at + 2]?.kind === 'string')
  for (let i = at; i < tokens.length; i += 1) {
    const token = tokens[i]
    const next = tokens[i + 1]
    if (token === undefined || is(token, ';') || is(token, '=') || is(token, '(')) return undefined
    if (is(token, '{')) open = true
    if (open) braces.push(token)
    if (is(token, '}')) open = false
    if (!open && is(token, 'from') && next?.kind === 'string')
      return {
        line,
        specifier: next.text,
        kind: typed ? 'type' : 'value',
        names: namesIn(braces.slice(0, -1))
      }
    // `export { a }` with nothing behind it, or the next statement began
    const closed = is(token, '}') && !is(next, 'from') && !is(next, ',')
    if (
      closed ||
      (!open && i > at && ['import', 'export', 'const', 'function'].includes(token.text))
    )
      return undefined
  }
  return undefined
}

/** `import x`, `import(x)`, `import 'x'`; undefined for `import.meta` and for a property of that name. */
function importAt(tokens: Token[], i: number, line: number): Import | undefined {
  const next = tokens[i + 1]
  if (is(next, '.') || is(next, ':')) return undefined
  if (is(next, '(')) {
    // `import('x').Y` in a type and `await import('x')` look alike: the stricter reading holds
    const specifier = argument(tokens[i + 2], tokens[i + 3])
    return { line, specifier, kind: is(tokens[i - 1], 'typeof') ? 'type' : 'value', names: [] }
  }
  if (next?.kind === 'string') return { line, specifier: next.text, kind: 'value', names: [] }
  return clause({ tokens, at: i + 1 }, line)
}

/** `require('x')`, `require.resolve('x')`, `import.meta.resolve('x')`. */
function resolveAt(tokens: Token[], i: number, line: number): Import | undefined {
  const word = tokens[i]
  if (!is(tokens[i + 1], '(')) return undefined
  const owner = is(tokens[i - 1], '.') ? tokens[i - 2] : undefined
  const plain = is(word, 'require') && owner === undefined
  const resolves = is(word, 'resolve') && (is(owner, 'require') || is(owner, 'meta'))
  if (!plain && !resolves) return undefined
  return { line, specifier: argument(tokens[i + 2], tokens[i + 3]), kind: 'value', names: [] }
}

/** Every import of a source, in the order in which they stand. */
export function readImports(source: string): Import[] {
  const tokens = tokenize(source).filter(token => token.kind !== 'comment')
  const found: Import[] = []
  for (const [i, token] of tokens.entries()) {
    if (token.kind !== 'word') continue
    const member = is(tokens[i - 1], '.') || is(tokens[i - 1], '?.')
    let one: Import | undefined
    if (token.text === 'import' && !member) one = importAt(tokens, i, token.line)
    else if (token.text === 'export' && !member) {
      const next = tokens[i + 1]
      const typed = is(next, 'type') && (is(tokens[i + 2], '{') || is(tokens[i + 2], '*'))
      if (is(next, '{') || is(next, '*') || typed) one = clause({ tokens, at: i + 1 }, token.line)
    } else one = resolveAt(tokens, i, token.line)
    if (one !== undefined) found.push(one)
  }
  return found
}
