// What an API says of itself (RFC 9728), and where its challenges say that it does.

import { fastify } from 'fastify'
import t from 'tap'
import { protectedResource } from '../../src/resource-server/protected-resource.ts'
import {
  resourceMetadata,
  resourceMetadataUrl
} from '../../src/resource-server/resource-metadata.ts'
import { createVerifier } from '../../src/resource-server/verifier.ts'
import { startFakeIssuer } from './fake-issuer.ts'

const audience = 'https://api.example.com/mcp'
const metadataUrl = 'https://api.example.com/.well-known/oauth-protected-resource/mcp'
const issuer = await startFakeIssuer(t)

t.test('the well-known string stands between host and path (RFC 9728 §3.1)', async t => {
  const places: readonly [string, string][] = [
    [audience, metadataUrl],
    ['https://api.example.com', 'https://api.example.com/.well-known/oauth-protected-resource'],
    ['https://api.example.com/', 'https://api.example.com/.well-known/oauth-protected-resource'],
    [
      'http://localhost:8080/a/b?c=d',
      'http://localhost:8080/.well-known/oauth-protected-resource/a/b?c=d'
    ]
  ]
  for (const [resource, url] of places) t.equal(resourceMetadataUrl(resource), url)
  for (const none of ['urn:example:api', 'api', 'https://api.example.com/#x']) {
    t.throws(() => resourceMetadataUrl(none), TypeError, none)
  }
})

t.test('the document names the resource and whom to ask (RFC 9728 §2)', async t => {
  const said = {
    resource: audience,
    authorization_servers: [issuer.url],
    bearer_methods_supported: ['header']
  }
  t.strictSame(resourceMetadata({ audience, issuer: issuer.url, dpop: 'off' }), said)
  const proofs = { dpop_signing_alg_values_supported: ['ES256', 'RS256', 'PS256', 'EdDSA'] }
  t.strictSame(resourceMetadata({ audience, issuer: issuer.url }), { ...said, ...proofs })
  const bound = resourceMetadata({
    audience,
    issuer: issuer.url,
    dpop: 'required',
    certificates: 'accepted'
  })
  t.strictSame(bound, {
    ...said,
    ...proofs,
    dpop_bound_access_tokens_required: true,
    tls_client_certificate_bound_access_tokens: true
  })
  const app = fastify()
  t.teardown(() => app.close())
  await app.register(protectedResource, {
    ...{ audience, issuer: issuer.url, scopes: ['read:things'] },
    ...{ name: 'Things', documentation: 'https://api.example.com/docs' }
  })
  const answer = await app.inject({ url: '/.well-known/oauth-protected-resource/mcp' })
  t.equal(answer.headers['access-control-allow-origin'], '*')
  t.match(answer.headers['content-type'], 'application/json')
  t.match(answer.json(), {
    resource: audience,
    scopes_supported: ['read:things'],
    resource_name: 'Things',
    resource_documentation: 'https://api.example.com/docs'
  })
})

t.test('every challenge says where it is, and what is needed (RFC 9728 §5.1)', async t => {
  const options = { issuer: issuer.url, audience }
  const verifier = createVerifier({ ...options, resourceMetadata: 'published' })
  const token = await issuer.sign({ claims: { aud: audience, scope: 'read:things' } })
  const verified = await verifier.verify(`Bearer ${token}`)
  if (!verified.ok) throw new Error(verified.description)
  const refusals = [
    await verifier.verify(undefined, { scope: 'read:things' }),
    await verifier.verify('Bearer x', { scope: 'read:things' }),
    verifier.requireScope(verified.token, 'write:things')
  ]
  const scopes = ['read:things', 'read:things', 'write:things']
  for (const [index, refusal] of refusals.entries()) {
    const challenge = refusal !== undefined && !refusal.ok ? refusal.challenge : undefined
    t.match(challenge, `resource_metadata="${metadataUrl}"`)
    t.match(challenge, `scope="${scopes[index]}"`)
  }
  const plain = await createVerifier(options).verify(undefined)
  t.notMatch(plain, { challenge: 'resource_metadata' }, 'an API that serves none does not say so')
  t.throws(() =>
    createVerifier({ ...options, audience: 'urn:example:api', resourceMetadata: 'published' })
  )
})
