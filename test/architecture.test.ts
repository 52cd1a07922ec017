// Holds the house to its plan (docs/architecture.md): the import table, the doors to the outside, and how a file looks. Each rule is
// first shown to catch a file that breaks it, so that a green tree means something; then the tree itself is read.

import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { allowed, forbidden } from './support/house-cases.ts'
import { cycles, houseViolations, sentenceOf } from './support/house-rules.ts'
import { readImports } from './support/imports.ts'
import type { SourceFile } from './support/look-rules.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const head = '// What this file owns.\n// What it refuses.\n'

function filesUnder(folder: string): SourceFile[] {
  return readdirSync(`${root}${folder}`, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && /\.(ts|mjs)$/.test(entry.name))
    .map(entry => `${entry.parentPath}/${entry.name}`.slice(root.length).replaceAll('\\', '/'))
    .filter(path => !path.includes('/node_modules/'))
    .sort()
    .map(path => ({ path, source: readFileSync(`${root}${path}`, 'utf8') }))
}

/** The sentences about one file that begins as it should. */
function about(path: string, code: string): string[] {
  return houseViolations([{ path, source: `${head}${code}` }]).map(sentenceOf)
}

const tree = ['src', 'test', 'bin'].flatMap(filesUnder)
const sources = tree.filter(file => file.path.startsWith('src/'))

t.test('the tree keeps every rule of the house', async t => {
  t.ok(sources.length > 0, 'src/ was read')
  for (const violation of houseViolations(tree)) t.fail(sentenceOf(violation), { stack: '' })
})

t.test('half of the files in src/ have at most 100 lines', async t => {
  const lengths = sources.map(file => file.source.split('\n').length - 1).sort((a, b) => a - b)
  const median = lengths[Math.floor(lengths.length / 2)] ?? 0
  t.ok(median <= 100, `the median file has ${median} lines`)
})

t.test('imports are read as the language reads them', async t => {
  const source = `
    // import a from 'comment'
    /* import b from 'block' */
    const s = "import c from 'string'"
    const e = 'it\\'s: import("escaped")'
    const u = \`import('text') \${await import('inside')} \${{ deep: \`\${s}\` }} import('after')\`
    const r = /import 'regex'/.test(s)
    const q = a / b / c
    import one from 'one'
    import type { Two } from 'two'
    import { type Three, three as drei } from 'three'
    import * as four from 'four'
    import 'five'
    export * from 'six'
    export { seven } from 'seven'
    export type { Eight } from 'eight'
    export { s }
    export type Name = { from: 'member' }
    type Nine = typeof import('nine')
    const ten = require('ten')
    const eleven = import.meta.resolve('eleven')
    import json from './twelve.json' with { type: 'json' }
    container.import('method')
    import(computed)
    import(\`@scope/\${platform}\`)
  `
  const read = readImports(source).map(({ specifier, kind }) => `${kind} ${specifier}`)
  t.strictSame(read, [
    'value inside',
    'value one',
    'type two',
    'value three',
    'value four',
    'value five',
    'value six',
    'value seven',
    'type eight',
    'type nine',
    'value ten',
    'value eleven',
    'value ./twelve.json',
    'value undefined',
    'value @scope/'
  ])
  const lines = readImports("import a from 'a'\n\n\nimport {\n  b\n} from 'b'")
  t.strictSame(
    lines.map(({ line, names }) => [line, names]),
    [
      [1, []],
      [4, ['b']]
    ]
  )
})

for (const [rule, path, code, sentence] of forbidden)
  t.test(`caught: ${rule}`, async t => {
    const found = about(path, code)
    t.ok(
      found.some(line => sentence.test(line)),
      `${path}: ${code.slice(0, 80)}`,
      { found }
    )
    t.ok(
      found.every(line => line.startsWith(`${path}:`)),
      'it names file and line'
    )
  })

t.test('the line of a violation is the line of the import', async t => {
  const found = about('src/keys/ring.ts', "\n\nimport {\n  a\n} from '../clients/a.ts'\n")
  t.match(found, [/^src\/keys\/ring\.ts:5: keys \(floor 3\) may not import clients\/a\.ts/])
})

t.test('what the plan allows is not refused', async t => {
  for (const [path, code] of allowed)
    t.strictSame(about(path, code), [], `${path}: ${code.slice(0, 60)}`)
})

t.test('a file begins with two to six lines of comment', async t => {
  const counts = (source: string) =>
    houseViolations([{ path: 'src/keys/ring.ts', source }]).filter(({ sentence }) =>
      sentence.includes('lines of comment')
    ).length
  t.equal(counts('export const a = 1\n'), 1, 'none')
  t.equal(counts('// one\n\nexport const a = 1\n'), 1, 'one')
  t.equal(counts('// one\n\n// two\nexport const a = 1\n'), 1, 'one, and another further down')
  t.equal(counts('// one\n// two\n\nexport const a = 1\n'), 0, 'two')
  t.equal(counts('#!/usr/bin/env node\n// one\n// two\n'), 0, 'two behind a #! line')
  t.equal(counts('/* one\n * two\n */\nexport const a = 1\n'), 0, 'a block of three')
  t.equal(counts('// line\n'.repeat(6)), 0, 'six')
  t.equal(counts('// line\n'.repeat(7)), 1, 'seven')
})

t.test('imports that run in a circle are named once, type-only ones too', async t => {
  const found = cycles([
    { path: 'src/keys/a.ts', source: "import './b.ts'" },
    { path: 'src/keys/b.ts', source: "\nimport type { C } from './c.ts'" },
    { path: 'src/keys/c.ts', source: "import './d.ts'\nimport './a.ts'" },
    { path: 'src/keys/d.ts', source: "import 'jose'" }
  ])
  t.strictSame(found.map(sentenceOf), [
    'src/keys/c.ts:2: imports run in a circle: src/keys/a.ts -> src/keys/b.ts -> src/keys/c.ts -> src/keys/a.ts'
  ])
})
