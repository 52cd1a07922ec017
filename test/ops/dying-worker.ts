// A worker that answers and dies at once, or never begins: the primary of cluster.test.ts says which, by its environment.

import { workFor } from '../../src/ops/cluster.ts'

const fate = process.env['TEST_FATE']
await workFor<unknown, { listen(): Promise<void> }>(
  async () => {
    if (fate === 'fails') throw new Error('this one never works')
    return {
      async listen() {
        if (fate === 'dies') setTimeout(() => process.kill(process.pid, 'SIGKILL'), 20)
        else process.once('SIGTERM', () => process.exit(0))
      }
    }
  },
  error => (error as Error).message
).catch(() => process.exit(1))
