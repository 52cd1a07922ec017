// Token exchange taken for hostile input (forged tokens: tokens.test.ts): tokens of ours of every other kind, claims that we never write, odd and
// repeated parameters; and by chance, from seeds that are written down, that nothing that comes out opens more than went in.

import t from 'tap'
import { endpoints } from '../../src/protocol/configuration.ts'
import {
  accessTokenType,
  jwtTokenType,
  ledger,
  orders,
  startExchanges,
  stock
} from '../protocol/exchange.ts'
import { basic, claimsIn, createProver, publicly } from '../protocol/requests.ts'
import { assertUnharmed, startArena } from './arena.ts'
import { oddValues } from './corpus.ts'
import { basic as basicHeader, form } from './endpoints.ts'
import { randomFrom } from './fuzz.ts'

const main = await startExchanges(t)
const { requests, exchange, issuer } = main
const subject = await main.token()

type Changed = Parameters<typeof exchange>[2]

t.test('whatever else we give out is no subject_token, under any type', async t => {
  const extra = { prompt: 'consent' }
  const scope = 'openid offline_access read:orders'
  const tokens = await requests.tokens({ scope, resource: [orders, issuer], extra })
  const { body: device } = await requests.post('/oauth/device', publicly('tv'), { scope: 'openid' })
  const { body: pushed } = await requests.post('/oauth/par', basic('web'), {
    ...{
      client_id: 'web',
      response_type: 'code',
      redirect_uri: 'https://app.example.com/callback'
    },
    ...{ code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWBuGJSstw-cM' },
    code_challenge_method: 'S256'
  })
  const prover = await createProver()
  const listed = await exchange('stocks', (await exchange('orders', subject)).body.access_token, {
    resource: ledger
  })
  const { status } = claimsIn(listed.body.access_token) as {
    status: { status_list: { uri: string } }
  }
  const list = await fetch(status.status_list.uri)
  const others: Record<string, string> = {
    'an ID token': tokens.id_token,
    'a refresh token': tokens.refresh_token,
    'a code': (await requests.code()).code,
    'a device code': String(device['device_code']),
    'a user code': String(device['user_code']),
    'a pushed request': String(pushed['request_uri']),
    'a DPoP proof': await prover.proof({ url: `${issuer}/oauth/token` }),
    'a status list': await list.text(),
    'the handle of the grant': String(claimsIn(subject)['gid']),
    'the id of the token': String(claimsIn(subject)['jti']),
    'the account': main.accountId,
    'a token for userinfo': (await requests.tokens()).access_token,
    'a machine’s token': (await requests.machine('deputy', { resource: orders })).body.access_token
  }
  for (const [title, value] of Object.entries(others)) {
    t.not(value, 'undefined', title)
    for (const subject_token_type of [accessTokenType, jwtTokenType]) {
      const { body } = await exchange('orders', value, { subject_token_type })
      t.match(body, { error: 'invalid_request' }, title)
    }
  }
  const types = ['id_token', 'refresh_token', 'saml1', 'saml2', 'access_token ', 'ACCESS_TOKEN']
  for (const type of types) {
    const urn = `urn:ietf:params:oauth:token-type:${type}`
    for (const changed of [
      { subject_token_type: urn },
      { requested_token_type: urn },
      { actor_token: subject, actor_token_type: urn }
    ]) {
      t.match((await exchange('orders', subject, changed)).body, { error: 'invalid_request' }, urn)
    }
  }
})

t.test('claims that we never write make a token none of ours, signed or not', async t => {
  const deep = (levels: number): object =>
    levels === 0 ? { sub: 'x' } : { sub: 'x', act: deep(levels - 1) }
  const soon = Math.floor(Date.now() / 1000)
  for (const [title, claims, header] of [
    ['act as a text', { act: 'orders' }],
    ['act as a list', { act: [{ sub: 'orders' }] }],
    ['act without sub', { act: { client_id: 'orders' } }],
    ['act with an empty sub', { act: { sub: '' } }],
    ['act with a number', { act: { sub: 7 } }],
    ['act null', { act: null }],
    ['act of a thousand levels', { act: deep(1000) }],
    ['act of five levels', { act: deep(4) }],
    ['via as a text', { via: 'web' }],
    ['via empty', { via: [] }],
    ['via with a number', { via: [1] }],
    ['via of a hundred', { via: Array.from({ length: 100 }, () => 'web') }],
    ['via somebody whose grant it is not', { via: ['other-web'] }],
    ['via nobody', { via: ['web', 'nobody'] }],
    ['via a name of JavaScript', { via: ['web', '__proto__'] }],
    ['two audiences', { aud: [orders, stock] }],
    ['no audience', { aud: undefined }],
    ['another issuer', { iss: 'https://elsewhere.example.com' }],
    ['expired', { exp: soon - 60 }],
    ['exp as a text', { exp: String(soon + 60) }],
    ['another client', { client_id: 'other-web' }],
    ['no client', { client_id: undefined }],
    ['another grant', { gid: 'x' }],
    ['gid as a number', { gid: 7 }],
    ['gid with a NUL', { gid: 'a\u0000b' }],
    ['jti with a NUL', { jti: 'a\u0000b' }],
    ['typ JWT', {}, { typ: 'JWT' }],
    ['an ID token’s typ', {}, { typ: undefined }]
  ] as [string, object, object?][]) {
    const answer = await exchange('orders', await main.resigned(subject, { ...claims }, header))
    t.match(answer, { status: 400, body: { error: 'invalid_request' } }, title)
  }
  for (const [title, claims] of [
    ['scope as a list', { scope: ['read:orders'] }],
    ['scope of Object’s own', { scope: '__proto__ constructor toString' }],
    ['no scope', { scope: undefined }]
  ] as [string, object][]) {
    const answer = await exchange('orders', await main.resigned(subject, { ...claims }))
    t.match(answer, { status: 400, body: { error: 'invalid_scope' } }, title)
  }
})

t.test('odd and repeated parameters get an error of RFC 8693, and nothing is written', async t => {
  const names = [
    'subject_token',
    'subject_token_type',
    'actor_token',
    'actor_token_type',
    'requested_token_type',
    'audience',
    'resource',
    'scope'
  ]
  const errors = ['invalid_request', 'invalid_target', 'invalid_scope', 'unsupported_grant_type']
  const issued = async () => (await main.audited('token.exchanged')).length
  const before = await issued()
  for (const name of names) {
    for (const value of oddValues) {
      // an empty one is one that is left out
      if (value === '') continue
      const right = decodeURIComponent(/%(?![0-9a-f]{2})|%(ff|c0|ed)/i.test(value) ? '%25' : value)
      const { status, body, text } = await exchange('orders', subject, { [name]: right })
      t.equal(status, 400, `${name} ${value}: ${text}`)
      t.ok(errors.includes(String(body['error'])), `${name} ${value}: ${text}`)
    }
    const twice = name === 'audience' || name === 'resource' ? [stock, ledger] : ['a', 'b']
    const { status, body } = await exchange('orders', subject, { [name]: twice } as Changed)
    const error = twice[0] === stock ? 'invalid_target' : 'invalid_request'
    t.match({ status, ...body }, { status: 400, error }, `${name} twice`)
  }
  for (const missing of ['subject_token', 'subject_token_type']) {
    const { body } = await exchange('orders', subject, { [missing]: undefined } as Changed)
    t.match(body, { error: 'invalid_request' }, `no ${missing}`)
  }
  t.equal(await issued(), before)
})

t.test('a subject_token of 1 MB is refused unread', async t => {
  const arena = await startArena(t)
  const wire = {
    method: 'POST',
    target: endpoints.token,
    headers: [form, basicHeader('orders')],
    body: `grant_type=x&subject_token=${'.'.repeat(1024 * 1024)}`
  }
  const answer = await arena.send(wire)
  t.equal(answer.status, 413)
  t.same(arena.problemsOf({ reader: 'client' }, wire, answer), [])
  await assertUnharmed(t, arena)
})

const { MINTMARK_FUZZ_SEED: seedGiven, MINTMARK_FUZZ_REQUESTS: requestsGiven } = process.env
const seeds = seedGiven === undefined ? [1, 8693, 20261127] : seedGiven.split(',').map(Number)
const requestsPerSeed = Number(requestsGiven ?? 120)

/** What each client may have of each API, for one scope that went in; written down by hand, not taken from the configuration. */
const opens: Record<string, Record<string, Record<string, string[]>>> = {
  orders: {
    [stock]: { 'read:orders': ['read:stock'], 'write:orders': ['read:stock', 'reserve:stock'] }
  },
  narrow: { [stock]: { 'read:orders': ['read:stock'], 'write:orders': ['read:stock'] } },
  gateway: { [stock]: { 'read:orders': ['read:stock'], 'write:orders': ['reserve:stock'] } },
  stocks: { [ledger]: { 'reserve:stock': ['post:ledger'] } }
}
const everyScope = [
  ...['read:orders', 'write:orders', 'other:orders', 'read:stock', 'reserve:stock', 'admin:stock'],
  ...['post:ledger', 'openid', 'email', 'offline_access', 'read:things', 'unknown']
]

for (const seed of seeds) {
  t.test(`${requestsPerSeed} exchanges from seed ${seed} only ever narrow`, async t => {
    const random = randomFrom(seed)
    const some = (of: readonly string[]) => of.filter(() => random.chance(2))
    const pool: string[] = []
    for (const scopes of [
      'read:orders',
      'write:orders',
      'other:orders',
      'read:orders write:orders'
    ]) {
      pool.push(await main.token(scopes))
    }
    const failures: string[] = []
    let exchanged = 0
    for (let sent = 0; sent < requestsPerSeed; sent++) {
      const from = random.one(pool)
      const client = random.one([...Object.keys(opens), 'orders', 'stocks', 'meddler'])
      const usual = client === 'stocks' ? ledger : stock
      const resource = random.chance(4) ? random.one([stock, ledger, orders, issuer]) : usual
      const known = Object.values(opens[client]?.[resource] ?? {}).flat()
      const named = random.chance(4) ? some(everyScope).slice(0, 2) : [...new Set(some(known))]
      const asked = random.chance(2) ? undefined : named.join(' ')
      const { status, body, text } = await exchange(client, from, {
        resource,
        scope: asked || undefined
      })
      if (status !== 200) {
        if (status !== 400) failures.push(`${sent}: ${status} ${text}`)
        continue
      }
      exchanged++
      pool.push(body.access_token)
      const [was, is] = [claimsIn(from), claimsIn(body.access_token)]
      const held = String(was['scope']).split(' ')
      const may = held.flatMap(scope => opens[client]?.[resource]?.[scope] ?? [])
      const got = String(is['scope']).split(' ')
      const problems = [
        got.every(scope => may.includes(scope)) || `${held} opened ${got}`,
        !asked || asked.split(' ').sort().join() === [...got].sort().join() || `asked ${asked}`,
        Number(is['exp']) <= Number(was['exp']) || 'lives longer',
        is['sub'] === was['sub'] || 'another person',
        is['gid'] === was['gid'] || 'another grant',
        (is['via'] as string[]).join() === [was['via'] ?? [], was['client_id']].flat().join() ||
          'via'
      ].filter(problem => problem !== true)
      for (const problem of problems) failures.push(`${sent}: ${client} at ${resource}: ${problem}`)
    }
    t.same(failures, [])
    t.ok(exchanged > requestsPerSeed / 20, `${exchanged} were answered`)
  })
}

t.test('none of it was a fault of ours', async t => {
  t.same(
    main.log.filter(({ level }) => level === 'error' || level === 'fatal'),
    [],
    'nothing was logged as an error'
  )
})
