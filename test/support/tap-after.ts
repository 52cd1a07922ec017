// Runs after all test files (`after:` in .taprc): ends the run's PostgreSQL and removes its folder.

import { testRun } from './tap-hook.ts'

testRun('end')
