// `mintmark registration …` over a real database: initial access tokens with their limits, listed and revoked.

import { type Test, test } from 'tap'
import type { CliContext } from '../../src/cli/context.ts'
import { registrationCommand } from '../../src/cli/registration.ts'
import { createTestDatabase } from '../support/postgres.ts'

async function setUp(t: Test) {
  const { database } = await createTestDatabase(t)
  return async (line: string) => {
    const printed = { out: '', err: '', code: 0 }
    const context = {
      config: () => ({ registration: { enabled: true } }),
      store: async () => ({ database }),
      out: (text: string) => {
        printed.out += `${text}\n`
      },
      err: (text: string) => {
        printed.err += `${text}\n`
      },
      exit: (code: number) => {
        printed.code = code
      }
    } as unknown as CliContext
    const command = registrationCommand(context)
    for (const each of [command, ...command.commands]) {
      each.exitOverride().configureOutput({ writeErr: () => {} })
    }
    await command.parseAsync(line.split(' '), { from: 'user' })
    return printed
  }
}

test('a token is made with its limits, listed, and revoked', async t => {
  const run = await setUp(t)
  t.match(await run('list-tokens'), { out: '', err: /none/ })
  const limited = 'create-token --uses 3 --clients 2 --type spa native --scope openid'
  const made = await run(`${limited} --scope email --redirect-host loopback --note CI`)
  t.match(made.out, /^[\w-]{43}\n$/)
  t.match(made.err, /The token iat_[0-9a-f]{12} is shown this once/)
  await run('create-token')
  const [plain, first] = JSON.parse((await run('list-tokens -o json')).out)
  t.match(plain, { state: 'live', uses: 1, used: 0, clients_at_once: null, types: null })
  t.match(first, {
    ...{ state: 'live', uses: 3, clients_at_once: 2, note: 'CI' },
    ...{ types: ['spa', 'native'], scopes: ['openid', 'email'], redirect_hosts: ['loopback'] }
  })
  t.match(await run(`revoke-token ${first.id}`), { code: 0, out: /registers nobody/ })
  t.match(await run(`revoke-token ${first.id}`), { code: 1, out: '', err: /no such token/ })
  t.match((await run('list-tokens')).out, /revoked.*0\/3.*spa native openid email loopback.*CI/)
})

test('limits that mean nothing are refused', async t => {
  const run = await setUp(t)
  for (const wrong of [
    '--uses 0',
    '--uses x',
    '--clients -1',
    '--type x',
    '--scope a"b',
    '--redirect-host https://x',
    '--redirect-host A.example',
    '--lifetime 8d'
  ]) {
    await t.rejects(run(`create-token ${wrong}`), wrong)
  }
  t.match(await run('list-tokens'), { out: '' })
})
