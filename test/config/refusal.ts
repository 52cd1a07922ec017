// How a table of refusals becomes tests: a sound configuration is broken in one place,
// and one key is named for it, no other.

import type { Test } from 'tap'
import type { Environment } from '../../src/config/variables.ts'
import { load, problemsOf } from './sound.ts'

/** One change of a sound configuration, and the one problem that it makes. */
export interface Refusal {
  title: string
  env?: Environment
  file?: object
  path: string
  says: RegExp
  /** what the fix must name */
  fix?: RegExp
}

/** Unsets variables. */
export function without(...names: string[]): Environment {
  return Object.fromEntries(names.map(name => [name, '']))
}

/** One test for each refusal. */
export function refuses(t: Test, mode: string, base: Environment, refusals: readonly Refusal[]) {
  for (const { title, env, file, path, says, fix } of refusals) {
    t.test(`${mode} refuses ${title}, and says only that`, async t => {
      const problems = problemsOf(() => load({ ...base, ...env }, file))
      t.strictSame(
        problems.map(problem => problem.path),
        [path]
      )
      t.match(problems[0]?.problem, says)
      if (fix !== undefined) t.match(problems[0]?.fix, fix)
    })
  }
}
