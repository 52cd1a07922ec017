// The rules of the house as pure functions over a path and its source (docs/architecture.md): who may import whom, the doors to the
// outside, and how a file looks. test/architecture.test.ts feeds them the tree, and for each rule a file that breaks it.

import { posix } from 'node:path'
import { readImports } from './imports.ts'
import { lookViolations, type SourceFile, type Violation } from './look-rules.ts'

interface Row {
  floor: number
  /** folders, or single files; a folder's own files are always open to it */
  may: readonly string[]
  /** folders of which only `import type` is allowed */
  types?: readonly string[]
}

const ground = ['oauth', 'lib']
const tools = ['config', 'telemetry', 'i18n', 'views']
const domain = ['keys', 'clients', 'grants', 'accounts', 'federation', 'mail', 'audit']
const edge = ['pages', 'admin', 'ops']
const underPages = [...ground, ...tools, ...domain, 'protocol/ports.ts']
const all = [...ground, ...tools, 'store', ...domain, 'protocol', ...edge, 'demo', 'cli']
const everything = [
  ...all,
  'resource-server',
  'server.ts',
  'people.ts',
  'own-account.ts',
  'main.ts'
]

function rows(names: readonly string[], row: Row): [string, Row][] {
  return names.map(name => [name, row])
}

/** The import table: one row per folder of src/, and for the files at its root. */
export const floors: ReadonlyMap<string, Row> = new Map<string, Row>([
  ...rows(ground, { floor: 0, may: [] }),
  ...rows(['config', 'telemetry', 'i18n'], { floor: 1, may: ground }),
  ['views', { floor: 1, may: [...ground, 'i18n'] }],
  ['store', { floor: 2, may: ground, types: ['config', 'telemetry'] }],
  ...rows(domain, { floor: 3, may: [...ground, ...tools, 'store', 'audit'] }),
  ['protocol', { floor: 4, may: [...ground, ...tools, 'store', ...domain] }],
  ...rows(['pages', 'admin'], { floor: 5, may: underPages }),
  ['ops', { floor: 5, may: [...underPages, 'store'] }],
  ...rows(['server.ts', 'people.ts', 'own-account.ts', 'main.ts', 'cli'], {
    floor: 6,
    may: everything
  }),
  ['demo', { floor: 6, may: [...ground, 'views', 'i18n', 'resource-server'] }],
  ['resource-server', { floor: 6, may: ['oauth', 'lib/cache.ts'] }],
  // a package of its own, for apps: it knows the server only over HTTP
  ['browser-session', { floor: 6, may: [] }]
])

/** Packages that only some folders may open. */
const doors: ReadonlyMap<string, readonly string[]> = new Map([
  ['knex', ['store']],
  ['pg', ['store']],
  ['oidc-provider', ['protocol']],
  ['jose', ['keys', 'clients', 'protocol', 'federation', 'resource-server', 'browser-session']],
  // a relying party like any other: the package signs people in at an issuer, ours or another
  ['openid-client', ['federation', 'demo', 'browser-session']]
])

/** `src/keys/ring.ts` belongs to `keys`, `src/main.ts` to `main.ts`; undefined outside src/. */
export function unitOf(path: string): string | undefined {
  return path.startsWith('src/') ? path.split('/')[1] : undefined
}

/** Where a relative specifier leads, from the root; undefined for a package. */
function targetOf(path: string, specifier: string): string | undefined {
  return specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : undefined
}

function packageOf(specifier: string): string {
  const [scope = '', name = ''] = specifier.split('/')
  return scope.startsWith('@') ? `${scope}/${name}` : scope
}

function tableSentence(unit: string, row: Row, target: string, kind: 'type' | 'value') {
  const targetUnit = unitOf(target)
  if (targetUnit === undefined)
    return posix.basename(target) === 'package.json'
      ? undefined
      : `src/ stands alone, and ${target} is outside it`
  const short = target.slice('src/'.length)
  if (targetUnit === unit || row.may.includes(targetUnit) || row.may.includes(short)) return
  const onlyTypes = row.types?.includes(targetUnit)
  if (onlyTypes && kind === 'type') return
  const may = row.may.length === 0 ? 'only itself' : `itself, ${row.may.join(', ')}`
  const hint = onlyTypes ? `; of ${targetUnit} only types, with \`import type\`` : ''
  return `${unit} (floor ${row.floor}) may not import ${short}: it may import ${may}${hint}`
}

function doorSentence(unit: string, specifier: string): string | undefined {
  const name = packageOf(specifier)
  if (unit === 'oauth') return `oauth imports nothing, and so not ${specifier}`
  const open = doors.get(name)
  if (open === undefined || open.includes(unit)) return
  return `${name} is opened only in ${open.map(folder => `${folder}/`).join(', ')}, not in ${unit}`
}

/** What a single file of src/ imports against the table and through the doors. */
export function importViolations({ path, source }: SourceFile): Violation[] {
  const unit = unitOf(path)
  if (unit === undefined) return []
  const row = floors.get(unit)
  if (row === undefined)
    return [{ path, line: 1, sentence: `${unit} stands on no floor: add it to the import table` }]
  const found: Violation[] = []
  for (const { line, specifier, kind } of readImports(source)) {
    if (specifier === undefined) {
      const sentence = 'a computed import() hides from the import table: give it a literal'
      found.push({ path, line, sentence })
      continue
    }
    const target = targetOf(path, specifier)
    const sentence =
      target === undefined ? doorSentence(unit, specifier) : tableSentence(unit, row, target, kind)
    if (sentence !== undefined) found.push({ path, line, sentence })
    if (target !== undefined && !/\.(ts|json)$/.test(target))
      found.push({ path, line, sentence: `write the file's ending: ${specifier} is no .ts file` })
  }
  return found
}

interface Edge {
  target: string
  line: number
}

/** Every circle of imports, type-only ones among them, once, at the line that closes it. */
export function cycles(files: readonly SourceFile[]): Violation[] {
  const edges = new Map<string, Edge[]>()
  for (const { path, source } of files)
    edges.set(
      path,
      readImports(source).flatMap(({ specifier, line }) => {
        const target = specifier === undefined ? undefined : targetOf(path, specifier)
        return target === undefined ? [] : [{ target, line }]
      })
    )
  const found: Violation[] = []
  const done = new Set<string>()
  function visit(path: string, trail: readonly string[]) {
    if (done.has(path)) return
    const here = [...trail, path]
    for (const { target, line } of edges.get(path) ?? []) {
      const start = here.indexOf(target)
      if (start === -1) visit(target, here)
      else {
        const circle = [...here.slice(start), target].join(' -> ')
        found.push({ path, line, sentence: `imports run in a circle: ${circle}` })
      }
    }
    done.add(path)
  }
  for (const path of edges.keys()) visit(path, [])
  return found
}

/** All rules over all files; one violation per line of the answer. */
export function houseViolations(files: readonly SourceFile[]): Violation[] {
  const single = files.flatMap(file => [...importViolations(file), ...lookViolations(file)])
  return [...single, ...cycles(files.filter(file => file.path.startsWith('src/')))]
}

/** `file:line: sentence`, so that a terminal or an editor can jump to it. */
export function sentenceOf({ path, line, sentence }: Violation): string {
  return `${path}:${line}: ${sentence}`
}
