// Malformed and forged JWTs at every place that reads one: refused, in words, without fetching anything that their headers name, and
// without ever being believed.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { generateKeyPair, type JWK, SignJWT } from 'jose'
import t from 'tap'
import { endpoints } from '../../src/protocol/configuration.ts'
import { redirectUri, secretOf } from '../support/configuration.ts'
import { signIn } from '../support/relying-party.ts'
import { person } from '../support/server.ts'
import { assertUnharmed, startArena } from './arena.ts'
import { authorizeQuery, basic, form } from './endpoints.ts'
import { forgeries } from './forgeries.ts'
import type { Wire } from './wire.ts'

t.test('forged tokens are refused wherever a token is read, and nothing is fetched', async t => {
  let connections = 0
  const sinkServer = createServer((_request, response) => response.end('{"keys":[]}'))
  sinkServer.on('connection', () => void connections++)
  await new Promise<void>(resolve => sinkServer.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise(resolve => sinkServer.close(resolve)))
  const sink = `http://127.0.0.1:${(sinkServer.address() as AddressInfo).port}`

  const keyPair = await generateKeyPair('ES256', { extractable: true })
  const { x, y } = (await crypto.subtle.exportKey('jwk', keyPair.publicKey)) as {
    x: string
    y: string
  }
  const arena = await startArena(t, {
    clients: [
      {
        client_id: 'signer',
        type: 'machine',
        client_name: 'Signs its requests',
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [{ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig', kid: 'own', x, y }] }
      }
    ]
  })
  const { tokens } = await signIn({
    issuer: arena.issuer,
    clientId: 'web',
    clientSecret: secretOf('web'),
    redirectUri,
    scope: 'openid',
    ...person
  })
  const jwks = JSON.parse((await arena.send({ target: endpoints.jwks })).text) as { keys: JWK[] }
  const kid = JSON.parse(
    Buffer.from(tokens.access_token.split('.')[0] ?? '', 'base64url').toString()
  ).kid as string
  const publicJwk = jwks.keys.find(key => key.kid === kid) as JWK

  const assertion = (jwt: string) =>
    new URLSearchParams({
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: jwt
    }).toString()
  const genuineAssertion = await new SignJWT({ jti: 'one' })
    .setProtectedHeader({ alg: 'ES256', kid: 'own' })
    .setIssuer('signer')
    .setSubject('signer')
    .setAudience(arena.issuer)
    .setIssuedAt()
    .setExpirationTime('1m')
    .sign(keyPair.privateKey)
  const accepted = await arena.send({
    method: 'POST',
    target: endpoints.token,
    headers: [form],
    body: assertion(genuineAssertion)
  })
  t.equal(accepted.status, 200, 'the genuine assertion is accepted')

  const tokenForgeries: [string, string][] = [
    ...(await forgeries(tokens.access_token, publicJwk, sink)),
    ['an ID token of ours', tokens.id_token ?? '']
  ]
  const assertionForgeries = await forgeries(
    genuineAssertion,
    { kty: 'EC', crv: 'P-256', x, y },
    sink
  )
  const { userinfo, introspection, revocation, token, authorization, end_session } = endpoints
  const encode = encodeURIComponent
  const places: [
    string,
    [string, string][],
    (jwt: string) => Wire,
    (status: number, text: string) => boolean
  ][] = [
    [
      'Bearer at userinfo',
      tokenForgeries.filter(([, jwt]) => /^[\x21-\x7e]*$/.test(jwt) && jwt.length < 12_000),
      jwt => ({ target: userinfo, headers: [['authorization', `Bearer ${jwt}`]] }),
      status => status === 401 || status === 400
    ],
    [
      'form at userinfo',
      tokenForgeries,
      jwt => ({
        method: 'POST',
        target: userinfo,
        headers: [form],
        body: `access_token=${encode(jwt)}`
      }),
      status => status === 401 || status === 400
    ],
    [
      'introspection',
      tokenForgeries,
      jwt => ({
        method: 'POST',
        target: introspection,
        headers: [form, basic('web')],
        body: `token=${encode(jwt)}`
      }),
      (status, text) => status === 200 && text === '{"active":false}'
    ],
    [
      'revocation',
      tokenForgeries,
      jwt => ({
        method: 'POST',
        target: revocation,
        headers: [form, basic('web')],
        body: `token=${encode(jwt)}`
      }),
      status => status === 200
    ],
    [
      'client assertion',
      assertionForgeries,
      jwt => ({ method: 'POST', target: token, headers: [form], body: assertion(jwt) }),
      status => status === 401 || status === 400
    ],
    [
      'DPoP proof',
      assertionForgeries.filter(([, jwt]) => /^[\x21-\x7e]*$/.test(jwt) && jwt.length < 12_000),
      jwt => ({
        method: 'POST',
        target: token,
        headers: [form, basic('billing'), ['dpop', jwt]],
        body: 'grant_type=client_credentials'
      }),
      status => status === 400
    ],
    [
      'refresh token',
      tokenForgeries,
      jwt => ({
        method: 'POST',
        target: token,
        headers: [form, basic('web')],
        body: `grant_type=refresh_token&refresh_token=${encode(jwt)}`
      }),
      status => status === 400
    ],
    [
      'request object',
      tokenForgeries.filter(([, jwt]) => jwt.length < 10_000),
      jwt => ({ target: `${authorization}?${authorizeQuery}&request=${encode(jwt)}` }),
      status => status === 303
    ],
    [
      'id_token_hint at authorize',
      tokenForgeries.filter(([, jwt]) => jwt.length < 10_000 && jwt !== tokens.id_token),
      jwt => ({ target: `${authorization}?${authorizeQuery}&id_token_hint=${encode(jwt)}` }),
      status => status === 303
    ],
    [
      'id_token_hint at logout',
      tokenForgeries.filter(([, jwt]) => jwt.length < 10_000 && jwt !== tokens.id_token),
      jwt => ({ target: `${end_session}?id_token_hint=${encode(jwt)}` }),
      status => status === 400
    ]
  ]
  for (const [place, all, wireOf, holds] of places) {
    const failures: string[] = []
    for (const [title, jwt] of all) {
      const wire = wireOf(jwt)
      const reader = wire.target.startsWith(authorization) || wire.target.startsWith(end_session)
      const answer = await arena.send(wire)
      const problems = arena.problemsOf({ reader: reader ? 'person' : 'client' }, wire, answer)
      if (!holds(answer.status, answer.text)) problems.push(`status ${answer.status}`)
      for (const problem of problems)
        failures.push(`${title}: ${problem} — ${answer.text.slice(0, 200)}`)
    }
    t.same(failures, [], `${place}: ${all.length} forgeries`)
  }

  const still = await arena.send({
    target: userinfo,
    headers: [['authorization', `Bearer ${tokens.access_token}`]]
  })
  t.equal(still.status, 200, 'the genuine token outlived them all')
  t.equal(connections, 0, 'nobody asked the addresses in the headers')
  await assertUnharmed(t, arena)
})

t.test('a token of 1 MB is refused unread at every endpoint that takes one', async t => {
  const arena = await startArena(t)
  const huge = '.'.repeat(1024 * 1024)
  for (const target of [endpoints.userinfo, endpoints.introspection, endpoints.revocation]) {
    const wire = {
      method: 'POST',
      target,
      headers: [form, basic('web')],
      body: `token=${huge}&access_token=${huge}`
    }
    const answer = await arena.send(wire)
    t.equal(answer.status, 413, target)
    t.same(arena.problemsOf({ reader: 'client' }, wire, answer), [])
  }
  const wire = {
    target: endpoints.userinfo,
    headers: [['authorization', `Bearer ${huge}`]] as const
  }
  t.equal((await arena.send(wire)).status, 431, 'in a header')
  await assertUnharmed(t, arena)
})
