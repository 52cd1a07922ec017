// DATABASE_URL with `sslmode`: the server is verified, nothing is printed that is not ours, and what is wrong with a certificate is told in
// one sentence.

import t from 'tap'
import { createTestDatabase } from '../support/postgres.ts'
import { has15WithTls, password, startPostgres15 } from '../support/postgres-15.ts'
import { makePlace, mintmark, startMintmark } from '../support/process.ts'
import { freePort } from '../support/server.ts'

t.test(
  'sslmode=require verifies the server, and starts without a warning of pg',
  has15WithTls,
  async t => {
    const { port, certificate } = await startPostgres15(t, 'tls')
    const { url: plain } = await createTestDatabase(t)
    const place = makePlace(t, { MINTMARK_PORT: `${await freePort()}` })
    const url = (mode: string) =>
      `postgres://owner:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres?sslmode=${mode}`

    for (const [DATABASE_URL, said] of [
      [url('require'), /self-signed certificate.*sslrootcert=/],
      [plain.replace('sslmode=disable', 'sslmode=require'), /does not support SSL.*sslmode/]
    ] as const) {
      const refused = await mintmark(t, place, ['start'], { env: { DATABASE_URL } })
      t.match(refused, { code: 1, out: '' })
      t.match(refused.err, said)
      t.match(refused.err, /^mintmark cannot start: The database cannot be used: [^\n]*\n$/)
    }

    const DATABASE_URL = url(`require&sslrootcert=${encodeURIComponent(certificate)}`)
    const server = await startMintmark(t, place, { env: { DATABASE_URL } })
    const ended = await server.stop()
    t.same([ended.code, ended.err], [0, ''])
  }
)
