// Token Status Lists (draft-ietf-oauth-status-list): what tokens say, what the list says, and how it is served. What turns a bit on is in
// revocation-reach.test.ts.

import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { inflateSync } from 'node:zlib'
import { SignJWT } from 'jose'
import t from 'tap'
import { fetchFrom } from '../support/processes.ts'
import { startTestServer } from '../support/server.ts'
import { bitOf, listedApi, listedRequest, referenceIn, withLists } from './listed.ts'
import {
  api,
  apiScope,
  basic,
  claimsIn,
  createRequests,
  headerOf,
  type Parameters,
  web
} from './requests.ts'

const server = await startTestServer(t, withLists)
const requests = createRequests(server)
const { issuer } = server
const { database } = server.store
const fetchHere = (path: string) => requests.get(path)

type Json = Record<string, unknown>

const golden = (name: string): Json =>
  JSON.parse(readFileSync(new URL(`./golden/${name}.json`, import.meta.url), 'utf8'))

const volatile = new Set(['iat', 'exp', 'auth_time', 'jti', 'gid', 'kid', 'idx'])

/** What changes from run to run, by its name; what is packed, by what it is. */
function steady(value: unknown, member = ''): unknown {
  if (volatile.has(member)) return `<${member}>`
  if (value === server.accountId) return '<account>'
  if (member === 'lst') {
    return `<${inflateSync(Buffer.from(String(value), 'base64url')).length} bytes>`
  }
  if (typeof value === 'string') return value.replace(issuer, '<issuer>')
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, steady(item, name)]))
}

const shape = (jwt: string) => steady({ header: headerOf(jwt), payload: claimsIn(jwt) })

const machine = async (parameters: Parameters = { resource: listedApi }) =>
  (await requests.machine('billing', parameters)).body.access_token

t.test('a token and its list have the shape that is written down (§5.1, §6.2)', async t => {
  const { access_token: token } = await requests.tokens(listedRequest)
  t.strictSame(shape(token), golden('access-token-listed'))
  const { text } = await requests.get('/status-lists/1')
  t.strictSame(shape(text), golden('status-list'))
  t.equal(await bitOf(fetchHere, token), 0)
})

t.test('a resource that does not ask for it gets tokens without it', async t => {
  const { access_token: token } = await requests.tokens({
    scope: `openid ${apiScope}`,
    resource: api
  })
  t.notOk('status' in claimsIn(token))
  t.notOk('status' in claimsIn((await requests.tokens()).access_token))
  t.notOk('status' in claimsIn(await machine({ resource: api })))
  const { rows } = await database.run<{ listed: number }>(
    'test.listed',
    `SELECT count(*)::int AS listed FROM grants WHERE status_list IS NOT NULL AND NOT payload -> 'resources' ? $1`,
    [listedApi]
  )
  t.same(rows, [{ listed: 0 }], 'and takes no index')
})

t.test('all tokens of a grant have one index, and two grants have two (§6)', async t => {
  const first = await requests.tokens(listedRequest)
  const { body: next } = await requests.refresh(web, first.refresh_token)
  t.strictSame(referenceIn(first.access_token), referenceIn(next.access_token))
  const other = await requests.tokens(listedRequest)
  t.notSame(referenceIn(first.access_token), referenceIn(other.access_token))
  const own = referenceIn(await machine())
  t.strictSame(own, referenceIn(await machine()), 'and so has a machine')
  t.notSame(own, referenceIn(other.access_token))
})

t.test('the budget is what it was: the index comes with what is read anyway', async t => {
  await machine()
  await machine()
  const counted = async (send: () => Promise<{ status: number }>) => {
    const { result, roundTrips } = await server.counted(send)
    t.equal(result.status, 200)
    return roundTrips.filter(([name]) => name !== 'audit.append_many').length
  }
  t.equal(await counted(() => requests.machine('billing', { resource: listedApi })), 0)
  const code = await requests.code(listedRequest)
  t.equal(await counted(() => requests.redeem(code)), 2)
  const { refresh_token: token } = await requests.tokens(listedRequest)
  t.equal(await counted(() => requests.refresh(web, token)), 2)
})

t.test('a grant and a client from before the resource asked get an index when needed', async t => {
  const { refresh_token: token } = await requests.tokens(listedRequest)
  await database.run(
    'test.before',
    'UPDATE grants SET status_list = NULL, status_idx = NULL WHERE client_id = $1',
    ['web']
  )
  await database.run('test.before_entries', 'DELETE FROM status_entries')
  // the client's own index went as well, and the cached client is forgotten
  await database.run('test.touch', 'UPDATE clients SET revision = revision + 1')
  const { body } = await requests.refresh(web, token)
  const reference = referenceIn(body.access_token)
  t.ok(reference)
  const { body: again } = await requests.refresh(web, body.refresh_token)
  t.strictSame(referenceIn(again.access_token), reference)
  t.equal(await bitOf(fetchHere, again.access_token), 0)
  t.ok(referenceIn(await machine()))
})

