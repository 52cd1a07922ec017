// Access tokens that are renewed behind a session, at the real server, with the sessions in PostgreSQL: once for all who wait, over two processes,
// and what an outage costs. Only the issuer's own word ends a session.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { SessionStore } from '../../src/browser-session/session-store.ts'
import { freePort } from '../support/server.ts'
import { createVisitor, startApp, startSetting } from './app.ts'
import { createPostgresStore } from './postgres-store.ts'

const setting = await startSetting(t)
const { server, clock, options } = setting
const kept = await createPostgresStore(server.databaseUrl)
t.teardown(() => kept.end())
/** What happens after the issuer has answered, and before the new tokens are kept. */
let meanwhile: ((key: string) => Promise<unknown>) | undefined
/** attempts to become the one who refreshes */
let leases = 0
const store: SessionStore = {
  ...kept,
  async replace(key, version, row) {
    const leased = (await kept.read(key))?.refreshingUntil !== undefined
    if (!leased && row.refreshingUntil !== undefined) leases += 1
    const happens = meanwhile
    if (leased && row.refreshingUntil === undefined && happens) {
      meanwhile = undefined
      await happens(key)
    }
    return kept.replace(key, version, row)
  }
}

type Outage = 'none' | 'unreachable' | 'busy' | 'lost answers'
let outage: Outage = 'none'
let refreshes = 0
let revocations = 0
const fetch: typeof globalThis.fetch = async (input, init) => {
  const url = String(input instanceof Request ? input.url : input)
  if (url.endsWith('/oauth/revoke')) revocations += 1
  if (!url.endsWith('/oauth/token')) return globalThis.fetch(input, init)
  if (outage === 'unreachable') throw new TypeError('fetch failed')
  if (outage === 'busy') return Response.json({ error: 'server_error' }, { status: 503 })
  if (String(init?.body).includes('grant_type=refresh_token')) refreshes += 1
  const answer = await globalThis.fetch(input, init)
  if (outage === 'lost answers') throw new TypeError('fetch failed')
  return answer
}

const first = await startApp(t, { ...options, store, fetch }, 'listen')
const second = await startApp(t, { ...options, store, fetch })

t.beforeEach(() => {
  clock.aheadSeconds = 0
  outage = 'none'
  refreshes = 0
  leases = 0
  revocations = 0
  meanwhile = undefined
})

async function signedIn() {
  clock.aheadSeconds = 0
  const visitor = createVisitor(setting)
  await visitor.signIn()
  const cookie = `session=${visitor.atApp.cookies().get('session')}`
  const ask = async (app = first) => {
    const answer = await app.inject({ url: '/api/token', headers: { cookie } })
    return { status: answer.statusCode, jti: answer.statusCode === 200 ? answer.json().jti : '' }
  }
  return { visitor, cookie, ask }
}

/** The token at hand has ten minutes; the app's clock alone is ahead. */
const nearEnd = 575
const pastEnd = 610

t.test('parallel requests refresh once, in one process and over two', async t => {
  const { ask } = await signedIn()
  const before = (await ask()).jti
  t.equal(refreshes, 0, 'a token that is fresh is not renewed')
  for (const ahead of [nearEnd, nearEnd + pastEnd]) {
    clock.aheadSeconds = ahead
    refreshes = 0
    leases = 0
    const all = await Promise.all(
      Array.from({ length: 16 }, (_, i) => ask(i % 2 === 0 ? first : second))
    )
    t.ok(all.every(({ status }) => status === 200))
    t.equal(refreshes, 1)
    t.ok(leases <= 2, `each process tries for all of its requests, once: ${leases}`)
    const [after, other] = [(await ask()).jti, (await ask(second)).jti]
    t.not(after, before)
    t.equal(after, other, 'the other process has it, too')
    t.equal(refreshes, 1)
  }
})

