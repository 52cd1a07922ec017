// How a single file looks (docs/architecture.md): its name, its first lines, its length, and the words that it does without. Pure
// functions over a path and its source. What Biome and the compiler hold already is not repeated, except where a switch in a
// configuration file could turn it off unnoticed.

import { readImports } from './imports.ts'
import { type Token, tokenize } from './tokens.ts'

export interface SourceFile {
  /** from the repository's root, with forward slashes */
  path: string
  source: string
}

export interface Violation {
  path: string
  line: number
  sentence: string
}

/** Files whose default export is a Fastify plugin. */
const fastifyPlugins: readonly string[] = []

const maximumLines = 400
/** A language is one file, so that adding one is adding one. */
const language = /^src\/i18n\/[a-z]{2,3}(-[A-Za-z]+)?\.ts$/
const leading = { least: 2, most: 6 }
const nowhere = ['utils', 'helpers', 'common', 'types']
// put together here, so that a search for them finds only what was really left behind
const leftovers = new RegExp(
  `\\b(${['TO-DO', 'FIX-ME', 'X-XX', 'HA-CK'].join('|').replaceAll('-', '')})\\b`
)
const sql =
  /^\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|TRUNCATE|LISTEN|(CREATE|ALTER|DROP) TABLE)\s/
const fileName = /^[a-z0-9]+(-[a-z0-9]+)*(\.test|\.d)?\.(ts|mjs)$/
const folderName = /^[a-z0-9]+(-[a-z0-9]+)*$/

type Found = Omit<Violation, 'path'>

/** `code`: its tokens without comments; `depths`: how many brackets are open around each of them. */
interface Look extends SourceFile {
  tokens: readonly Token[]
  code: readonly Token[]
  depths: readonly number[]
}

const isWord = (token: Token | undefined, ...texts: string[]) =>
  token?.kind === 'word' && (texts.length === 0 || texts.includes(token.text))
const isMark = (token: Token | undefined, ...texts: string[]) =>
  token?.kind === 'mark' && texts.includes(token.text)

function names({ path }: Look): Found[] {
  const parts = path.split('/')
  const file = parts.pop() ?? ''
  const found: string[] = []
  for (const folder of parts) {
    if (nowhere.includes(folder)) found.push(`no folder is called ${folder}: name the noun it owns`)
    if (!folderName.test(folder)) found.push(`folder ${folder} is not kebab-case`)
  }
  if (!fileName.test(file)) found.push(`${file} is not kebab-case`)
  if (/^index\./.test(file)) found.push('no barrel index: import the file that has what you need')
  return found.map(sentence => ({ line: 1, sentence }))
}

function firstLines({ path, source, tokens }: Look): Found[] {
  const first = source.startsWith('#!') ? 2 : 1
  let next = first
  for (const token of tokens) {
    if (token.kind !== 'comment' || token.line !== next) break
    next += token.text.split('\n').length
  }
  const count = next - first
  // a test's titles say the rest
  const least = path.startsWith('test/') ? 1 : leading.least
  if (count >= least && count <= leading.most) return []
  const wanted = `a file begins with ${least} to ${leading.most} lines of comment`
  return [{ line: first, sentence: `${wanted} (what it owns, what it refuses), not ${count}` }]
}

function length({ path, source }: Look): Found[] {
  const lines = source.replace(/\n$/, '').split('\n').length
  if (lines <= maximumLines || language.test(path)) return []
  return [
    { line: maximumLines + 1, sentence: `${lines} lines are too many: ${maximumLines} at most` }
  ]
}

function leftoverWords({ tokens }: Look): Found[] {
  return tokens.flatMap(({ kind, text, line }) => {
    const word = ['comment', 'string', 'template'].includes(kind) && leftovers.exec(text)
    if (!word) return []
    const above = text.slice(0, word.index).split('\n').length - 1
    return [{ line: line + above, sentence: `${word[0]} stands here: finish it, or open an issue` }]
  })
}

function suppressions({ tokens }: Look): Found[] {
  return tokens.flatMap(({ kind, text, line }) =>
    kind === 'comment' && /@ts-(ignore|nocheck)|@ts-expect-error\s*(\*\/)?$/.test(text)
      ? [{ line, sentence: 'the compiler is silenced without a reason: @ts-expect-error, and why' }]
      : []
  )
}

function defaultExport({ path, code }: Look): Found[] {
  if (fastifyPlugins.includes(path)) return []
  return code.flatMap((token, i) =>
    isWord(token, 'default') && isWord(code[i - 1], 'export', 'as')
      ? [{ line: token.line, sentence: 'no default export: only a Fastify plugin has one' }]
      : []
  )
}

