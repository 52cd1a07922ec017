// The reference page: current, and complete. It is generated from the schema, so a key cannot be missing from it.
// `mintmark config check` stands here, too: the two are one command.

import { readFileSync } from 'node:fs'
import t from 'tap'
import { configCommand } from '../../src/cli/config.ts'
import { configKeys } from '../../src/config/keys.ts'
import { renderReference } from '../../src/config/reference.ts'
import type { Config } from '../../src/config/schema.ts'
import { load, productionEnv } from './sound.ts'

async function run(args: string[], config: () => Config = () => load({})) {
  const said = { out: '', err: '', code: 0 }
  const command = configCommand({
    config,
    out: text => {
      said.out += `${text}\n`
    },
    err: text => {
      said.err += `${text}\n`
    },
    exit: code => {
      said.code = code
    }
  })
  await command.parseAsync(args, { from: 'user' })
  return said
}

t.test('config/reference.md is what the schema says', async t => {
  const page = readFileSync(new URL('../../config/reference.md', import.meta.url), 'utf8')
  t.equal(page, renderReference(), 'run: node src/config/reference.ts > config/reference.md')
})

t.test('the reference has a line for every key, with its variable and its meaning', async t => {
  const lines = renderReference().split('\n')
  for (const { path, variable, schema } of configKeys) {
    const line = lines.find(candidate => candidate.startsWith(`| \`${path}\` |`))
    t.match(line, `\`${variable}\``, path)
    t.ok(schema.description, `${path} has a meaning`)
  }
})

t.test('secrets are marked as such', async t => {
  const secrets = configKeys.filter(({ schema }) => schema.secret || schema.items?.secret)
  t.strictSame(
    secrets.map(({ path }) => path),
    [
      ...['database.url', 'database.directUrl', 'masterKey', 'previousMasterKeys'],
      ...['mail.smtp.url', 'mail.smtp.password']
    ]
  )
})

t.test('mintmark config reference prints the page', async t => {
  t.strictSame(await run(['reference']), { out: renderReference(), err: '', code: 0 })
})

t.test('mintmark config check says that all is well, and shows no secret', async t => {
  const { out, err, code } = await run(['check'], () => load(productionEnv))
  t.strictSame({ err, code }, { err: '', code: 0 })
  t.match(out, /production mode, issuer https:\/\/id\.example\.com/)
  t.notMatch(out, /postgres|[0-9a-f]{64}/)
})

t.test('mintmark config check judges clients by the policy, and reads the logo', async t => {
  const clients = [{ client_id: 'a', type: 'web', redirect_uris: ['javascript:alert(1)'] }]
  const env = { MINTMARK_CLIENTS: JSON.stringify(clients), MINTMARK_PRODUCT__LOGO: '/no/logo.svg' }
  const { out, err, code } = await run(['check'], () => load(env))
  t.strictSame({ out, code }, { out: '', code: 1 })
  t.match(err, /a: redirect_uris\[0\] .*\n {2}product\.logo: .* cannot be read/)
})

t.test('mintmark config check lists the problems and fails', async t => {
  const { out, err, code } = await run(['check'], () => load({ MINTMARK_PORT: '0' }))
  t.strictSame({ out, code }, { out: '', code: 1 })
  t.match(err, /port \(MINTMARK_PORT\) must be at least 1/)
})
