// Every command in README.md is one that runs: here, or in the test that is named beside it. A command that is new in the README and
// not in the table fails.

import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { createTestDatabase } from '../support/postgres.ts'
import { makePlace, mintmark } from '../support/process.ts'

const file = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const readme = readFileSync(file('README.md'), 'utf8')

/** Commands that are tested elsewhere. */
const elsewhere: Record<string, string> = {
  'npm ci && npm start': 'test/e2e/start.test.ts',
  'npm test': '.ci/run',
  'npm run interop': 'test/interop/run.ts',
  'npm ci --omit=optional': 'test/e2e/without-native.test.ts',
  'DATABASE_URL=postgres://… npm start': 'test/e2e/database-url.test.ts',
  'npx mintmark status -o env': 'test/e2e/commands.test.ts'
}

function commandsOf(markdown: string): string[] {
  const blocks = [...markdown.matchAll(/^```sh\n([\s\S]*?)^```/gm)].flatMap(([, text = '']) =>
    text.split('\n')
  )
  const inline = [...markdown.matchAll(/`((?:npx|npm|openssl|DATABASE_URL=)[^`]*)`/g)]
  return [...blocks, ...inline.map(([, text = '']) => text)].filter(line => line !== '')
}

t.test('the commands of the README run', async t => {
  const { url } = await createTestDatabase(t)
  const place = makePlace(t, { DATABASE_URL: url })
  const { scripts } = JSON.parse(readFileSync(file('package.json'), 'utf8'))
  const commands = new Set(commandsOf(readme))
  for (const known of Object.keys(elsewhere)) t.ok(commands.has(known), `README: ${known}`)

  for (const command of commands) {
    for (const [, script = ''] of command.matchAll(/npm (?:run )?(start|test|[a-z]+)/g)) {
      t.ok(script === 'ci' || scripts[script], `${command}: there is a script ${script}`)
    }
    if (elsewhere[command] !== undefined) {
      t.ok(readFileSync(file(elsewhere[command])), `${command}: ${elsewhere[command]}`)
    } else if (command === 'npx mintmark doctor') {
      t.match((await mintmark(t, place, ['doctor'])).out, 'not ready for production')
    } else if (command.startsWith('npx mintmark ')) {
      const { code, err } = await mintmark(t, place, command.split(' ').slice(2))
      t.equal(code, 0, `${command}: ${err}`)
    } else if (command.startsWith('openssl rand')) {
      const key = execFileSync('/bin/bash', ['-c', command], { encoding: 'utf8' })
      writeFileSync(join(place.folder, 'master-key'), key, { mode: 0o600 })
      const checked = await mintmark(t, place, ['config', 'check'], {
        env: {
          MINTMARK_MODE: 'production',
          MINTMARK_ISSUER: 'https://id.example.com',
          MINTMARK_MASTER_KEY_FILE: join(place.folder, 'master-key')
        }
      })
      t.equal(checked.code, 0, `${command}, with all that the README says: ${checked.err}`)
    } else t.fail(`nothing runs this command: ${command}`)
  }
})
