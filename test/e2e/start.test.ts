// `mintmark start` with nothing but a data folder: real processes, the embedded PostgreSQL, the port that is free. What a person sees
// and what is left when the process ends, in whatever way.

import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, statSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { refreshTokenGrant } from 'openid-client'
import t from 'tap'
import { isRoot, nobody } from '../support/embedded-folder.ts'
import {
  type Command,
  launch,
  makePlace,
  mintmark,
  postgresOf,
  startMintmark
} from '../support/process.ts'
import { signIn } from '../support/relying-party.ts'
import { freePort } from '../support/server.ts'

const curl = (command: string) =>
  JSON.parse(execFileSync('/bin/bash', ['-c', command], { encoding: 'utf8' }))

const basic = (id: string, secret: string) =>
  `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`

/** A machine's token; undefined when the client is refused. */
async function machineToken(issuer: string, id: string, secret: string) {
  const response = await fetch(`${issuer}/oauth/token`, {
    method: 'POST',
    headers: { authorization: basic(id, secret) },
    body: new URLSearchParams({ grant_type: 'client_credentials' })
  })
  const body = (await response.json()) as { access_token?: string }
  return body.access_token
}

t.test('a first start prints one block that is true, and survives being killed', async t => {
  const place = makePlace(t)
  const first = await startMintmark(t, place)
  t.comment(`first start: ${Math.round(first.took)} ms`)

  const lines = first.banner().split('\n')
  t.match(lines[0], /^mintmark \d+\.\d+\.\d+ {2}· {2}development mode — not for production$/)
  const labelled = lines.filter(line => /^ {2}[A-Z][a-z-]+( [a-z]+)? {2,}\S/.test(line))
  t.same(
    labelled.map(line => line.slice(2, 16).trim()),
    ['Issuer', 'Discovery', 'Try it', 'Mail outbox', 'Database', 'Self-check', 'First token'],
    'every line of the block begins in the same column'
  )
  t.match(first.banner(), /Database +PostgreSQL 18[.\d]*, embedded, in \S+/)
  t.notMatch(first.banner(), '✗', 'the self-check passed')
  t.notMatch(first.banner(), /undefined|npm run doctor/)
  t.same(first.stray(), [], 'besides the block there is only the log, a JSON object a line')
  t.equal(first.err(), '', 'nothing on standard error, no deprecation either')

  const { issuer } = first
  t.match(issuer, /^http:\/\/localhost:\d+$/)
  for (const url of first.banner().match(/http:\/\/\S+/g) ?? []) {
    if (/\/demo-api$|\/oauth\/token$/.test(url)) continue
    t.equal((await fetch(url)).status, url === issuer ? 404 : 200, `${url} exists`)
  }
  const command = first.banner().match(/curl -s .*\\\n.*/)?.[0] ?? ''
  t.match(curl(command), { token_type: 'Bearer', scope: 'read:things', expires_in: Number })
  t.same(
    ['master-key', 'demo-password', 'demo-machine-secret'].map(
      name => statSync(join(place.data, name)).mode & 0o777
    ),
    [0o600, 0o600, 0o600]
  )
  t.equal(statSync(place.data).mode & 0o777, 0o700)

  // a second server, a command, and a kill
  const second = await mintmark(t, place, ['start'])
  t.equal(second.code, 1)
  t.match(second.err, new RegExp(`^mintmark cannot start: Process ${first.pid} already runs .*\n$`))
  const made = await mintmark(t, place, ['clients', 'create', '--type=machine', '-o', 'json'])
  const client = JSON.parse(made.out)
  t.ok(await machineToken(issuer, client.client_id, client.client_secret), 'works at once')

  const [, login = '', password = ''] = /sign in as (\S+) \/ (\S+)/.exec(first.banner()) ?? []
  const person = await signIn({
    issuer,
    clientId: 'demo-web',
    redirectUri: `${issuer}/demo/callback`,
    scope: 'openid offline_access',
    extra: { prompt: 'consent' },
    login,
    password
  })

  const [postgres] = postgresOf(place)
  t.ok(postgres)
  await first.stop('SIGKILL')
  t.same(postgresOf(place), [postgres], 'a killed server leaves its PostgreSQL running')
  const again = await startMintmark(t, place)
  t.comment(`later start, after a kill: ${Math.round(again.took)} ms`)
  t.same(postgresOf(place), [postgres], 'which the next one adopts')
  t.match(
    again.log().find(({ msg }) => msg === 'the embedded PostgreSQL runs'),
    { adopted: true, created: false }
  )
  t.equal(again.issuer, issuer)
  t.equal(again.banner().replace(/\(\d+ ms\)/, ''), first.banner().replace(/\(\d+ ms\)/, ''))
  t.ok(await machineToken(issuer, client.client_id, client.client_secret), 'the client is there')
  const refreshed = await refreshTokenGrant(person.config, person.tokens.refresh_token ?? '')
  t.equal(refreshed.claims()?.sub, person.tokens.claims()?.sub, 'and so is the refresh token')

  // a peer that never finishes its request does not keep the server
  const { host, port: given } = new URL(issuer)
  const slow = connect(Number(given), '127.0.0.1')
  slow.write(`POST /oauth/token HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 9\r\n\r\ngrant`)
  slow.on('error', () => undefined)
  await sleep(200)
  t.equal((await again.stop()).code, 0, 'an orderly stop, not one that was cut short')
  slow.destroy()
  t.same(postgresOf(place), [], 'a stopped server leaves no process')

  const port = Number(new URL(issuer).port)
  const other = createServer().listen(port, '127.0.0.1')
  t.teardown(() => other.close())
  const refused = await mintmark(t, place, ['start'])
  t.equal(refused.code, 1, 'the issuer does not move by itself')
  t.match(refused.err, `mintmark cannot start: Port ${port} is taken by another process.`)
  t.match(refused.err, /set MINTMARK_PORT to another port once\.\n$/)
  t.same(postgresOf(place), [], 'a start that failed leaves no process')
})

