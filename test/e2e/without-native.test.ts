// What `npm ci --omit=optional` leaves of password hashing on Node 22: no native module, and no argon2 in node:crypto. The Node that runs
// the tests is made to look like that.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createTestDatabase } from '../support/postgres.ts'
import { makePlace, mintmark, startMintmark } from '../support/process.ts'
import { signIn } from '../support/relying-party.ts'
import { freePort } from '../support/server.ts'

const asOnNode22 = `import crypto from 'node:crypto'
import { registerHooks, syncBuiltinESMExports } from 'node:module'
import { isMainThread } from 'node:worker_threads'
registerHooks({
  resolve(specifier, context, next) {
    if (specifier.startsWith('@node-rs/argon2')) throw new Error('not installed')
    return next(specifier, context)
  }
})
crypto.argon2 = undefined
syncBuiltinESMExports()
`
/** fetch needs WebAssembly in the main thread */
const andNoWebAssembly = 'if (!isMainThread) delete globalThis.WebAssembly\n'

function nodeWith(place: { folder: string }, preload: string): string[] {
  const file = join(place.folder, 'preload.mjs')
  writeFileSync(file, preload)
  return ['--import', file]
}

t.test('without native modules and before Node 24.7 people sign in all the same', async t => {
  const { url } = await createTestDatabase(t)
  const place = makePlace(t, { DATABASE_URL: url, MINTMARK_PORT: `${await freePort()}` })
  const node = nodeWith(place, asOnNode22)
  const server = await startMintmark(t, place, { node })
  t.equal(server.log().filter(({ msg }) => `${msg}`.includes('in WebAssembly')).length, 1)
  const [, login = '', password = ''] = /sign in as (\S+) \/ (\S+)/.exec(server.banner()) ?? []
  const { tokens } = await signIn({
    issuer: server.issuer,
    clientId: 'demo-web',
    redirectUri: `${server.issuer}/demo/callback`,
    scope: 'openid',
    login,
    password
  })
  t.ok(tokens.access_token)
  t.match(await server.stop(), { code: 0, err: '' })

  // a command ends although its thread could go on
  const added = await mintmark(t, place, ['accounts', 'create', '--login', 'eve'], { node })
  t.equal(added.code, 0, added.err)
})

t.test('where no argon2id runs, the start ends before it touches the database', async t => {
  const nowhere = `postgres://owner@127.0.0.1:${await freePort()}/mintmark`
  const place = makePlace(t, { DATABASE_URL: nowhere })
  const node = nodeWith(place, asOnNode22 + andNoWebAssembly)
  const { code, err } = await mintmark(t, place, ['start'], { node })
  t.equal(code, 1)
  t.match(err, /^mintmark cannot start: No argon2id .*--omit=optional.*Node 24\.7.*\n$/)
})
