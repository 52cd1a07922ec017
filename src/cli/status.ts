// `mintmark status`: where the server is and how to reach it, for people and for scripts (`-o env|json`). In development it prints the demo's
// secrets, too, since they exist to be used; in production only what is public.

import { Command, Option } from 'commander'
import { files } from '../main.ts'
import { demoLogin, demoMachineClientId, demoWebClientId } from '../ops/seed.ts'
import { openDataFolder } from '../store/data-folder.ts'
import { shellQuoted } from './clients-text.ts'
import type { CliContext } from './context.ts'

type Format = 'text' | 'json' | 'env'

export function statusCommand(context: CliContext): Command {
  return new Command('status')
    .description('where the server is, and what scripts need to use it')
    .addOption(
      new Option('-o, --output <format>', 'how to print it')
        .choices(['text', 'json', 'env'])
        .default('text')
    )
    .action(async ({ output }: { output: Format }) => {
      const values = await collect(context)
      if (output === 'json') context.out(JSON.stringify(values, null, 2))
      else if (output === 'env') {
        for (const [name, value] of Object.entries(values)) {
          context.out(`${name}=${shellQuoted(value)}`)
        }
      } else {
        for (const [name, value] of Object.entries(values))
          context.out(`${name.padEnd(36)}${value}`)
        context.out(
          `running                             ${await answers(values['MINTMARK_ISSUER'])}`
        )
      }
    })
}

async function collect(context: CliContext): Promise<Record<string, string>> {
  const { issuer, mode, dataFolder } = await context.settled()
  const url = await context.databaseUrl()
  if (mode === 'production') return { MINTMARK_ISSUER: issuer }
  const folder = await openDataFolder(dataFolder)
  const secret = (name: string) =>
    folder.secretFile(name, () => {
      throw new Error('the server has not been started yet: run npm start once')
    })
  return {
    MINTMARK_ISSUER: issuer,
    MINTMARK_DEMO_MACHINE_CLIENT_ID: demoMachineClientId,
    MINTMARK_DEMO_MACHINE_CLIENT_SECRET: await secret(files.machineSecret),
    MINTMARK_DEMO_WEB_CLIENT_ID: demoWebClientId,
    MINTMARK_DEMO_LOGIN: demoLogin,
    MINTMARK_DEMO_PASSWORD: await secret(files.password),
    DATABASE_URL: url
  }
}

async function answers(issuer: string | undefined): Promise<string> {
  try {
    const { ok } = await fetch(`${issuer}/readyz`, { signal: AbortSignal.timeout(2_000) })
    return ok ? 'yes, and ready' : 'yes, but not ready'
  } catch {
    return 'no'
  }
}
