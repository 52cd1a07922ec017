// Several test files in one process: most of what a small file costs is starting Node and loading the server, which is the same for all of them.
// Each file becomes a subtest of its own, with its own hooks and teardowns: inside a suite, `import t from 'tap'` gives a file the test that
// stands for it. A file run by hand, or by its path, gets tap's own.

import { globSync, readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { basename } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'

const root = fileURLToPath(new URL('../../', import.meta.url))
const scheme = 'suite-tap:'
const running = new Map<string, Test>()
const register = Symbol.for('mintmark.suite')
Object.assign(globalThis, { [register]: running })

registerHooks({
  resolve(specifier, context, next) {
    const parent = context.parentURL
    // what several files share has no test of its own: it is given one
    if (specifier !== 'tap' || parent === undefined || !running.has(parent)) {
      return next(specifier, context)
    }
    return { url: scheme + parent, shortCircuit: true }
  },
  load(url, context, next) {
    if (!url.startsWith(scheme)) return next(url, context)
    const file = JSON.stringify(url.slice(scheme.length))
    const source = `const t = globalThis[Symbol.for('mintmark.suite')].get(${file})
      const test = t.test.bind(t)
      export { t as default, t, test }`
    return { format: 'module', source, shortCircuit: true }
  }
})

/** Under test/: folders whose files run together, dealt out to so many processes. */
const suites: Record<string, { folders: readonly string[]; parts: number }> = {
  parts: {
    folders: [
      'audit',
      'clients',
      'config',
      'docs',
      'grants',
      'i18n',
      'keys',
      'lib',
      'oauth',
      'views'
    ],
    parts: 2
  },
  protocol: { folders: ['protocol'], parts: 6 },
  store: { folders: ['store'], parts: 2 },
  server: {
    folders: ['accounts', 'cli', 'federation', 'mail', 'ops', 'pages', 'support', 'telemetry'],
    parts: 4
  },
  parties: { folders: ['browser-session', 'demo', 'mcp', 'resource-server', 'verify'], parts: 2 },
  hostile: { folders: ['conformance', 'hostile'], parts: 2 }
}

/** The names that the files beside this one have, as `protocol-2` of `protocol-2.ts`. */
export const suiteNames = Object.entries(suites).flatMap(([name, { parts }]) =>
  Array.from({ length: parts }, (_, index) => `${name}-${index + 1}`)
)

/** One list of .taprc. */
export function taprcList(name: 'include' | 'exclude'): string[] {
  const text = readFileSync(`${root}.taprc`, 'utf8')
  const list = new RegExp(`^${name}:\\n((?:  - .*\\n|#.*\\n)+)`, 'm').exec(text)?.[1] ?? ''
  return [...list.matchAll(/^ {2}- (.*)$/gm)].map(([, pattern = '']) => pattern)
}

/** Files that .taprc names are processes of their own, or no part of `npm test`. */
function standAlone(): Set<string> {
  return new Set(globSync([...taprcList('include'), ...taprcList('exclude')], { cwd: root }))
}

/** The files of one suite, from the root. */
export function filesOf(name: string): string[] {
  const [, group = '', part = ''] = /^(.*)-(\d+)$/.exec(name) ?? []
  const suite = suites[group]
  if (suite === undefined) throw new Error(`no suite is called ${name}`)
  const alone = standAlone()
  return globSync(
    suite.folders.map(folder => `test/${folder}/**/*.test.ts`),
    { cwd: root }
  )
    .filter(file => !alone.has(file))
    .sort()
    .filter((_, index) => index % suite.parts === Number(part) - 1)
}

/** Runs the files of the suite that a file beside this one stands for, one after the other. */
export async function runSuite(suiteFile: string): Promise<void> {
  for (const file of filesOf(basename(suiteFile, '.ts'))) {
    const url = pathToFileURL(root + file).href
    await t.test(file, async own => {
      running.set(url, own)
      await import(url)
    })
  }
}
