// The verifier behind other servers than Fastify: node:http, Express-like middleware, and the Fetch API; and what Fastify says of proofs. The
// checks are the verifier's, and tested there.

import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fastify } from 'fastify'
import t, { type Test } from 'tap'
import { createTokenGuard } from '../../src/resource-server/fastify.ts'
import { createNodeGuard } from '../../src/resource-server/node-http.ts'
import { createProver, createTestIssuer } from '../../src/resource-server/testing.ts'
import { createVerifier } from '../../src/resource-server/verifier.ts'
import { createRequestGuard } from '../../src/resource-server/web.ts'

const issuer = await createTestIssuer()
const prover = await createProver()
const token = await issuer.accessToken({ subject: 'ada', scope: 'read:things' })
const bound = await issuer.accessToken({ subject: 'ada', scope: 'read:things', prover })
const scope = 'read:things'
const verifier = createVerifier(issuer.options)

async function listen(t: Test, listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise(resolve => server.close(resolve)))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** What every server must answer; `url` is what the proof names. */
async function agrees(
  t: Test,
  ask: (headers: Record<string, string>) => Promise<Response>,
  url = 'https://api.test/things'
) {
  const good = await ask({ authorization: `Bearer ${token}` })
  t.same([good.status, await good.text()], [200, 'ada'])
  const none = await ask({})
  t.same(
    [none.status, none.headers.get('www-authenticate')],
    [401, 'Bearer realm="https://api.test", scope="read:things"']
  )
  t.equal(none.headers.get('cache-control'), 'no-store')
  const narrow = await ask({ authorization: `Bearer ${await issuer.accessToken()}` })
  t.same(
    [narrow.status, (await narrow.json()) as object],
    [
      403,
      {
        error: 'insufficient_scope',
        error_description: 'The access token does not have the scope that this needs: read:things.'
      }
    ]
  )
  const headers = await prover.headers({ method: 'GET', url, token: bound })
  t.equal((await ask(headers)).status, 200, 'with a proof')
  const again = await ask(headers)
  t.match(again.headers.get('www-authenticate'), /^DPoP .*error="invalid_dpop_proof"/)
}

t.test('node:http', async t => {
  const { authorizer } = createNodeGuard({ verifier })
  const authorize = authorizer({ scope })
  const address = await listen(t, async (request, response) => {
    const token = await authorize(request, response)
    if (token) response.end(token.subject)
  })
  await agrees(t, headers => fetch(`${address}/things?page=2`, { headers }))
  const two = new Headers({ authorization: `DPoP ${bound}` })
  const proof = { method: 'GET', url: 'https://api.test/things', token: bound }
  for (const _ of [1, 2]) two.append('dpop', await prover.proof(proof))
  t.equal((await fetch(`${address}/things`, { headers: two })).status, 401, 'two proofs')
})

t.test('a middleware, under a prefix that the router cuts off', async t => {
  const { requireToken, tokenOf } = createNodeGuard({ verifier })
  const guard = requireToken({ scope })
  t.throws(() => requireToken({ scope: 'a"b' }), /scope names/)
  const address = await listen(
    t,
    (request: IncomingMessage & { originalUrl?: string }, response) => {
      request.originalUrl = request.url ?? ''
      request.url = '/things'
      t.throws(() => tokenOf(request), /add requireToken/)
      guard(request, response, () => response.end(tokenOf(request).subject))
    }
  )
  const url = 'https://api.test/v1/things'
  await agrees(t, headers => fetch(`${address}/v1/things`, { headers }), url)
})

t.test('a defect goes to the middleware’s next, and an outage to onOutage', async t => {
  const outages: unknown[] = []
  const down = createVerifier({ ...issuer.options, fetch: () => Promise.reject(new Error('down')) })
  const listening = createNodeGuard({ verifier: down, onOutage: why => void outages.push(why) })
  const outage = await listen(t, (request, response) => {
    listening.requireToken()(request, response, () => t.fail('let in'))
  })
  const answer = await fetch(outage, { headers: { authorization: `Bearer ${token}` } })
  t.same([answer.status, answer.headers.get('retry-after'), outages.length], [503, '5', 1])

  const broken = { ...verifier, verify: () => Promise.reject(new Error('a defect')) }
  const guard = createNodeGuard({ verifier: broken }).requireToken()
  const defect = await listen(t, (request, response) => {
    guard(request, response, error => response.end(String(error)))
  })
  t.equal(await (await fetch(defect)).text(), 'Error: a defect')
})

t.test('the Fetch API', async t => {
  const authorize = createRequestGuard(verifier, { scope })
  await agrees(t, async headers => {
    const result = await authorize(new Request('https://api.test/things?page=2', { headers }))
    return result.ok ? new Response(result.token.subject) : result.response
  })
})

t.test('Fastify, with a nonce in every answer that has another one', async t => {
  let time = Date.now()
  const now = () => time
  const options = { ...issuer.options, now, dpopNonce: 'required' } as const
  const { requireToken, tokenOf } = createTokenGuard({ verifier: createVerifier(options) })
  const app = fastify()
  t.teardown(() => app.close())
  app.get('/things', { onRequest: requireToken({ scope }) }, async r => tokenOf(r).subject)
  const late = await createProver({ now })
  const token = await issuer.accessToken({ subject: 'ada', prover: late, scope, expiresIn: 3600 })
  const request = { method: 'GET', url: 'https://api.test/things', token }
  const ask = async (nonce?: string) =>
    app.inject({
      url: '/things',
      headers: await late.headers(nonce === undefined ? request : { ...request, nonce })
    })
  const first = await ask()
  t.match(first.json(), { error: 'use_dpop_nonce' })
  const nonce = String(first.headers['dpop-nonce'])
  const second = await ask(nonce)
  t.same([second.statusCode, second.body, second.headers['dpop-nonce']], [200, 'ada', undefined])
  time += 120_000
  const third = await ask(nonce)
  t.equal(third.statusCode, 200)
  t.match(third.headers['dpop-nonce'], /^[\w-]{22}$/)
})

t.test('what the test issuer signs is judged as a server’s tokens are', async t => {
  const judge = async (token: string, options = {}) =>
    createVerifier({ ...issuer.options, ...options }).verify(`Bearer ${token}`)
  t.match(await judge(await issuer.accessToken({ expiresIn: -60 })), { description: /expired/ })
  const elsewhere = await issuer.accessToken({ audience: 'https://other.test' })
  t.match(await judge(elsewhere), { description: /another API/ })
  const idToken = await issuer.accessToken({ header: { typ: 'JWT' } })
  t.match(await judge(idToken), { description: /typ/ })
  t.match(await judge(await issuer.accessToken({ claims: { jti: undefined } })), { status: 401 })

  const [one, two] = [await issuer.accessToken(), await issuer.accessToken()]
  issuer.revoke(one)
  const statusList = { statusList: 'required' }
  t.match(await judge(one, statusList), { status: 401, description: /revoked/ })
  t.match(await judge(two, statusList), { ok: true })

  const known = createVerifier(issuer.options)
  t.match(await known.verify(two), { ok: true })
  issuer.goDown()
  t.match(await judge(two), { status: 503 })
  t.match(await known.verify(two), { ok: true }, 'who has the keys serves on')
  issuer.comeBack()
  t.match(await judge(two), { ok: true })
})
