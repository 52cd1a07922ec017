// Tokens that are bound to a certificate, at an API (RFC 8705 §3): over TLS with Fastify, and with whatever form of a certificate the API
// has at hand.

import { once } from 'node:events'
import { request } from 'node:https'
import Fastify from 'fastify'
import t from 'tap'
import { resourceServer } from '../../src/resource-server/fastify.ts'
import { createVerifier } from '../../src/resource-server/verifier.ts'
import { createAuthority, selfSigned } from '../support/certificates.ts'
import { audience, startFakeIssuer } from './fake-issuer.ts'

const issuer = await startFakeIssuer(t)
const own = await selfSigned()
const other = await selfSigned()
const bound = await issuer.sign({ claims: { cnf: { 'x5t#S256': own.thumbprint } } })
const bearer = await issuer.sign({})

t.test(
  'a bound token counts with its certificate, in each form, and with no other (RFC 8705 §3)',
  async t => {
    const verifier = createVerifier({ issuer: issuer.url, audience })
    const { certificate } = own
    for (const shown of [certificate, certificate.raw, own.cert, { raw: certificate.raw }]) {
      t.match(await verifier.verify(`Bearer ${bound}`, { certificate: shown }), { ok: true })
    }
    t.match(await verifier.verify(bearer, { certificate }), { ok: true }, 'a bearer token goes on')
    const none = /bound to a certificate, and the request shows none/
    for (const shown of [
      undefined,
      {},
      { certificate: undefined },
      { certificate: {} },
      { certificate: 'x' }
    ]) {
      t.match(await verifier.verify(bound, shown), {
        status: 401,
        error: 'invalid_token',
        description: none
      })
    }
    t.match(await verifier.verify(bound, { certificate: other.cert }), {
      status: 401,
      error: 'invalid_token',
      description: /another certificate/,
      challenge: /error="invalid_token"/
    })
  }
)

t.test('a binding besides the certificate, or of no form, is refused (RFC 7800 §3.1)', async t => {
  const verifier = createVerifier({ issuer: issuer.url, audience })
  const { certificate, thumbprint } = own
  const strange = [
    { 'x5t#S256': thumbprint, jkt: 'x' },
    { jkt: thumbprint },
    {},
    [],
    null,
    'x5t#S256',
    { 'x5t#S256': [thumbprint] },
    { 'x5t#S256': null }
  ]
  for (const cnf of strange) {
    const token = await issuer.sign({ claims: { cnf } })
    t.match(
      await verifier.verify(token, { certificate }),
      { ok: false, status: 401 },
      JSON.stringify(cnf)
    )
  }
})

t.test(
  'with Fastify the certificate is that of the connection, or what the API reads of its proxy',
  async t => {
    const authority = await createAuthority()
    const server = await authority.issue({
      subject: 'CN=localhost',
      names: [{ type: 'dns', value: 'localhost' }]
    })
    const https = {
      cert: server.cert,
      key: server.key,
      requestCert: true,
      rejectUnauthorized: false
    }
    const app = Fastify({ https })
    await app.register(async api => {
      await api.register(resourceServer, { issuer: issuer.url, audience })
      api.get('/things', async () => ({ things: [] }))
    })
    await app.register(async api => {
      const certificateOf = () => own.cert
      await api.register(resourceServer, { issuer: issuer.url, audience, certificateOf })
      api.get('/proxied', async () => ({ things: [] }))
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    t.teardown(() => app.close())
    const address = app.server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const ask = async (path: string, token: string, identity?: typeof own) => {
      const sent = request({
        ...{
          host: '127.0.0.1',
          servername: 'localhost',
          port,
          path,
          ca: authority.cert,
          agent: false
        },
        headers: { authorization: `Bearer ${token}` },
        cert: identity?.cert,
        key: identity?.key
      })
      sent.end()
      const [answer] = await once(sent, 'response')
      answer.resume()
      return answer.statusCode
    }
    t.equal(await ask('/things', bound, own), 200)
    t.equal(await ask('/things', bound, other), 401)
    t.equal(await ask('/things', bound), 401)
    t.equal(await ask('/things', bearer), 200)
    t.equal(await ask('/proxied', bound, other), 200, 'the API’s own word counts')
  }
)
