// Cuts TypeScript into words, marks, strings and comments, each with its line: enough to read imports without being fooled by an
// import that stands in a comment, a string, a template or a regular expression. It is no parser: it knows no types and no scopes.

export interface Token {
  kind: 'word' | 'mark' | 'string' | 'template' | 'number' | 'regex' | 'comment'
  /** strings: the value as written between the quotes; templates: the text up to the first `${` */
  text: string
  /** templates only: there is a `${}` in it */
  open?: boolean
  line: number
}

/** After these words a slash begins a regular expression, not a division. */
const beforeExpression = new Set(
  'return typeof case in of delete void throw new else do instanceof yield await'.split(' ')
)

const wordPattern = /[\p{ID_Start}$_#@][\p{ID_Continue}$\u200c\u200d]*/uy
const numberPattern = /\.?\d[\w.]*/y
const regexPattern = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/y
const spacePattern = /\s+/y

/** Where a template literal's text beginning at `from` stops: at its closing backtick, or behind a `${`. */
function templatePiece(source: string, from: number): { end: number; text: string; open: boolean } {
  let at = from
  while (at < source.length) {
    if (source[at] === '\\') at += 2
    else if (source[at] === '`') return { end: at + 1, text: source.slice(from, at), open: false }
    else if (source.startsWith('${', at))
      return { end: at + 2, text: source.slice(from, at), open: true }
    else at += 1
  }
  return { end: source.length, text: source.slice(from), open: false }
}

/** A quoted string ends at its quote, or at the end of the line when somebody forgot it. */
function stringEnd(source: string, from: number): number {
  const quote = source[from]
  let at = from + 1
  while (at < source.length && source[at] !== '\n') {
    if (source[at] === '\\') at += 2
    else if (source[at] === quote) return at
    else at += 1
  }
  return at
}

function matchAt(pattern: RegExp, source: string, at: number): string | undefined {
  pattern.lastIndex = at
  return pattern.exec(source)?.[0]
}

function divides(previous: Token | undefined): boolean {
  if (previous === undefined) return false
  if (previous.kind === 'mark') return [')', ']', '}'].includes(previous.text)
  return previous.kind !== 'word' || !beforeExpression.has(previous.text)
}

/** All tokens of a source, comments among them. Never throws: what it does not know becomes a mark. */
export function tokenize(source: string): Token[] {
  const tokens: Token[] = []
  // one entry per template that is open: how many braces are open inside its `${`
  const templates: number[] = []
  let previous: Token | undefined
  let at = 0
  let line = 1

  function take(token: Omit<Token, 'line'>, end: number) {
    const taken = { ...token, line }
    tokens.push(taken)
    if (token.kind !== 'comment') previous = taken
    move(end)
  }
  function move(end: number) {
    for (let i = at; i < end; i += 1) if (source[i] === '\n') line += 1
    at = end
  }
  function takeTemplate(from: number) {
    const { end, text, open } = templatePiece(source, from)
    if (open) templates.push(0)
    take({ kind: 'template', text, open }, end)
  }
  /** braces decide whether a `}` closes a block or returns to the template around it */
  function takeMark(mark: string) {
    const depth = templates.at(-1)
    if (mark === '}' && depth === 0) {
      templates.pop()
      takeTemplate(at + 1)
      return
    }
    if (depth !== undefined && mark === '{') templates[templates.length - 1] = depth + 1
    if (depth !== undefined && mark === '}') templates[templates.length - 1] = depth - 1
    take({ kind: 'mark', text: mark }, at + mark.length)
  }

  if (source.startsWith('#!'))
    move(source.indexOf('\n') === -1 ? source.length : source.indexOf('\n'))
  while (at < source.length) {
    const here = source.charAt(at)
    const space = matchAt(spacePattern, source, at)
    if (space !== undefined) {
      move(at + space.length)
      continue
    }
    if (source.startsWith('//', at) || source.startsWith('/*', at)) {
      const block = source.startsWith('/*', at)
      const found = source.indexOf(block ? '*/' : '\n', at + 2)
      const end = found === -1 ? source.length : found + (block ? 2 : 0)
      take({ kind: 'comment', text: source.slice(at, end) }, end)
      continue
    }
    if (here === "'" || here === '"') {
      const end = stringEnd(source, at)
      take({ kind: 'string', text: source.slice(at + 1, end) }, Math.min(end + 1, source.length))
      continue
    }
    if (here === '`') {
      takeTemplate(at + 1)
      continue
    }
    const regex = here === '/' && !divides(previous) && matchAt(regexPattern, source, at)
    if (regex) {
      take({ kind: 'regex', text: regex }, at + regex.length)
      continue
    }
    const number = matchAt(numberPattern, source, at)
    const word = number === undefined ? matchAt(wordPattern, source, at) : undefined
    if (number !== undefined) take({ kind: 'number', text: number }, at + number.length)
    else if (word !== undefined) take({ kind: 'word', text: word }, at + word.length)
    else takeMark(source.startsWith('?.', at) ? '?.' : source.startsWith('...', at) ? '...' : here)
  }
  return tokens
}
