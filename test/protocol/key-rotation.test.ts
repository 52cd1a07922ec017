// Keys that change while servers run, over two real processes and without a restart: both sign with the new key and both publish it, a
// burnt key is refused by both, and what was announced while the change feed was gone is heard all the same.

import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { burnKey } from '../../src/keys/burn.ts'
import { type ServerProcess, startServerProcess } from '../support/processes.ts'
import { startTestServer } from '../support/server.ts'
import { basic, createRequests, headerOf, web } from './requests.ts'

const main = await startTestServer(t)
const requests = createRequests(main)
const other = await startServerProcess(t, main)
const { keys } = main.server
const { database } = main.store
const form = { 'content-type': 'application/x-www-form-urlencoded' }
const access = { purpose: 'access_token', alg: 'ES256' } as const

/** The same process as `main` and the other one, asked the same way. */
const here: Pick<ServerProcess, 'fetch'> = {
  async fetch(path, { method = 'GET', headers = {}, body } = {}) {
    const response = await fetch(main.issuer + path, {
      method,
      headers,
      redirect: 'manual',
      ...(body === undefined ? {} : { body })
    })
    const text = await response.text()
    return { status: response.status, headers: Object.fromEntries(response.headers), text }
  }
}
const both = [here, other]

type Asked = Pick<ServerProcess, 'fetch'>

const post = (
  process: Asked,
  path: string,
  parameters: Record<string, string>,
  caller = web.caller
) =>
  process.fetch(path, {
    method: 'POST',
    headers: { ...form, ...caller.headers },
    body: new URLSearchParams(parameters).toString()
  })

async function machineToken(process: Asked): Promise<string> {
  const answer = await post(
    process,
    '/oauth/token',
    { grant_type: 'client_credentials' },
    basic('billing')
  )
  return JSON.parse(answer.text).access_token
}

const signsWith = async (process: Asked) => headerOf(await machineToken(process))['kid']
const published = async (process: Asked): Promise<string[]> =>
  JSON.parse((await process.fetch('/.well-known/jwks.json')).text).keys.map(
    ({ kid }: { kid: string }) => kid
  )

/** Waits until it is so; the limit of the test ends what never comes. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(20)
}

/** The next key of access tokens, published and then active. */
async function rotate(): Promise<{ before: string; now: string }> {
  const before = keys.ring.active('access_token', 'ES256').kid
  const made = await keys.signing.prepare(access)
  if (made === 'lost') throw new Error('no key was made')
  return { before, now: made.kid }
}

t.test('both processes publish the next key, and then sign with it', async t => {
  const { before, now } = await rotate()
  for (const process of both) {
    await until(async () => (await published(process)).includes(now))
    t.equal(await signsWith(process), before, 'not yet')
  }
  t.equal(await keys.signing.activate({ ...access, kid: now }), 'taken')
  for (const process of both) {
    await until(async () => (await signsWith(process)) === now)
    t.ok((await published(process)).includes(before), 'what it signed before can be verified')
  }
})