t.test('two processes refresh once, and either may be killed', async t => {
  const port = await freePort()
  const { now: _, ...plain } = options
  const file = fileURLToPath(new URL('./app-process.ts', import.meta.url))
  const child = fork(file, [server.databaseUrl, String(port), JSON.stringify(plain)])
  t.teardown(async () => {
    if (child.exitCode === null && child.kill()) await once(child, 'exit')
  })
  await once(child, 'message')
  async function turnClocks(ahead: number) {
    clock.aheadSeconds = ahead
    if (!child.connected) return
    child.send(ahead)
    await once(child, 'message')
  }
  const { ask, cookie } = await signedIn()
  const askChild = async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/token`, { headers: { cookie } })
    const { jti = '', refreshes: theirs = 0 } = (await answer.json()) as Record<string, string>
    return { status: answer.status, jti, theirs: Number(theirs) }
  }

  const seen = new Set<string>()
  for (const [round, ahead] of [nearEnd, 1_180, 1_780].entries()) {
    await turnClocks(ahead)
    const asked = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? ask() : askChild()))
    t.ok((await Promise.all(asked)).every(({ status }) => status === 200))
    const { jti, theirs } = await askChild()
    t.equal((await ask()).jti, jti)
    t.equal(refreshes + theirs, round + 1)
    seen.add(jti)
  }
  t.equal(seen.size, 3)

  await turnClocks(2_400)
  const dying = askChild().catch(() => undefined)
  child.kill('SIGKILL')
  await dying
  clock.aheadSeconds = 2_420
  t.equal((await ask()).status, 200, 'whatever the dead one had begun')
})

t.test('who comes while another process refreshes goes on with the token at hand', async t => {
  const { ask } = await signedIn()
  const before = (await ask()).jti
  clock.aheadSeconds = nearEnd
  const waited: string[] = []
  meanwhile = async () => waited.push((await ask(second)).jti)
  await ask()
  t.same(waited, [before])
  t.equal(refreshes, 1)
})

t.test('a use that is written down meanwhile does not cost the new tokens', async t => {
  const { ask } = await signedIn()
  const before = (await ask()).jti
  clock.aheadSeconds = nearEnd
  meanwhile = async key => {
    const row = await kept.read(key)
    if (row) await kept.replace(key, row.version, { ...row, version: row.version + 1 })
  }
  const after = await ask()
  t.same([after.status, refreshes], [200, 1])
  t.not((await ask()).jti, before)
  t.equal((await ask(second)).jti, (await ask()).jti)
  t.equal(refreshes, 1)
})

for (const kind of ['unreachable', 'busy', 'lost answers'] as const) {
  t.test(`an outage (${kind}) costs no session, and ends by itself`, async t => {
    const { ask } = await signedIn()
    const before = (await ask()).jti
    clock.aheadSeconds = nearEnd
    outage = kind
    t.same(await ask(), { status: 200, jti: before }, 'the token at hand still counts')
    const asked = refreshes
    t.same(await ask(), { status: 200, jti: before })
    t.equal(refreshes, asked, 'and nobody is asked again at once')
    clock.aheadSeconds = pastEnd
    t.equal((await ask()).status, 503, 'never 401')
    outage = 'none'
    clock.aheadSeconds = pastEnd + 2
    const after = await ask()
    t.equal(after.status, 200)
    t.not(after.jti, before)
  })
}

t.test('the issuer’s word ends a session, here and in the other process', async t => {
  const { ask, visitor } = await signedIn()
  await server.server.accounts.service.signOut(server.accountId, 'operator')
  clock.aheadSeconds = pastEnd
  t.equal((await ask()).status, 401)
  t.equal((await ask(second)).status, 401)
  t.equal((await visitor.get('/auth/session')).status, 401)
})

t.test(
  'a process that dies while it refreshes is not waited for longer than its lease',
  async t => {
    const { ask } = await signedIn()
    clock.aheadSeconds = nearEnd
    meanwhile = () => Promise.reject(new Error('the process died'))
    t.equal((await ask()).status, 500)
    t.equal(refreshes, 1)
    t.equal((await ask(second)).status, 200, 'the token at hand still counts')
    t.equal(refreshes, 1, 'the lease of the dead one holds')
    clock.aheadSeconds = nearEnd + 16
    const after = await ask(second)
    t.equal(after.status, 200)
    t.equal(
      refreshes,
      2,
      'the same refresh token again: the server answers with the same successor'
    )
  }
)

async function liveFamilies(): Promise<number> {
  const { rows } = await server.store.database.run<{ count: number }>(
    'test.live_families',
    'SELECT count(*)::int AS count FROM refresh_families WHERE revoked_at IS NULL'
  )
  return rows[0]?.count ?? -1
}

t.test('who signs out while the tokens are renewed leaves none behind', async t => {
  const others = await liveFamilies()
  const { ask, visitor } = await signedIn()
  t.equal(await liveFamilies(), others + 1)
  clock.aheadSeconds = nearEnd
  meanwhile = () => visitor.post('/auth/logout')
  t.equal((await ask()).status, 401)
  t.equal((await ask(second)).status, 401)
  t.same([await liveFamilies(), refreshes], [others, 1])
  t.equal(revocations, 2, 'the token that the sign-out knew, and the one that came after it')
})
