// Every test file runs exactly once in `npm test`, in a suite or by itself, or .taprc says that it does not.

import { globSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { filesOf, suiteNames, taprcList } from './run-suite.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const cwd = { cwd: root }

t.test('each test file is in one suite, or stands alone', async t => {
  const excluded = globSync(taprcList('exclude'), cwd)
  const alone = globSync(taprcList('include'), cwd).filter(file => !excluded.includes(file))
  const run = [...alone, ...suiteNames.flatMap(filesOf)].filter(file => file.endsWith('.test.ts'))
  const all = globSync('test/**/*.test.ts', cwd)
  t.same(run.toSorted(), all.filter(file => !excluded.includes(file)).sort())
})

t.test('each suite has its file, and each file its suite', async t => {
  const files = globSync('test/suites/*-[0-9].ts', cwd)
  t.same(files.sort(), suiteNames.map(name => `test/suites/${name}.ts`).sort())
  for (const name of suiteNames) t.not(filesOf(name).length, 0, name)
})
