// One process for several test files: run-suite.ts says which.
// It refuses a name that is not in its table.

import { runSuite } from './run-suite.ts'

await runSuite(import.meta.filename)
