// Keys of trusted issuers: asked for once a minute whatever is sent, followed when they change, used on while the issuer is away, and never
// taken from somebody else.

import t from 'tap'
import { createSigner } from '../support/key-host.ts'
import { basic } from './requests.ts'
import { grant, now, startWorkloads } from './workloads.ts'

const { host, clock, server, requests, podToken, showing } = await startWorkloads(t)
const { token } = requests

t.test('keys are asked for once a minute, followed, and used while the issuer is down', async t => {
  const keysAt = '/cluster/openid/v1/jwks'
  clock.ahead += 61
  const before = host.askedFor(keysAt)
  const next = await createSigner('cluster-2', 'RS256')
  const flood = async () => {
    for (let i = 0; i < 10; i += 1) {
      const jwt = await podToken({}, { kid: `invented-${i}` })
      t.equal((await token(showing(jwt, 'reports'), grant)).status, 401)
    }
  }
  await flood()
  t.equal(host.askedFor(keysAt), before + 1)
  clock.ahead += 61
  host.answers.set(keysAt, { keys: [next.jwk] })
  t.equal((await token(showing(await podToken({}, {}, next), 'reports'), grant)).status, 200)
  t.equal((await token(showing(await podToken(), 'reports'), grant)).status, 401, 'withdrawn')

  await host.stop()
  clock.ahead += 3600
  // the pod's clock goes on, too
  const later = {
    iat: now() + clock.ahead,
    nbf: now() + clock.ahead,
    exp: now() + clock.ahead + 600
  }
  t.equal((await token(showing(await podToken(later, {}, next), 'reports'), grant)).status, 200)
  const unknown = await token(showing(await podToken(later, { kid: 'x' }), 'reports'), grant)
  t.match(unknown, { status: 503, body: { error: 'temporarily_unavailable' } })
  t.ok(unknown.headers.get('retry-after'), 'it may be a new key, and nobody can tell now')
  const billing = await token(basic('billing'), grant)
  t.equal(billing.status, 200, 'others do not notice')
  await host.start()
})

t.test('an issuer whose metadata is of another one has no keys', async t => {
  host.answers.set('/cluster/.well-known/openid-configuration', {
    issuer: 'https://evil.test',
    jwks_uri: `${host.url}/evil`
  })
  clock.ahead += 90_000
  const later = {
    iat: now() + clock.ahead,
    nbf: now() + clock.ahead,
    exp: now() + clock.ahead + 600
  }
  const answer = await token(showing(await podToken(later), 'reports'), grant)
  t.equal(answer.status, 503)
  t.equal(host.askedFor('/evil'), 0)
  t.match(JSON.stringify(server.log.slice(-20)), /is of another issuer/)
})
