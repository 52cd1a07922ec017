// The hooks for Fastify: what a caller of a guarded route sees on the wire (RFC 6750 §3). The
// checks themselves are the verifier's, and tested there.

import { fastify } from 'fastify'
import t from 'tap'
import { createTokenGuard, resourceServer } from '../../src/resource-server/fastify.ts'
import { createVerifier } from '../../src/resource-server/verifier.ts'
import { audience, startFakeIssuer } from './fake-issuer.ts'

const issuer = await startFakeIssuer(t)
const options = { issuer: issuer.url, audience }
const bearer = async (claims = {}) => ({
  authorization: `Bearer ${await issuer.sign({ claims })}`
})

t.test('requireToken lets a token with the scope in, and tokenOf gives it', async t => {
  const app = fastify()
  t.teardown(() => app.close())
  const { requireToken, tokenOf } = createTokenGuard({ verifier: createVerifier(options) })
  const onRequest = requireToken({ scope: 'read:things' })
  app.get('/things', { onRequest }, async request => ({ client: tokenOf(request).clientId }))
  app.get('/open', async request => tokenOf(request).clientId)

  const good = await app.inject({ url: '/things', headers: await bearer() })
  t.equal(good.statusCode, 200)
  t.same(good.json(), { client: 'web' })

  const none = await app.inject({ url: '/things' })
  t.equal(none.statusCode, 401)
  const wanted = `Bearer realm="${audience}", scope="read:things"`
  t.equal(none.headers['www-authenticate'], wanted, 'and what to ask for (RFC 6750 §3)')
  t.equal(none.headers['cache-control'], 'no-store')

  const expired = await app.inject({ url: '/things', headers: await bearer({ exp: 1 }) })
  t.equal(expired.statusCode, 401)
  t.equal(expired.json().error, 'invalid_token')

  const narrow = await app.inject({ url: '/things', headers: await bearer({ scope: 'other' }) })
  t.equal(narrow.statusCode, 403)
  t.match(narrow.headers['www-authenticate'], 'scope="read:things"')

  const defect = await app.inject({ url: '/open', headers: await bearer() })
  t.equal(defect.statusCode, 500, 'a route without the hook has no token to give')
})

t.test('an access token in the query is not read (RFC 9700 §4.3.2)', async t => {
  const app = fastify()
  t.teardown(() => app.close())
  const { requireToken } = createTokenGuard({ verifier: createVerifier(options) })
  app.get('/things', { onRequest: requireToken() }, async () => 'open')
  const answer = await app.inject({ url: `/things?access_token=${await issuer.sign()}` })
  t.equal(answer.statusCode, 401)
})

t.test('the plugin guards its own scope and no other', async t => {
  const app = fastify()
  t.teardown(() => app.close())
  app.register(async api => {
    await api.register(resourceServer, { ...options, scope: 'read:things' })
    api.get('/api/things', async () => 'things')
  })
  app.get('/health', async () => 'well')
  t.equal((await app.inject('/api/things')).statusCode, 401)
  t.equal((await app.inject('/health')).statusCode, 200)
  t.equal((await app.inject({ url: '/api/things', headers: await bearer() })).statusCode, 200)
})

t.test('an outage of the issuer is 503 with Retry-After, never 401', async t => {
  const app = fastify()
  t.teardown(() => app.close())
  const down = { ...options, fetch: async () => Promise.reject(new Error('down')) }
  app.register(async api => {
    await api.register(resourceServer, down)
    api.get('/things', async () => 'things')
  })
  const answer = await app.inject({ url: '/things', headers: await bearer() })
  t.equal(answer.statusCode, 503)
  t.equal(answer.headers['retry-after'], '5')
  t.equal(answer.headers['www-authenticate'], undefined)
})

t.test('a scope that could not stand in a header is refused at start', async t => {
  const { requireToken } = createTokenGuard({ verifier: createVerifier(options) })
  t.throws(() => requireToken({ scope: 'a"b' }), /scope names/)
})
