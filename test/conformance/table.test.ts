// Holds README.md beside this file to the truth: every row names a test file that exists and a title that stands in it, and no check is
// claimed twice by the same test. Every number of the list has a row, or a line that says why not. It does not judge whether the test proves
// the requirement.

import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const root = fileURLToPath(new URL('../../', import.meta.url))

interface Row {
  line: number
  number: string
  file: string
  title: string
}

function rowsOf(table: string): Row[] {
  return table.split('\n').flatMap((text, i) => {
    const cells = text.split('|').map(cell => cell.trim())
    if (cells.length < 7 || !/^(R-)?\d+$/.test(cells[1] ?? '')) return []
    const [, number = '', , , file = '', title = ''] = cells
    return [{ line: i + 1, number, file: file.replaceAll('`', ''), title }]
  })
}

/** What is wrong with the rows, one sentence each; `read` answers the source of a test, if there is one. */
function problems(rows: readonly Row[], read: (file: string) => string | undefined): string[] {
  const seen = new Set<string>()
  return rows.flatMap(({ line, number, file, title }) => {
    const place = `test/conformance/README.md:${line}: ${number}`
    const key = `${number} ${file} ${title}`
    const source = read(file)
    const found: string[] = []
    if (seen.has(key)) found.push(`${place} stands twice`)
    if (source === undefined) found.push(`${place}: there is no ${file}`)
    else if (title === '' || !source.includes(title))
      found.push(`${place}: ${file} has no test called "${title}"`)
    seen.add(key)
    return found
  })
}

/** The numbers of the list: 213 checks and 96 families. */
const list = [
  ...Array.from({ length: 213 }, (_, at) => String(at + 1)),
  ...Array.from({ length: 96 }, (_, at) => `R-${String(at + 1).padStart(2, '0')}`)
]

/** Numbers that stand in no table or in both, and lines that give no reason; one sentence each. */
function unanswered(table: string, numbers: readonly string[]): string[] {
  const proved = new Set(rowsOf(table).map(({ number }) => number))
  const open = new Map<string, string>()
  const found: string[] = []
  for (const line of table.split('\n')) {
    const cells = line.split('|').map(cell => cell.trim())
    const [, number = '', , why = ''] = cells
    if (cells.length !== 5 || !/^(R-)?\d+$/.test(number)) continue
    if (open.has(number)) found.push(`${number} has two lines`)
    open.set(number, why)
    if (!/^(not applicable|missing): \S/.test(why)) found.push(`${number} gives no reason: ${why}`)
    if (!numbers.includes(number)) found.push(`${number} is no number of the list`)
  }
  for (const number of numbers) {
    const [isProved, isOpen] = [proved.has(number), open.has(number)]
    if (isProved && isOpen) {
      found.push(`${number} has a row now: take its line out of "Checks of the list without a row"`)
    }
    if (!isProved && !isOpen) found.push(`${number} has no row, and no line that says why`)
  }
  return found
}

t.test('every number of the list has a row, or says why not', async t => {
  const table = readFileSync(new URL('./README.md', import.meta.url), 'utf8')
  for (const problem of unanswered(table, list)) t.fail(problem)
  t.equal(list.length, 309)
})

t.test('a number in both tables, in none, or without a reason is caught', async t => {
  const table = [
    '| 1 | issuer | RFC | `test/a.test.ts` | here it is |',
    '| 2 | host | RFC | `test/a.test.ts` | here it is |',
    '| 2 | host | missing: somebody |',
    '| 4 | PKCE | later |',
    '| 9 | nothing | missing: it |'
  ].join('\n')
  t.strictSame(unanswered(table, ['1', '2', '3', '4']), [
    '4 gives no reason: later',
    '9 is no number of the list',
    '2 has a row now: take its line out of "Checks of the list without a row"',
    '3 has no row, and no line that says why'
  ])
})

t.test('every row of the table names a test that exists', async t => {
  const rows = rowsOf(readFileSync(new URL('./README.md', import.meta.url), 'utf8'))
  t.ok(rows.length > 0, 'there are rows')
  const read = (file: string) =>
    file.endsWith('.test.ts') && existsSync(root + file)
      ? readFileSync(root + file, 'utf8')
      : undefined
  for (const problem of problems(rows, read)) t.fail(problem)
})

t.test('a row without its test is caught', async t => {
  const table = [
    '| # | requirement | source | test | title |',
    '|---|---|---|---|---|',
    '| 4 | S256 only | RFC | `test/a.test.ts` | here it is |',
    '| 5 | no implicit | RFC | `test/a.test.ts` | nowhere |',
    '| 6 | iss | RFC | `test/b.test.ts` | here it is |',
    '| 7 | empty | RFC | `test/a.test.ts` | |',
    '| 4 | S256 only | RFC | `test/a.test.ts` | here it is |'
  ].join('\n')
  const found = problems(rowsOf(table), file =>
    file === 'test/a.test.ts' ? "t.test('here it is', …)" : undefined
  )
  t.strictSame(found, [
    'test/conformance/README.md:4: 5: test/a.test.ts has no test called "nowhere"',
    'test/conformance/README.md:5: 6: there is no test/b.test.ts',
    'test/conformance/README.md:6: 7: test/a.test.ts has no test called ""',
    'test/conformance/README.md:7: 4 stands twice'
  ])
})