t.test('two first starts at the same time get two ports, and say so', async t => {
  const places = [makePlace(t), makePlace(t)]
  const [one, other] = await Promise.all(places.map(place => startMintmark(t, place)))
  if (one === undefined || other === undefined) throw new Error('not started')
  t.not(one.issuer, other.issuer)
  for (const { issuer, banner } of [one, other]) {
    const { port } = new URL(issuer)
    t.equal((await fetch(`${issuer}/readyz`)).status, 200)
    const note = `Port 3000 is taken: listening on ${port}.`
    t.equal(banner().includes(note), port !== '3000', banner())
  }
  const ended = await Promise.all([one.stop(), other.stop('SIGINT')])
  t.same(
    ended.map(({ code }) => code),
    [0, 0]
  )
  for (const place of places) t.same(postgresOf(place), [])
})

/** Waits until a command has said something, or is gone. */
async function said({ child, out }: Command, what: RegExp): Promise<void> {
  while (!what.test(out()) && child.exitCode === null) await sleep(1)
}

t.test('a server that is ended while it starts leaves nothing behind', async t => {
  const port = await freePort()
  const place = makePlace(t, { MINTMARK_PORT: `${port}` })
  for (const sign of [/embedded PostgreSQL runs/, /schema brought up|configured clients/]) {
    const command = launch(t, place, ['start'])
    await said(command, sign)
    command.child.kill('SIGTERM')
    const { code, err } = await command.ended
    t.same([code, err], [0, ''])
    t.same(postgresOf(place), [])
  }
  // its port is its own before it listens: another server that starts at the same time takes the next one
  const frozen = launch(t, place, ['start'])
  await said(frozen, /configured clients/)
  frozen.child.kill('SIGSTOP')
  const other = createServer().listen(port, '127.0.0.1')
  const [error] = await once(other, 'error')
  t.match(error, { code: 'EADDRINUSE' })
  frozen.child.kill('SIGCONT')
  frozen.child.kill('SIGTERM')
  t.equal((await frozen.ended).code, 0)

  // before there is anything to be closed
  const command = launch(t, place, ['start'])
  await sleep(300)
  command.child.kill('SIGTERM')
  await command.ended
  t.same(postgresOf(place), [])
  const { stop } = await startMintmark(t, place)
  t.equal((await stop()).code, 0, 'and starts all the same')
})

const onlyRoot = { skip: isRoot ? false : 'the other tests here are run by an ordinary user' }
t.test('an ordinary user starts it in a folder of its own', onlyRoot, async t => {
  const place = makePlace(t, {}, nobody)
  const server = await startMintmark(t, place)
  t.equal(statSync(join(place.data, 'postgres')).uid, nobody.uid)
  const status = readFileSync(`/proc/${postgresOf(place)[0]}/status`, 'utf8')
  t.match(status, new RegExp(`^Uid:\\s+${nobody.uid}\\s`, 'm'))
  const ended = await server.stop()
  t.equal(ended.code, 0, ended.out.split('\n').slice(-4).join('\n'))
  t.same(postgresOf(place), [])
})
