// The commands of an operator, as processes: beside a running server, where what they change holds at once, and without one. What a
// script gets on standard output is data and nothing else.

import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { createTestDatabase } from '../support/postgres.ts'
import { makePlace, mintmark, postgresOf, startMintmark } from '../support/process.ts'
import { freePort } from '../support/server.ts'

async function tokenAnswer(issuer: string, id: string, secret: string): Promise<number> {
  const response = await fetch(`${issuer}/oauth/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' })
  })
  await response.text()
  return response.status
}

t.test('beside a running server, what a command changes holds at once', async t => {
  const { url } = await createTestDatabase(t)
  const place = makePlace(t, { DATABASE_URL: url, MINTMARK_PORT: `${await freePort()}` })
  const { issuer, err } = await startMintmark(t, place)
  const run = async (line: string, input?: string) =>
    mintmark(t, place, line.split(' '), input === undefined ? {} : { input })
  const json = async (line: string, input?: string) => {
    const { code, out, err } = await run(`${line} -o json`, input)
    t.equal(code, 0, `${line}: ${err}`)
    return JSON.parse(out)
  }

  await t.test('status tells scripts what they need', async t => {
    const { out, err, code } = await run('status -o env')
    t.same([code, err], [0, ''])
    const values = await json('status')
    t.same(Object.keys(values), [
      'MINTMARK_ISSUER',
      'MINTMARK_DEMO_MACHINE_CLIENT_ID',
      'MINTMARK_DEMO_MACHINE_CLIENT_SECRET',
      'MINTMARK_DEMO_WEB_CLIENT_ID',
      'MINTMARK_DEMO_LOGIN',
      'MINTMARK_DEMO_PASSWORD',
      'DATABASE_URL',
      'growth'
    ])
    t.ok(values.growth.tables.some(({ table }: { table: string }) => table === 'refresh_families'))
    t.equal(values.MINTMARK_ISSUER, issuer)
    t.equal(values.DATABASE_URL, url)
    const file = join(place.folder, 'status.env')
    writeFileSync(file, out)
    const script = `set -eu; . "$0"; curl -s "$MINTMARK_ISSUER/oauth/token" -d grant_type=client_credentials \
      -u "$MINTMARK_DEMO_MACHINE_CLIENT_ID:$MINTMARK_DEMO_MACHINE_CLIENT_SECRET"`
    const answer = execFileSync('/bin/bash', ['-c', script, file])
    t.match(JSON.parse(String(answer)), { token_type: 'Bearer' })
    const text = (await run('status')).out
    t.match(text, /^running +yes$/m)
    t.match(text, /^table +rows +size +overdue +next drop$/m)
    t.match(text, /^refresh_families +\d+ +\d+ [kM]?B +0 +in \d+ (d|h|min)$/m)
    t.notMatch(out, 'growth', 'scripts that read env lines see no more than before')
  })

  await t.test('a client is made, disabled, renewed and deleted', async t => {
    const { out, err } = await run('clients create --type machine --name billing -o env')
    t.match(out, /^MINTMARK_CLIENT_ID='[^']+'\nMINTMARK_CLIENT_SECRET='[^']+'\n$/)
    t.match(err, 'shown this once')
    const [, id = '', first = ''] = /ID='(.*)'\n.*SECRET='(.*)'/.exec(out) ?? []
    t.equal(await tokenAnswer(issuer, id, first), 200, 'works at once')

    t.equal((await run(`clients disable ${id}`)).code, 0)
    await sleep(1_000)
    t.equal(await tokenAnswer(issuer, id, first), 401, 'refused within a second (D-22)')
    t.equal((await run(`clients enable ${id}`)).code, 0)

    const { client_secret: second } = await json(`clients rotate-secret ${id}`)
    await sleep(1_000)
    t.equal(await tokenAnswer(issuer, id, first), 200, 'the older secret is valid for a while')
    t.equal(await tokenAnswer(issuer, id, second), 200)
    const { client_secret: third } = await json(`clients rotate-secret --revoke-old ${id}`)
    await sleep(1_000)
    t.same(
      await Promise.all([first, second, third].map(secret => tokenAnswer(issuer, id, secret))),
      [401, 401, 200]
    )

    const refused = await run(`clients delete ${id}`)
    t.same([refused.code, refused.out], [1, ''])
    t.match(refused.err, 'Say --yes if that is meant')
    t.equal((await run(`clients delete ${id} --yes`)).code, 0)
    await sleep(1_000)
    t.equal(await tokenAnswer(issuer, id, third), 401)
  })

  await t.test('people and initial access tokens', async t => {
    const create = 'accounts create --login ada@example.com --password-stdin'
    const account = await json(create, 'correct horse battery staple\n')
    t.match(account, { login: 'ada@example.com', password: undefined })
    t.same(
      (await json('accounts list')).map(({ login }: { login: string }) => login),
      ['ada@example.com', 'demo@example.com']
    )
    const token = await run('registration create-token')
    t.match(token.out, /^[\w.-]{43,}\n$/)
    t.match(token.err, 'Registration is off')
    t.match(await json('registration list-tokens'), [{ state: 'live', uses: 1, used: 0 }])
  })

  await t.test('what does not need the server', async t => {
    const { version } = JSON.parse(
      readFileSync(fileURLToPath(new URL('../../package.json', import.meta.url)), 'utf8')
    )
    t.match(await run('--version'), { code: 0, out: `${version}\n`, err: '' })
    t.match(await run('--help'), { code: 0, out: /^Usage: mintmark/, err: '' })
    t.match(await run('migrate'), { code: 0, out: 'The schema is up to date.\n', err: '' })
    t.match(await run('config check'), { code: 0, out: /^The configuration is sound: devel/ })
    for (const line of ['bogus', 'accounts create', 'status -o yaml']) {
      const { code, out, err } = await run(line)
      t.same([code, out], [1, ''], line)
      t.match(err, /^error: .*\nHelp: mintmark --help, and --help after each command\.\n$/)
    }
    const doctor = await run('doctor -o json')
    t.equal(doctor.code, 1, 'a development server is not ready for production')
    const { ready, checks } = JSON.parse(doctor.out)
    t.equal(ready, false)
    t.match(
      checks.filter(({ status }: { status: string }) => status === 'problem'),
      [{ name: 'issuer' }, { name: 'master key' }]
    )
    t.match(
      checks.find(({ name }: { name: string }) => name === 'PostgreSQL'),
      { status: 'ok' }
    )
  })
  t.equal(err(), '', 'the server had nothing to complain about')
})

t.test('without a server, a command that only looks makes nothing', async t => {
  const place = makePlace(t)
  const status = await mintmark(t, place, ['status'])
  t.same([status.code, status.out], [1, ''])
  t.match(status.err, /^mintmark: No server has been started with the data folder \S+ yet: .*\n$/)
  t.match((await mintmark(t, place, ['doctor'])).out, 'has not been started here yet')
  t.throws(() => readFileSync(place.data), { code: 'ENOENT' })
})

t.test('without a server, a command starts the database for as long as it needs it', async t => {
  const place = makePlace(t)
  const made = await mintmark(t, place, ['clients', 'create', '--type=machine', '-o', 'json'])
  t.same([made.code, postgresOf(place)], [0, []], made.err)
  const list = await mintmark(t, place, ['clients', 'list', '-o', 'json'])
  t.match(JSON.parse(list.out), [{ client_id: JSON.parse(made.out).client_id }])
  t.same(postgresOf(place), [])
})
