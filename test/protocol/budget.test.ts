// The budget of round trips to the database, counted, and that nobody keeps a connection while signing or hashing. The change
// feed listens on a connection of its own and is not counted.

import pg from 'pg'
import t, { type Test } from 'tap'
import { startTestServer } from '../support/server.ts'
import { api, apiScope, basic, createRequests, web } from './requests.ts'

const main = await startTestServer(t)
const requests = createRequests(main)
const { counted } = main

// each client is in the cache, and its secret was noted as used, which happens once an hour
for (const client of ['billing', 'web']) await requests.introspect(basic(client), 'no token')

/** The statements of each round trip of a request, and its status. */
async function roundTripsOf(t: Test, send: () => Promise<{ status: number }>, status = 200) {
  const { result, roundTrips } = await counted(send)
  t.equal(result.status, status)
  // appended once a second for all machine tokens of that second (audit/batch.ts): no request's own
  return roundTrips.filter(([name]) => name !== 'audit.append_many')
}

t.test('client_credentials with a cached client: no round trip', async t => {
  await requests.machine('billing')
  t.same(await roundTripsOf(t, () => requests.machine('billing')), [])
  const withResource = { resource: api, scope: 'read:things' }
  t.same(await roundTripsOf(t, () => requests.machine('billing', withResource)), [])
})

t.test('authorization code exchange: one to read, one to write', async t => {
  const code = await requests.code({
    scope: `openid offline_access ${apiScope}`,
    resource: api,
    extra: { prompt: 'consent' }
  })
  const roundTrips = await roundTripsOf(t, () => requests.redeem(code))
  t.equal(roundTrips.length, 2)
  t.same(roundTrips[0], ['artifacts.find_with_grant'])
  t.ok(roundTrips[1]?.includes('artifacts.consume'))
  t.ok(roundTrips[1]?.includes('refresh_families.insert'))
})

t.test('refresh: one to read, one to write, and the write is one row', async t => {
  const first = await requests.tokens({
    scope: 'openid offline_access',
    extra: { prompt: 'consent' }
  })
  const rotation = [['refresh_families.find'], ['refresh_families.rotate']]
  t.same(await roundTripsOf(t, () => requests.refresh(web, first.refresh_token)), rotation)

  const again = await roundTripsOf(t, () => requests.refresh(web, first.refresh_token))
  t.equal(again.length, 2, 'a retry inside the leeway costs the same')
})

t.test('a JWT at userinfo, introspection and revocation', async t => {
  const { access_token: token } = await requests.tokens()
  const state = [['access_token.state']]
  t.same(await roundTripsOf(t, () => requests.userinfo(token)), state)
  t.same(await roundTripsOf(t, () => requests.introspect(web.caller, token)), state)
  const machine = (await requests.machine('billing')).body.access_token
  t.same(await roundTripsOf(t, () => requests.introspect(basic('billing'), machine)), state)

  const revocation = await roundTripsOf(t, () => requests.revoke(web.caller, token))
  t.equal(revocation.length, 2)
  t.same(
    await roundTripsOf(t, () => requests.introspect(web.caller, 'no token at all')),
    [],
    'noise is told without a question'
  )
})

t.test('discovery and keys: no round trip', async t => {
  const paths = [
    '/.well-known/openid-configuration',
    '/.well-known/oauth-authorization-server',
    '/.well-known/jwks.json',
    '/livez'
  ]
  for (const path of paths) t.same(await roundTripsOf(t, () => requests.get(path)), [], path)
})

t.test('a refused request at the token endpoint costs no write', async t => {
  const unknown = { grant_type: 'refresh_token', refresh_token: 'x'.repeat(96) }
  t.same(await roundTripsOf(t, () => requests.token(web.caller, unknown), 400), [])
  const wrong = basic('billing', 'wrong')
  t.same(await roundTripsOf(t, () => requests.machine('billing', {}, wrong), 401), [])
})

/** Follows every pool of this process: how many connections are out when somebody signs or hashes. */
function watchConnections(t: Test) {
  let out = 0
  const whileSigning: number[] = []
  const whileHashing: number[] = []

  const connect = pg.Pool.prototype.connect as (this: pg.Pool) => Promise<pg.PoolClient>
  async function connectAndCount(this: pg.Pool) {
    const client = await connect.call(this)
    out += 1
    const { release } = client
    client.release = broken => {
      out -= 1
      client.release = release
      release.call(client, broken)
    }
    return client
  }
  const { sign } = crypto.subtle
  const { verify } = main.server.accounts.hasher
  Object.assign(pg.Pool.prototype, { connect: connectAndCount })
  Object.assign(crypto.subtle, {
    async sign(...given: Parameters<typeof sign>) {
      whileSigning.push(out)
      const signature = await sign.apply(crypto.subtle, given)
      whileSigning.push(out)
      return signature
    }
  })
  Object.assign(main.server.accounts.hasher, {
    async verify(...given: Parameters<typeof verify>) {
      whileHashing.push(out)
      const verdict = await verify(...given)
      whileHashing.push(out)
      return verdict
    }
  })
  t.teardown(() => {
    Object.assign(pg.Pool.prototype, { connect })
    Reflect.deleteProperty(crypto.subtle, 'sign')
    Object.assign(main.server.accounts.hasher, { verify })
  })
  return { whileSigning, whileHashing, out: () => out }
}

t.test('no connection is held while signing or hashing', async t => {
  // each sign-in below is at a browser that was not seen before: nobody is owed a mail for it, which would leave at this very moment
  await main.store.database.run('test.unproved', 'UPDATE accounts SET email_verified = false')
  await new Promise(resolve => setTimeout(resolve, 1_500))
  const watch = watchConnections(t)
  const signIn = { scope: 'openid offline_access', extra: { prompt: 'login consent' } }
  let held: number[] = []
  // what the background does in the same moment (a mail, a batch of the audit) is not there each time; what a request holds is
  for (let tries = 0; tries < 3 && !(held.length === 1 && held[0] === 0); tries += 1) {
    watch.whileSigning.length = 0
    watch.whileHashing.length = 0
    requests.ada.clearCookies()
    const { refresh_token: refreshToken } = await requests.tokens(signIn)
    await requests.refresh(web, refreshToken)
    await requests.machine('billing')
    t.equal(watch.whileSigning.length, 10, 'two access tokens and two ID tokens, one for a machine')
    t.equal(watch.whileHashing.length, 2, 'one password')
    held = [...new Set([...watch.whileSigning, ...watch.whileHashing])]
  }
  t.same(held, [0])
  // the audit of machine tokens is appended once a second, in nobody's request: wait until it is
  await new Promise(resolve => setTimeout(resolve, 1_500))
  t.equal(watch.out(), 0)

  // the check sees a connection that is held
  await main.store.database.transaction(async () => {
    await requests.machine('billing')
  })
  t.equal(watch.whileSigning.at(-1), 1)
})