t.test('what was announced while the feed was gone is heard when it is back', async t => {
  const { before, now } = await rotate()
  for (const process of both) await until(async () => (await published(process)).includes(now))
  // both feeds lose their connection, and need a while to be back: the change is announced to nobody
  await database.run(
    'test.cut_feeds',
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE application_name = 'mintmark-feed' AND datname = current_database()`
  )
  await keys.signing.activate({ ...access, kid: now })
  for (const process of both) await until(async () => (await signsWith(process)) === now)
  t.not(before, now)
})

t.test('a burnt key is refused by every process at once, everywhere', async t => {
  const tokens = await requests.tokens({ scope: 'openid' })
  const machine = await machineToken(here)
  const kid = String(headerOf(tokens.access_token)['kid'])
  const identityKid = String(headerOf(tokens.id_token)['kid'])
  const bearer = { headers: { authorization: `Bearer ${tokens.access_token}` } }
  const userinfo = async (process: Asked) => (await process.fetch('/userinfo', bearer)).status
  const introspected = async (process: Asked) =>
    (await post(process, '/oauth/introspect', { token: machine }, basic('billing'))).text.slice(
      0,
      15
    )
  const hint = async (process: Asked) =>
    (await process.fetch(`/logout?${new URLSearchParams({ id_token_hint: tokens.id_token })}`))
      .status
  for (const process of both) {
    t.equal(await userinfo(process), 200)
    t.equal(await introspected(process), '{"active":true,')
    t.equal(await hint(process), 200)
  }

  const burnt = await burnKey({ database, ...keys }, kid)
  const alsoBurnt = await burnKey({ database, ...keys }, identityKid)
  t.ok(burnt.ok && alsoBurnt.ok)
  const successor = burnt.ok ? burnt.successor : undefined
  for (const process of both) {
    await until(async () => (await userinfo(process)) === 401)
    await until(async () => (await hint(process)) === 400)
    t.equal(await introspected(process), '{"active":false')
    const revoked = await post(process, '/oauth/revoke', { token: machine }, basic('billing'))
    t.equal(revoked.status, 200, 'RFC 7009 §2.2: an invalid token is no error')
    const shown = await published(process)
    t.notOk(shown.includes(kid) || shown.includes(identityKid))
    t.equal(await signsWith(process), successor)
  }
  const { rows } = await database.run<{ count: number }>(
    'test.denied',
    'SELECT count(*)::int AS count FROM denied_tokens'
  )
  t.same(rows, [{ count: 0 }], 'nothing of the burnt key was worth a row')
})

t.test('a token of a key that a process has not heard of yet is not refused for that', async t => {
  const { now } = await rotate()
  await until(async () => keys.ring.byKid(now) !== undefined)
  const silent = (change: string) =>
    database.run(
      `test.${change}`,
      `ALTER TABLE signing_keys ${change} TRIGGER signing_keys_changed`
    )
  const fresh = await rotateSilently(silent)
  const tokens = await machineToken(fresh.process)
  t.equal(headerOf(tokens)['kid'], fresh.kid)
  const answer = await post(here, '/oauth/introspect', { token: tokens }, basic('billing'))
  t.match(answer.text, /"active":true/)
  t.ok(keys.ring.byKid(fresh.kid))
})

/** Another key signs, and only a process that starts afterwards knows. */
async function rotateSilently(silent: (change: string) => Promise<unknown>) {
  await silent('DISABLE')
  const burnt = await burnKey({ database, ...keys, ring: { load: async () => {} } }, pendingKid())
  if (!burnt.ok) throw new Error(burnt.reason)
  const made = await keys.signing.prepare(access)
  if (made === 'lost') throw new Error('no key was made')
  // prepare reads the keys before it makes one: so this one is not in memory
  await keys.signing.activate({ ...access, kid: made.kid })
  await silent('ENABLE')
  const process = await startServerProcess(t, main)
  return { kid: made.kid, process }
}

function pendingKid(): string {
  return keys.ring.keys().find(({ state }) => state === 'pending')?.kid ?? ''
}

t.test('without a key to sign with it is our failure, and passes (RFC 6749 §5.2)', async t => {
  const kid = keys.ring.active('access_token', 'ES256').kid
  await database.run(
    'test.no_key',
    "UPDATE signing_keys SET state = 'retiring', retiring_at = clock_time() WHERE kid = $1",
    [kid]
  )
  await keys.ring.load()
  const answer = await requests.machine('billing')
  t.match(answer, { status: 503, body: { error: 'temporarily_unavailable' } })
  t.equal(answer.headers.get('retry-after'), '2')
  await keys.ring.ensure(keys.wanted)
  t.equal((await requests.machine('billing')).status, 200)
  const failures = main.log.filter(({ msg }) =>
    /the engine failed|the store failed/.test(String(msg))
  )
  t.equal(failures.length, 1, 'told once')
})
