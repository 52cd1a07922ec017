// What `sslmode` of the database's URL becomes before pg reads it.

import pg from 'pg'
import t from 'tap'
import { withFullVerification } from '../../src/store/connection-url.ts'

t.test('prefer, require and verify-ca are said as what pg does with them', async t => {
  for (const mode of ['prefer', 'require', 'verify-ca']) {
    t.equal(
      withFullVerification(`postgres://u:p@h/d?sslmode=${mode}&application_name=a`),
      'postgres://u:p@h/d?sslmode=verify-full&application_name=a'
    )
    t.equal(
      withFullVerification(`postgres://u:p@h/d?host=/tmp&sslmode=${mode}`),
      'postgres://u:p@h/d?host=/tmp&sslmode=verify-full'
    )
  }
})

t.test('everything else stays as it is', async t => {
  for (const url of [
    'postgres://u:p@h/d',
    'postgres://u:p@h/sslmode=require',
    'postgres://mintmark@/mintmark?host=/tmp/x&sslmode=disable',
    'postgres://u:p@h/d?sslmode=verify-full',
    'postgres://u:p@h/d?sslmode=no-verify',
    'postgres://u:p@h/d?sslmode=required',
    'postgres://u:p@h/d?uselibpqcompat=true&sslmode=require',
    'postgres://u:p@h/d?sslmode=require&uselibpqcompat=true'
  ]) {
    t.equal(withFullVerification(url), url)
  }
})

t.test('pg verifies the server then, and warns of nothing', async t => {
  const warnings: Error[] = []
  const listen = (warning: Error) => void warnings.push(warning)
  process.on('warning', listen)
  t.teardown(() => process.off('warning', listen))
  for (const mode of ['prefer', 'require', 'verify-ca']) {
    const connectionString = withFullVerification(`postgres://u:p@h/d?sslmode=${mode}`)
    const { ssl } = new pg.Client({ connectionString }) as unknown as { ssl: unknown }
    t.same(ssl, {}, 'TLS with the defaults of Node: verified')
  }
  await new Promise(setImmediate)
  t.same(warnings, [])
})
