// What is wrong with a configuration, for the person who wrote it: every problem at once, the key, the variable, what to do.
// Refuses to show values: many of them are secrets, and the key is enough to find them.

import { Fault } from '../lib/fault.ts'
import { variableFor } from './keys.ts'

/** One thing to put right. */
export interface Problem {
  /** the key, as in `clients[0].redirect_uris`; a variable or a file where there is no key */
  path: string
  /** the variable that sets the key, if one does */
  variable?: string
  /** what is wrong, as the rest of a sentence that starts with the key */
  problem: string
  /** what to do, as a sentence */
  fix: string
}

/** Thrown with all problems at once; the message is the list as the command line prints it. */
export class ConfigurationError extends Fault {
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[], source: string) {
    super('configuration_invalid', describeProblems(problems, source))
    this.name = 'ConfigurationError'
    this.problems = problems
  }
}

/** The list that people read; `source` says which file was read. */
export function describeProblems(problems: readonly Problem[], source: string): string {
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`
  const lines = problems.map(({ path, variable, problem, fix }) => {
    const name = variable === undefined || variable === path ? path : `${path} (${variable})`
    return `  ${name} ${problem}.\n    ${fix}`
  })
  return [`The configuration has ${count} (${source}):`, ...lines].join('\n')
}

/** Names the variable that sets the key, if there is one and nobody said which. */
export function withVariable(problem: Problem): Problem {
  const variable = problem.variable ?? variableFor(problem.path)
  return variable === undefined ? problem : { ...problem, variable }
}
