// What a rule of the configuration is: a check over keys that are sound by themselves. It names keys and never values.
// The table of all rules is rules.ts.

import type { Problem } from './configuration-error.ts'
import type { Config } from './schema.ts'

/** Names the place of a list's entry, as in `clients[2]`. */
export type Place = (entry: object) => string

/** Answers what is wrong; nothing when all is well. */
export type Check = (config: Config, place: Place) => Problem[]

export interface Rule {
  /** the line of `mintmark doctor` under which it is told */
  topic: string
  mode: 'any' | 'development' | 'production'
  check: Check
  /** a list that must be complete for the check to mean something */
  needs?: 'resources' | 'authorizationDetails'
}
