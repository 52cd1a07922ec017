// The apps of apps/, each a process: told its issuer, client and port by its only argument, as JSON, and up when
// it answers.

import { fileURLToPath } from 'node:url'
import type { Proving } from './case.ts'
import { type Started, start } from './processes.ts'
import type { Party } from './setting.ts'

const appFile = (name: string) => fileURLToPath(new URL(`apps/${name}`, import.meta.url))
const interpreters: Record<string, string> = { mjs: process.execPath, py: '/usr/bin/python3' }

/** Starts an app as one of the configured parties; answers where it is, and its output. */
export async function startApp(
  { setting, life }: Pick<Proving, 'setting' | 'life'>,
  party: Party,
  file: string
): Promise<Started & { here: string }> {
  const { issuer, audience } = setting
  const given = { issuer, audience, ...setting.party(party) }
  const here = `http://localhost:${given.port}`
  const started = await start(life, {
    command: interpreters[file.split('.').pop() ?? ''] ?? file,
    args: [appFile(file), JSON.stringify(given)],
    ready: () => fetch(`${here}/bye`)
  })
  return { ...started, here }
}
