// Malformed and forged JWTs at every place that reads one: refused, in words, without fetching anything that their headers name, and
// without ever being believed.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  exportSPKI,
  generateKeyPair,
  importJWK,
  type JWK,
  type JWTHeaderParameters,
  SignJWT
} from 'jose'
import t from 'tap'
import { endpoints } from '../../src/protocol/configuration.ts'
import { redirectUri, secretOf } from '../support/configuration.ts'
import { signIn } from '../support/relying-party.ts'
import { person } from '../support/server.ts'
import { assertUnharmed, startArena } from './arena.ts'
import { authorizeQuery, basic, form } from './endpoints.ts'
import type { Wire } from './wire.ts'

type Key = Awaited<ReturnType<typeof generateKeyPair>>['privateKey']

const b64 = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** Everything that is not a token of ours, made from a genuine one and the public key that verifies it. */
async function forgeries(
  genuine: string,
  publicJwk: JWK,
  sink: string
): Promise<[string, string][]> {
  const [head = '', payload = '', signature = ''] = genuine.split('.')
  const header = JSON.parse(Buffer.from(head, 'base64url').toString()) as JWTHeaderParameters
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const spki = await exportSPKI((await importJWK(publicJwk, 'ES256')) as Key)
  const signed = (more: Record<string, unknown>, key: Key | Uint8Array = privateKey) =>
    new SignJWT(claims).setProtectedHeader({ ...header, ...more } as JWTHeaderParameters).sign(key)
  const unsigned = (changed: Record<string, unknown>, tail = signature) =>
    `${b64({ ...header, ...changed })}.${payload}.${tail}`
  const attackersJwk = { kty: 'EC', crv: 'P-256', x: publicJwk.x, y: publicJwk.y, d: 'AAAA' }

  return [
    ['dots', '..'],
    ['an empty header', `.${payload}.${signature}`],
    ['an empty payload', `${head}..${signature}`],
    ['no signature', `${head}.${payload}.`],
    ['no third part', `${head}.${payload}`],
    ['a fourth part', `${genuine}.${signature}`],
    ['a line break at its end', `${genuine}%0a`],
    ['a swapped payload', `${head}.${b64({ ...claims, sub: 'somebody else' })}.${signature}`],
    ['a cut signature', genuine.slice(0, -2)],
    ['a payload that is no object', `${head}.${b64('null')}.${signature}`],
    ['a header that is no object', `${b64('null')}.${payload}.${signature}`],
    ['a header that is a list', `${b64([])}.${payload}.${signature}`],
    ['a header that is no JSON', `${b64('{"alg"')}.${payload}.${signature}`],
    ['a header of 30 KB', `${b64({ ...header, x: 'x'.repeat(20_000) })}.${payload}.${signature}`],
    ['alg none', unsigned({ alg: 'none' }, '')],
    ['alg nOnE', unsigned({ alg: 'nOnE' })],
    ['no alg', unsigned({ alg: undefined })],
    ['alg __proto__', unsigned({ alg: '__proto__' })],
    ['alg as a number', unsigned({ alg: 1 })],
    [
      'HS256 with the public JWK',
      await signed({ alg: 'HS256' }, Buffer.from(JSON.stringify(publicJwk)))
    ],
    ['HS256 with the public PEM', await signed({ alg: 'HS256' }, Buffer.from(spki))],
    ['HS256 with an empty key', unsigned({ alg: 'HS256' })],
    ['another key under our kid', await signed({})],
    ['no kid', await signed({ kid: undefined })],
    ['a kid that is a path', await signed({ kid: '../../../../../../dev/null' })],
    ['a kid that is SQL', await signed({ kid: "' OR 1=1 --" })],
    ['a kid that is a URL', await signed({ kid: `${sink}/kid` })],
    ['a kid with a NUL', await signed({ kid: 'a\u0000b' })],
    ['a kid that is an object', unsigned({ kid: { a: 1 } })],
    ['jku', await signed({ jku: `${sink}/jku` })],
    ['x5u', await signed({ x5u: `${sink}/x5u` })],
    ['jwk', await signed({ jwk: { ...publicJwk, ...attackersJwk } })],
    ['x5c', await signed({ x5c: ['MIIB'] })],
    ['crit', unsigned({ crit: ['exp'], exp: 1 })],
    ['b64 false', unsigned({ crit: ['b64'], b64: false })],
    ['zip', unsigned({ zip: 'DEF' })],
    ['typ JWT', unsigned({ typ: 'JWT' })],
    [
      'a JWE',
      `${b64({ alg: 'PBES2-HS256+A128KW', enc: 'A128GCM', p2c: 1e9, p2s: 'AA' })}.AA.AA.AA.AA`
    ],
    ['a JWE with zip', `${b64({ alg: 'RSA-OAEP', enc: 'A256GCM', zip: 'DEF' })}.AA.AA.AA.AA`],
    ['JSON serialization', JSON.stringify({ payload, protected: head, signature })],
    ['flattened JSON', JSON.stringify({ payload, signatures: [{ protected: head, signature }] })],
    ['a public key', JSON.stringify(publicJwk)],
    ['a header alone', head],
    ['10,000 parts', '.'.repeat(10_000)],
    [
      'the attacker\u2019s own',
      await new SignJWT({ ...claims, iss: sink })
        .setProtectedHeader({ ...header, jwk: publicKey && attackersJwk } as JWTHeaderParameters)
        .sign(privateKey)
    ]
  ]
}

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