/** TypeScript that does not vanish when types are stripped. */
function erasable({ code }: Look): Found[] {
  const found: Found[] = []
  for (const [i, token] of code.entries()) {
    const { line } = token
    const next = code[i + 1]
    const named = isWord(next) && isMark(code[i + 2], '{', '.')
    if (isMark(code[i - 1], '.', '?.')) continue
    if (isWord(token, 'enum') && isWord(next) && isMark(code[i + 2], '{'))
      found.push({ line, sentence: 'no enum: a union of strings, or a frozen table' })
    if (isWord(token, 'namespace', 'module') && named)
      found.push({ line, sentence: `no ${token.text}: a file is one already` })
    if (isWord(token, 'import') && isWord(next) && isMark(code[i + 2], '='))
      found.push({ line, sentence: 'no `import x = …`: it does not vanish with the types' })
    if (isWord(token, 'constructor') && isMark(next, '(')) found.push(...properties(code, i + 2))
  }
  return found
}

/** Parameter properties in a constructor's list, which begins at `from`. */
function properties(code: readonly Token[], from: number): Found[] {
  const found: Found[] = []
  let depth = 1
  for (let i = from; i < code.length && depth > 0; i += 1) {
    const token = code[i]
    if (token === undefined) break
    if (isMark(token, '(', '{', '[')) depth += 1
    if (isMark(token, ')', '}', ']')) depth -= 1
    const begins = depth === 1 && (i === from || isMark(code[i - 1], ','))
    if (
      begins &&
      isWord(token, 'private', 'public', 'protected', 'readonly') &&
      isWord(code[i + 1])
    )
      found.push({ line: token.line, sentence: 'no parameter property: declare the field' })
  }
  return found
}

function moduleState({ path, code, depths }: Look): Found[] {
  if (!path.startsWith('src/')) return []
  return code.flatMap((token, i) => {
    if (depths[i] !== 0 || isMark(code[i - 1], '.', '?.')) return []
    const variable = isWord(token, 'let', 'var') && isWord(code[i + 1])
    const container =
      isWord(token, 'Map', 'Set', 'WeakMap', 'WeakSet') &&
      isWord(code[i - 1], 'new') &&
      empty(code, i)
    const sentence = 'no mutable state in a module: let a factory hold it'
    return variable || container ? [{ line: token.line, sentence }] : []
  })
}

/** `new Map()` or `new Map<K, V>()`: a container that something fills later. */
function empty(code: readonly Token[], i: number): boolean {
  const open = code.findIndex((token, at) => at > i && isMark(token, '('))
  return open !== -1 && isMark(code[open + 1], ')')
}

function processDoors({ path, source, code }: Look): Found[] {
  if (!path.startsWith('src/')) return []
  const exits = path === 'src/main.ts' || path.startsWith('src/cli/')
  const reads = path === 'src/config/load.ts'
  const sentences: Record<string, string | undefined> = {
    env: reads ? undefined : 'process.env is read only in config/load.ts: ask for the value',
    exit: exits ? undefined : 'process.exit is called only in main.ts and cli/: throw, or return'
  }
  const found: Found[] = []
  const note = (name: string | undefined, line: number) => {
    const sentence = Object.hasOwn(sentences, name ?? '') ? sentences[name ?? ''] : undefined
    if (sentence !== undefined) found.push({ line, sentence })
  }
  for (const [i, token] of code.entries()) {
    if (!isWord(token, 'process')) continue
    const member = code[i + 2]
    if (isMark(code[i + 1], '.', '?.', '[')) note(member?.text, member?.line ?? token.line)
    // `const { env } = process`
    if (isMark(code[i - 1], '=') && isMark(code[i - 2], '}') && !isMark(code[i + 1], '.', '[')) {
      for (let at = i - 3; at >= 0 && !isMark(code[at], '{'); at -= 1)
        if (!isMark(code[at - 1], ':')) note(code[at]?.text, token.line)
    }
  }
  for (const { specifier, names: taken, line } of readImports(source))
    if (specifier === 'node:process' || specifier === 'process')
      for (const name of taken) note(name, line)
  return found
}

function sqlText({ path, code }: Look): Found[] {
  if (!path.startsWith('src/') || path.startsWith('src/store/')) return []
  return code.flatMap(({ kind, text, line }) =>
    (kind === 'string' || kind === 'template') && sql.test(text)
      ? [{ line, sentence: 'SQL stands only in store/: ask the store for what you need' }]
      : []
  )
}

function depthsOf(code: readonly Token[]): number[] {
  let depth = 0
  return code.map(token => {
    if (isMark(token, '}', ')', ']')) depth -= 1
    const here = depth
    if (isMark(token, '{', '(', '[')) depth += 1
    return here
  })
}

const rules = [
  names,
  firstLines,
  length,
  leftoverWords,
  suppressions,
  defaultExport,
  erasable,
  moduleState,
  processDoors,
  sqlText
]

/** Whatever is wrong with how this file looks. */
export function lookViolations({ path, source }: SourceFile): Violation[] {
  const tokens = tokenize(source)
  const code = tokens.filter(token => token.kind !== 'comment')
  const look = { path, source, tokens, code, depths: depthsOf(code) }
  return rules.flatMap(rule => rule(look)).map(found => ({ path, ...found }))
}
