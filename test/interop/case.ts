// One relying party or example of a run: what it needs from the machine, and how it is proved. `tell` is called for each thing that was seen
// to hold, in the order in which it was seen; a case that throws has failed, and what it told before stands in the table.

import type { Lifetime } from '../support/lifetime.ts'
import type { Needs } from './packages.ts'
import type { Person } from './person.ts'
import type { Setting } from './setting.ts'

export interface Proving {
  setting: Setting
  /** somebody with empty cookie jars */
  person: Person
  /** what the case starts ends with it */
  life: Lifetime
  tell(what: string): void
}

export interface Case {
  name: string
  needs: Needs
  /** of the library that was proved */
  version(): string
  prove(given: Proving): Promise<void>
}
