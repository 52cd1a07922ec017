// Facts about this installation: its version, and the names of what a first start keeps in the data folder.
// Nobody else spells them.

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** As in package.json. */
export const version: string = JSON.parse(
  readFileSync(fileURLToPath(new URL('../../package.json', import.meta.url)), 'utf8')
).version

/** Files of the data folder. */
export const files = {
  masterKey: 'master-key',
  machineSecret: 'demo-machine-secret',
  password: 'demo-password',
  port: 'port',
  restoreEpoch: 'restore-epoch'
} as const
