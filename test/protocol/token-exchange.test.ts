// Token exchange (RFC 8693), as an API does it that calls another one for a person: with a library that is not the engine, and by hand. What
// comes out, who is said to act, and that it never opens more, nor lives longer, than what went in.

import { createRemoteJWKSet, jwtVerify } from 'jose'
import * as oidc from 'openid-client'
import t from 'tap'
import { Fault } from '../../src/lib/fault.ts'
import { createVerifier } from '../../src/resource-server/verifier.ts'
import { secretOf } from '../support/configuration.ts'
import {
  accessTokenType,
  jwtTokenType,
  ledger,
  orders,
  startExchanges,
  stock,
  tokenExchangeGrantType
} from './exchange.ts'
import { basic, claimsIn, createProver } from './requests.ts'

const main = await startExchanges(t)
const { requests, exchange, issuer } = main
const tokenUrl = `${issuer}/oauth/token`

t.test('openid-client exchanges, and jose verifies what comes (RFC 8693 §2, RFC 9068)', async t => {
  const subject = await main.token()
  const client = await oidc.discovery(
    new URL(issuer),
    'orders',
    undefined,
    oidc.ClientSecretBasic(secretOf('orders')),
    { execute: [oidc.allowInsecureRequests] }
  )
  const answer = await oidc.genericGrantRequest(client, tokenExchangeGrantType, {
    subject_token: subject,
    subject_token_type: accessTokenType,
    audience: stock,
    scope: 'read:stock'
  })
  t.equal(answer['issued_token_type'], accessTokenType)
  t.equal(answer.token_type, 'bearer')
  t.equal(answer.scope, 'read:stock')
  t.same(Object.keys(answer).sort(), [
    'access_token',
    'expires_in',
    'issued_token_type',
    'scope',
    'token_type'
  ])

  const keys = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`))
  const options = { issuer, audience: stock, typ: 'at+jwt' }
  const { payload } = await jwtVerify(answer.access_token, keys, options)
  t.match(payload, {
    sub: main.accountId,
    client_id: 'orders',
    scope: 'read:stock',
    act: { sub: 'orders' },
    via: ['web']
  })
  t.equal(payload['gid'], claimsIn(subject)['gid'], 'of the same grant')

  const api = createVerifier({ issuer, audience: stock })
  const verified = await api.verify(`Bearer ${answer.access_token}`)
  t.match(verified, { ok: true, token: { subject: main.accountId, actor: { sub: 'orders' } } })
})

t.test('the answer is not to be stored, and has the type that was asked for', async t => {
  const subject = await main.token()
  const answer = await exchange('orders', subject, {
    subject_token_type: jwtTokenType,
    requested_token_type: jwtTokenType
  })
  t.equal(answer.status, 200)
  t.equal(answer.headers.get('cache-control'), 'no-store')
  t.match(answer.body, { issued_token_type: jwtTokenType, token_type: 'Bearer' })
})

t.test('each exchange adds the one who acts, outermost (RFC 8693 §4.1)', async t => {
  const first = await exchange('orders', await main.token())
  const second = await exchange('stocks', first.body.access_token, { resource: ledger })
  t.equal(second.status, 200, second.text)
  const claims = claimsIn(second.body.access_token)
  t.same(claims['act'], { sub: 'stocks', act: { sub: 'orders' } })
  t.same(claims['via'], ['web', 'orders'])
  t.match(claims, { sub: main.accountId, client_id: 'stocks', aud: ledger, scope: 'post:ledger' })

  const told = await requests.introspect(basic('api-server'), second.body.access_token)
  t.match(told.body, {
    active: true,
    sub: main.accountId,
    client_id: 'stocks',
    act: { sub: 'stocks', act: { sub: 'orders' } }
  })
  t.notOk('via' in told.body)
  const { body } = await requests.introspect(basic('orders'), second.body.access_token)
  t.same(body, { active: false }, 'who acted before is not told of it')
})

t.test('an impersonation says nothing of itself, but wipes out no act of before', async t => {
  const subject = await main.token()
  const plain = await exchange('gateway', subject)
  t.equal(plain.status, 200, plain.text)
  const claims = claimsIn(plain.body.access_token)
  t.notOk('act' in claims)
  t.match(claims, { sub: main.accountId, client_id: 'gateway', scope: 'read:stock reserve:stock' })

  const acted = await main.resigned(subject, { act: { sub: 'deputy' }, via: ['web'] })
  const kept = await exchange('gateway', acted)
  t.same(claimsIn(kept.body.access_token)['act'], { sub: 'deputy' })
})

t.test('the audit trail says who acted for whom, in both modes', async t => {
  const subject = await main.token()
  const delegated = claimsIn((await exchange('orders', subject)).body.access_token)
  const impersonated = claimsIn((await exchange('gateway', subject)).body.access_token)
  const rows = (await main.audited('token.exchanged')).slice(-2)
  const common = {
    subjectJti: claimsIn(subject)['jti'],
    subjectClient: 'web',
    from: orders,
    resource: stock
  }
  t.strictSame(rows, [
    {
      account_id: main.accountId,
      client_id: 'orders',
      data: {
        ...common,
        mode: 'delegation',
        actor: 'orders',
        jti: delegated['jti'],
        scope: ['read:stock', 'reserve:stock']
      }
    },
    {
      account_id: main.accountId,
      client_id: 'gateway',
      data: {
        ...common,
        mode: 'impersonation',
        actor: 'gateway',
        jti: impersonated['jti'],
        scope: ['read:stock', 'reserve:stock']
      }
    }
  ])
  const issued = await main.audited('token.issued')
  t.notOk(
    issued.some(({ data }) => data['grantType'] === tokenExchangeGrantType),
    'once, not twice'
  )
})

t.test('a genuine token in the wrong hands is audited; noise is not', async t => {
  const before = (await main.audited('token.refused')).length
  await exchange('orders', 'noise')
  t.equal((await main.audited('token.refused')).length, before)
  await exchange('orders', await main.token('other:orders'))
  const [row] = (await main.audited('token.refused')).slice(before)
  t.match(row, {
    account_id: main.accountId,
    client_id: 'orders',
    data: { grantType: tokenExchangeGrantType, error: 'invalid_scope' }
  })
})

t.test('a scope opens what is listed for it, and nothing else', async t => {
  const scopeOf = async (held: string, client: string, scope?: string) => {
    const { status, body } = await exchange(client, await main.token(held), { scope })
    return status === 200 ? body['scope'] : body['error']
  }
  t.equal(await scopeOf('read:orders', 'orders'), 'read:stock')
  t.equal(await scopeOf('write:orders', 'orders'), 'read:stock reserve:stock')
  t.equal(await scopeOf('write:orders', 'orders', 'reserve:stock'), 'reserve:stock')
  t.equal(await scopeOf('read:orders', 'orders', 'read:stock reserve:stock'), 'invalid_scope')
  t.equal(await scopeOf('write:orders', 'orders', 'admin:stock'), 'invalid_scope')
  t.equal(await scopeOf('other:orders', 'orders'), 'invalid_scope')
  t.equal(await scopeOf('write:orders', 'narrow'), 'read:stock', 'the client’s own bound')
  t.equal(await scopeOf('write:orders', 'narrow', 'reserve:stock'), 'invalid_scope')
  for (const scope of ['openid', 'openid read:stock', 'offline_access', 'read:orders', 'x  y']) {
    t.equal(await scopeOf('read:orders', 'orders', scope), 'invalid_scope', scope)
  }
})

t.test('the new token never outlives the one that it came from', async t => {
  const subject = await main.token()
  const { exp, iat } = claimsIn(subject) as { exp: number; iat: number }
  t.equal(exp - iat, 600)
  const whole = await exchange('orders', subject)
  t.equal(claimsIn(whole.body.access_token)['exp'], exp)
  t.ok(Number(whole.body['expires_in']) <= exp - Math.floor(Date.now() / 1000) + 1)

  const soon = Math.floor(Date.now() / 1000) + 30
  const short = await exchange('orders', await main.resigned(subject, { exp: soon }))
  t.equal(claimsIn(short.body.access_token)['exp'], soon)

  const onward = await exchange('stocks', whole.body.access_token, { resource: ledger })
  t.equal(onward.body['expires_in'], 20, 'nor longer than the resource says')

  // accepted elsewhere, by the tolerance of clocks; nothing is left of it to give
  const over = Math.floor(Date.now() / 1000) - 5
  const none = await exchange('orders', await main.resigned(subject, { exp: over }))
  t.match(none.body, { error: 'invalid_request', error_description: 'subject_token has expired' })
})

t.test('four exchanges at most lie behind a token', async t => {
  const subject = await main.token()
  const via = (count: number) => Array.from({ length: count }, () => 'web')
  const ok = await exchange('orders', await main.resigned(subject, { via: via(3) }))
  t.same(claimsIn(ok.body.access_token)['via'], ['web', 'web', 'web', 'web'])
  const long = await exchange('orders', await main.resigned(subject, { via: via(4) }))
  t.match(long.body, { error: 'invalid_request', error_description: /4 exchanges already/ })
})

t.test('one target, by either name; never the issuer (RFC 8693 §2.2.2, RFC 8707 §2)', async t => {
  const subject = await main.token()
  const errorFor = async (changed: Parameters<typeof exchange>[2]) => {
    const { status, body } = await exchange('orders', subject, { resource: undefined, ...changed })
    return status === 200 ? 'none' : body['error']
  }
  t.equal(await errorFor({ audience: stock }), 'none')
  t.equal(await errorFor({ audience: stock, resource: stock }), 'none')
  t.equal(await errorFor({ resource: [stock, stock] }), 'none', 'one name, twice')
  t.equal(await errorFor({}), 'invalid_request')
  t.equal(await errorFor({ resource: '' }), 'invalid_request')
  for (const [title, changed] of Object.entries({
    two: { resource: [stock, ledger] },
    'two, by two names': { audience: ledger, resource: stock },
    'the issuer': { resource: issuer },
    'an API whose list does not name the client': { resource: ledger },
    'the API itself': { resource: orders },
    unknown: { resource: 'https://nowhere.example.com' },
    relative: { resource: '/stock' },
    'with a fragment': { resource: `${stock}#x` },
    'a client id': { audience: 'stocks' },
    'another spelling': { resource: `${stock}/` },
    'a name of JavaScript': { audience: '__proto__' }
  })) {
    t.equal(await errorFor(changed), 'invalid_target', title)
  }
})

