// Runs before all test files (`before:` in .taprc): one PostgreSQL for the whole run.

import { testRun } from './tap-hook.ts'

testRun('begin')
