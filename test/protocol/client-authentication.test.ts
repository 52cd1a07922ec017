// How clients prove who they are (RFC 6749 §2.3, RFC 7523 §3): secrets in the header or the body, assertions signed with a registered key,
// and nothing for public clients. What is sent must be one mechanism, and of the kind that is registered.

import { randomUUID } from 'node:crypto'
import {
  type CryptoKey,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  type JWTPayload,
  SignJWT
} from 'jose'
import * as oidc from 'openid-client'
import t from 'tap'
import { secretOf } from '../support/configuration.ts'
import { discover } from '../support/relying-party.ts'
import { startTestServer } from '../support/server.ts'
import {
  basic,
  type Caller,
  createProver,
  createRequests,
  inBody,
  nobody,
  publicly,
  web
} from './requests.ts'

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const pair = await generateKeyPair('ES256', { extractable: true })
const stranger = await generateKeyPair('ES256', { extractable: true })
const publicJwk = { ...(await exportJWK(pair.publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' }

const server = await startTestServer(t, {
  clients: [
    {
      client_id: 'signer',
      type: 'machine',
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [publicJwk] }
    },
    {
      client_id: 'poster',
      type: 'machine',
      token_endpoint_auth_method: 'client_secret_post',
      client_secret: secretOf('poster')
    }
  ]
})
const requests = createRequests(server)
const { issuer, token } = requests
const grant = { grant_type: 'client_credentials' }
const now = () => Math.floor(Date.now() / 1000)

async function sign(
  claims: JWTPayload = {},
  header: Record<string, unknown> = {},
  key: CryptoKey | Uint8Array = pair.privateKey
): Promise<string> {
  return new SignJWT({
    iss: 'signer',
    sub: 'signer',
    aud: issuer,
    jti: randomUUID(),
    iat: now(),
    exp: now() + 60,
    ...claims
  })
    .setProtectedHeader({ alg: 'ES256', kid: 'k1', ...header })
    .sign(key)
}

const asserting = (client_assertion: string, parameters: Record<string, string> = {}): Caller => ({
  headers: {},
  parameters: { client_assertion, client_assertion_type: assertionType, ...parameters }
})

t.test(
  'openid-client authenticates by each advertised method (RFC 6749 §2.3.1, RFC 7523 §2.2)',
  async t => {
    const { body } = await requests.get('/.well-known/openid-configuration')
    const tried: Record<string, [string, oidc.ClientAuth]> = {
      client_secret_basic: ['billing', oidc.ClientSecretBasic(secretOf('billing'))],
      client_secret_post: ['poster', oidc.ClientSecretPost(secretOf('poster'))],
      private_key_jwt: ['signer', oidc.PrivateKeyJwt({ key: pair.privateKey, kid: 'k1' })]
    }
    t.same(
      [...Object.keys(tried), 'none', 'client_secret_jwt'].sort(),
      [...(body['token_endpoint_auth_methods_supported'] as string[])].sort(),
      'none is what public clients use; client-secret-jwt.test.ts has the other one'
    )
    for (const [method, [clientId, clientAuthentication]] of Object.entries(tried)) {
      const config = await discover({ issuer, clientId, clientAuthentication })
      const tokens = await oidc.clientCredentialsGrant(config)
      t.type(tokens.access_token, 'string', method)
    }
  }
)

t.test('each advertised algorithm of assertions is taken (RFC 7523 §3)', async t => {
  const { body } = await requests.get('/.well-known/openid-configuration')
  const algorithms = body['token_endpoint_auth_signing_alg_values_supported'] as string[]
  t.same([...algorithms].sort(), ['ES256', 'EdDSA', 'HS256', 'PS256', 'RS256'])
  // HS256 is that of client_secret_jwt (client-secret-jwt.test.ts)
  for (const alg of algorithms.filter(one => one !== 'HS256')) {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
    const metadata = {
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [{ ...(await exportJWK(publicKey)), alg, use: 'sig', kid: alg }] }
    }
    const made = await server.server.clients.create({ type: 'machine', owner: 'cli', metadata })
    if (!made.ok) throw new Error(JSON.stringify(made))
    const { clientId } = made.client
    const assertion = await sign({ iss: clientId, sub: clientId }, { alg, kid: alg }, privateKey)
    t.equal((await token(asserting(assertion), grant)).status, 200, alg)
  }
})

t.test(
  'a wrong secret is 401 invalid_client with WWW-Authenticate, as is an unknown client (RFC 6749 §5.2)',
  async t => {
    const wrong = await token(basic('billing', 'x'.repeat(43)), grant)
    const unknown = await token(basic('nobody', 'x'.repeat(43)), grant)
    for (const answer of [wrong, unknown]) {
      t.match(answer, { status: 401, body: { error: 'invalid_client' } })
      t.match(answer.headers.get('www-authenticate'), /^Basic realm=/)
      t.match(answer.headers.get('cache-control'), /no-store/)
    }
    t.equal(wrong.text, unknown.text, 'and the two cannot be told apart')
    t.match(await token(inBody('billing', 'wrong'), grant), {
      status: 401,
      body: { error: 'invalid_client' }
    })
    const hash = 'kC8cL7a7z0b0Yp6u1o9m2n3b4v5c6x7z8a9s0d1f2g3'
    t.equal((await token(basic('billing', hash), grant)).status, 401)
  }
)

t.test(
  'a confidential client that proves nothing is 401 at every endpoint (RFC 6749 §2.3, RFC 7662 §2.1)',
  async t => {
    for (const path of [
      '/oauth/token',
      '/oauth/par',
      '/oauth/introspect',
      '/oauth/revoke',
      '/oauth/device'
    ]) {
      for (const caller of [nobody, publicly('billing'), publicly('web'), publicly('signer')]) {
        const answer = await requests.post(path, caller, { ...grant, token: 'x', scope: 'openid' })
        const who = caller.parameters['client_id'] ?? 'nobody'
        t.match(answer, { status: 401, body: { error: 'invalid_client' } }, `${who} at ${path}`)
      }
    }
  }
)

t.test('two mechanisms at once are invalid_request (RFC 6749 §2.3)', async t => {
  const assertion = await sign()
  const both: Caller[] = [
    { headers: basic('billing').headers, parameters: inBody('billing').parameters },
    { headers: basic('signer', 'x').headers, parameters: asserting(assertion).parameters },
    { headers: {}, parameters: { ...asserting(assertion).parameters, client_secret: 'x' } },
    {
      headers: basic('billing').headers,
      parameters: { client_assertion: 'e30.e30.', client_assertion_type: assertionType }
    }
  ]
  for (const caller of both) {
    t.match(await token(caller, grant), { status: 400, body: { error: 'invalid_request' } })
  }
})

t.test('a mechanism of another kind than the registered one is refused (RFC 7591 §2)', async t => {
  const signedBySecretClient = await sign({ iss: 'billing', sub: 'billing' })
  t.equal((await token(asserting(signedBySecretClient), grant)).status, 401)
  t.equal((await token(basic('signer', 'x'.repeat(43)), grant)).status, 401)
  const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${(await sign()).split('.')[1]}.`
  t.equal((await token(asserting(unsigned), grant)).status, 401)
})

t.test('a secret sent by a public client does not make it more (RFC 6749 §2.1)', async t => {
  const answer = await token(inBody('spa', 'x'), {
    grant_type: 'refresh_token',
    refresh_token: 'x'
  })
  t.match(answer, { status: 401, body: { error: 'invalid_client' } })
})

t.test('a malformed Authorization header is 400 or 401, never 500 (RFC 7617 §2)', async t => {
  const encode = (text: string) => Buffer.from(text, 'latin1').toString('base64')
  const values = [
    'Basic',
    'Basic ',
    'Basic %%%',
    `Basic ${encode('billing')}`,
    `Basic ${encode(':')}`,
    `Basic ${encode('billing:')}`,
    `Basic ${encode('billing:%')}`,
    `Basic ${encode('billing:%ff%fe')}`,
    `Basic ${encode('bill\0ing:x')}`,
    `Basic ${encode('\xff\xfe:\xff')}`,
    `Basic ${encode('a:b')} ${encode('a:b')}`,
    `Bearer ${encode('billing:x')}`,
    `Negotiate ${encode('x')}`,
    `Basic ${encode(`billing:${'x'.repeat(8000)}`)}`
  ]
  for (const authorization of values) {
    const answer = await token({ headers: { authorization }, parameters: {} }, grant)
    t.ok(
      answer.status === 400 || answer.status === 401,
      `${answer.status} ${authorization.slice(0, 40)}`
    )
    t.match(answer.body['error'], /^invalid_(client|request)$/)
  }
})

t.test(
  'an assertion is for the issuer, as a string, and for nobody else (RFC 7523 §3)',
  async t => {
    t.equal((await token(asserting(await sign()), grant)).status, 200, 'the control')
    const others: Record<string, unknown> = {
      'the token endpoint': `${issuer}/oauth/token`,
      'the PAR endpoint': `${issuer}/oauth/par`,
      'a trailing slash': `${issuer}/`,
      'a list of the issuer': [issuer],
      'a list with somebody else': [issuer, 'https://evil.test'],
      'another server': 'https://evil.test',
      'another server’s token endpoint': 'https://evil.test/oauth/token',
      nobody: undefined,
      empty: '',
      'a number': 1,
      'an object': { issuer }
    }
    for (const [what, aud] of Object.entries(others)) {
      const answer = await token(asserting(await sign({ aud: aud as string })), grant)
      t.match(answer, { status: 401, body: { error: 'invalid_client' } }, what)
    }
  }
)

t.test(
  'an assertion lives five minutes at most, and not before its time (RFC 7523 §3)',
  async t => {
    const taken: JWTPayload[] = [
      { exp: now() + 290 },
      { exp: now() - 5, iat: now() - 60 },
      { iat: now() + 10 },
      { nbf: now() + 10 }
    ]
    for (const claims of taken) {
      t.equal(
        (await token(asserting(await sign(claims)), grant)).status,
        200,
        JSON.stringify(claims)
      )
    }
    const refused: Record<string, unknown>[] = [
      { exp: now() + 330 },
      { exp: now() + 3600 },
      { exp: 2 ** 53 },
      { exp: 1e300 },
      { exp: -1 },
      { exp: now() - 60, iat: now() - 120 },
      { exp: undefined },
      { exp: String(now() + 60) },
      { exp: null },
      { nbf: now() + 61 },
      { iat: now() + 61 }
    ]
    for (const claims of refused) {
      const answer = await token(asserting(await sign(claims as JWTPayload)), grant)
      t.match(answer, { status: 401, body: { error: 'invalid_client' } }, JSON.stringify(claims))
    }
  }
)

t.test('an assertion is used once, also by eight at the same time (RFC 7523 §3)', async t => {
  const once = await sign()
  t.equal((await token(asserting(once), grant)).status, 200)
  t.match(await token(asserting(once), grant), { status: 401, body: { error: 'invalid_client' } })
  const parallel = await sign()
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => token(asserting(parallel), grant))
  )
  t.same(answers.map(({ status }) => status).sort(), [200, 401, 401, 401, 401, 401, 401, 401])
  t.match(await token(asserting(await sign({ jti: undefined as unknown as string })), grant), {
    status: 401
  })
})

t.test(
  'an assertion and a proof of one client may have the same jti (RFC 7523 §3, RFC 9449 §11.1)',
  async t => {
    const prover = await createProver()
    const jti = randomUUID()
    const url = `${issuer}/oauth/token`
    const [assertion, proof] = [await sign({ jti }), await prover.proof({ url, claims: { jti } })]
    t.equal((await token(asserting(assertion), grant, { dpop: proof })).status, 200)
    const fresh = await prover.proof({ url })
    t.match(await token(asserting(assertion), grant, { dpop: fresh }), { status: 401 })
    t.match(await token(asserting(await sign()), grant, { dpop: proof }), {
      status: 400,
      body: { error: 'invalid_dpop_proof' }
    })
  }
)

t.test('iss, sub and client_id are one and the same client (RFC 7523 §3)', async t => {
  const wrong: [JWTPayload, Record<string, string>][] = [
    [{ iss: 'web' }, {}],
    [{ sub: 'web' }, {}],
    [{ iss: 'web', sub: 'web' }, {}],
    [{ iss: issuer }, {}],
    [{ sub: undefined as unknown as string }, {}],
    [{ iss: undefined as unknown as string }, {}],
    [{}, { client_id: 'web' }]
  ]
  for (const [claims, parameters] of wrong) {
    const answer = await token(asserting(await sign(claims), parameters), grant)
    t.ok(answer.status === 400 || answer.status === 401, JSON.stringify([claims, parameters]))
    t.match(answer.body['error'], /^invalid_(client|request)$/)
  }
  t.equal((await token(asserting(await sign(), { client_id: 'signer' }), grant)).status, 200)
})

t.test(
  'the key and its algorithm come from the registration alone (RFC 8725 §3.1, §3.10)',
  async t => {
    const pem = new TextEncoder().encode(await exportSPKI(pair.publicKey))
    const json = new TextEncoder().encode(JSON.stringify(publicJwk))
    const strangerJwk = await exportJWK(stranger.publicKey)
    const none = (alg: string) => {
      const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
      const claims = {
        iss: 'signer',
        sub: 'signer',
        aud: issuer,
        jti: randomUUID(),
        exp: now() + 60
      }
      return `${part({ alg, kid: 'k1' })}.${part(claims)}.`
    }
    const forged: Record<string, string> = {
      'another key': await sign({}, {}, stranger.privateKey),
      'another key, another kid': await sign({}, { kid: 'k2' }, stranger.privateKey),
      'a key in the header': await sign({}, { jwk: strangerJwk }, stranger.privateKey),
      'a key by URL': await sign({}, { jku: 'https://evil.test/jwks' }, stranger.privateKey),
      'a certificate by URL': await sign({}, { x5u: 'https://evil.test/x' }, stranger.privateKey),
      'a kid that is a path': await sign({}, { kid: '../../dev/null' }, stranger.privateKey),
      'HS256 with the public key as PEM': await sign({}, { alg: 'HS256' }, pem),
      'HS256 with the public key as JSON': await sign({}, { alg: 'HS256' }, json),
      'alg none': none('none'),
      'alg None': none('None'),
      'alg nOnE': none('nOnE'),
      'ES256 without signature': none('ES256'),
      'trailing data': `${await sign()}.x`,
      'no JWT': 'x',
      'JSON serialization': JSON.stringify({ payload: 'e30', signatures: [] }),
      nothing: 'e30.e30.e30'
    }
    for (const [what, assertion] of Object.entries(forged)) {
      const answer = await token(asserting(assertion), grant)
      t.ok(answer.status === 400 || answer.status === 401, `${what}: ${answer.status}`)
      t.match(answer.body['error'], /^invalid_(client|request)$/, what)
      t.notOk('access_token' in answer.body, what)
    }
  }
)

t.test(
  'an access token or an ID token of ours is no client assertion (RFC 8725 §3.12)',
  async t => {
    const tokens = await requests.tokens()
    for (const value of [tokens.access_token, tokens.id_token]) {
      const answer = await token(asserting(value), grant)
      t.match(answer, { status: 401, body: { error: 'invalid_client' } })
    }
  }
)

t.test(
  'a browser is let in from where the client redirects to, and from nowhere else (RFC 9700 §2.6)',
  async t => {
    const from = (origin: string) =>
      requests.token(web.caller, { grant_type: 'refresh_token', refresh_token: 'x' }, { origin })
    const own = await from('https://app.example.com')
    t.equal(own.headers.get('access-control-allow-origin'), 'https://app.example.com')
    t.equal(own.headers.get('access-control-allow-credentials'), null)
    for (const origin of [
      'https://evil.example.com',
      'null',
      'https://app.example.com.evil.test'
    ]) {
      t.equal((await from(origin)).headers.get('access-control-allow-origin'), null, origin)
    }
    const page = await requests.get('/authorize', { origin: 'https://app.example.com' })
    t.equal(page.headers.get('access-control-allow-origin'), null)
  }
)