t.test('a proof binds the new token to the key of who exchanges (RFC 9449 §5)', async t => {
  const prover = await createProver()
  const DPoP = await prover.proof({ url: tokenUrl })
  const subject = await main.token()
  const answer = await exchange('orders', subject, {}, { DPoP })
  t.match(answer.body, { token_type: 'DPoP' }, answer.text)
  t.same(claimsIn(answer.body.access_token)['cnf'], { jkt: prover.thumbprint })
  const told = await requests.introspect(basic('stocks'), answer.body.access_token)
  t.match(told.body, { active: true, token_type: 'DPoP', cnf: { jkt: prover.thumbprint } })

  const again = await exchange('orders', subject, {}, { DPoP })
  t.match(again.body, { error: 'invalid_dpop_proof' }, 'a proof is good once')
  const wrong = await prover.proof({ url: `${issuer}/userinfo` })
  t.match((await exchange('orders', subject, {}, { DPoP: wrong })).body, {
    error: 'invalid_dpop_proof'
  })
  t.match(
    (await exchange('locked', subject)).body,
    { error: 'invalid_request' },
    'it must be bound'
  )
})

t.test('an exchanged token opens no userinfo, and its status is that of the grant', async t => {
  const first = (await exchange('orders', await main.token())).body.access_token
  t.equal((await requests.userinfo(first)).status, 401)
  const second = await exchange('stocks', first, { resource: ledger })
  const { status } = claimsIn(second.body.access_token) as {
    status: { status_list: { uri: string } }
  }
  t.match(status.status_list.uri, /\/status-lists\/\d+$/)
})

