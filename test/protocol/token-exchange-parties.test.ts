// Who may exchange (RFC 8693 §2.1, §4.4, §5): clients that are listed, tokens of the audiences that are listed, keys that are proved, and the
// actor that an actor_token names. Everybody else is refused, with the error that the RFC has for it.

import t from 'tap'
import {
  accessTokenType,
  orders,
  startExchanges,
  stock,
  tokenExchangeGrantType
} from './exchange.ts'
import { basic, claimsIn, createProver, publicly } from './requests.ts'

const main = await startExchanges(t)
const { requests, exchange, issuer } = main
const tokenUrl = `${issuer}/oauth/token`

t.test('an actor_token names a machine that is listed, or the caller', async t => {
  const subject = await main.token()
  const own = (await requests.machine('orders')).body.access_token
  const deputy = await requests.machine('deputy', { resource: orders })
  const as = (actor_token: string, more = {}) =>
    exchange('orders', subject, { actor_token, actor_token_type: accessTokenType, ...more })

  t.same(claimsIn((await as(own)).body.access_token)['act'], { sub: 'orders' })
  const acted = claimsIn((await as(deputy.body.access_token)).body.access_token)
  t.same(acted['act'], { sub: 'deputy' })
  t.equal(acted['client_id'], 'orders', 'who asked is still said')
  const [row] = (await main.audited('token.exchanged')).slice(-1)
  t.match(row, { client_id: 'orders', data: { actor: 'deputy' } })

  const elsewhere = await requests.machine('deputy', { resource: stock })
  const stranger = await requests.machine('stranger', { resource: orders })
  for (const [title, actor] of [
    ['a token that the deputy sent elsewhere', elsewhere.body.access_token],
    ['a machine that is not listed', stranger.body.access_token],
    ['a person', subject],
    ['noise', 'noise']
  ] as const) {
    t.match((await as(actor)).body, { error: 'invalid_request' }, title)
  }
  t.match((await as(own, { actor_token_type: undefined })).body, { error: 'invalid_request' })
  const alone = await exchange('orders', subject, { actor_token_type: accessTokenType })
  t.match(alone.body, { error: 'invalid_request' })
  const impersonated = await exchange('gateway', subject, {
    actor_token: (await requests.machine('gateway')).body.access_token,
    actor_token_type: accessTokenType
  })
  t.match(impersonated.body, { error: 'invalid_request', error_description: /impersonates/ })
})

t.test('may_act is heeded, and lets nobody where it is not understood (RFC 8693 §4.4)', async t => {
  const subject = await main.token()
  const statusFor = async (may_act: unknown) =>
    (await exchange('orders', await main.resigned(subject, { may_act }))).status
  for (const may_act of [{ sub: 'orders' }, { sub: 'orders', client_id: 'orders', iss: issuer }]) {
    t.equal(await statusFor(may_act), 200, JSON.stringify(may_act))
  }
  for (const may_act of [
    { sub: 'deputy' },
    { sub: 'orders', iss: 'https://elsewhere.example.com' },
    { sub: 'orders', client_id: 'web' },
    { sub: 'orders', email: 'orders@example.com' },
    { client_id: 'orders' },
    { sub: ['orders'] },
    {},
    [],
    [{ sub: 'orders' }],
    'orders',
    true,
    null,
    7
  ]) {
    t.equal(await statusFor(may_act), 400, JSON.stringify(may_act))
  }
})

t.test('who is not listed exchanges nothing, and nor does who cannot authenticate', async t => {
  const subject = await main.token()
  t.match((await exchange('meddler', subject)).body, { error: 'invalid_target' })
  for (const [title, caller, error, status] of [
    ['no grant type', basic('web'), 'unauthorized_client', 400],
    ['another machine', basic('billing'), 'unauthorized_client', 400],
    ['a public client', publicly('spa'), 'unauthorized_client', 400],
    ['a wrong secret', basic('orders', 'wrong'), 'invalid_client', 401],
    ['no secret', publicly('orders'), 'invalid_client', 401]
  ] as const) {
    const answer = await exchange(caller, subject)
    t.match(answer, { status, body: { error } }, title)
  }
})

t.test('a token of another audience is not for this client to exchange', async t => {
  const forIssuer = (await requests.tokens()).access_token
  t.match((await exchange('orders', forIssuer)).body, { error: 'invalid_request' })
  const forStock = (await exchange('orders', await main.token())).body.access_token
  t.match((await exchange('orders', forStock)).body, { error: 'invalid_request' })
  const ofMachine = (await requests.machine('deputy', { resource: orders })).body.access_token
  t.match((await exchange('orders', ofMachine)).body, {
    error: 'invalid_request',
    error_description: /of a person/
  })
})

t.test('a token that is bound to a key is exchanged by its API, or with that key', async t => {
  const prover = await createProver()
  const proof = () => prover.proof({ url: tokenUrl })
  const bound = await main.token('read:orders', { DPoP: await proof() })
  t.ok(claimsIn(bound)['cnf'])
  t.equal((await exchange('orders', bound)).status, 200, 'the API has seen the proof')
  t.match((await exchange('gateway', bound)).body, {
    error: 'invalid_request',
    error_description: /bound to a key/
  })
  const other = await createProver()
  const DPoP = await other.proof({ url: tokenUrl })
  t.match((await exchange('gateway', bound, {}, { DPoP })).body, { error: 'invalid_request' })
  const held = await exchange('gateway', bound, {}, { DPoP: await proof() })
  t.match(held.body, { token_type: 'DPoP' }, 'the key itself')

  const certified = await main.resigned(bound, { cnf: { 'x5t#S256': 'a-certificate' } })
  t.equal((await exchange('gateway', certified)).status, 400)
})

t.test('an app that is listed exchanges the token that it holds itself', async t => {
  const app = {
    clientId: 'shop',
    redirectUri: 'https://shop.example.com/callback',
    caller: basic('shop')
  }
  const { access_token: own } = await requests.tokens({
    ...{ app, scope: 'openid read:orders', resource: orders }
  })
  const { body } = await exchange('shop', own)
  t.match(claimsIn(body.access_token), { client_id: 'shop', via: ['shop'], scope: 'read:stock' })
  t.match((await requests.introspect(basic('stocks'), body.access_token)).body, { active: true })
})

t.test('a client that has the grant type, and no credentials, exchanges nothing', async t => {
  const metadata = { redirect_uris: ['https://any.example.com/callback'] }
  const clientId = 'public-by-mistake'
  await main.server.clients.create({ clientId, type: 'spa', owner: 'cli', metadata })
  // no policy lets this in; an older row, or somebody with SQL, might
  await main.store.database.run(
    'test.give_grant_type',
    `UPDATE clients SET metadata = jsonb_set(metadata, '{grant_types}', $2) WHERE client_id = $1`,
    [clientId, JSON.stringify(['authorization_code', tokenExchangeGrantType])]
  )
  const { status, body } = await exchange(publicly(clientId), await main.token())
  t.match(
    { status, ...body },
    { status: 400, error: 'unauthorized_client', error_description: /needs a client that/ }
  )
})
