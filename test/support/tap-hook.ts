// Runs test-run.ts without what tap adds to every Node that it starts.

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Throws when it failed, so that tap stops. */
export function testRun(what: 'begin' | 'end'): void {
  const script = fileURLToPath(new URL('./test-run.ts', import.meta.url))
  const { status } = spawnSync(
    '/bin/sh',
    [
      '-c',
      'unset NODE_OPTIONS NODE_V8_COVERAGE; exec "$0" "$@"',
      process.execPath,
      script,
      what,
      String(process.ppid)
    ],
    { stdio: 'inherit' }
  )
  if (status !== 0) throw new Error(`test-run.ts ${what} ended with ${status}`)
}
