// An API that wants a stronger or more recent sign-in says so (RFC 9470), and a client that heeds it comes back with a token that does.

import { fastify } from 'fastify'
import t from 'tap'
import { createTokenGuard } from '../../src/resource-server/fastify.ts'
import { createVerifier } from '../../src/resource-server/verifier.ts'
import { api, createRequests } from '../protocol/requests.ts'
import { createBrowser } from '../support/browser.ts'
import { startTestServer } from '../support/server.ts'
import { audience, startFakeIssuer } from './fake-issuer.ts'

/** The members of a challenge (RFC 9110 §11.2). */
function membersOf(challenge: unknown): Record<string, string> {
  return Object.fromEntries(
    [...String(challenge).matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [
      name,
      value
    ])
  )
}

t.test('a token of a weak or old sign-in is told what is wanted (RFC 9470 §3)', async t => {
  const issuer = await startFakeIssuer(t)
  const verifier = createVerifier({ issuer: issuer.url, audience, clockToleranceSeconds: 0 })
  const { requireToken } = createTokenGuard({ verifier })
  const app = fastify()
  t.teardown(() => app.close())
  const demand = { acrValues: ['urn:mfa', 'urn:hw'], maxAgeSeconds: 60 }
  app.get('/pay', { onRequest: requireToken(demand) }, async () => 'paid')
  app.get('/look', { onRequest: requireToken({ maxAgeSeconds: 60 }) }, async () => 'seen')
  app.get('/both', { onRequest: requireToken({ scope: 'pay', ...demand }) }, async () => 'both')
  const now = Math.floor(Date.now() / 1000)
  const ask = async (url: string, claims: object) =>
    app.inject({
      url,
      headers: { authorization: `Bearer ${await issuer.sign({ claims: { ...claims } })}` }
    })

  t.equal((await ask('/pay', { acr: 'urn:hw', auth_time: now })).statusCode, 200)
  const refused: [string, object][] = [
    ['another acr', { acr: 'urn:pwd', auth_time: now }],
    ['an older sign-in', { acr: 'urn:mfa', auth_time: now - 120 }],
    ['no acr', { auth_time: now }],
    ['no auth_time', { acr: 'urn:mfa' }],
    ['a list', { acr: ['urn:mfa'], auth_time: now }],
    ['text for a time', { acr: 'urn:mfa', auth_time: String(now) }]
  ]
  for (const [what, claims] of refused) {
    const answer = await ask('/pay', claims)
    t.equal(answer.statusCode, 401, what)
    t.match(
      membersOf(answer.headers['www-authenticate']),
      {
        realm: audience,
        error: 'insufficient_user_authentication',
        acr_values: 'urn:mfa urn:hw',
        max_age: '60'
      },
      what
    )
    t.equal(answer.json().error, 'insufficient_user_authentication', what)
  }
  const old = await ask('/look', { auth_time: now - 120 })
  t.match(membersOf(old.headers['www-authenticate']), { max_age: '60' })
  t.notOk('acr_values' in membersOf(old.headers['www-authenticate']), 'only what is wanted')
  t.equal((await ask('/both', {})).statusCode, 403, 'the scope comes first: no sign-in helps there')
})

t.test('a demand that cannot be meant is refused at start', async t => {
  const issuer = await startFakeIssuer(t)
  const verifier = createVerifier({ issuer: issuer.url, audience })
  const { requireToken } = createTokenGuard({ verifier })
  t.throws(() => requireToken({ acrValues: [] }), TypeError)
  t.throws(() => requireToken({ acrValues: ['a b'] }), TypeError)
  t.throws(() => requireToken({ acrValues: ['a"b'] }), TypeError)
  t.throws(() => requireToken({ maxAgeSeconds: -1 }), TypeError)
  t.throws(() => requireToken({ maxAgeSeconds: 1.5 }), TypeError)
})

t.test('a client steps up as it is told, and the API serves it (RFC 9470 §4, §5)', async t => {
  const [weak, strong] = ['urn:test:weak', 'urn:test:strong']
  const server = await startTestServer(t, {
    acr: [
      { value: weak, amr: [] },
      { value: strong, amr: ['pwd'] }
    ]
  })
  const requests = createRequests(server)
  const verifier = createVerifier({ issuer: server.issuer, audience: api })
  const { requireToken, tokenOf } = createTokenGuard({ verifier })
  const app = fastify()
  t.teardown(() => app.close())
  app.get(
    '/pay',
    { onRequest: requireToken({ acrValues: [strong], maxAgeSeconds: 300 }) },
    async request => tokenOf(request).claims['acr']
  )
  const browser = createBrowser({ origin: server.issuer })
  const tokenWith = async (acr_values: string) =>
    (
      await requests.tokens({
        browser,
        scope: 'openid read:things',
        resource: [api, server.issuer],
        extra: { acr_values }
      })
    ).access_token
  const ask = (token: string) =>
    app.inject({ url: '/pay', headers: { authorization: `Bearer ${token}` } })

  const first = await ask(await tokenWith(weak))
  t.equal(first.statusCode, 401)
  const { acr_values = '' } = membersOf(first.headers['www-authenticate'])
  const second = await ask(await tokenWith(acr_values))
  t.equal(second.statusCode, 200)
  t.equal(second.body, strong)
})
