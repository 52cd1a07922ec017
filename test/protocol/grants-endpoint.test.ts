// The Grant Management API (Grant Management for OAuth 2.0 §6) as a hostile client meets it: whose token opens what, tokens that are bound to
// a key or a certificate, and what an answer never tells.

import { randomUUID } from 'node:crypto'
import t from 'tap'
import { allowedHere, narrowedTo } from '../../src/protocol/grant-change.ts'
import { createGrantManagement } from '../../src/protocol/grant-management.ts'
import { grantManagementMetadata } from '../../src/protocol/grant-scopes.ts'
import { selfSigned } from '../support/certificates.ts'
import { behindProxy, shown } from './certified.ts'
import {
  appNamed,
  clientNamed,
  keeper,
  otherKeeper,
  startManaged,
  things,
  withManagement
} from './managed.ts'
import { basic, claimsIn, createProver, headerOf, web } from './requests.ts'

const bound = appNamed('bound-keeper')
const careful = appNamed('careful-keeper')
/** Seconds that the server's clock is ahead of ours. */
let ahead = 0
const started = await startManaged(
  t,
  {
    ...behindProxy,
    clients: [
      ...[...behindProxy.clients, ...withManagement.clients],
      clientNamed(bound, { tls_client_certificate_bound_access_tokens: true }),
      clientNamed(careful, { dpop_nonce: 'required' })
    ],
    resources: [...behindProxy.resources, ...withManagement.resources]
  },
  { now: () => new Date(Date.now() + ahead * 1_000) }
)
const { server, requests, change, query, revoke, refusal, ownToken, at, endpoint } = started
const { id } = await change('create', {
  scope: 'openid offline_access read:things',
  extra: { prompt: 'consent' }
})
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const own = await ownToken()

t.afterEach(() => requests.turnClock(0))

