// The package against the server itself, over HTTP: proofs that openid-client makes, and introspection as the server answers it, in each form
// and with each proof of the API.

import { fastify } from 'fastify'
import { exportJWK, generateKeyPair } from 'jose'
import * as oidc from 'openid-client'
import t from 'tap'
import { createTokenGuard } from '../../src/resource-server/fastify.ts'
import { createVerifier, type IntrospectionOptions } from '../../src/resource-server/verifier.ts'
import { api, secretOf } from '../support/configuration.ts'
import { discover } from '../support/relying-party.ts'
import { freePort, startTestServer } from '../support/server.ts'

const keyed = 'https://keyed.example.com'
const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
const server = await startTestServer(t, {
  clients: [
    {
      client_id: 'keyed-api',
      type: 'machine',
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256', kid: 'one', use: 'sig' }] }
    }
  ],
  resources: [
    {
      identifier: keyed,
      scopes: { 'read:keyed': { en: 'See' } },
      clients: ['billing'],
      introspectionClient: 'keyed-api'
    }
  ]
})
const { issuer } = server
const billing = await discover({ issuer, clientId: 'billing', clientSecret: secretOf('billing') })
const byKey = { clientId: 'keyed-api', clientKey: { key: privateKey, alg: 'ES256', kid: 'one' } }
const bySecret = { clientId: 'api-server', clientSecret: secretOf('api-server') }
const machine = (resource: string) => oidc.clientCredentialsGrant(billing, { resource })

t.test('openid-client reaches an API with a bound token and nonces (RFC 9449)', async t => {
  const port = await freePort()
  const publicUrl = `http://127.0.0.1:${port}`
  const options = { issuer, audience: api, publicUrl, dpop: 'required', dpopNonce: 'required' }
  const verifier = createVerifier(options as Parameters<typeof createVerifier>[0])
  const { requireToken, tokenOf } = createTokenGuard({ verifier })
  const app = fastify()
  t.teardown(() => app.close())
  const onRequest = requireToken({ scope: 'read:things' })
  app.get('/things', { onRequest }, async request => tokenOf(request).clientId)
  await app.listen({ port, host: '127.0.0.1' })

  const DPoP = oidc.getDPoPHandle(billing, await oidc.randomDPoPKeyPair('ES256'))
  const parameters = { resource: api, scope: 'read:things' }
  const tokens = await oidc.clientCredentialsGrant(billing, parameters, { DPoP })
  t.equal(tokens.token_type, 'dpop')
  const call = (handle: oidc.DPoPHandle) =>
    oidc.fetchProtectedResource(
      ...([billing, tokens.access_token, new URL(`${publicUrl}/things?page=2`), 'GET'] as const),
      ...([undefined, undefined, { DPoP: handle }] as const)
    )
  const answer = await call(DPoP)
  t.same([answer.status, await answer.text()], [200, 'billing'])
  const thief = oidc.getDPoPHandle(billing, await oidc.randomDPoPKeyPair('ES256'))
  await t.rejects(call(thief), 'another key is refused')
  const bearer = await fetch(`${publicUrl}/things`, {
    headers: { authorization: `Bearer ${tokens.access_token}` }
  })
  t.equal(bearer.status, 401)
})

t.test('a single revoked token opens nothing more where it is asked about (RFC 7662)', async t => {
  const introspections: [string, string, IntrospectionOptions][] = [
    ['a secret, JSON', api, bySecret],
    ['a secret, signed', api, { ...bySecret, answer: 'jwt' }],
    ['a key, JSON', keyed, byKey],
    ['a key, signed', keyed, { ...byKey, answer: 'jwt' }]
  ]
  for (const [title, audience, way] of introspections) {
    const introspection = { ...way, tokens: 'always', cacheSeconds: 0 } as const
    const verifier = createVerifier({ issuer, audience, introspection })
    const [one, two] = [await machine(audience), await machine(audience)]
    t.match(await verifier.verify(one.access_token), { ok: true, token: { subject: 'billing' } })
    await oidc.tokenRevocation(billing, one.access_token)
    t.match(await verifier.verify(one.access_token), { status: 401 }, title)
    t.match(await verifier.verify(two.access_token), { ok: true }, `${title}, the other one`)
    t.match(await createVerifier({ issuer, audience }).verify(one.access_token), { ok: true })
  }
})

t.test('an API with a wrong secret is told 503, and its callers nothing of it', async t => {
  const introspection = { ...bySecret, clientSecret: 'x'.repeat(43), tokens: 'always' } as const
  const verifier = createVerifier({ issuer, audience: api, introspection })
  const { access_token } = await machine(api)
  t.match(await verifier.verify(access_token), {
    status: 503,
    cause: { cause: { message: /answered 401/ } }
  })
})
