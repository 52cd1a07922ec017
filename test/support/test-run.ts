// Begins or ends a run's PostgreSQL: `node test-run.ts begin|end <process id of the runner>`. A process of its own, because tap measures
// the coverage of its `before` and `after` scripts, and would report the database's start as all there is.

import { beginRun, endRun } from './test-cluster.ts'

const [, , what, runner = ''] = process.argv
await (what === 'begin' ? beginRun(runner) : endRun(runner))
