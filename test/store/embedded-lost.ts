// A process whose embedded PostgreSQL dies and whose data folder is gone when it stops: says `alive` when its event loop still turns.

import { renameSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { startEmbedded } from '../../src/store/embedded.ts'
import { postmastersIn } from '../support/embedded-folder.ts'

const [root = '', options = '{}'] = process.argv.slice(2)
const folder = JSON.parse(options)
const failed = Promise.withResolvers<void>()
const log = { info() {}, warn() {}, error: (_: string, data?: object) => data && failed.resolve() }

const { stop } = await startEmbedded({ ...folder, log })
renameSync(folder.dataFolder, `${folder.dataFolder}.gone`)
for (const pid of postmastersIn(root)) process.kill(pid, 'SIGKILL')
// a restart has failed, so another will be tried
await failed.promise
await stop().catch(() => {})
await sleep(300)
process.stdout.write('alive\n')
