// Runs before all test files (`before:` in .taprc): one PostgreSQL for the whole run.

import { beginRun } from './test-cluster.ts'

await beginRun()
