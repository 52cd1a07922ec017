// Runs after all test files (`after:` in .taprc): no process and no file of the run's PostgreSQL stays.

import { endRun } from './test-cluster.ts'

await endRun()