t.test('a list is served as the specification has it (§8.2)', async t => {
  await machine()
  const answer = await requests.get('/status-lists/1', { 'accept-encoding': 'identity' })
  t.match(Object.fromEntries(answer.headers), {
    'content-type': 'application/statuslist+jwt',
    'cache-control': 'public, max-age=600',
    'access-control-allow-origin': '*',
    vary: 'accept, accept-encoding',
    etag: /^W\/"[\w-]{22}"$/
  })
  t.notOk(answer.headers.has('content-encoding'))
  const etag = answer.headers.get('etag') ?? ''
  const seen = await requests.get('/status-lists/1', { 'if-none-match': `"x", ${etag}` })
  t.equal(seen.status, 304)
  t.equal(seen.text, '')

  const packed = await fetch(`${issuer}/status-lists/1`, { headers: { 'accept-encoding': 'gzip' } })
  t.equal(packed.headers.get('content-encoding'), 'gzip')
  t.equal(await packed.text(), answer.text, 'fetch unpacks it')
  const { port } = new URL(issuer)
  const raw = await fetchFrom(Number(port), issuer, '/status-lists/1', {
    headers: { 'accept-encoding': 'gzip;q=0' }
  })
  t.equal(raw.headers['content-encoding'], undefined)

  for (const accept of ['application/statuslist+jwt', '*/*', 'text/html, application/*;q=0.1']) {
    t.equal((await requests.get('/status-lists/1', { accept })).status, 200, accept)
  }
  t.equal(
    (await requests.get('/status-lists/1', { accept: 'application/statuslist+cwt' })).status,
    406
  )
  t.equal((await requests.get('/status-lists/1?time=1700000000')).status, 501, 'no history (§8.4)')
  for (const name of ['2', '0', '01', '-1', 'x', '1.0', '9'.repeat(9), '9'.repeat(30), '1%20']) {
    const missing = await requests.get(`/status-lists/${name}`)
    t.match(missing, { status: 404, body: { error: 'not_found' } }, name)
    t.equal(missing.headers.get('cache-control'), 'no-store')
  }
})

t.test('its key is published, and no other key’s work passes for it', async t => {
  const { text } = await requests.get('/status-lists/1')
  const { body } = await requests.get('/.well-known/jwks.json')
  const published = (body['keys'] as Json[]).map(({ kid }) => kid)
  const { kid } = headerOf(text)
  t.ok(published.includes(kid))
  t.not(kid, headerOf(await machine())['kid'], 'and it signs nothing else')
})

t.test('a status list where an access token belongs is refused (D-9)', async t => {
  const { text } = await requests.get('/status-lists/1')
  t.equal((await requests.userinfo(text)).status, 401)
  t.same((await requests.introspect(web.caller, text)).body, { active: false })
  t.equal((await requests.revoke(web.caller, text)).status, 200)

  // what says all that an access token says, and was signed with the key of lists
  const { access_token: token } = await requests.tokens()
  t.equal((await requests.userinfo(token)).status, 200)
  const key = server.server.keys.ring.active('status_list', 'ES256')
  const resigned = await new SignJWT(claimsIn(token))
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: key.kid })
    .sign(key.privateJwk)
  t.equal((await requests.userinfo(resigned)).status, 401)
  t.same((await requests.introspect(web.caller, resigned)).body, { active: false })
})

t.test('many who ask at once are one question to the database', async t => {
  await requests.get('/status-lists/1')
  await sleep(600)
  const many = () => Promise.all(Array.from({ length: 20 }, () => requests.get('/status-lists/1')))
  const { result, roundTrips } = await server.counted(many)
  t.ok(result.every(({ status }) => status === 200))
  const looks = roundTrips.filter(([name]) => name === 'status_lists.find').length
  t.ok(looks >= 1 && looks < 20, `${looks} looks`)
})

t.test('one revoked access token shows at introspection only', async t => {
  const { access_token: token, refresh_token: rest } = await requests.tokens(listedRequest)
  await requests.revoke(web.caller, token)
  t.same((await requests.introspect(basic('api-server'), token)).body, { active: false })
  await sleep(600)
  t.equal(await bitOf(fetchHere, token), 0)
  const { body } = await requests.refresh(web, rest)
  t.equal(await bitOf(fetchHere, body.access_token), 0, 'its grant lives')
})