t.test(
  'without a token that is good, 401 with a challenge and invalid_token (FAPI GM §6.6)',
  async t => {
    const [header, payload, signature = ''] = own.split('.')
    const flipped = `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`
    const none = Buffer.from('{"alg":"none"}').toString('base64url')
    const rows: [string, Record<string, string>][] = [
      ['no token', {}],
      ['no scheme of ours', { authorization: 'Basic a2VlcGVyOng=' }],
      ['an opaque one', bearer('x'.repeat(43))],
      [
        'a refresh token',
        bearer(
          (await change('create', { scope: 'openid offline_access', extra: { prompt: 'consent' } }))
            .refresh_token
        )
      ],
      ['another signature', bearer([header, payload, flipped].join('.'))],
      ['no algorithm', bearer([none, payload, ''].join('.'))],
      ['in the query is nowhere', {}]
    ]
    for (const [what, headers] of rows) {
      for (const method of ['GET', 'DELETE']) {
        const answer = await at(
          method,
          what.endsWith('nowhere') ? `${id}?access_token=${own}` : id,
          headers
        )
        t.match(answer, { status: 401, body: { error: 'invalid_token' } }, `${what}, ${method}`)
        t.match(answer.headers.get('www-authenticate'), /Bearer realm="/)
        t.match(answer.headers.get('cache-control'), /no-store/)
      }
    }
    const malformed = await at('GET', id, { authorization: 'Bearer a b' })
    t.match(malformed, { status: 400, body: { error: 'invalid_request' } })
    t.equal((await query(id)).status, 200)
  }
)

t.test('an access token that expired opens nothing (FAPI GM §6.6)', async t => {
  t.teardown(() => {
    ahead = 0
  })
  const { exp, iat } = claimsIn(own)
  ahead = Number(exp) - Number(iat) - 5
  t.equal((await at('GET', id, bearer(own))).status, 200)
  ahead += 60
  t.match(await at('GET', id, bearer(own)), { status: 401, body: { error: 'invalid_token' } })
})

t.test(
  'a token for something else, or without the scope, is not enough (FAPI GM §6.1, §6.6)',
  async t => {
    const person = await requests.tokens({ app: keeper, scope: 'openid' })
    const forApi = await requests.tokens({ app: keeper, scope: 'read:things', resource: things })
    const queries = await ownToken(keeper, 'grant_management_query')
    const revokes = await ownToken(keeper, 'grant_management_revoke')
    const narrow = await ownToken({ ...keeper, caller: basic('narrow') }, 'grant_management_query')
    const rows: [string, string, string, number][] = [
      ['of a person', 'GET', person.access_token, 403],
      ['for an API', 'GET', forApi.access_token, 403],
      ['to revoke', 'GET', revokes, 403],
      ['to query', 'DELETE', queries, 403],
      ['of a client without such grants', 'GET', narrow, 404]
    ]
    for (const [what, method, token, status] of rows) {
      const answer = await at(method, id, bearer(token))
      t.equal(answer.status, status, what)
      if (status !== 403) continue
      t.equal(answer.body['error'], 'insufficient_scope')
      t.match(
        answer.headers.get('www-authenticate'),
        /scope="grant_management_\w+", error="insufficient_scope"/
      )
    }
    const refused = await requests.token(basic('narrow'), {
      grant_type: 'client_credentials',
      scope: 'grant_management_revoke'
    })
    t.match(
      refused,
      { status: 400, body: { error: 'invalid_scope' } },
      'the scope of its registration'
    )
    t.equal((await at('GET', id, bearer(queries))).status, 200)
  }
)

t.test(
  'another client’s grant, a tampered id and one that never was are one and the same 404 (FAPI GM §6.6, §9)',
  async t => {
    const theirs = await ownToken(otherKeeper)
    const handle = String(
      claimsIn((await change('create', { scope: 'read:things' })).access_token)['gid']
    )
    const { rows } = await server.store.database.run<{ id: string }>(
      'test.engine_id',
      `SELECT id FROM grants WHERE managed_id = '${id}'`
    )
    const none = await at('GET', 'A'.repeat(43), bearer(own))
    t.match(none, { status: 404, body: { error: 'not_found' } })
    t.equal((await at('GET', id, bearer(theirs))).text, none.text)
    t.equal((await at('DELETE', id, bearer(theirs))).text, none.text)
    const odd = [
      `${id.slice(0, -1)}!`,
      `${id}A`,
      id.slice(1),
      handle,
      String(rows[0]?.id),
      '%00',
      `${id}%2e`,
      'a%2fb',
      '%27%20OR%201',
      randomUUID()
    ]
    for (const wrong of odd) {
      t.equal((await at('GET', wrong, bearer(own))).status, 404, wrong.slice(-8))
      t.equal((await at('DELETE', wrong, bearer(own))).status, 404, wrong.slice(-8))
    }
    t.equal((await query(id)).status, 200, 'it is there still')
    for (const path of ['', '/', `/${id}/more`]) {
      const response = await fetch(endpoint + path, { headers: bearer(own) })
      t.equal(response.status, 404)
    }
    const posted = await at('POST', id, bearer(own))
    t.equal(posted.status, 405)
  }
)

t.test('grant_id opens nothing at the token endpoint (FAPI GM §10)', async t => {
  for (const grant_type of ['refresh_token', 'authorization_code', 'client_credentials']) {
    const parameters = {
      grant_type,
      grant_id: id,
      refresh_token: id,
      code: id,
      redirect_uri: keeper.redirectUri,
      code_verifier: 'v'.repeat(43)
    }
    const answer = await requests.token(keeper.caller, parameters)
    t.equal(answer.status, 400, grant_type)
  }
  t.match(await requests.introspect(keeper.caller, id), { body: { active: false } })
})

t.test(
  'a token that is bound to a key needs its proof, made for this address and used once (FAPI GM §6, RFC 9449 §7)',
  async t => {
    const prover = await createProver()
    const proof = (claims: object = {}, made = prover) =>
      made.proof({
        method: 'GET',
        url: `${endpoint}/${id}`,
        accessToken: held,
        claims: { ...claims }
      })
    const form = {
      grant_type: 'client_credentials',
      scope: 'grant_management_query grant_management_revoke'
    }
    const { body } = await requests.token(keeper.caller, form, {
      dpop: await prover.proof({ url: `${requests.issuer}/oauth/token` })
    })
    const held = body.access_token
    const by = (dpop?: string, scheme = 'DPoP', token = held) => ({
      authorization: `${scheme} ${token}`,
      ...(dpop === undefined ? {} : { dpop })
    })
    const good = await proof()
    const rows: [string, Record<string, string>, string][] = [
      ['as a bearer', by(undefined, 'Bearer'), 'invalid_token'],
      ['as a bearer with a proof', by(await proof(), 'Bearer'), 'invalid_token'],
      ['without a proof', by(), 'invalid_dpop_proof'],
      ['of another key', by(await proof({}, await createProver())), 'invalid_dpop_proof'],
      ['another method', by(await proof({ htm: 'DELETE' })), 'invalid_dpop_proof'],
      [
        'another address',
        by(await proof({ htu: `${endpoint}/${'A'.repeat(43)}` })),
        'invalid_dpop_proof'
      ],
      ['another token', by(await proof({ ath: 'A'.repeat(43) })), 'invalid_dpop_proof'],
      ['long ago', by(await proof({ iat: 1_700_000_000 })), 'use_dpop_nonce'],
      ['not bound', by(await proof(), 'DPoP', own), 'invalid_token']
    ]
    for (const [what, headers, error] of rows) {
      const answer = await at('GET', id, headers)
      t.match(answer, { status: 401, body: { error } }, what)
      t.match(answer.headers.get('www-authenticate'), new RegExp(`error="${error}"`))
    }
    t.equal((await at('GET', id, by(good))).status, 200)
    t.match(
      await at('GET', id, by(good)),
      { status: 401, body: { error: 'invalid_dpop_proof' } },
      'twice'
    )
    const aged = await at('GET', id, by(await proof({ iat: 1_700_000_000 })))
    const nonce = aged.headers.get('dpop-nonce') ?? ''
    t.equal((await at('GET', id, by(await proof({ iat: 1_700_000_000, nonce })))).status, 200)
  }
)

t.test(
  'a client whose proofs must have a nonce cannot leave it out here (RFC 9449 §9)',
  async t => {
    const prover = await createProver()
    const asked = (nonce: string | null, claims = {}) => ({
      claims: { ...(nonce === null ? {} : { nonce }), ...claims }
    })
    const form = { grant_type: 'client_credentials', scope: 'grant_management_query' }
    const url = `${requests.issuer}/oauth/token`
    const first = await requests.token(careful.caller, form, { dpop: await prover.proof({ url }) })
    const nonce = first.headers.get('dpop-nonce')
    const { body } = await requests.token(careful.caller, form, {
      dpop: await prover.proof({ url, ...asked(nonce) })
    })
    const ask = async (given: string | null) =>
      at('GET', id, {
        authorization: `DPoP ${body.access_token}`,
        dpop: await prover.proof({
          ...{ method: 'GET', url: `${endpoint}/${id}`, accessToken: body.access_token },
          ...asked(given)
        })
      })
    const without = await ask(null)
    t.match(without, { status: 401, body: { error: 'use_dpop_nonce' } })
    t.match(without.headers.get('www-authenticate'), /error="use_dpop_nonce"/)
    t.equal((await ask(without.headers.get('dpop-nonce'))).status, 404, 'good, and not its grant')
  }
)

t.test('a token that is bound to a certificate needs it (FAPI GM §6, RFC 8705 §3)', async t => {
  const mine = shown(await selfSigned())
  const form = { grant_type: 'client_credentials', scope: 'grant_management_query' }
  const { body } = await requests.token(bound.caller, form, mine)
  t.ok(claimsIn(body.access_token)['cnf'])
  const headers = bearer(body.access_token)
  t.equal((await at('GET', id, { ...headers, ...mine })).status, 404, 'good, and not its grant')
  for (const other of [{}, shown(await selfSigned())]) {
    t.match(await at('GET', id, { ...headers, ...other }), {
      status: 401,
      body: { error: 'invalid_token' }
    })
  }
})

t.test('an answer tells no token and no person (FAPI GM §6, §9)', async t => {
  const answer = await query(id)
  t.same(Object.keys(answer.body).sort(), ['created_at', 'expires_at', 'last_updated', 'scopes'])
  t.notMatch(answer.text, new RegExp(`${server.accountId}|ada|eyJ`))
  t.equal(headerOf(own)['typ'], 'at+jwt')
})

t.test('what ends a client’s tokens ends them here', async t => {
  const token = await ownToken()
  t.equal((await at('GET', id, bearer(token))).status, 200)
  await requests.revoke(keeper.caller, token)
  t.equal((await at('GET', id, bearer(token))).status, 401)
})

t.test(
  'a web client’s token of its own opens its grants and nothing else (FAPI GM §6.1)',
  async t => {
    const asked = async (parameters: Record<string, string>, app = keeper) =>
      (await requests.token(app.caller, { grant_type: 'client_credentials', ...parameters })).body[
        'error'
      ] ?? 'given'
    t.equal(await asked({ resource: things, scope: 'read:things' }), 'invalid_target')
    t.equal(await asked({ scope: 'read:things' }), 'invalid_target')
    t.equal(await asked({ scope: 'openid' }), 'invalid_target')
    t.equal(await asked({}), 'invalid_target')
    t.equal(await asked({ resource: endpoint, scope: 'read:things' }), 'invalid_scope')
    t.equal(await asked({ scope: 'grant_management_query read:things' }), 'invalid_target')
    t.equal(await asked({ resource: endpoint, scope: 'grant_management_query' }), 'given')
    t.equal(await asked({ scope: 'grant_management_query' }, web), 'unauthorized_client')
    const billing = { ...web, caller: basic('billing') }
    const itself = { resource: endpoint, scope: 'grant_management_query' }
    t.equal(await asked(itself, billing), 'invalid_target', 'a machine has no grants')
    // nobody is asked for it at the browser
    const there = await refusal({ scope: 'grant_management_query', resource: endpoint })
    t.equal(there['error'], 'invalid_target')
    t.type(await ownToken(), 'string')
  }
)

t.test('the audit trail tells what became of a grant', async t => {
  const { id } = await change('create', { scope: 'read:things' })
  await revoke(id)
  const { rows } = await server.store.database.run<{ type: string; data: Record<string, unknown> }>(
    'test.trail',
    `SELECT type, data FROM audit_events WHERE data ->> 'grant' = '${id}' ORDER BY at`
  )
  t.match(rows, [
    { type: 'managed_grant.claimed', data: { grantId: String } },
    { type: 'managed_grant.revoked', data: { by: 'client' } }
  ])
})

t.test('what one person allowed on the page does not count for another (FAPI GM §5.4)', async t => {
  const granted = { openid: ['openid'], resources: {} }
  const result = { login: { accountId: 'b' }, consent: { accountId: 'a', granted } }
  t.same(allowedHere(result, 'a'), granted)
  t.equal(allowedHere(result, 'b'), undefined)
  t.equal(allowedHere({ consent: {} }, 'a'), undefined, 'that of a request without an action')
  t.equal(allowedHere(undefined, 'a'), undefined)
})

t.test(
  'what a client may have no longer does not come back with a merge (FAPI GM §5.2)',
  async t => {
    const content = { openid: { scope: 'openid email' }, resources: { a: 'x y', b: 'z' } }
    const now: Record<string, string[]> = { account: ['openid'], a: ['x', 'z'] }
    const narrowed = narrowedTo(content, name => new Set(now[name ?? 'account']))
    t.same(narrowed, { openid: { scope: 'openid' }, resources: { a: 'x' } })
  }
)

t.test('an action can be demanded of every authorization request (FAPI GM §5.4, §7.1)', async t => {
  const required = { enabled: true, actionRequired: true }
  t.match(grantManagementMetadata(requests.issuer, required), {
    grant_management_action_required: true
  })
  const { parameters } = createGrantManagement({
    ...{ ...required, guarded: work => work(), available: () => new Set() },
    managed: { find: async () => undefined, claimStatements: () => [] }
  })
  const judge = async (route: string, params: object) =>
    parameters['grant_management_action']?.(
      { oidc: { route, params: { response_type: 'code', ...params } } } as never,
      (params as { grant_management_action?: string }).grant_management_action,
      { clientId: 'keeper', clientAuthMethod: 'client_secret_basic' }
    )
  for (const route of ['authorization', 'pushed_authorization_request']) {
    const refused = await judge(route, {}).catch((error: unknown) => error)
    t.match(refused, { error_description: /is required: create, merge, replace/ })
    await t.resolves(judge(route, { grant_management_action: 'create' }))
  }
})

t.test('a stranger who guesses is made to wait', async t => {
  let last = await at('GET', id, {})
  for (let tries = 0; tries < 200 && last.status === 401; tries++) last = await at('GET', id, {})
  t.equal(last.status, 429)
  t.ok(Number(last.headers.get('retry-after')) > 0)
  t.equal((await query(id)).status, 200, 'who has a token does not')
})