t.test('who exchanged may revoke what came of it, and nobody else may (RFC 7009 §2.1)', async t => {
  const subject = await main.token()
  const token = (await exchange('orders', subject)).body.access_token
  const active = async () => (await requests.introspect(basic('stocks'), token)).body['active']
  await requests.revoke(basic('web'), token)
  t.equal(await active(), true)
  await requests.revoke(basic('orders'), token)
  t.equal(await active(), false)
  const { body } = await requests.introspect(basic('orders'), subject)
  t.equal(body['active'], true, 'a token ends alone')
})

t.test('one read and one write, and a second read for an actor_token', async t => {
  const subject = await main.token()
  await exchange('orders', subject)
  const { result, roundTrips } = await main.counted(() => exchange('orders', subject))
  t.equal(result.status, 200)
  const own = (trips: readonly (readonly string[])[]) =>
    trips.filter(([name]) => name !== 'audit.append_many')
  t.same(own(roundTrips), [['access_token.state'], ['audit.append']])

  const actor_token = (await requests.machine('orders')).body.access_token
  const more = { actor_token, actor_token_type: accessTokenType }
  const acted = await main.counted(() => exchange('orders', subject, more))
  t.same(own(acted.roundTrips), [['access_token.state'], ['access_token.state'], ['audit.append']])

  const noise = await main.counted(() => exchange('orders', 'a.b.c'))
  t.equal(noise.result.status, 400)
  t.same(own(noise.roundTrips), [], 'noise costs nothing')
})

t.test('PostgreSQL away is 503 and never a refusal of the token', async t => {
  const subject = await main.token()
  const { database } = main.store
  const { run } = database
  const away = () => Promise.reject(new Fault('store_unavailable', 'away for this test'))
  Object.assign(database, { run: away })
  const answer = await exchange('orders', subject)
  Object.assign(database, { run })
  t.match(answer, { status: 503, body: { error: 'temporarily_unavailable' } })
  t.equal(answer.headers.get('retry-after'), '2')
  t.equal((await exchange('orders', subject)).status, 200)
})
